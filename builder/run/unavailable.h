/* SPDX-License-Identifier: Apache-2.0 */
/* Which inputs of a plan are not at hand: told beside a build that failed, so that whoever started
 * it (a verifier) can tell a plan that does not build from one whose inputs are missing. */
#ifndef ASSAY_BUILDER_RUN_UNAVAILABLE_H
#define ASSAY_BUILDER_RUN_UNAVAILABLE_H

#include "builder/plan/plan.h"
#include "store/cas/cas.h"

/*
 * An array of {id, digest, state "missing" or "damaged"}, in the plan's order, empty when all are
 * there and right: every one is hashed. `cas` may be NULL: then there is nothing. *out is new.
 */
int unavailable_inputs(const struct plan *plan, struct cas *cas, json_t **out, struct err *e);

#endif
