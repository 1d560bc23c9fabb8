/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of pages, `hash_tree.phtc`, as the emulator loads and uses it: a
 * list of entries, each a page's bytes and the hashes within it, the most recently
 * used first. Of a page only those words are hashed that differ from the entry's.
 */
#ifndef ASSAY_FORMATS_MACHINE_CACHE_PAGES_H
#define ASSAY_FORMATS_MACHINE_CACHE_PAGES_H

#include "formats/machine/cache_file.h"
#include "formats/machine/snapshot_check.h"

struct cache_entry {
    uint64_t address;
    uint32_t next; /* in the list; its head is entry `count` */
    uint32_t previous;
    uint32_t bucket;  /* the next entry in its bucket of the map */
    bool listed;      /* while the file is read */
    bool current;     /* holds what memory holds at its address */
    uint8_t *literal; /* its bytes, when its hashes are not those of its page; else NULL */
};

struct cache_pages {
    const struct machine_hasher *hasher;
    int fd; /* -1: empty */
    size_t count;
    size_t used;
    uint64_t file_size;
    struct cache_entry *entries; /* count + 1 */
    uint32_t *buckets;
    size_t bucket_mask;
    size_t literals; /* entries that have one */
    bool sound;      /* what the emulator does with it is defined */
    /* The hashes of a page of zeros, heap order. */
    uint8_t pristine[2 * PHTC_LEAVES * MACHINE_HASH_SIZE];
};

/*
 * Reads the file's list and checks its form and every entry's hashes: findings.
 * A file that is not there counts as an empty one. Dispose *out whatever the result.
 */
int cache_pages_load(struct cache_pages *out, const struct snapshot *s,
                     const struct machine_tree *tree, struct findings *f, struct err *e);
void cache_pages_dispose(struct cache_pages *c);
#define AUTO_CACHE_PAGES AUTO(cache_pages_dispose) struct cache_pages

/* A page of memory that the emulator hashes. */
struct cache_page {
    uint64_t address;
    int fd;
    uint64_t offset;      /* in fd */
    const uint8_t *truth; /* its true hash */
};
/* The hash that comes out, through the entry that the emulator would use. Needs a sound cache. */
int cache_pages_hash(struct cache_pages *c, const struct cache_page *page,
                     uint8_t out[MACHINE_HASH_SIZE], struct err *e);
/* A page that is hashed rightly whatever its entry holds: only the list is brought up to date. */
void cache_pages_pass(struct cache_pages *c, uint64_t address);
/* After the update: entries from which the emulator would answer wrongly. */
int cache_pages_check(const struct cache_pages *c, const struct snapshot *s, struct findings *f,
                      struct err *e);

#endif
