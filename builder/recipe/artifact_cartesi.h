/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `cartesi` in normal form, as artifact_cartesi.c reads and cartesi_steps.c compiles
 * them. */
#ifndef ASSAY_BUILDER_RECIPE_ARTIFACT_CARTESI_H
#define ASSAY_BUILDER_RECIPE_ARTIFACT_CARTESI_H

#include "builder/recipe/artifact.h"

/* Steps and outputs of the options that were read. */
int cartesi_compile(struct compiler *c, const struct recipe_artifact *a, struct err *e);

#endif
