/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads squashfs images (version 4.0) inside flash drives, to say in the guest's terms where two
 * machines differ. Every offset, size and count comes from the image and is hostile: all are
 * bounded, and an image that breaks the format is ERR_INPUT.
 */
#ifndef ASSAY_FORMATS_SQUASHFS_SQUASHFS_READER_H
#define ASSAY_FORMATS_SQUASHFS_SQUASHFS_READER_H

#include "base/buf.h"

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
    const char *name; /* in errors; borrowed */
    int fd;           /* borrowed */
    uint16_t compressor;
    uint32_t block_size;
    uint32_t fragments;
    uint32_t ids;
    uint64_t used; /* bytes of the image, not more than the drive has */
    uint64_t root; /* the reference of the root's inode */
    uint64_t id_table;
    uint64_t inode_table;
    uint64_t directory_table;
    uint64_t fragment_table;
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
};

/* Whether the drive starts like a squashfs image. ERR_HOST when it cannot be read. */
int drive_is_squashfs(int fd, uint64_t length, bool *out, struct err *e);
/* Dispose *out whatever the result. */
int drive_image_open(int fd, uint64_t length, const char *name, struct drive_image *out,
                     struct err *e);
void drive_image_dispose(struct drive_image *image);
#define AUTO_DRIVE_IMAGE AUTO(drive_image_dispose) struct drive_image

/* The inode at a reference: image->root, or a directory entry's. */
int drive_inode_read(struct drive_image *image, uint64_t reference, struct drive_inode *out,
                     struct err *e);
/* A symbolic link's target; appends. */
int drive_target_read(struct drive_image *image, const struct drive_inode *inode, struct buf *out,
                      struct err *e);

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

#endif
