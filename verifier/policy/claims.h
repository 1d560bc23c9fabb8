/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provenance statement claims, decoded and checked for being consistent
 * with itself: the plan that it carries has the digest that it names, the
 * dependencies are the plan's inputs, the subjects are the plan's outputs.
 */
#ifndef ASSAY_VERIFIER_POLICY_CLAIMS_H
#define ASSAY_VERIFIER_POLICY_CLAIMS_H

#include "attest/statement.h"
#include "base/buf.h"

enum { CLAIMS_INPUTS_MAX = 65536, CLAIMS_STEPS_MAX = 4096, CLAIMS_PLAN_MAX = 64 * 1024 * 1024 };

/* Everything is borrowed from the statement but `plan`. */
struct claims {
    const char *builder_id;
    const char *plan_name;
    const char *plan_arch;
    struct digest plan_digest;
    struct buf plan; /* the canonical bytes: what assay-build reads */
    size_t input_count;
    size_t step_count;
    const json_t *byproducts; /* array of {name "step/<id>", digest{sha256}}, in the plan's order */
};

/* ERR_REJECTED with the inconsistency; ERR_INPUT when it is not a provenance of ours at all. */
int claims_read(const struct statement *statement, struct claims *out, struct err *e);
void claims_dispose(struct claims *c);

/*
 * The first step whose digest differs between two lists of byproducts; *step is
 * borrowed from `ours`, NULL when all agree.
 */
int claims_first_divergence(const json_t *theirs, const json_t *ours, const char **step,
                            struct err *e);

#endif
