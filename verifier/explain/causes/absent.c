/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_ONLY_A;
}

const struct cause cause_absent = {
    .id = "absent",
    .title = "missing members",
    .weight = CAUSE_SUSPICIOUS,
    .advice = "find what left it out",
    .command = NULL,
    .normalize = normalize,
};
