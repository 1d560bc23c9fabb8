/* SPDX-License-Identifier: Apache-2.0 */
/* What fat.c, fat_layout.c and fat_names.c share. */
#ifndef ASSAY_FORMATS_FAT_FAT_INTERNAL_H
#define ASSAY_FORMATS_FAT_FAT_INTERNAL_H

#include "formats/fat/fat.h"

enum {
    FAT_NAME_SIZE = 11,
    FAT_ENTRY = 32,
    FAT_LONG_CHARS = 13,
    FAT_ROOT_SECTORS = 32 /* of FAT12 and FAT16 */
};

/* A directory or a file; in the order of paths, a directory before what is in it. */
struct fat_node {
    const char *name; /* into the path of some file; not terminated */
    size_t name_len;
    size_t file; /* index into files; FAT_NO_FILE: a directory */
    uint32_t parent;
    uint32_t
        end; /* one behind the last node below it: the children of i are i+1, nodes[i+1].end, … */
    uint8_t alias[FAT_NAME_SIZE]; /* the short name */
    bool has_long;
    uint64_t bytes;    /* contents; directories: their entries, 0 for a fixed root */
    uint32_t cluster;  /* the first; 0: none */
    uint32_t clusters; /* how many */
};
#define FAT_NO_FILE SIZE_MAX

struct fat {
    struct fat_options options;
    const struct fat_file *files;
    size_t file_count;
    struct fat_node *nodes; /* nodes[0] is the root */
    size_t node_count;
    size_t node_cap;
    enum fat_type type;
    uint32_t sectors_per_cluster;
    uint32_t reserved;     /* sectors */
    uint32_t fat_sectors;  /* each of the two */
    uint32_t root_sectors; /* FAT12 and FAT16 */
    uint32_t clusters;
    uint32_t sectors; /* all */
    uint32_t used;    /* clusters */
    uint32_t *order;  /* nodes that have clusters, by their first cluster */
    size_t order_count;
};

/* fat_names.c: nodes from paths, and short names for them. */
int fat_make_nodes(struct fat *f, struct err *e);
/* Entries of 32 bytes that the node takes in its directory. */
size_t fat_entry_count(const struct fat_node *node);
/* Appends its entries: the long name's, last part first, then the short one as given. */
int fat_put_entries(const struct fat_node *node, const uint8_t entry[FAT_ENTRY], struct buf *out,
                    struct err *e);

/* fat_layout.c: the kind of FAT, the size of everything, and where each node is. */
int fat_make_layout(struct fat *f, struct err *e);

#endif
