/* SPDX-License-Identifier: Apache-2.0 */
/* A recipe and what locking found → the plan document. Pure: the same arguments give the same
 * bytes. */
#ifndef ASSAY_BUILDER_RECIPE_COMPILE_H
#define ASSAY_BUILDER_RECIPE_COMPILE_H

#include "builder/plan/locked.h"
#include "builder/plan/step_kind.h"
#include "builder/recipe/recipe.h"

/* `table`: the step kinds that there are. Caller owns *out. ERR_INPUT when the lock does not have
 * what the recipe names. */
int recipe_compile(const struct recipe *recipe, const struct locked *locked,
                   const struct step_table *table, json_t **out, struct err *e);

#endif
