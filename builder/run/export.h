/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing artifacts into a directory: everything is first written and synced
 * under a hidden directory beside the destination, then renamed into place; a
 * name never shows a half-written file. What a killed run left is removed by the next.
 */
#ifndef ASSAY_BUILDER_RUN_EXPORT_H
#define ASSAY_BUILDER_RUN_EXPORT_H

#include "base/buf.h"
#include "base/digest.h"
#include "store/cas/cas.h"

enum export_form {
    EXPORT_FILE,
    EXPORT_LAYOUT,  /* an OCI manifest: written as an image layout directory */
    EXPORT_MACHINE, /* a tar of a stored machine: written as that directory, with holes */
};

struct export_item {
    const char *name;
    enum export_form form;
    struct digest digest; /* of a blob in the store … */
    const void *data;     /* … or these bytes when not NULL */
    size_t len;
};

/*
 * Makes the directory and checks that every item can take its name there: a
 * file replaces a file, or a link (which is not followed), a layout a layout, a machine a machine;
 * nothing else is replaced (ERR_USAGE).
 */
int export_check(const char *dir, const struct export_item *items, size_t count, struct err *e);
/* An image is written as an OCI layout directory, a tar of a stored machine as the directory that
 * it packs; everything else as the file that it is. */
enum export_form export_form(const char *media_type);
/*
 * The items that somebody else has written into the directory `from`, on the same file system:
 * checked to be what their forms say (else ERR_INPUT), synced and renamed, as export_write does.
 */
int export_take(const char *dir, const char *from, const struct export_item *items, size_t count,
                struct err *e);
/* Writes all, or nothing when it fails, or an interrupt comes, before the renames. */
int export_write(const char *dir, struct cas *cas, const struct export_item *items, size_t count,
                 struct err *e);

#endif
