/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several LinuxKit documents as one (docs/formats/linuxkit.md, section 3.4), and the names
 * of images (section 3.5).
 */
#ifndef ASSAY_BUILDER_LINUXKIT_MERGE_H
#define ASSAY_BUILDER_LINUXKIT_MERGE_H

#include "builder/linuxkit/schema.h"

/* An empty document to merge into; NULL when out of memory. */
json_t *linuxkit_merge_new(void);
/*
 * Checks the document at `c` and adds it. *visible_volumes is how many of the
 * last volumes binds may name: LinuxKit only keeps the last file's.
 */
int linuxkit_merge_add(json_t *merged, const struct ycur *c, size_t *visible_volumes,
                       struct err *e);

/* Reads and merges files, in order: once as values and once with their places. `warnings` (may be
 * NULL) gets the texts that LinuxKit changes (templates.h). Caller owns both. ERR_INPUT
 * "FILE:LINE:COLUMN: …". */
int linuxkit_merge_read(const char *const *paths, size_t count, json_t *warnings, json_t **out,
                        size_t *visible_volumes, struct yaml_doc **places, struct err *e);

/* The same for --dry-run: names of packages (pkg.h) are shown as LinuxKit would without git
 * history; *packages is how many. */
int linuxkit_merge_show(const char *const *paths, size_t count, json_t *warnings, json_t **out,
                        size_t *packages, struct err *e);

/*
 * The same in strict mode: each document is checked by the schema, and the
 * merged one knows where each of its values was written. Takes the parts, also on failure.
 */
int linuxkit_merge_docs(struct yaml_doc **parts_taken, size_t count, struct yaml_doc **out,
                        struct err *e);

/* "alpine:3" → docker.io/library/alpine:3, "lk/a:v1" → docker.io/lk/a:v1; caller frees. */
int linuxkit_reference(const char *name, char **out, struct err *e);
/* Every image's name by its reference, but the volumes': LinuxKit leaves those as they are. */
int linuxkit_expand(json_t *merged, struct err *e);
/* Strict mode: the volumes', too; names that are keys of `own` (NULL: none) are not references. */
int linuxkit_expand_strict(json_t *merged, const json_t *own, struct err *e);

#endif
