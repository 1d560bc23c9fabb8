/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that say an explanation share; not for others. */
#ifndef ASSAY_VERIFIER_EXPLAIN_EXPLANATION_INTERNAL_H
#define ASSAY_VERIFIER_EXPLAIN_EXPLANATION_INTERNAL_H

#include "verifier/explain/explanation.h"

/* The bytes of one side of a differing run, for those who want to see them. */
enum { SHOWN_MAX = 128 };
struct shown {
    uint64_t offset; /* of the first byte, in its content */
    size_t len;
    size_t from; /* the run that differs: [from, to) */
    size_t to;
    uint8_t bytes[SHOWN_MAX];
};

struct sample {
    char *path;
    char *a; /* NULL: that side has none */
    char *b;
    struct shown *hex; /* two of them, a and b; NULL: no run of bytes */
};

/* Differences with one cause, in one thing, of one field. */
struct group {
    const struct cause *cause;
    char *where; /* the thing that they are in: the path without its last part */
    char *field; /* "" where it is no field */
    uint64_t count;
    uint64_t bytes;
    bool constant; /* every number differs by `delta` */
    int64_t delta;
    struct sample samples[EXPLANATION_SAMPLES_MAX];
    size_t sample_count;
};

/* A path that differs, for the tree of what changed: the first so many of them. */
enum { PLACES_MAX = 2000 };
struct place_found {
    char *path;
    const struct cause *cause;
};

struct explanation {
    const struct cause **tolerated;
    size_t tolerated_count;
    struct budget *budget;
    struct group *groups;
    size_t count;
    size_t room;
    struct place_found *places;
    size_t place_count;
    size_t place_room;
    uint64_t places_left_out;
    uint64_t differences;
    uint64_t unexplained_count;
    uint64_t unexplained_bytes;
    uint64_t not_tolerated;
};

#define PART_MARK " » "

/* The heaviest first, then the most; ties stand as they were found. *out is freed by the caller. */
int explanation_sort(const struct explanation *x, const struct group ***out, struct err *e);
/* Names come from what is compared: no byte of theirs may steer a terminal or end a line. */
int explanation_add_path(const char *path, struct buf *out, struct err *e);
/* " in system.squashfs", " (mtime)", "3 times": what stands behind a group's title. */
int explanation_add_where(const struct group *g, struct buf *out, struct err *e);

#endif
