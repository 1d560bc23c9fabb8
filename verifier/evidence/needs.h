/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps of a plan an output is made of: those that it comes from, and what they take. */
#ifndef ASSAY_VERIFIER_EVIDENCE_NEEDS_H
#define ASSAY_VERIFIER_EVIDENCE_NEEDS_H

#include "base/err.h"

#include <jansson.h>

/*
 * Adds to `needs`, an object whose keys are names of byproducts ("step/ID"), what the plan's output
 * of this name needs, its further digests included. An output that the plan does not have needs
 * nothing.
 */
int needs_add(const json_t *plan, const char *output, json_t *needs, struct err *e);

#endif
