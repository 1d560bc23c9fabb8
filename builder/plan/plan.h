/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: one canonical JSON document that says everything about a build and
 * nothing about where it runs (docs/formats/plan.md, schemas/plan.schema.json). Its SHA-256
 * is the build's identity.
 */
#ifndef ASSAY_BUILDER_PLAN_PLAN_H
#define ASSAY_BUILDER_PLAN_PLAN_H

#include "base/digest.h"
#include "base/json.h"
#include "base/version.h"
#include "builder/plan/step_kind.h"

enum {
    PLAN_BYTES_MAX = 64 * 1024 * 1024,
    PLAN_DEPTH_MAX = 64,
    PLAN_INPUTS_MAX = 65536,
    PLAN_STEPS_MAX = 4096,
    PLAN_REFS_MAX = 1 << 20, /* inputs of all steps together */
    PLAN_OUTPUTS_MAX = 256,
    PLAN_DIGESTS_MAX = 4,
    PLAN_FORMATS_MAX = 64,
    /* of an output */ /* of one output, besides its own */
    PLAN_ID_MAX = 128,
};

struct plan_input {
    const char *id;
    struct digest digest;
    uint64_t size;
    const json_t *from; /* where it came from: a hint for fetching, and for provenance; borrowed */
};

struct plan_step {
    const char *id;
    const struct step_kind *kind;
    struct plan_ref {
        bool is_step;
        size_t index; /* into inputs or steps; steps only refer to earlier ones */
    } * in;
    size_t in_count;
    json_t *params; /* borrowed from the document */
};

struct plan_output {
    const char *name; /* a valid file name, unique in the plan */
    size_t step;
    const char *media_type;
    /* What else it is known by: the text that another step gives, under this name. */
    struct plan_digest {
        const char *name; /* "cartesiKeccak256" */
        size_t step;
    } digests[PLAN_DIGESTS_MAX];
    size_t digest_count;
    const json_t *formats; /* names of the artifacts that it is of; NULL: the plan does not say */
};
/* What a build asks for: outputs by name, those of an artifact, or, with neither, all. */
struct plan_choice {
    const char *const *names;
    size_t name_count;
    const char *format; /* NULL: of any */
};
bool plan_output_wanted(const struct plan_output *o, const struct plan_choice *choice);

struct plan {
    const struct step_table *table; /* borrowed; NULL: an outline */
    json_t *document;               /* owns every borrowed string above */
    struct digest digest;
    const char *name;
    const char *arch;
    int64_t epoch;
    json_t *recipe; /* object; borrowed */
    const char *toolchain_assay;
    json_t *toolchain_libraries; /* object: library -> version; exactly those that the steps' kinds
                                    declare */
    struct plan_input *inputs;
    size_t input_count;
    struct plan_step *steps;
    size_t step_count;
    struct plan_output *outputs;
    size_t output_count;
};

/*
 * Strict: unknown keys, unknown kinds, bad parameters, dangling or forward
 * references, duplicate ids, toolchain entries other than those that the
 * steps' kinds declare, a document that is not in canonical form: ERR_INPUT.
 * Steps that are not as the table has them, in a plan for another version of
 * Assay: ERR_UNDECIDED, which says what to get. The table must outlive the plan. `what` names the
 * document in errors ("plan 'x.json'").
 *
 * Without a table (NULL) the plan is an outline: all but its steps is read, none of which it has,
 * nor what its outputs are from. That is enough to bring its inputs to a builder that knows more.
 */
int plan_parse(const void *data, size_t len, const char *what, const struct step_table *table,
               struct plan **out, struct err *e);
/* The same, but an outline in place of ERR_UNDECIDED. */
int plan_parse_any(const void *data, size_t len, const char *what, const struct step_table *table,
                   struct plan **out, struct err *e);
int plan_read(const char *path, const struct step_table *table, struct plan **out, struct err *e);
void plan_free(struct plan *plan);
/* Canonical bytes of a document built by a recipe; checks it by parsing it back. Appends. */
int plan_format(json_t *document, const struct step_table *table, struct buf *out, struct err *e);
/*
 * The "toolchain" member for these steps (the array as it goes into the plan):
 * this program's version and those of the libraries that the kinds declare.
 * *out is new.
 */
int plan_toolchain(const json_t *steps, const struct step_table *table, json_t **out,
                   struct err *e);
/* ERR_UNDECIDED naming the first toolchain entry that this program does not match. */
int plan_check_toolchain(const struct plan *plan, struct err *e);
/* "[a-z0-9][a-z0-9._-]{0,127}": what inputs, steps and plans are called. */
bool plan_id_valid(const char *id);
/* A file may be called as its author likes; a name that is made of it is in small letters. */
void plan_id_lower(char *id);

static inline void scope_plan(struct plan **p)
{
    plan_free(*p);
}
#define AUTO_PLAN AUTO(scope_plan)

#endif
