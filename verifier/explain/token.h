/* SPDX-License-Identifier: Apache-2.0 */
/* Texts around a run of differing bytes: the words that it stands in, and what stands in front. */
#ifndef ASSAY_VERIFIER_EXPLAIN_TOKEN_H
#define ASSAY_VERIFIER_EXPLAIN_TOKEN_H

#include "verifier/explain/difference.h"

struct token {
    const uint8_t *text;
    size_t len;
    size_t run_start; /* where the differing run is in it */
    size_t run_end;
};

/* The printable text around the hunk's run, within its line and its words; false when the run
 * itself is no text. */
bool token_line(const struct hunk *h, struct token *out);
/* The same of one side of a difference; false when it has no text. */
bool token_of(const struct difference *d, bool side_b, struct token *out);
/*
 * Whether what stands in front of the token, in its line, ends with one of the words, with nothing
 * but blanks and punctuation between: "host" in "build-host: alpha". Words are lower case, case is
 * no matter; NULL ends the list.
 */
bool token_follows(const struct difference *d, bool side_b, const char *const *words);
/* The same of what stands behind: "Alice" in "Alice@host". */
bool token_followed_by(const struct difference *d, bool side_b, uint8_t c);
/* Whether one of the words is anywhere in the line. */
bool token_line_has(const struct difference *d, bool side_b, const char *const *words);

bool token_printable(uint8_t c);
/* What parts words: blanks, quotes, brackets and the like. */
bool token_parts(uint8_t c);

#endif
