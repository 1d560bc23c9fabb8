/* SPDX-License-Identifier: Apache-2.0 */
/* Names of extended attributes as ext4 has them, and EROFS after it: a number for what the name
 * begins with, and the rest. */
#ifndef ASSAY_FORMATS_TREE_XATTR_INDEX_H
#define ASSAY_FORMATS_TREE_XATTR_INDEX_H

#include <stdbool.h>
#include <stdint.h>

enum {
    XATTR_USER = 1,
    XATTR_ACL_ACCESS = 2, /* these two are whole names */
    XATTR_ACL_DEFAULT = 3,
    XATTR_TRUSTED = 4,
    XATTR_SECURITY = 6,
};

/* false: it begins with nothing that there is a number for. */
bool xattr_index(const char *name, uint8_t *index, const char **rest);

#endif
