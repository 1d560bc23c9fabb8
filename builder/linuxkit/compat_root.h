/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at the root of a tar of compat mode, entry by entry, as whoever unpacks it will find
 * it: names are resolved paths, for `lib/x` is `usr/lib/x` behind a link `lib`. */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_ROOT_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_ROOT_H

#include "base/err.h"

#include <jansson.h>

struct compat_root {
    json_t *counts; /* resolved path → how many entries it has */
    json_t *kinds; /* resolved path → its type ('5', …); directories that only something below them
                      needs, too */
    json_t *links; /* resolved path → where a link leads */
};

int compat_root_init(struct compat_root *r, struct err *e);
void compat_root_dispose(struct compat_root *r);

/* The next entry, with a clean path; `link` of a link. Appends the path to `over` (NULL: nobody
 * asks) when it is no directory and stands where a directory with contents is. */
int compat_root_add(struct compat_root *r, const char *path, char type, const char *link,
                    json_t *over, struct err *e);
/* How many entries the path has; 0 also when memory runs out. */
size_t compat_root_count(const struct compat_root *r, const char *path);

#endif
