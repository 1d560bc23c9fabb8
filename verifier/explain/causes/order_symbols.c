/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of a program, the same ones in another order. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/lines.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    return d->kind == DIFFERENCE_LINES && d->member_a != NULL && d->member_a->any_order &&
           lines_sorted(side_b ? &d->hunk_b : &d->hunk_a, out);
}

const struct cause cause_order_symbols = {
    .id = "order.symbols",
    .title = "the order of symbols",
    .weight = CAUSE_METADATA,
    .advice = "sort the list of objects that is linked",
    .command = "ld … $(ls *.o | LC_ALL=C sort)",
    .normalize = normalize,
};
