/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS images, uncompressed: our own writer (docs/formats/erofs.md). erofs_layout.c decides where
 * everything is, erofs_write.c writes it from the first byte to the last; erofs_chunks.c knows of
 * files with holes.
 */
#ifndef ASSAY_FORMATS_EROFS_EROFS_H
#define ASSAY_FORMATS_EROFS_EROFS_H

#include "base/progress.h"
#include "formats/stream/sink.h"
#include "formats/tree/image_writer.h"
#include "formats/tree/pieces.h"
#include "formats/tree/view.h"

enum {
    EROFS_BLOCK = 4096,
    EROFS_SLOT = 32, /* inodes start at multiples of it */
    EROFS_COMPACT_SIZE = 32,
    EROFS_EXTENDED_SIZE = 64,
    EROFS_DIRENT_SIZE = 12,
    EROFS_XATTR_HEADER = 12,
    EROFS_XATTR_ENTRY = 4,
    EROFS_ROOT_NID = EROFS_BLOCK / EROFS_SLOT, /* the first slot of the second block */
};

/* One inode of the view, in its order. */
struct erofs_inode {
    uint64_t nid; /* its byte / EROFS_SLOT */
    uint64_t size;
    uint32_t block;       /* the first one with contents */
    uint32_t blocks;      /* that are written for it; 0 when another inode has the same */
    uint32_t xattr_bytes; /* 0: none */
    uint32_t links;
    uint16_t tail; /* bytes behind the inode */
    bool compact;
    bool inline_tail;
    uint64_t stored;            /* blocks of its own pieces */
    struct tree_pieces *pieces; /* of a file with holes; else NULL */
};

struct erofs_layout {
    const struct view *view;
    uint64_t time; /* of the image; inodes with another are extended */
    bool xattrs;
    struct erofs_inode *inodes;
    size_t inode_count;
    uint32_t *order;      /* inodes by where they are */
    uint64_t meta_blocks; /* with the super block's */
    uint64_t blocks;
    uint32_t zeros; /* where the chunk of zeros is; 0: no file has holes */
};

/* ERR_INPUT, with its path, for what EROFS cannot have. `reader`: large files are looked into for
 * holes; NULL: none is. */
int erofs_layout(const struct view *view, uint64_t time, bool xattrs, struct tree_reader *reader,
                 struct erofs_layout *out, struct err *e);
void erofs_layout_dispose(struct erofs_layout *l);
#define AUTO_EROFS_LAYOUT AUTO(erofs_layout_dispose) struct erofs_layout

/* Calls `add` for each entry of a directory in EROFS's order: children, "." and "..", by bytes.
 * `inode`: the view's. */
typedef int erofs_entry(void *context, const char *name, uint32_t inode, struct err *e);
int erofs_entries(const struct view *v, uint32_t dir_node, erofs_entry *add, void *context,
                  struct err *e);

/* Sets the pieces of a file that has holes, and how many blocks they take. */
int erofs_find_holes(struct tree_reader *reader, const struct tree_content *c,
                     struct erofs_inode *out, struct err *e);
/* Blocks of the chunk of zeros that holes are: that of the file with the largest chunks. */
uint64_t erofs_zeros_wanted(const struct erofs_layout *l);
/* Of such a file: the bytes of its map, which stands behind the inode and its attributes (0 for any
 * other file); the size of its chunks, as the inode says it; the map; its pieces. */
uint64_t erofs_map_bytes(const struct erofs_inode *n);
uint16_t erofs_chunk_format(const struct erofs_inode *n);
int erofs_map_write(const struct erofs_inode *n, uint32_t zeros, struct image_writer *out,
                    struct err *e);
int erofs_pieces_write(const struct erofs_inode *n, const struct tree_content *c,
                       struct image_writer *out, struct err *e);

/* Writes the image. */
int erofs_write(const struct erofs_layout *l, const struct tree *tree, struct cas *cas,
                struct progress *progress, const uint8_t uuid[16], struct sink sink, struct err *e);

#endif
