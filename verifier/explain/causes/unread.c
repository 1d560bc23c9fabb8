/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_UNREAD;
}

const struct cause cause_unread = {
    .id = "unread",
    .title = "parts that were not compared",
    .weight = CAUSE_SUSPICIOUS,
    .advice = "raise the limit that was hit, or mend the damage",
    .command = "assay diff --max-…",
    .normalize = normalize,
};
