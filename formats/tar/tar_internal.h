/* SPDX-License-Identifier: Apache-2.0 */
/* What tar_reader.c and tar_pax.c share: the extended header that waits for its entry. */
#ifndef ASSAY_FORMATS_TAR_TAR_INTERNAL_H
#define ASSAY_FORMATS_TAR_TAR_INTERNAL_H

#include "formats/tar/tar_map.h"
#include "formats/tar/tar_reader.h"

/* What an extended header says of a sparse file. */
enum tar_sparse_key {
    SPARSE_MAJOR = 1,
    SPARSE_MINOR = 2,
    SPARSE_NAME = 4,
    SPARSE_REAL_SIZE = 8,
    SPARSE_SIZE = 16,
    SPARSE_BLOCKS = 32,
    SPARSE_MAP = 64,
    SPARSE_PIECES = 128,
};
struct tar_pax_sparse {
    unsigned seen; /* of enum tar_sparse_key; 0 = the file is not sparse */
    uint64_t major;
    uint64_t minor;
    uint64_t size; /* the real one */
    uint64_t blocks;
    char *name;
    struct tar_map map; /* but for 1.0, whose map comes with the content */
    bool half;          /* format 0.0: an offset waits for its length */
    uint64_t offset;
};

struct tar_pax {
    bool present;
    char *path; /* owned, NULL = not given */
    char *linkpath;
    bool has_size, has_uid, has_gid, has_mtime;
    uint64_t size;
    uint32_t uid;
    uint32_t gid;
    int64_t mtime;
    struct tree_inode xattrs; /* only its xattrs are used */
    struct tar_pax_sparse sparse;
};

void tar_pax_dispose(struct tar_pax *p);
/* Reads the body of an extended header. With `global`, keys that change entries are refused. */
int tar_pax_parse(const uint8_t *body, size_t len, bool global, struct tar_pax *out, struct err *e);

/* ERR_INPUT unless the keys are those of format 0.0, 0.1 or 1.0; *inside: the map is of 1.0. */
int tar_pax_check_sparse(const struct tar_pax_sparse *s, bool *inside, struct err *e);

#endif
