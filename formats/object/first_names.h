/* SPDX-License-Identifier: Apache-2.0 */
/* The first name of a file that has several, by its inode's number. */
#ifndef ASSAY_FORMATS_OBJECT_FIRST_NAMES_H
#define ASSAY_FORMATS_OBJECT_FIRST_NAMES_H

#include "formats/object/budget.h"

#include <stddef.h>

/* Open addressing. */
struct first_names {
    struct first_name {
        uint64_t number; /* 0: free */
        char *path;
    } * slots;
    size_t size; /* a power of two */
    size_t count;
};

/* The path under which the inode (not 0) was met first; NULL: this is the first time, and `path` is
 * remembered. */
int first_names_meet(struct first_names *t, uint64_t number, const char *path,
                     struct budget *budget, const char **out, struct err *e);
void first_names_dispose(struct first_names *t);

#endif
