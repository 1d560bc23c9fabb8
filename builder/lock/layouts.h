/* SPDX-License-Identifier: Apache-2.0 */
/* The OCI layouts of --images: directories, or tar archives, which are unpacked for the run. */
#ifndef ASSAY_BUILDER_LOCK_LAYOUTS_H
#define ASSAY_BUILDER_LOCK_LAYOUTS_H

#include "base/private_dir.h"
#include "builder/lock/oci_layout.h"

struct layouts {
    const char *const *paths; /* as given; borrowed */
    char **directories;
    size_t count;
    struct private_dir unpacked;
};

#define LAYOUTS_INIT                                                                               \
    {                                                                                              \
        .unpacked = PRIVATE_DIR_INIT                                                               \
    }

/* Archives (plain, gzip, zstd, xz) are unpacked below the directory `temp`. Close also on failure.
 */
int layouts_open(const char *const *paths, size_t count, const char *temp, struct layouts *out,
                 struct err *e);
void layouts_close(struct layouts *l);

/* The first layout that has an image of that name (oci_find); *layout NULL: none has. */
int layouts_find(const struct layouts *l, const char *name, const char **layout,
                 struct digest *manifest, struct err *e);

#endif
