/* SPDX-License-Identifier: Apache-2.0 */
/* What LinuxKit refuses only while it assembles, told by the places where it was written. */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_CHECK_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_CHECK_H

#include "base/yaml/ycur.h"
#include "builder/plan/locked.h"
#include "store/cas/cas.h"

struct compat_check {
    const struct yaml_doc *places; /* the merged document with its places (linuxkit_merge_read) */
    const json_t *document;        /* the same, settled and expanded */
    size_t visible_volumes;
    const struct locked *locked;
    unsigned expansion; /* how many times layers may expand; 0: as usual */
    struct cas *cas;
};

/* Containers, by making their config.json, and files. ERR_INPUT "FILE:LINE:COLUMN: …". */
int compat_check(const struct compat_check *c, struct err *e);

#endif
