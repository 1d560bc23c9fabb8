/* The plan of compat mode: which steps and outputs each of LinuxKit's formats takes. */
#ifndef ASSAY_BUILDER_LOCK_COMPAT_PLAN_H
#define ASSAY_BUILDER_LOCK_COMPAT_PLAN_H

#include "builder/lock/locked.h"

struct compat_plan {
    const char *name;
    const char *arch;
    const char *const *formats; /* checked with compat_plan_check */
    size_t format_count;
    bool decompress_kernel;
    size_t visible_volumes;
    const json_t *written;  /* merged, as people wrote it */
    const json_t *document; /* with references expanded */
    const json_t *images;   /* parameters of encode.linuxkit-tar */
    const json_t *layouts;
    const json_t *sources;
    const struct locked *locked;
};

/* ERR_USAGE for what is no format of LinuxKit's, ERR_UNDECIDED for one that LinuxKit itself does
 * not make twice alike. */
int compat_plan_check(const char *const *formats, size_t count, struct err *e);

/* Caller owns *out. */
int compat_plan_make(const struct compat_plan *p, json_t **out, struct err *e);

#endif
