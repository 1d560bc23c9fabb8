/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provenance that a plan implies: everything but the digests that only a build gives
 * (docs/formats/attestations.md, "Build provenance").
 */
#ifndef ASSAY_VERIFIER_EVIDENCE_EXPECTED_H
#define ASSAY_VERIFIER_EVIDENCE_EXPECTED_H

#include "base/digest.h"

#include <jansson.h>

/*
 * {subject, predicate} with stand-ins of contradictions.h. A plan that lacks what it is made of, or
 * has names that no builder takes: ERR_INPUT. *out is new, and shares parts of the plan.
 */
int expected_statement(const json_t *plan, const struct digest *plan_digest, json_t **out,
                       struct err *e);

#endif
