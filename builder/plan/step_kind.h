/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step kinds: one pure function of digests each, one row of a table, one file in
 * builder/steps/. A step reads its inputs from the store, its parameters
 * from the plan, and nothing else: equal keys give equal bytes.
 *
 * This is what a plan's reader knows of a kind; the function is apart from it
 * (builder/steps/step.h), so that whoever only reads plans links none.
 */
#ifndef ASSAY_BUILDER_PLAN_STEP_KIND_H
#define ASSAY_BUILDER_PLAN_STEP_KIND_H

#include "base/digest.h"
#include "base/json.h"
#include "base/progress.h"
#include "builder/plan/step_params.h"
#include "formats/tree/tree.h"
#include "store/cas/cas.h"

enum value_kind {
    VALUE_BLOB,
    VALUE_TREE,
    VALUE_ANY /* only in step_kind.takes: the kind checks each */
};

struct step_input {
    const char *id;
    enum value_kind kind;
    struct digest digest;
    uint64_t size; /* blobs */
    const struct tree
        *tree; /* trees: borrowed, shared between steps, never changed (tree_copy first) */
};

struct step_output {
    enum value_kind kind;
    struct digest digest;
    uint64_t size;
    struct tree *tree;       /* trees: owned */
    struct digest locations; /* trees: where the contents are (tree_store) */
    struct digest
        *related; /* blobs that belong to it (an OCI manifest's config and layers); owned */
    size_t related_count;
};
void step_output_dispose(struct step_output *out);

/* What a step may use besides its inputs; none of it may change a byte. */
struct step_context {
    struct cas *cas;
    unsigned jobs; /* threads inside this step, at least 1 */
    struct progress *progress;
    const char *lineage; /* whose earlier output may be used again (earlier.h): the plan's name and
                            the step's id; NULL: nothing may */
};

struct step_kind {
    const char *name;             /* "encode.squashfs" */
    const char *const *libraries; /* names in the plan's toolchain.libraries it depends on;
                                     NULL-terminated, may be NULL */
    size_t min_inputs;
    size_t max_inputs;
    enum value_kind takes; /* every input's kind */
    enum value_kind gives;
    const struct step_params *params; /* what it takes; all else is refused */
    bool wide; /* it makes use of several threads; others run on the one that calls them */
    /* What whoever builds must be told of a step with these parameters (they are checked), one
     * clause; NULL when nothing. The member may be NULL. */
    const char *(*warn)(const json_t *params);
};

/* What a plan may ask of a program: the kinds that it has, and the libraries whose code decides
 * bytes. Reading a plan takes the table as an argument, so that it pulls in no kind by itself. */
struct step_table {
    const struct step_kind *const *kinds;
    size_t kind_count;
    const char *const *libraries; /* names, sorted */
    size_t library_count;
    /* A library's version as linked into this program ("zstd" -> "1.5.4"); NULL when unknown.
     * Static. */
    const char *(*library_version)(const char *name);
};
/* NULL when there is no such kind. */
const struct step_kind *step_kind_find(const struct step_table *table, const char *name);

#endif
