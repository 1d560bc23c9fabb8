/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile EROFS images: inodes, directories, attributes and contents that are not compressed. */
#ifndef ASSAY_FORMATS_EROFS_EROFS_READER_H
#define ASSAY_FORMATS_EROFS_EROFS_READER_H

#include "formats/stream/bytes.h"

enum { EROFS_SUPER = 1024, EROFS_SUPER_SIZE = 128 };

/* Where things are in the super block. */
enum erofs_super {
    EROFS_S_CHECKSUM = 4,
    EROFS_S_COMPATIBLE = 8,
    EROFS_S_BLOCK_BITS = 12,
    EROFS_S_ROOT = 14,
    EROFS_S_INODES = 16,
    EROFS_S_TIME = 24,
    EROFS_S_TIME_NS = 32,
    EROFS_S_BLOCKS = 36,
    EROFS_S_META = 40,
    EROFS_S_XATTRS = 44,
    EROFS_S_UUID = 48,
    EROFS_S_LABEL = 64,
    EROFS_S_INCOMPATIBLE = 80,
};

struct erofs_image {
    struct bytes *bytes; /* borrowed */
    const char *name;
    uint8_t super[EROFS_SUPER_SIZE];
    uint64_t block; /* its size */
    uint64_t meta;  /* where inodes are counted from */
    uint64_t xattrs;
    uint64_t visits; /* how many directory blocks and inodes may still be read */
};

struct erofs_node {
    uint64_t nid;
    uint64_t position;
    uint64_t length; /* of the inode, its attributes included */
    uint16_t layout;
    uint16_t mode;
    uint32_t links;
    uint64_t size;
    uint32_t start; /* block, or device, or the format of chunks */
    uint32_t number;
    uint32_t uid;
    uint32_t gid;
    uint64_t mtime;
    uint32_t mtime_ns;
    uint64_t xattr_bytes;
    bool extended;
};

/* Bytes that something stands in. */
typedef int erofs_used_fn(void *context, uint64_t start, uint64_t len, struct err *e);
typedef int erofs_name_fn(void *context, const char *name, uint64_t nid, struct err *e);
typedef int erofs_xattr_fn(void *context, const char *name, const void *value, size_t len,
                           struct err *e);

int erofs_damaged(const struct erofs_image *image, const char *what, uint64_t where, struct err *e);
/* ERR_INPUT: damaged, or of features that are not read (compression, several devices). */
int erofs_image_open(struct bytes *bytes, const char *name, struct erofs_image *out, struct err *e);
int erofs_node_read(struct erofs_image *image, uint64_t nid, struct erofs_node *out, struct err *e);
/* `used` may be NULL. */
int erofs_content(struct erofs_image *image, const struct erofs_node *n, erofs_used_fn *used,
                  void *context, struct bytes **out, struct err *e);
/* Without "." and "..". */
int erofs_directory_read(struct erofs_image *image, const struct erofs_node *n, erofs_used_fn *used,
                         erofs_name_fn *found, void *context, struct err *e);
int erofs_xattrs_read(struct erofs_image *image, const struct erofs_node *n, erofs_used_fn *used,
                      erofs_xattr_fn *found, void *context, struct err *e);

#endif
