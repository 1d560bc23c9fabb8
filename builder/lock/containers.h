/* SPDX-License-Identifier: Apache-2.0 */
/* What the images of containers say of them, checked while the recipe's lines are still known. */
#ifndef ASSAY_BUILDER_LOCK_CONTAINERS_H
#define ASSAY_BUILDER_LOCK_CONTAINERS_H

#include "builder/plan/locked.h"
#include "builder/recipe/recipe.h"
#include "store/cas/cas.h"

/*
 * Makes each container's config.json with its image's configuration and label,
 * so that what is wrong is told by the recipe's place and not by a build later. ERR_INPUT.
 */
int containers_check(const struct recipe *recipe, const struct locked *locked, struct cas *cas,
                     struct err *e);
/* Whether a container of the system runs this image, so that its configuration matters. */
bool containers_run(const struct recipe *recipe, const char *image);

#endif
