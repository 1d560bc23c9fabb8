/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caches of one range, `.dpt` and `.dht`, as the emulator loads and updates
 * them. A node is a number in heap order: 1 is the range, `leaves` + i is page i.
 */
#ifndef ASSAY_FORMATS_MACHINE_CACHE_DENSE_H
#define ASSAY_FORMATS_MACHINE_CACHE_DENSE_H

#include "formats/machine/cache_file.h"
#include "formats/machine/cache_pages.h"
#include "formats/machine/snapshot_check.h"

struct cache_dense {
    const struct machine_tree *tree;   /* borrowed */
    const struct machine_range *range; /* borrowed */
    int data;                          /* the range's bytes; borrowed */
    uint64_t leaves;
    uint8_t *marks;  /* of `.dpt` */
    bool empty;      /* the emulator has not filled them yet */
    uint8_t *hashes; /* of `.dht`; NULL: nothing but zeros, of which the update leaves none */
    uint8_t *truth;  /* the true hashes; 32 zeros stand for pages of zeros */
    bool changed;    /* the emulator found a page whose hash it did not have */
};

/*
 * Reads both files and computes the truth. Marks that the emulator never writes
 * are findings. Files that are not there count as empty ones. Dispose *out
 * whatever the result.
 */
int cache_dense_load(struct cache_dense *out, const struct snapshot *s, size_t range,
                     const struct machine_tree *tree, struct findings *f, struct err *e);
void cache_dense_dispose(struct cache_dense *d);
#define AUTO_CACHE_DENSE AUTO(cache_dense_dispose) struct cache_dense

/* A page that the emulator takes for dirty, whatever the file says. */
void cache_dense_mark(struct cache_dense *d, uint64_t page);
/* What the emulator does before it prints a hash. */
int cache_dense_update(struct cache_dense *d, struct cache_pages *pages, struct err *e);
/* After the update: every hash that still is not the true one. */
int cache_dense_check(const struct cache_dense *d, struct findings *f, struct err *e);
/* The range's hash: what the emulator has now, and what is true. */
void cache_dense_roots(const struct cache_dense *d, uint8_t has[MACHINE_HASH_SIZE],
                       uint8_t truth[MACHINE_HASH_SIZE]);

#endif
