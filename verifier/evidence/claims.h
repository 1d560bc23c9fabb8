/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provenance statement claims, and whether it agrees with itself: the plan that it carries
 * says what all the rest has to be, but for the digests that only a build gives.
 */
#ifndef ASSAY_VERIFIER_EVIDENCE_CLAIMS_H
#define ASSAY_VERIFIER_EVIDENCE_CLAIMS_H

#include "attest/statement.h"
#include "base/buf.h"
#include "base/version.h"
#include "verifier/evidence/contradictions.h"
#include "verifier/evidence/finding.h"

#define CLAIMS_BUILD_TYPE ASSAY_URI "buildtypes/plan/v1"

/* Those of a plan (docs/formats/plan.md): what is beyond them, no builder builds. */
enum {
    CLAIMS_INPUTS_MAX = 65536,
    CLAIMS_STEPS_MAX = 4096,
    CLAIMS_OUTPUTS_MAX = 256,
    CLAIMS_DIGESTS_MAX = 4,
    CLAIMS_PLAN_MAX = 64 * 1024 * 1024,
};

/* Everything is borrowed from the statement but what is said to be owned. */
struct claims {
    const char *builder_id;
    const char *builder_sha256; /* of the assay-build that is said to have run, in hex */
    const char *plan_name;
    const char *plan_arch;
    struct digest plan_digest;
    struct buf plan;        /* owned: the canonical bytes, what assay-build reads */
    const json_t *document; /* the plan */
    size_t input_count;
    size_t step_count;
    const json_t *byproducts; /* array of {name "step/<id>", digest{sha256}}, in the plan's order */
    struct contradictions contradictions; /* owned: what the plan says otherwise */
};

/*
 * A plan that is malformed, beyond its limits, not the one that is named, or of a build type that
 * is not ours is a finding; so is a statement that contradicts its plan, which *out then lists.
 */
int claims_read(const struct statement *statement, struct claims *out, struct finding *f,
                struct err *e);
void claims_dispose(struct claims *c);

/*
 * What contradicts the statement that a rebuild gave (`rebuilt`, changed on the way): all of it
 * counts but the builder's id, which the policy judges, and the digest of its program: two builds
 * of one version of assay-build are two files.
 */
int claims_compare(const struct statement *statement, json_t *rebuilt, struct contradictions *out,
                   struct err *e);

/*
 * Fills into the statement that a rebuild of some outputs gave what it says nothing of: the
 * subjects and byproducts that were not built, as they were signed. Changes `rebuilt`.
 */
int claims_fill(const struct statement *statement, json_t *rebuilt, struct err *e);
/* The descriptor of this name, from *at on, which is left there. Borrowed; NULL when there is none.
 */
const json_t *claims_descriptor(const json_t *list, size_t *at, const char *name);

/*
 * The first step whose digest differs between two lists of byproducts, both in the plan's order, of
 * those that are a key of `needs` (needs.h): what has nothing to do with an artifact explains
 * nothing of it. *step is borrowed from `ours`, NULL when all agree.
 */
void claims_first_divergence(const json_t *theirs, const json_t *ours, const json_t *needs,
                             const char **step);

#endif
