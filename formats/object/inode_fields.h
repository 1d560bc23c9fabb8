/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that members of file systems have, under the same names in every reader, so that a tar
 * can be compared with an image. */
#ifndef ASSAY_FORMATS_OBJECT_INODE_FIELDS_H
#define ASSAY_FORMATS_OBJECT_INODE_FIELDS_H

#include "formats/object/object.h"

struct inode_fields {
    uint32_t mode; /* permission bits */
    uint32_t uid;
    uint32_t gid;
    int64_t mtime;
    uint32_t mtime_ns;
    uint64_t device;    /* major << 32 | minor, of devices */
    const char *target; /* of symbolic and hard links; raw bytes */
    size_t target_len;
};

/* What a mode (stat's) makes of a member; a file where it says nothing that there is. */
enum member_type member_type_of_mode(uint32_t mode);
/* major << 32 | minor of a device number as Linux packs it into 32 bits. */
uint64_t member_device(uint32_t packed);

/* "mode", "uid", "gid", "mtime", "mtime.ns" (unless 0), "device" and "link", as the type has them:
 * to the member that is added next. A symbolic link's mode is left out: it means nothing. */
int object_inode_fields(struct object *o, enum member_type type, const struct inode_fields *inode,
                        struct err *e);
/* "xattr.NAME". */
int object_inode_xattr(struct object *o, const char *name, const void *value, size_t len,
                       struct err *e);

#endif
