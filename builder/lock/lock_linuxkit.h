/* SPDX-License-Identifier: Apache-2.0 */
/* Locking LinuxKit files for compat mode: to the plan of the tar that LinuxKit itself would write
 * (docs/formats/linuxkit-compat.md). */
#ifndef ASSAY_BUILDER_LOCK_LOCK_LINUXKIT_H
#define ASSAY_BUILDER_LOCK_LOCK_LINUXKIT_H

#include "builder/plan/locked.h"
#include "store/cas/cas.h"

struct compat_options {
    const char *const *files; /* LinuxKit documents, merged in order; "-": standard input */
    size_t file_count;
    const char *const *layouts; /* OCI layouts: directories or tar archives */
    size_t layout_count;
    const char *const *formats; /* LinuxKit's names; none: tar */
    size_t format_count;
    bool decompress_kernel;
    uint32_t expansion; /* how many times layers may expand; 0: as usual */
    /* Adds an image of a registry to `out`, its configuration, too; NULL: none are fetched. */
    int (*pull)(void *context, const char *reference, const char *platform, struct locked *out,
                struct err *e);
    void *context;
    json_t *warnings; /* array that takes what defects of LinuxKit's change in the output; NULL:
                         nobody asks */
    const char *name; /* NULL: the last file's base name */
    const char *arch; /* NULL: amd64 */
    const char *home; /* what ~/ of a source is; NULL: none */
    const char *temp; /* where archives are unpacked */
    struct cas *cas;
};

/* Caller owns *plan. Sources of `files:` are read relative to the working directory, as LinuxKit
 * does. ERR_INPUT for what LinuxKit refuses. */
int compat_lock(const struct compat_options *options, struct locked *locked, json_t **plan,
                struct err *e);

#endif
