/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of ext2, ext3 and ext4 images, of which nothing is believed: every number is checked
 * before it is used, and work is bounded by the image's size. The journal is not replayed.
 */
#ifndef ASSAY_FORMATS_EXT4_EXT4_READER_H
#define ASSAY_FORMATS_EXT4_EXT4_READER_H

#include "formats/stream/runs.h"

enum { EXT4_INODE_SIZE_MAX = 4096, EXT4_XATTR_VALUE_MAX = 65536 };

struct ext4_image {
    struct bytes *bytes; /* borrowed */
    const char *name;    /* in errors; borrowed */
    uint8_t super[1024];
    uint32_t block_size;
    uint64_t blocks;
    uint64_t first_block; /* of the first group */
    uint32_t group_blocks;
    uint32_t group_inodes;
    uint32_t groups;
    uint32_t inodes;
    uint32_t inode_size;
    uint32_t descriptor_size;
    uint32_t incompatible;
    uint64_t visits; /* blocks of maps that may yet be looked at */
};

struct ext4_inode {
    uint32_t number;
    uint32_t mode; /* with the type, as stat's */
    uint32_t uid;
    uint32_t gid;
    uint32_t links;
    uint32_t flags;
    uint64_t size;
    uint64_t xattr_block;
    uint64_t position; /* in the image */
    size_t extra;      /* bytes that are used behind the first 128 */
    uint8_t raw[EXT4_INODE_SIZE_MAX];
};

struct ext4_time {
    int64_t seconds;
    uint32_t ns;
};

/* ERR_INPUT for what is no such image, is damaged, or has features that nobody here reads. */
int ext4_image_open(struct bytes *bytes, const char *name, struct ext4_image *out, struct err *e);
int ext4_inode_read(const struct ext4_image *image, uint32_t number, struct ext4_inode *out,
                    struct err *e);
/* `field` and `extra` are offsets (ext4_format.h); without room for the extra one it counts as 0.
 */
struct ext4_time ext4_time_read(const struct ext4_inode *inode, size_t field, size_t extra);

/* Told of stretches of the image that something stands in; may be NULL. */
typedef int ext4_used(void *context, uint64_t start, uint64_t len, struct err *e);

/* Copies of the super block, descriptors, bitmaps: what says where all else is. */
int ext4_metadata(const struct ext4_image *image, ext4_used *used, void *context, struct err *e);

/* The content of a file, directory or long link as bytes, those of unwritten extents zero. */
int ext4_content(struct ext4_image *image, const struct ext4_inode *inode, ext4_used *used,
                 void *context, struct bytes **out, struct err *e);

/* `context` is for both. Each attribute but the one that keeps inline data; ACLs as system calls
 * give them. */
int ext4_xattrs_read(struct ext4_image *image, const struct ext4_inode *inode, ext4_used *used,
                     int (*found)(void *context, const char *name, const void *value, size_t len,
                                  struct err *e),
                     void *context, struct err *e);
/* The value of the attribute that keeps what of the inline data the inode had no room for. */
int ext4_inline_rest(struct ext4_image *image, const struct ext4_inode *inode, struct buf *out,
                     struct err *e);

/* Each name of a directory but "." and "..". */
int ext4_directory_read(struct ext4_image *image, const struct ext4_inode *inode, ext4_used *used,
                        void *used_context,
                        int (*entry)(void *context, const char *name, uint32_t number,
                                     struct err *e),
                        void *context, struct err *e);

int ext4_damaged(const struct ext4_image *image, const char *what, uint64_t number, struct err *e);

#endif
