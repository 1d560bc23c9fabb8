/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One difference between two things, as the walk finds it and causes judge it. Everything is
 * borrowed for as long as the callback that is given it runs.
 */
#ifndef ASSAY_VERIFIER_EXPLAIN_DIFFERENCE_H
#define ASSAY_VERIFIER_EXPLAIN_DIFFERENCE_H

#include "formats/object/object.h"

enum difference_kind {
    DIFFERENCE_KIND,   /* a and b are of two formats */
    DIFFERENCE_ONLY_A, /* a member that the other side lacks */
    DIFFERENCE_ONLY_B,
    DIFFERENCE_MOVED, /* the same content under another path */
    DIFFERENCE_TYPE,  /* a file here, a link there */
    DIFFERENCE_FIELD, /* one field; a or b is NULL where it is missing */
    DIFFERENCE_ORDER, /* the same members in another order */
    DIFFERENCE_LINES, /* a text's lines, the same ones in another order; the hunks are all of it */
    DIFFERENCE_CONTENT, /* a run of bytes that nothing reads further */
    DIFFERENCE_PACKING, /* equal fields and contents, other bytes */
    DIFFERENCE_UNREAD,  /* not looked at: damaged, or a limit was hit; `note` says which */
};

/* A run of differing bytes with what stands around it, so that a token can be seen whole. */
struct hunk {
    const uint8_t *bytes; /* before, run, after */
    size_t before;
    size_t run;
    size_t after;
    uint64_t offset; /* of the run in its content */
    /* Of `before` the first so many bytes, and of `after` the last: other words, which are judged
     * by themselves where they differ. */
    size_t apart_before;
    size_t apart_after;
};

struct difference {
    enum difference_kind kind;
    const char *path;        /* "system.squashfs » usr/bin/true » .text" */
    struct object *object_a; /* what it was found in; NULL: the two things themselves */
    struct object *object_b;
    const struct member *member_a; /* NULL: of the object itself */
    const struct member *member_b;
    const struct field *a; /* DIFFERENCE_FIELD */
    const struct field *b;
    struct hunk hunk_a; /* DIFFERENCE_CONTENT, and a text of DIFFERENCE_FIELD */
    struct hunk hunk_b;
    const char *other_path; /* DIFFERENCE_MOVED: where b has it */
    const char *note;       /* DIFFERENCE_UNREAD */
    uint64_t bytes;         /* that differ; of a content what the shorter side lacks counts too */
};

#endif
