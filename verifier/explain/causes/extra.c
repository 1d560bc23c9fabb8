/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_ONLY_B;
}

const struct cause cause_extra = {
    .id = "extra",
    .title = "additional members",
    .weight = CAUSE_SUSPICIOUS,
    .advice = "find what put it there",
    .command = NULL,
    .normalize = normalize,
};
