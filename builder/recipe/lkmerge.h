/*
 * Several LinuxKit documents as one (spec linuxkit section 3.4), and the names
 * of images (section 3.5).
 */
#ifndef ASSAY_BUILDER_RECIPE_LKMERGE_H
#define ASSAY_BUILDER_RECIPE_LKMERGE_H

#include "builder/recipe/lkschema.h"

/* An empty document to merge into; NULL when out of memory. */
json_t *lk_merge_new(void);
/*
 * Checks the document at `c` and adds it. *visible_volumes is how many of the
 * last volumes binds may name: LinuxKit only keeps the last file's.
 */
int lk_merge_add(json_t *merged, const struct ycur *c, size_t *visible_volumes, struct err *e);

/* Reads and merges files, in order. Caller owns *out. ERR_INPUT "FILE:LINE:COLUMN: …". */
int lk_merge_files(const char *const *paths, size_t count, json_t **out, size_t *visible_volumes,
                   struct err *e);

/* "alpine:3" → docker.io/library/alpine:3, "lk/a:v1" → docker.io/lk/a:v1; caller frees. */
int lk_reference(const char *name, char **out, struct err *e);
/* Every image's name by its reference, but the volumes': LinuxKit leaves those as they are. */
int lk_expand(json_t *merged, struct err *e);

#endif
