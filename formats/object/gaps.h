/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that belong to nothing, and paths as they are written. */
#ifndef ASSAY_FORMATS_OBJECT_GAPS_H
#define ASSAY_FORMATS_OBJECT_GAPS_H

#include "formats/object/object.h"

/* Whether [start, end) is nothing but zeros. */
int bytes_are_zero(const struct bytes *b, uint64_t start, uint64_t end, bool *out, struct err *e);
/* A member of type MEMBER_GAP, "(gap at N)", with `start` as its cookie; none where all are zeros.
 */
int object_gap(struct object *o, uint64_t start, uint64_t end, struct err *e);

/* Stretches of the bytes that something stands in; what is between them is found at the end. */
struct extents {
    struct extent {
        uint64_t start;
        uint64_t end;
    } * list;
    size_t count;
    size_t room;
};
int extents_add(struct extents *x, uint64_t start, uint64_t len, struct err *e);
void extents_dispose(struct extents *x);
/* Each gap up to `end`, in order. */
int extents_gaps(struct extents *x, struct object *o, uint64_t end,
                 int (*gap)(struct object *o, uint64_t start, uint64_t end, struct err *e),
                 struct err *e);

/* "./a/", "/a" and "a" are one path: "a"; ".." stays. Appends. */
int object_path(const void *raw, size_t len, struct buf *out, struct err *e);
/* A name in UTF-16 as UTF-8; a lone surrogate keeps its three bytes, what no path can have is \xNN.
 * Appends. */
int object_wide_name(const uint16_t *chars, size_t count, struct buf *out, struct err *e);
/* The field "name.form" of the member that is added next, where the raw name is not the plain form
 * (a directory may have a slash at its end). */
int object_name_form(struct object *o, enum member_type type, const void *raw, size_t len,
                     const struct buf *path, struct err *e);

#endif
