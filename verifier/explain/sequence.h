/* SPDX-License-Identifier: Apache-2.0 */
/* Two sequences of pieces, lines or words, matched so that as much as can be stays. */
#ifndef ASSAY_VERIFIER_EXPLAIN_SEQUENCE_H
#define ASSAY_VERIFIER_EXPLAIN_SEQUENCE_H

#include "base/err.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
    const uint8_t *text; /* borrowed */
    size_t len;
    uint32_t symbol; /* equal pieces have equal ones */
};

struct sequence {
    struct piece *list;
    size_t count;
    size_t room;
};

int sequence_add(struct sequence *s, const uint8_t *text, size_t len, struct err *e);
/* A piece for each line: what ends with a line's end or a NUL, which is of it. */
int sequence_lines(struct sequence *s, const uint8_t *text, size_t len, struct err *e);
void sequence_dispose(struct sequence *s);
#define AUTO_SEQUENCE AUTO(sequence_dispose) struct sequence

/* The order of two pieces by their bytes. */
int piece_order(const struct piece *a, const struct piece *b);
/* As a dictionary has them: letters and digits without regard to case, then the bytes. */
int piece_order_words(const struct piece *a, const struct piece *b);

bool sequence_sorted(const struct sequence *s,
                     int (*order)(const struct piece *a, const struct piece *b));

/* Gives the pieces of both their symbols. */
int sequences_number(struct sequence *a, struct sequence *b, struct err *e);
/* Whether both have the same pieces, each as often; for numbered ones. */
int sequences_permuted(const struct sequence *a, const struct sequence *b, bool *out,
                       struct err *e);

/* Leaves of both numbered ones what is as often in the other. */
int sequences_share(struct sequence *a, struct sequence *b, struct err *e);

/* a's [a_start, a_end) stands for b's [b_start, b_end); one of the two may be empty. */
struct block {
    size_t a_start;
    size_t a_end;
    size_t b_start;
    size_t b_end;
};

/*
 * The blocks in which numbered sequences differ, in order, with what both have between them: fewest
 * pieces taken out and put in (Myers 1986, O(ND)). *out is NULL when that takes more than
 * `edits_max` of them; freed by the caller.
 */
int sequences_differ(const struct sequence *a, const struct sequence *b, size_t edits_max,
                     struct block **out, size_t *count, struct err *e);

#endif
