/* SPDX-License-Identifier: Apache-2.0 */
/* What a thing is, by its content and never by its name: the table of all readers. */
#ifndef ASSAY_VERIFIER_EXPLAIN_KINDS_H
#define ASSAY_VERIFIER_EXPLAIN_KINDS_H

#include "formats/object/object.h"

extern const struct object_kind *const object_kinds[];
extern const size_t object_kind_count;

/* NULL: no reader knows it, and it is bytes. */
int kind_of(const struct bytes *bytes, const struct object_kind **out, struct err *e);
/* A file as bytes (*bytes new, *directory NULL) or a directory (*directory new). */
int kind_open_path(const char *path, struct budget *budget, struct bytes **bytes,
                   struct object **directory, struct err *e);

#endif
