/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing squashfs 4.0 through libsquashfs (docs/formats/squashfs.md). The
 * library compresses, packs and de-duplicates blocks; the order of everything,
 * inode numbers, links, directories and attributes are decided here.
 * Private to the files squashfs_*.c and to what encodes with them.
 */
#ifndef ASSAY_FORMATS_SQUASHFS_SQUASHFS_H
#define ASSAY_FORMATS_SQUASHFS_SQUASHFS_H

#include "base/progress.h"
#include "formats/squashfs/squashfs_compressors.h"
#include "formats/tree/view.h"

#include <sqfs/block.h>
#include <sqfs/block_writer.h>
#include <sqfs/compressor.h>
#include <sqfs/error.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/meta_writer.h>
#include <sqfs/super.h>

enum { SQUASHFS_NO_XATTR = -1 };

struct squashfs_params {
    enum squashfs_compressor compressor;
    int level;
    uint32_t block_size;
    bool fragments;
    bool exports;
    bool xattrs;
    uint32_t time;
};

struct squashfs_input {
    const struct tree *tree; /* the view's */
    const struct view *view;
    struct cas *cas;
    struct progress *progress;
    unsigned jobs;
    struct squashfs_reuse *reuse; /* NULL: every block is compressed */
};

/* Writes the image to an empty file. The bytes depend on the view and the parameters, never on jobs
 * or packs. */
int squashfs_write(const struct squashfs_input *in, const struct squashfs_params *params, int fd,
                   struct err *e);

/* ---- counts that meet a field's width: ERR_INPUT, which says how many there may be ---------- */

/* A reference of an inode or a listing: its block, counted in bytes of the table, above 16 bits. */
int squashfs_check_reference(uint64_t reference, const char *table, struct err *e);
/* The index of a directory's inode, which the library counts in 16 bits without looking. */
int squashfs_check_index(const sqfs_inode_generic_t *dir, struct err *e);
/* A file's blocks, which the library counts up to half a gibi. */
int squashfs_check_blocks(uint64_t size, uint32_t block_size, struct err *e);

/* ---- squashfs_library.c: what the library wants from its host -------------- */

/* libsquashfs's file interface on a descriptor that somebody else owns. */
struct squashfs_file {
    sqfs_file_t base;
    int fd;
    uint64_t size;
    int error; /* errno of the operation that failed */
};
void squashfs_file_init(struct squashfs_file *f, int fd);
/* Zeros up to a multiple of `to` bytes. */
int squashfs_file_pad(struct squashfs_file *f, uint64_t to, struct err *e);
/* An error from the library's code, ERR_HOST or ERR_INPUT as it deserves. `doing`: "cannot write
 * the squashfs's inodes". */
int squashfs_fail(const struct squashfs_file *f, int code, const char *doing, struct err *e);
/* The numbers in superblocks, indexed by enum squashfs_compressor. */
extern const SQFS_COMPRESSOR squashfs_compressor_ids[];
/* The compressor, or with `unpack` its inverse. sqfs_destroy when done. */
int squashfs_compressor_new(const struct squashfs_params *params, bool unpack,
                            sqfs_compressor_t **out, struct err *e);

/* A compressor around another one, which answers for its options. Whoever makes it sets do_block,
 * destroy and copy, and owns `inner`. */
struct squashfs_wrapper {
    sqfs_compressor_t base;
    sqfs_compressor_t *inner;
};
void squashfs_wrapper_init(struct squashfs_wrapper *w, sqfs_compressor_t *inner);

/* ---- squashfs_xattr.c ------------------------------------------------------- */

struct squashfs_xattrs {
    const struct tree_inode **sets; /* one inode of each distinct set of attributes */
    size_t count;
    size_t cap;
    uint32_t *slots; /* open addressing over sets */
    size_t slot_count;
};
void squashfs_xattrs_dispose(struct squashfs_xattrs *x);
/* The index of the inode's attributes, 0xffffffff when it has none. `path` for errors. */
int squashfs_xattrs_add(struct squashfs_xattrs *x, const struct tree_inode *inode, const char *path,
                        uint32_t *index, struct err *e);
/* Writes the tables at the end of the file and their place into the super block. */
int squashfs_xattrs_write(const struct squashfs_xattrs *x, struct squashfs_file *f,
                          sqfs_compressor_t *cmp, sqfs_super_t *super, struct err *e);

/* ---- squashfs_blocks.c ------------------------------------------------------ */

/* Appends blocks to the file and shares equal runs of them; NULL when out of memory. `reuse` (may
 * be NULL) is told where blocks stand. */
sqfs_block_writer_t *squashfs_blocks_new(struct squashfs_file *f, struct squashfs_reuse *reuse);

/* ---- squashfs_reuse.c ------------------------------------------------------- */

/* Blocks of an earlier image with the same compressor, level and block size, and the index of those
 * of the image that is being written. The bytes that are written do not depend on it. */
struct squashfs_reuse;
int squashfs_reuse_new(uint32_t block_size, struct squashfs_reuse **out, struct err *e);
void squashfs_reuse_free(struct squashfs_reuse *r);
static inline void scope_squashfs_reuse(struct squashfs_reuse **r)
{
    squashfs_reuse_free(*r);
}
#define AUTO_SQUASHFS_REUSE AUTO(scope_squashfs_reuse)
/* Takes the blocks of `image` into account, as its index says; a damaged one of the two is
 * ERR_INPUT, and nothing is taken. Before anything is compressed. */
int squashfs_reuse_load(struct squashfs_reuse *r, struct cas *cas, const struct digest *image,
                        const struct digest *index, struct err *e);
/* The index of the image that was written, as a blob. */
int squashfs_reuse_store(struct squashfs_reuse *r, struct cas *cas, struct digest *index,
                         struct err *e);
/* The index as bytes: any bytes may be parsed. */
int squashfs_reuse_parse(struct squashfs_reuse *r, const void *data, size_t len,
                         uint64_t image_size, struct err *e);
int squashfs_reuse_format(struct squashfs_reuse *r, struct buf *out, struct err *e);
/* A compressor that takes over what it can and leaves the rest to a copy of `cmp`; `uncmp` is its
 * inverse. NULL when out of memory. */
sqfs_compressor_t *squashfs_reuse_compressor(struct squashfs_reuse *r, const sqfs_compressor_t *cmp,
                                             const sqfs_compressor_t *uncmp);
/* Stored bytes were written at `offset`. */
void squashfs_reuse_place(struct squashfs_reuse *r, const void *data, uint32_t len,
                          uint64_t offset);

/* ---- squashfs_data.c -------------------------------------------------------- */

struct squashfs_data;
/* Writes the contents of every file of the view; the fragment table is kept for
 * squashfs_data_finish. */
int squashfs_data_new(const struct squashfs_input *in, const struct squashfs_params *params,
                      struct squashfs_file *f, sqfs_compressor_t *cmp, sqfs_compressor_t *uncmp,
                      struct squashfs_data **out, struct err *e);
int squashfs_data_write(struct squashfs_data *d, struct err *e);
/* Where the bytes of the view's inode are: a file inode that the caller copies, or NULL for an
 * empty file. */
const sqfs_inode_generic_t *squashfs_data_inode(const struct squashfs_data *d, size_t inode);
int squashfs_data_write_fragments(struct squashfs_data *d, sqfs_super_t *super, struct err *e);
void squashfs_data_free(struct squashfs_data *d);

#endif
