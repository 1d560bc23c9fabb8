/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_ORDER;
}

const struct cause cause_order_entries = {
    .id = "order.entries",
    .title = "the order of members",
    .weight = CAUSE_METADATA,
    .advice = "sort what is archived",
    .command = "tar --sort=name; find … | LC_ALL=C sort",
    .normalize = normalize,
};
