/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 6962 Merkle trees over SHA-256 (docs/formats/log.md, "Entries and the tree"): hashes,
 * the append state, proofs and their checks. Knows nothing of storage.
 *
 * A tree of n leaves is addressed through its complete subtrees: node (level,
 * index) covers the leaves [index << level, (index + 1) << level). Such a node
 * never changes once it exists, so a store of them only ever grows.
 */
#ifndef ASSAY_STORE_LOG_MERKLE_H
#define ASSAY_STORE_LOG_MERKLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MERKLE_HASH_SIZE = 32, MERKLE_LEVELS = 63, MERKLE_PROOF_MAX = 63 };
/* Sizes are positive 63-bit numbers, as SQLite's and every client's are. */
#define MERKLE_SIZE_MAX ((uint64_t)INT64_MAX)

struct merkle_hash {
    uint8_t bytes[MERKLE_HASH_SIZE];
};

/* Leaf to root. */
struct merkle_proof {
    size_t count;
    struct merkle_hash hashes[MERKLE_PROOF_MAX];
};

/* What appending needs to know of a tree: the hash of one complete subtree for each bit set in its
 * size. */
struct merkle_range {
    uint64_t size;
    struct merkle_hash
        nodes[MERKLE_LEVELS]; /* nodes[level] counts when bit `level` of size is set */
};

/* Where proofs are read from: the complete subtrees of a tree. */
struct merkle_source {
    void *context;
    int (*node)(void *context, unsigned level, uint64_t index, struct merkle_hash *out,
                struct err *e);
};

/* Receives each complete subtree that an append makes, the leaf first. */
struct merkle_sink {
    void *context;
    int (*node)(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash,
                struct err *e);
};

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b);
/* SHA-256(0x00 || entry) and SHA-256(0x01 || left || right). */
int merkle_leaf(const void *entry, size_t len, struct merkle_hash *out, struct err *e);
int merkle_parent(const struct merkle_hash *left, const struct merkle_hash *right,
                  struct merkle_hash *out, struct err *e);

/* Adds a leaf. `sink` may be NULL. On failure *range is as it was. */
int merkle_range_add(struct merkle_range *range, const struct merkle_hash *leaf,
                     const struct merkle_sink *sink, struct err *e);
/* The append state of the first `size` leaves. */
int merkle_range_load(const struct merkle_source *source, uint64_t size, struct merkle_range *out,
                      struct err *e);
/* The root; SHA-256 of nothing for the empty tree. */
int merkle_range_root(const struct merkle_range *range, struct merkle_hash *out, struct err *e);

/*
 * Making proofs, O(log size) nodes read. index < size; 1 <= old_size <= size (a
 * proof from the empty tree does not exist); ERR_INPUT otherwise.
 */
int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                           struct merkle_proof *out, struct err *e);
int merkle_prove_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size,
                             struct merkle_proof *out, struct err *e);

/* Checking: 0 when the proof holds, ERR_LOG when it does not. A proof of any other length than the
 * one right one fails. */
int merkle_check_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                           const struct merkle_proof *proof, const struct merkle_hash *root,
                           struct err *e);
/* old_size 0 is refused: everything is consistent with nothing, so there is no proof to check. */
int merkle_check_consistency(uint64_t old_size, uint64_t size, const struct merkle_proof *proof,
                             const struct merkle_hash *old_root, const struct merkle_hash *root,
                             struct err *e);

/*
 * Subtrees [start, end), start a multiple of the power of two at or above
 * end - start: a leaf in one, and one in a tree of `size` leaves (the empty one, start = end,
 * is in each). Trees are the subtrees with start 0, and the two checks above are these.
 */
int merkle_check_subtree_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t start,
                                   uint64_t end, const struct merkle_proof *proof,
                                   const struct merkle_hash *subtree, struct err *e);
int merkle_check_subtree(uint64_t start, uint64_t end, uint64_t size,
                         const struct merkle_proof *proof, const struct merkle_hash *subtree,
                         const struct merkle_hash *root, struct err *e);

#endif
