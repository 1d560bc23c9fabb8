/* SPDX-License-Identifier: Apache-2.0 */
/* --format: other artifacts than a recipe asks for. */
#ifndef ASSAY_BUILDER_RECIPE_RECIPE_FORMATS_H
#define ASSAY_BUILDER_RECIPE_RECIPE_FORMATS_H

#include "builder/recipe/recipe.h"

/*
 * The artifacts named in `formats` (each a name, or several with commas) in the place of the
 * recipe's; what the recipe has options for keeps them. ERR_USAGE for a name that is none, or
 * twice.
 */
int recipe_choose_formats(struct recipe *r, const char *const *formats, size_t count,
                          struct err *e);
/* The same in r->document, which was made of what was written. */
int recipe_document_formats(struct recipe *r, struct err *e);

#endif
