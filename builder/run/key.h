/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step's key: the digest of everything that its output depends on, and of
 * nothing else (docs/formats/plan.md, "Keys and the action cache"). Equal keys give equal bytes, so
 * the action cache may map a key to outputs.
 */
#ifndef ASSAY_BUILDER_RUN_KEY_H
#define ASSAY_BUILDER_RUN_KEY_H

#include "builder/plan/plan.h"

#define STEP_KEY_TYPE ASSAY_URI "step-key/v1"

/* A value on an edge of the graph, by what it is and not by where it came from. */
struct step_value {
    enum value_kind kind; /* blob or tree */
    struct digest digest;
};

/*
 * SHA-256 of the canonical JSON {type, kind, params, toolchain: {assay, the
 * libraries that the kind declares}, inputs: [{kind, digest}]}. `inputs` are the
 * step's, in its order: in_count of them. Ids and names do not count.
 */
int step_key(const struct plan *plan, const struct plan_step *step, const struct step_value *inputs,
             struct digest *out, struct err *e);

#endif
