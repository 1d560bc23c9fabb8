/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulator's cache files: where things stand in them, and how they are read
 * (docs/formats/machine.md, section 6). Numbers are little-endian. What the
 * emulator does with them is modelled by cache_dense, cache_sparse and
 * cache_pages (docs/formats/machine.md).
 */
#ifndef ASSAY_FORMATS_MACHINE_CACHE_FILE_H
#define ASSAY_FORMATS_MACHINE_CACHE_FILE_H

#include "formats/machine/snapshot.h"

/* `.dpt`: a byte a node, heap order from 1, `.dht` likewise with hashes. */
enum {
    DPT_STATE = 0, /* the byte that is no node: 0 until the emulator has filled the file */
    DPT_CLEAN = 0,
    DPT_DIRTY = 1, /* and nothing else is */
};

/* `hash_tree.sht`: node 0 stands for zeros, 1 is the root, then one node a range. */
enum {
    SHT_LEFT = 0,
    SHT_RIGHT = 8,
    SHT_PARENT = 16,
    SHT_LOG2 = 24,   /* 32 bits */
    SHT_MARKED = 28, /* 32 bits */
    SHT_HASH = 32,
    SHT_NODE = 64,
    SHT_FIRST_RANGE = 2,
};

/* `hash_tree.phtc`: a head, then entries; the last one lacks its last 8 bytes. */
enum {
    PHTC_TAG = 0,
    PHTC_USED = 8,  /* entries in the list */
    PHTC_LIST = 16, /* the list's own link: first and last entry */
    PHTC_ENTRIES = 32,
    PHTC_LINK_NEXT = 0,
    PHTC_LINK_PREVIOUS = 8,
    PHTC_PAGE = 16,
    PHTC_HASHES = PHTC_PAGE + MACHINE_PAGE, /* heap order; the place of number 0 has the rest */
    PHTC_ADDRESS = PHTC_HASHES,
    PHTC_BORROWED = PHTC_HASHES + 8,
    PHTC_LEAVES = MACHINE_PAGE / 32,
    PHTC_ENTRY = PHTC_HASHES + 2 * PHTC_LEAVES * MACHINE_HASH_SIZE,
};
#define PHTC_INITIALISED ((uint64_t)0x50485443)
#define PHTC_NO_LINK ((uint64_t)1) /* links are relative to their own place */

/* A cache file of the right size; -1 when it is missing or wrong (another check says so). */
int cache_open(const struct snapshot *s, const char *name, uint64_t size);
/* The whole file into `size` zeros at `out`; holes are not touched. fd -1: nothing is done. */
int cache_read(int fd, uint8_t *out, uint64_t size, const char *name, struct err *e);

#endif
