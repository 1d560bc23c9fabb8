/* SPDX-License-Identifier: Apache-2.0 */
/* What tar_reader.c and tar_pax.c share: the extended header that waits for its entry. */
#ifndef ASSAY_FORMATS_TAR_TAR_INTERNAL_H
#define ASSAY_FORMATS_TAR_TAR_INTERNAL_H

#include "formats/tar/tar_reader.h"

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
};

void tar_pax_dispose(struct tar_pax *p);
/* Reads the body of an extended header. With `global`, keys that change entries are refused. */
int tar_pax_parse(const uint8_t *body, size_t len, bool global, struct tar_pax *out, struct err *e);

#endif
