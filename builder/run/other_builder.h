/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building with another assay-build than this one: that of the version that the plan is for, run
 * in the sandbox as a verifier runs it (docs/formats/plan.md, "Another version's builder"). Nothing
 * of it is trusted but the bytes that it leaves, under the names that the plan gives them.
 */
#ifndef ASSAY_BUILDER_RUN_OTHER_BUILDER_H
#define ASSAY_BUILDER_RUN_OTHER_BUILDER_H

#include "builder/plan/plan_file.h"
#include "store/cas/program.h"

/* The builder that a user names. */
struct other_builder {
    struct program program;
    struct private_dir unpacked; /* a store for what an archive carries */
    struct digest digest;
};
#define OTHER_BUILDER_INIT                                                                         \
    {                                                                                              \
        .program = PROGRAM_INIT, .unpacked = PRIVATE_DIR_INIT                                      \
    }

/*
 * `text` is an assay-build, a self-contained plan that carries one, or the digest of one in the
 * store. ERR_INPUT when it is not there; ERR_HOST or ERR_UNDECIDED when it cannot be run.
 */
int other_builder_open(const char *text, const char *store, const char *temp,
                       const struct step_table *table, struct other_builder *out, struct err *e);
void other_builder_close(struct other_builder *b);

struct other_build {
    const struct other_builder *builder;
    const struct plan_file *file; /* an outline is enough */
    const char *store;            /* may be missing when there are materials */
    const char *materials;        /* a self-contained plan with inputs; NULL: none */
    const char *output;           /* the directory for artifacts */
    const char *temp;
    unsigned jobs;
    const char *const *only; /* as to assay-build; so are the next, NULL: not given */
    size_t only_count;       /* at most PLAN_OUTPUTS_MAX */
    const char *format;
    const char *builder_id;
};
/*
 * *report (new) is the builder's own, with the builder's digest. The builder's failure is ours,
 * with its code and its last line; ERR_HOST when this host does not let it run.
 */
int other_builder_run(const struct other_build *o, json_t **report, struct err *e);

#endif
