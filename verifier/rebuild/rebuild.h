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

/* The largest file that a rebuild may write, whatever the plan says. */
#define REBUILD_FILE_BYTES ((uint64_t)1 << 40)

struct rebuild_options {
    const char *builder;   /* the assay-build program; must be statically linked */
    const char *store;     /* directory of the blob store; with `materials` it may be missing */
    const char *materials; /* a self-contained plan with inputs that the store lacks; NULL = none */
    const char *scratch;   /* existing directory under which a private one is made */
    const char *place;     /* the same for what is built, where that is to stay; NULL = scratch */
    const void *plan;      /* canonical bytes */
    size_t plan_len;
    const json_t *document;   /* the same, parsed */
    const json_t *only;       /* array of outputs that alone are built; NULL = all */
    const char *plan_name;    /* as the plan says: names the provenance file */
    unsigned jobs;            /* at least 1 */
    bool progress;            /* may be shown, on a terminal */
    unsigned timeout_seconds; /* 0 = an hour */
    uint64_t file_bytes;      /* 0 = REBUILD_FILE_BYTES */
};

/* How it ended: each is an outcome, none an error. */
enum rebuild_end {
    REBUILD_DONE,
    REBUILD_FAILED,      /* the plan does not build: `reason` says where it ended */
    REBUILD_NO_INPUT,    /* inputs are missing or damaged */
    REBUILD_UNDECIDED,   /* toolchain, time or size: it cannot be decided by this verifier */
    REBUILD_HOST_FAILED, /* this host does not let it run, or let it down */
};

enum { REBUILD_REASON_MAX = 512 };

struct rebuild {
    enum rebuild_end end;
    char reason[REBUILD_REASON_MAX]; /* of all but REBUILD_DONE: a clause; foreign text in it */
    char *directory;                 /* private; removed by rebuild_dispose */
    char *artifacts;                 /* where the rebuilt artifacts are */
    struct digest builder_digest;
    const char *fences; /* static; "" when there was no sandbox */
    json_t *statement;  /* the rebuilt provenance, with `only` of what was built; NULL unless
                           REBUILD_DONE */
    double seconds;
};

/* The caller's own mistakes alone are errors: a builder that cannot be one (ERR_HOST), materials
 * that are not there (ERR_INPUT). */
int rebuild_run(const struct rebuild_options *options, struct rebuild *out, struct err *e);
/* Arrays of the rebuilt provenance: one digest per step, one descriptor per output. Borrowed. */
const json_t *rebuild_byproducts(const struct rebuild *r);
const json_t *rebuild_subjects(const struct rebuild *r);
/* Gives the rebuilt artifacts the name `path`, which nothing has, on the file system of `place`. */
int rebuild_keep(struct rebuild *r, const char *path, struct err *e);
void rebuild_dispose(struct rebuild *r);

#endif
