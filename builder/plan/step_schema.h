/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tables of parameters say in schemas/plan.schema.json: `make schemas` writes it there,
 * and a test wants it to be there.
 */
#ifndef ASSAY_BUILDER_PLAN_STEP_SCHEMA_H
#define ASSAY_BUILDER_PLAN_STEP_SCHEMA_H

#include "builder/plan/step_kind.h"

/*
 * Makes the schema of plans say what the table of kinds says: their parameters, how many inputs
 * they have where it says so, and the definitions that parameters refer to. What says the same in
 * another order stays as it is, and so does what rows leave to be written by hand. A kind that it
 * does not have is added. ERR_INPUT when it is no schema of plans.
 */
int step_schema_update(json_t *schema, const struct step_table *table, struct err *e);

#endif
