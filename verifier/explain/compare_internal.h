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

/* A part of a content. */
struct span {
    uint64_t start;
    uint64_t end;
};

/* Two contents that nothing reads further. */
struct leaf {
    struct walk *w;
    struct difference like; /* what each difference is made from */
    const char *member;     /* "": the walk's path is theirs */
    struct bytes *a;
    struct bytes *b;
    uint64_t runs;
    uint64_t work;   /* what matching words may still cost */
    uint8_t *room_a; /* for a hunk: AROUND + RUN_MAX + AROUND */
    uint8_t *room_b;
};

/* compare_leaf.c: a's run stands for b's. What is outside of the words is not theirs; without words
 * all that is around is. */
int leaf_tell(struct leaf *l, const struct span *a, const struct span *b, const struct span *word_a,
              const struct span *word_b, struct err *e);
/* compare_words.c: two texts, without line ends, by their words. `a_at` is where they are in their
 * contents. Words are told apart while `work` lasts. */
int leaf_words(struct leaf *l, const uint8_t *a, uint64_t a_at, size_t a_len, const uint8_t *b,
               uint64_t b_at, size_t b_len, struct err *e);
/* compare_lines.c: two spans by their lines; *told is false when nothing was told: they are too
 * large, or have too little in common. */
int leaf_lines(struct leaf *l, const struct span *a, const struct span *b, bool *told,
               struct err *e);
/* compare_leaf.c: a field's two texts, by their words. */
int walk_text(struct walk *w, const char *member, const struct difference *like, struct err *e);
/* compare_lines.c: whether the whole of both are the same lines in another order, one of them
 * sorted; told then. */
int leaf_order(struct leaf *l, bool *told, struct err *e);

#endif
