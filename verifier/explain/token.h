/* SPDX-License-Identifier: Apache-2.0 */
/* Texts around a run of differing bytes: the line that it stands in, dates and paths in that. */
#ifndef ASSAY_VERIFIER_EXPLAIN_TOKEN_H
#define ASSAY_VERIFIER_EXPLAIN_TOKEN_H

#include "verifier/explain/difference.h"

struct token {
    const uint8_t *text;
    size_t len;
    size_t run_start; /* where the differing run is in it */
    size_t run_end;
};

/* The printable text around the hunk's run, within its line; false when the run itself is no text.
 */
bool token_line(const struct hunk *h, struct token *out);
/* The length of a date or time at the beginning of the text; 0 when there is none. */
size_t token_date(const uint8_t *text, size_t len);

#endif
