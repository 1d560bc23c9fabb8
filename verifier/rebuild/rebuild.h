/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rebuild: runs assay-build, a program of its own, on the plan in the
 * sandbox: no network, the blob store read-only, the action cache never
 * consulted. Only the bytes that it leaves behind are believed.
 */
#ifndef ASSAY_VERIFIER_REBUILD_REBUILD_H
#define ASSAY_VERIFIER_REBUILD_REBUILD_H

#include "base/buf.h"
#include "base/digest.h"

#include <jansson.h>

struct rebuild_options {
    const char *builder;   /* the assay-build program; must be statically linked */
    const char *store;     /* directory of the blob store; with `materials` it may be missing */
    const char *materials; /* a self-contained plan with inputs that the store lacks; NULL = none */
    const char *scratch;   /* existing directory under which a private one is made */
    const void *plan;      /* canonical bytes */
    size_t plan_len;
    const char *plan_name;    /* as the plan says: names the provenance file */
    unsigned jobs;            /* at least 1 */
    unsigned timeout_seconds; /* 0 = an hour */
};

struct rebuild {
    char *directory; /* private; removed by rebuild_dispose */
    char *artifacts; /* where the rebuilt artifacts are */
    struct digest builder_digest;
    const char *fences; /* static */
    json_t *byproducts; /* of the rebuilt provenance: one digest per step */
    json_t *subjects;   /* of the rebuilt provenance: an array, one per output */
    double seconds;
};

/*
 * ERR_INPUT: an input is missing or damaged; ERR_UNDECIDED: the toolchain does
 * not match; ERR_HOST: the sandbox or the host failed. The builder's own line is in the message.
 */
int rebuild_run(const struct rebuild_options *options, struct rebuild *out, struct err *e);
void rebuild_dispose(struct rebuild *r);

#endif
