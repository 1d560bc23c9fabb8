/* Local files that a system takes in (`source:`): their bytes become inputs of the plan. */
#ifndef ASSAY_BUILDER_LOCK_SOURCE_H
#define ASSAY_BUILDER_LOCK_SOURCE_H

#include "builder/lock/locked.h"
#include "builder/recipe/recipe.h"
#include "store/cas/cas.h"

/*
 * Stores every source of the recipe's files. Paths are below the recipe's
 * directory and no link leads out of it. A missing one is ERR_INPUT, unless
 * it is optional: then it is dropped.
 */
int source_lock(const struct recipe *recipe, struct cas *cas, struct locked *out, struct err *e);

#endif
