/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_MOVED;
}

const struct cause cause_moved = {
    .id = "moved",
    .title = "the same content under another name",
    .weight = CAUSE_SUSPICIOUS,
    .advice = "find what renamed it",
    .command = NULL,
    .normalize = normalize,
};
