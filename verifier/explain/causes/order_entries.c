/* SPDX-License-Identifier: Apache-2.0 */
/* Members of an archive, or lines of a list, in another order. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/lines.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    if (d->kind == DIFFERENCE_LINES)
        return lines_sorted(side_b ? &d->hunk_b : &d->hunk_a, out);
    return d->kind == DIFFERENCE_ORDER;
}

const struct cause cause_order_entries = {
    .id = "order.entries",
    .title = "the order of members",
    .weight = CAUSE_METADATA,
    .advice = "sort what is archived or listed",
    .command = "tar --sort=name; find … | LC_ALL=C sort",
    .normalize = normalize,
};
