/* SPDX-License-Identifier: Apache-2.0 */
/* Local files that a system (`source:`) or an artifact takes in: their bytes become inputs of the
 * plan. */
#ifndef ASSAY_BUILDER_LOCK_SOURCE_H
#define ASSAY_BUILDER_LOCK_SOURCE_H

#include "builder/plan/locked.h"
#include "builder/recipe/recipe.h"
#include "store/cas/cas.h"

/*
 * Stores every source of the recipe's files, and every file of its artifacts. Relative paths are
 * below the directory of the recipe, or of the LinuxKit file that names them, and no link leads out
 * of it; LinuxKit files may also say "/path" and "~/path", `home` being ~ (NULL: none). A missing
 * one is ERR_INPUT, unless it is optional: then it is dropped.
 */
int source_lock(const struct recipe *recipe, const char *home, struct cas *cas, struct locked *out,
                struct err *e);

#endif
