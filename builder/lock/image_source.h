/* SPDX-License-Identifier: Apache-2.0 */
/* Images that are sources: docker archives, git commits, directories, URLs. */
#ifndef ASSAY_BUILDER_LOCK_IMAGE_SOURCE_H
#define ASSAY_BUILDER_LOCK_IMAGE_SOURCE_H

#include "base/process.h"
#include "builder/plan/locked.h"
#include "builder/recipe/recipe.h"
#include "net/http/http.h"
#include "store/cas/cas.h"

struct image_source_options {
    const struct recipe *recipe;
    const char *temp;             /* for temporary files */
    const char *const *env;       /* of git's credential helpers; proxies are taken from it */
    const char *const *git_hosts; /* whom the helpers are asked for */
    size_t git_host_count;
    struct process_limits limits; /* of git */
    const char *ca_file;          /* for git; NULL = the system's */
    struct http *http;            /* for URLs and for what may go without TLS */
    struct cas *cas;
};

/* One of the kinds that image_source_lock takes. */
bool image_is_source(const struct recipe_image *image);
/* It names something on another machine: `http` and `env` are needed. */
bool image_source_is_remote(const struct recipe_image *image);
/* Adds the image, and its layers, to `out`. Errors as of builder/sources/. */
int image_source_lock(const struct image_source_options *options, const struct recipe_image *image,
                      struct locked *out, struct err *e);
/* A path of the recipe, from its directory; caller frees. */
int recipe_path(const struct recipe *recipe, const char *path, char **out, struct err *e);

#endif
