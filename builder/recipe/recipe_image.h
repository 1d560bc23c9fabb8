/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a recipe's `images:`; used by recipe.c alone. */
#ifndef ASSAY_BUILDER_RECIPE_RECIPE_IMAGE_H
#define ASSAY_BUILDER_RECIPE_RECIPE_IMAGE_H

#include "builder/recipe/recipe.h"

/* On failure *out holds what was read so far: dispose it. */
int recipe_image_parse(const struct ycur *c, const char *name, struct recipe_image *out,
                       struct err *e);
void recipe_image_dispose(struct recipe_image *image);

#endif
