/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of compat mode: which steps and outputs each of LinuxKit's formats takes. */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_PLAN_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_PLAN_H

#include "builder/plan/locked.h"
#include "builder/plan/step_kind.h"

struct compat_plan {
    const char *name;
    const char *arch;
    const json_t *formats; /* of compat_plan_formats */
    bool decompress_kernel;
    uint32_t expansion; /* how many times layers may expand; 0: as usual */
    size_t visible_volumes;
    const json_t *written;  /* merged, as people wrote it */
    const json_t *document; /* with references expanded */
    const json_t *images;   /* parameters of encode.linuxkit-tar */
    const json_t *layouts;
    const json_t *sources;
    const struct locked *locked;
    const struct step_table *table; /* the step kinds that there are */
};

/* LinuxKit's names, several with commas, as a list of each once; tar when there are none. Caller
 * owns *out. ERR_USAGE for what is no format of LinuxKit's, ERR_UNDECIDED for one that LinuxKit
 * itself does not make twice alike. */
int compat_plan_formats(const char *const *names, size_t count, json_t **out, struct err *e);

/* Caller owns *out. */
int compat_plan_make(const struct compat_plan *p, json_t **out, struct err *e);

#endif
