/* SPDX-License-Identifier: Apache-2.0 */
/* What plan.c and plan_toolchain.c share; nobody else includes it. */
#ifndef ASSAY_BUILDER_PLAN_PLAN_INTERNAL_H
#define ASSAY_BUILDER_PLAN_PLAN_INTERNAL_H

#include "builder/plan/plan.h"

/* The plan's member; fills in its borrowed strings. */
int plan_parse_toolchain(struct plan *plan, const struct jcur *c, struct err *e);
/* Once the steps are known: exactly the libraries that they declare are listed. */
int plan_check_libraries(const struct plan *plan, const struct jcur *toolchain, struct err *e);
/* The plan is for this version of Assay. */
bool plan_is_ours(const struct plan *plan);
/* ERR_UNDECIDED in place of an error in the steps of another version's plan: what to fetch. */
int plan_other_steps(const struct plan *plan, struct err *e);

#endif
