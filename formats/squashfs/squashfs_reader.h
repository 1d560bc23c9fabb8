/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads squashfs images (version 4.0), to say in files where two differ. Every offset, size and
 * count comes from the image and is hostile: all are bounded, and an image that breaks the format
 * is ERR_INPUT.
 */
#ifndef ASSAY_FORMATS_SQUASHFS_SQUASHFS_READER_H
#define ASSAY_FORMATS_SQUASHFS_SQUASHFS_READER_H

#include "formats/stream/bytes.h"

#include <stdbool.h>

enum {
    DRIVE_NAME_MAX = 256,
    DRIVE_TARGET_MAX = 65535,
};

enum drive_type {
    DRIVE_DIRECTORY,
    DRIVE_FILE,
    DRIVE_SYMLINK,
    DRIVE_BLOCK,
    DRIVE_CHAR,
    DRIVE_FIFO,
    DRIVE_SOCKET
};

struct drive_image {
    const char *name;          /* in errors; borrowed */
    const struct bytes *bytes; /* borrowed */
    uint16_t compressor;
    uint16_t flags;
    uint32_t inodes;
    uint32_t time; /* when it was made */
    uint32_t block_size;
    uint32_t fragments;
    uint32_t ids;
    uint64_t used;       /* bytes of the image, not more than the drive has */
    uint64_t data_start; /* behind the superblock and the compressor's options */
    uint64_t root;       /* the reference of the root's inode */
    uint64_t id_table;
    uint64_t inode_table;
    uint64_t directory_table;
    uint64_t fragment_table;
    uint64_t xattr_table;     /* UINT64_MAX = none */
    struct drive_meta *metas; /* a cache of decoded metadata blocks */
    uint8_t *raw;             /* room for one block as it is stored */
    uint8_t *block;           /* … and decoded */
    uint8_t *fragment;        /* the last fragment block that was decoded */
    size_t fragment_len;
    uint32_t fragment_index; /* UINT32_MAX = none */
};

/* A place in a table of metadata blocks. */
struct drive_place {
    uint64_t block; /* in the image */
    size_t offset;  /* in the decoded block */
};

struct drive_inode {
    enum drive_type type;
    uint32_t mode; /* permission bits */
    uint32_t uid;
    uint32_t gid;
    uint32_t time;
    uint32_t device;          /* as stored; of devices */
    uint64_t size;            /* of a file, a link's target, a directory's listing */
    struct drive_place place; /* of a file's block sizes, a link's target, a directory's listing */
    uint64_t blocks;          /* where a file's first block stands */
    uint32_t fragment;        /* UINT32_MAX = none */
    uint32_t fragment_offset;
    uint32_t number; /* of the inode: names of one file have one */
    uint32_t xattrs; /* a set's index; UINT32_MAX = none */
    uint32_t length; /* bytes of the inode in its table, a file's block sizes and a directory's
                        index left out */
};

/* Whether bytes start like a squashfs image. */
bool drive_is_squashfs(const uint8_t *head, size_t len);
/* Keeps `bytes` borrowed. Dispose *out whatever the result. */
int drive_image_open(const struct bytes *bytes, const char *name, struct drive_image *out,
                     struct err *e);
void drive_image_dispose(struct drive_image *image);
#define AUTO_DRIVE_IMAGE AUTO(drive_image_dispose) struct drive_image

/* The compressor's options as they are stored, cut at `max` bytes; none: *len is 0. */
int drive_options_read(const struct drive_image *image, uint8_t *out, size_t max, size_t *len,
                       struct err *e);
/* Where the fragments lie. */
typedef int drive_extent_fn(void *context, uint64_t start, uint64_t len, struct err *e);
int drive_fragments_read(struct drive_image *image, drive_extent_fn *found, void *context,
                         struct err *e);
/* Bytes of the inode table, decoded. */
int drive_inodes_size(struct drive_image *image, uint64_t *out, struct err *e);

/* The inode at a reference: image->root, or a directory entry's. */
int drive_inode_read(struct drive_image *image, uint64_t reference, struct drive_inode *out,
                     struct err *e);
/* A symbolic link's target; appends. */
int drive_target_read(struct drive_image *image, const struct drive_inode *inode, struct buf *out,
                      struct err *e);

/* One extended attribute; the name with its prefix ("user.x"). */
typedef int drive_xattr_fn(void *context, const char *name, const void *value, size_t len,
                           struct err *e);
/* Those of an inode, in order. */
int drive_xattrs_read(struct drive_image *image, const struct drive_inode *inode,
                      drive_xattr_fn *found, void *context, struct err *e);

struct drive_entry {
    char name[DRIVE_NAME_MAX + 1];
    uint64_t reference;
};
/* A directory's entries, each name once and in order; at most `max`. Caller frees *out. */
int drive_directory_read(struct drive_image *image, const struct drive_inode *inode, size_t max,
                         struct drive_entry **out, size_t *count, struct err *e);

/* A file's bytes, block by block. */
struct drive_file {
    struct drive_image *image;
    struct drive_inode inode;
    struct drive_place sizes;
    uint64_t at;       /* bytes before the next block */
    uint64_t position; /* of the next block in the image */
};
void drive_file_start(struct drive_image *image, const struct drive_inode *inode,
                      struct drive_file *out);
/* The next block; *len is 0 behind the last. *data is valid until the image is read again. */
int drive_file_next(struct drive_file *file, const uint8_t **data, size_t *len, struct err *e);

/* How the next block is stored. */
struct drive_block {
    uint64_t position; /* in the image */
    uint32_t stored;   /* bytes there; 0 = a hole */
    uint32_t word;     /* as the image says it: the stored size, and whether it is compressed */
    uint32_t len;      /* of the file's bytes in it */
    bool tail; /* in a fragment, with others: position, stored and word are the fragment's */
};
/* The block that drive_file_next() would give, without reading it; *there is false behind the last.
 * drive_file_skip() goes on to the one after it. */
int drive_file_peek(struct drive_file *file, struct drive_block *out, bool *there, struct err *e);
int drive_file_skip(struct drive_file *file, const struct drive_block *block, struct err *e);

#endif
