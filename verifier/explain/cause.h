/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why two things differ: a closed catalogue of causes, one row and one file of causes/ each. A
 * cause claims a difference only when taking away exactly what it stands for makes the two sides
 * equal, which is checked here and not believed; so what is claimed is proved, and what nobody
 * claims is content.code or content.data: suspicious.
 */
#ifndef ASSAY_VERIFIER_EXPLAIN_CAUSE_H
#define ASSAY_VERIFIER_EXPLAIN_CAUSE_H

#include "verifier/explain/difference.h"

enum cause_weight {
    CAUSE_METADATA,   /* times, owners, order: nothing that runs changed */
    CAUSE_ENCODING,   /* the same content, stored in another way */
    CAUSE_SUSPICIOUS, /* content changed, and nothing says why */
    CAUSE_CODE,       /* and it is what runs */
};

struct cause {
    const char *id;    /* "time.mtime" */
    const char *title; /* "modification times" */
    enum cause_weight weight;
    const char *advice;  /* what to change, one sentence */
    const char *command; /* one that does it or shows it; NULL: none */
    /*
     * One side of the difference with what the cause stands for taken away. Both sides must come
     * out equal, byte for byte, or the cause explains nothing. False: this is no difference of
     * mine.
     */
    bool (*normalize)(const struct difference *d, bool side_b, struct buf *out);
};

/* The table, in the order in which they are asked. */
extern const struct cause *const causes[];
extern const size_t cause_count;

/* NULL when there is none of that id. */
const struct cause *cause_find(const char *id);
/* The first that explains the difference; never NULL: the last rows take what is left. */
int cause_of(const struct difference *d, const struct cause **out, struct err *e);

/* For rows: a field of that class. */
bool difference_is_field(const struct difference *d, enum field_class class);

#endif
