/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What well-known maintainer scripts would do to a root file system, done by code of ours: each
 * doing is declared, and is a function of the tree alone (docs/formats/debian.md, "Finishing").
 */
#ifndef ASSAY_BUILDER_DEBIAN_FINISH_H
#define ASSAY_BUILDER_DEBIAN_FINISH_H

#include "formats/tree/tree.h"

enum { FINISH_HOSTNAME_MAX = 64, FINISH_UNITS_MAX = 1024 };

struct finish_options {
    const char *arch; /* amd64, arm64 or riscv64 */
    int64_t time;     /* of everything that is written */
    bool sysusers;
    bool base;
    bool shells;
    bool libraries;
    bool certificates;
    bool pam;
    bool ssh;
    bool units;
    bool modules;
    bool machine_id;
    bool tmpfiles;
    const char *hostname; /* NULL: none */
    /* Units, before what presets say of them; only with `units`. */
    const char **enable;
    size_t enable_count;
    const char **disable;
    size_t disable_count;
};

/* Changes the tree; errors name the doing. */
int finish_make(struct cas *cas, const struct finish_options *options, struct tree *tree,
                struct err *e);

/* Labels of letters, digits and inner hyphens, in lower case, with dots between them. */
bool finish_hostname_valid(const char *name);
/* A name of a unit of systemd, with its type. */
bool finish_unit_valid(const char *name);

#endif
