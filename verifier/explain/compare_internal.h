/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the walk share and nobody else sees. */
#ifndef ASSAY_VERIFIER_EXPLAIN_COMPARE_INTERNAL_H
#define ASSAY_VERIFIER_EXPLAIN_COMPARE_INTERNAL_H

#include "verifier/explain/compare.h"

enum { COMPARE_PATH_MAX = 64 * 1024 };

struct walk {
    const struct compare *c;
    struct buf path;
    unsigned depth;
    uint64_t found;
    struct holder {
        struct object *a; /* NULL: the things themselves */
        struct object *b;
        const struct member *member_a;
        const struct member *member_b;
    } holder; /* what the bytes that are compared are the content of */
};

int walk_tell(struct walk *w, struct difference *d, struct err *e);
/* The same with the path of a member behind the walk's own. */
int walk_tell_member(struct walk *w, const char *member, struct difference *d, struct err *e);
/* Two things' bytes: equal, or objects of one kind, or leaves. */
int walk_bytes(struct walk *w, struct bytes *a, struct bytes *b, struct err *e);
/* compare_object.c */
int walk_objects(struct walk *w, struct object *a, struct object *b, struct err *e);
/* compare_leaf.c: runs of bytes that differ. */
int walk_leaf(struct walk *w, struct bytes *a, struct bytes *b, struct err *e);

#endif
