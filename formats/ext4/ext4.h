/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext4 images: our own writer (docs/formats/ext4.md). ext4_layout.c decides where everything is,
 * ext4_xattr.c stores attributes, ext4_inode.c makes inodes and directories, ext4_write.c writes
 * it all from the first byte to the last.
 */
#ifndef ASSAY_FORMATS_EXT4_EXT4_H
#define ASSAY_FORMATS_EXT4_EXT4_H

#include "base/progress.h"
#include "formats/stream/sink.h"
#include "formats/tree/pieces.h"
#include "formats/tree/view.h"

enum {
    EXT4_BLOCK = 4096,
    EXT4_GROUP_BLOCKS = 8 * EXT4_BLOCK, /* what one block of bitmap tells of */
    EXT4_INODE = 256,
    EXT4_INODES_PER_BLOCK = EXT4_BLOCK / EXT4_INODE,
    EXT4_EXTRA = 32,        /* of the fields behind the first 128 bytes */
    EXT4_INODE_XATTRS = 96, /* bytes behind those */
    EXT4_FIRST_INODE = 11,  /* lost+found's, or the first free one */
    EXT4_ROOT_INODE = 2,
    EXT4_LABEL_MAX = 16,
    EXT4_EXTENT_MAX = 32768,  /* blocks */
    EXT4_INODE_EXTENTS = 4,   /* in an inode; more are in blocks of their own */
    EXT4_BLOCK_EXTENTS = 340, /* in such a block */
    EXT4_FAST_LINK = 60,      /* links shorter than this are in their inode */
    EXT4_LINKS_MAX = 65000,
    EXT4_HOLE = 65536, /* bytes: holes are multiples of this, or of some double */
};

struct ext4_params {
    uint64_t size; /* bytes; 0: the smallest */
    uint64_t time;
    const char *label;
    bool xattrs;
    uint8_t uuid[16];
    uint8_t hash_seed[16];
};

/*
 * Blocks of data are counted apart from the metadata of groups that stands between them. An inode
 * has a run of them: its attributes' block, its blocks of extents, its contents.
 */
struct ext4_node {
    uint64_t start;
    uint64_t size;
    uint32_t blocks;            /* of contents, holes not counted */
    struct tree_pieces *pieces; /* of a file with holes; else NULL */
    uint32_t links;
    uint16_t leaves; /* blocks of extents: 0 or 1 */
    bool xattr_block;
    bool xattr_inode; /* attributes fit the inode */
};

struct ext4_group {
    uint64_t data;  /* of all groups before this one */
    uint32_t start; /* block where its data begin */
    uint32_t blocks;
    bool backup; /* begins with a copy of super block and descriptors */
    uint32_t dirs;
};

struct ext4_layout {
    const struct view *v;
    const struct ext4_params *params;
    struct ext4_node *nodes; /* by the view's inode */
    uint32_t node_count;
    struct ext4_group *groups;
    uint32_t group_count;
    uint32_t table_blocks; /* of the descriptors */
    uint32_t group_inodes;
    uint32_t blocks;
    uint64_t data; /* blocks that are used */
};

/* Large files are looked into, by `reader`, for holes. */
int ext4_layout(const struct view *v, const struct ext4_params *params, struct tree_reader *reader,
                struct ext4_layout *out, struct err *e);
/* What the layout consists of, for tests: counts that meet a field's width. */
int ext4_check_directory(uint64_t size, struct err *e);
/* Sets n->leaves. */
int ext4_check_extents(struct ext4_node *n, struct err *e);
/* How many groups, inodes and blocks there are, by the view's inodes, l->data and the parameters.
 */
int ext4_size(struct ext4_layout *l, struct err *e);
void ext4_layout_dispose(struct ext4_layout *l);
#define AUTO_EXT4_LAYOUT AUTO(ext4_layout_dispose) struct ext4_layout

/* The number of the view's inode, and back: UINT32_MAX for those of nobody. */
static inline uint32_t ext4_number(uint32_t inode)
{
    return inode == 0 ? EXT4_ROOT_INODE : EXT4_FIRST_INODE - 1 + inode;
}
static inline uint32_t ext4_inode_of(const struct ext4_layout *l, uint64_t number)
{
    if (number == EXT4_ROOT_INODE)
        return 0;
    if (number < EXT4_FIRST_INODE || number - EXT4_FIRST_INODE + 1 >= l->v->inode_count)
        return UINT32_MAX;
    return (uint32_t)(number - EXT4_FIRST_INODE + 1);
}
static inline uint64_t ext4_inodes_used(const struct ext4_layout *l)
{
    return EXT4_FIRST_INODE - 2 + (uint64_t)l->v->inode_count;
}

/* The pieces of a file's contents: its holes are between them. *whole has room for the one of a
 * file without any. */
static inline size_t ext4_pieces(const struct ext4_node *n, struct tree_piece *whole,
                                 const struct tree_piece **out)
{
    *whole = (struct tree_piece){.len = (uint64_t)n->blocks * EXT4_BLOCK};
    *out = n->pieces != NULL ? n->pieces->items : whole;
    return n->pieces != NULL ? n->pieces->count : n->blocks > 0;
}
static inline uint32_t ext4_blocks(uint64_t bytes)
{
    return (uint32_t)((bytes + EXT4_BLOCK - 1) / EXT4_BLOCK);
}

struct ext4_run {
    uint32_t block; /* of the file system */
    uint32_t count;
};
/* Where data blocks from `start` are: the first run of them, at most `count` long. */
struct ext4_run ext4_place(const struct ext4_layout *l, uint64_t start, uint64_t count);

/* ---- ext4_xattr.c ----------------------------------------------------------- */

/* Where attributes go; ERR_INPUT, with its name, for what ext4 cannot have. */
int ext4_xattr_measure(const struct tree_inode *inode, struct ext4_node *out, struct err *e);
/* Into the EXT4_INODE_XATTRS bytes of an inode, or an EXT4_BLOCK. */
int ext4_xattr_write(const struct tree_inode *inode, bool block, uint8_t *out, struct err *e);

/* ---- ext4_inode.c ----------------------------------------------------------- */

/* Writes EXT4_INODE bytes. */
int ext4_inode_write(const struct ext4_layout *l, uint32_t inode, uint8_t *out, struct err *e);
/* The block of extents of an inode that has one. */
void ext4_leaf_write(const struct ext4_layout *l, uint32_t inode, uint8_t out[EXT4_BLOCK]);

/* Calls `emit` for each block of a directory. */
typedef int ext4_emit(void *context, const uint8_t block[EXT4_BLOCK], struct err *e);
int ext4_directory(const struct view *v, uint32_t dir_node, ext4_emit *emit, void *context,
                   struct err *e);

/* ---- ext4_write.c ----------------------------------------------------------- */

int ext4_write(const struct ext4_layout *l, const struct tree *tree, struct cas *cas,
               struct progress *progress, struct sink sink, struct err *e);

#endif
