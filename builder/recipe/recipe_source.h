/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of images that are sources: a docker archive, a git commit, a
 * directory, a URL. And what recipe_image.c shares with them. Private to builder/recipe.
 */
#ifndef ASSAY_BUILDER_RECIPE_RECIPE_SOURCE_H
#define ASSAY_BUILDER_RECIPE_RECIPE_SOURCE_H

#include "base/yaml/ycur.h"
#include "builder/recipe/recipe.h"

/* A list of texts that `valid` accepts (NULL: all); sorted when `set`, and then each once. */
int recipe_read_list(const struct ycur *c, size_t max, bool set, bool (*valid)(const char *),
                     const char *what, struct recipe_list *out, struct err *e);
/* The member `platform`, when there is one. */
int recipe_read_platform(const struct ycur *c, const char **out, struct err *e);

int recipe_read_docker(const struct ycur *c, struct recipe_image *image, struct err *e);
int recipe_read_git(const struct ycur *c, struct recipe_image *image, struct err *e);
int recipe_read_directory(const struct ycur *c, struct recipe_image *image, struct err *e);
int recipe_read_url(const struct ycur *c, struct recipe_image *image, struct err *e);

#endif
