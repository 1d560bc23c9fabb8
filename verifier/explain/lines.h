/* SPDX-License-Identifier: Apache-2.0 */
/* A text's lines, for causes that are about their order. */
#ifndef ASSAY_VERIFIER_EXPLAIN_LINES_H
#define ASSAY_VERIFIER_EXPLAIN_LINES_H

#include "base/buf.h"
#include "verifier/explain/difference.h"

/* The lines of a whole text, sorted by their bytes. Appends; false when it cannot. */
bool lines_sorted(const struct hunk *text, struct buf *out);
/* Whether one of two texts is sorted by bytes, and the other as a dictionary is, and neither both
 * ways. */
bool lines_collated(const struct hunk *a, const struct hunk *b);

#endif
