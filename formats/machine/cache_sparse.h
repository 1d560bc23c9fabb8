/* SPDX-License-Identifier: Apache-2.0 */
/* The tree that joins the ranges, `hash_tree.sht`, as the emulator loads and updates it. */
#ifndef ASSAY_FORMATS_MACHINE_CACHE_SPARSE_H
#define ASSAY_FORMATS_MACHINE_CACHE_SPARSE_H

#include "formats/machine/cache_file.h"
#include "formats/machine/snapshot_check.h"

struct cache_node {
    uint64_t left;   /* a node's number, 0 for zeros; of a range all ones */
    uint64_t right;  /* of a range its index */
    uint64_t parent; /* 0 of the root */
    uint32_t log2;
    uint32_t marked;
    bool pending;  /* in the emulator's queue */
    bool reported; /* a finding says that it is not the hash of its children */
    uint8_t hash[MACHINE_HASH_SIZE];
};

struct cache_sparse {
    const struct machine_tree *tree; /* borrowed */
    const struct snapshot *snapshot; /* borrowed */
    struct cache_node *nodes;
    size_t count;
    bool sound; /* the emulator loads it */
};

/* What the emulator has of a range after its pages are updated. */
struct cache_root {
    bool changed;
    uint8_t has[MACHINE_HASH_SIZE];
    uint8_t truth[MACHINE_HASH_SIZE];
};

/*
 * Reads the file; what the emulator would refuse or never writes: findings. A file that is not
 * there counts as an empty one. Dispose *out whatever the result.
 */
int cache_sparse_load(struct cache_sparse *out, const struct snapshot *s,
                      const struct machine_tree *tree, struct findings *f, struct err *e);
void cache_sparse_dispose(struct cache_sparse *c);
#define AUTO_CACHE_SPARSE AUTO(cache_sparse_dispose) struct cache_sparse

/* `roots`: one a range. */
void cache_sparse_update(struct cache_sparse *c, const struct cache_root *roots);
/* After the update: every hash that still is not the true one. */
int cache_sparse_check(const struct cache_sparse *c, const struct cache_root *roots,
                       struct findings *f, struct err *e);

#endif
