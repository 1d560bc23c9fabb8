/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/xattr_index.h"

#include <string.h>

bool xattr_index(const char *name, uint8_t *index, const char **rest)
{
    static const struct {
        const char *prefix;
        uint8_t index;
        bool whole;
    } prefixes[] = {
        {"user.", XATTR_USER, false},
        {"system.posix_acl_access", XATTR_ACL_ACCESS, true},
        {"system.posix_acl_default", XATTR_ACL_DEFAULT, true},
        {"trusted.", XATTR_TRUSTED, false},
        {"security.", XATTR_SECURITY, false},
    };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t len = strlen(prefixes[i].prefix);
        if (strncmp(name, prefixes[i].prefix, len) == 0 &&
            (name[len] == '\0') == prefixes[i].whole) {
            *index = prefixes[i].index;
            *rest = name + len;
            return true;
        }
    }
    return false;
}
