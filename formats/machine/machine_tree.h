/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's hash tree over its 2^64 bytes (docs/formats/machine.md, section 5),
 * computed from the ranges' bytes alone: in one pass, on several threads, with
 * bounded memory. Pages of zeros and holes of files cost next to nothing.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_TREE_H
#define ASSAY_FORMATS_MACHINE_MACHINE_TREE_H

#include "base/err.h"
#include "formats/machine/machine_hash.h"

enum { MACHINE_LEAF_LOG2 = 5, MACHINE_ROOT_LOG2 = 64, MACHINE_PROOF_MAX = 59 };

/* One range, `start` a multiple of 2^log2. */
struct tree_range {
    const char *name; /* in errors; borrowed */
    uint64_t start;
    uint64_t length; /* a multiple of the page, at most 2^log2; zeros follow */
    unsigned log2;   /* at least 12 */
    int fd;          /* its bytes, from `base`; borrowed */
    uint64_t base;
    /* Its hash when there are no bytes (fd is -1): known from elsewhere. Borrowed. */
    const uint8_t *known;
};

struct machine_tree {
    const struct machine_hasher *hasher;
    const struct tree_range *ranges; /* ascending, disjoint; borrowed */
    size_t count;
    unsigned jobs;
    uint8_t pristine[MACHINE_ROOT_LOG2 + 1][MACHINE_HASH_SIZE]; /* by level; 0 to 4 unused */
};

void machine_tree_init(struct machine_tree *t, const struct machine_hasher *hasher,
                       const struct tree_range *ranges, size_t count, unsigned jobs);
/*
 * The hash of the node (address, log2), log2 in [5, 64], address a multiple of
 * 2^log2. ERR_INPUT when a file is shorter than its range, or when the node lies
 * inside a range whose bytes are not there.
 */
int machine_tree_node(const struct machine_tree *t, uint64_t address, unsigned log2,
                      uint8_t out[MACHINE_HASH_SIZE], struct err *e);

/*
 * Hashes of `count` pages of range number `range` from page `first`, side by
 * side into zeros at `out`: of holes nothing is written.
 */
int machine_tree_pages(const struct machine_tree *t, size_t range, uint64_t first, size_t count,
                       uint8_t *out, struct err *e);

/* The siblings of a node, from its own level up to 63. */
struct machine_proof {
    enum machine_hash function;
    uint64_t address;
    unsigned log2;
    uint8_t target[MACHINE_HASH_SIZE];
    uint8_t root[MACHINE_HASH_SIZE];
    size_t count; /* 64 - log2 */
    uint8_t siblings[MACHINE_PROOF_MAX][MACHINE_HASH_SIZE];
};
/* `function` of *out is the caller's to set. ERR_USAGE for an address that is no multiple. */
int machine_tree_prove(const struct machine_tree *t, uint64_t address, unsigned log2,
                       struct machine_proof *out, struct err *e);
/* The root that target and siblings lead to. */
void machine_proof_root(const struct machine_proof *p, uint8_t out[MACHINE_HASH_SIZE]);
/* The hash of `log2` bytes of data, at least 2^5 and at most 2^32. */
void machine_data_hash(const struct machine_hasher *hasher, uint8_t *data_spoiled, unsigned log2,
                       uint8_t out[MACHINE_HASH_SIZE]);

#endif
