/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the order of a hash table. */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_ORDER);
}

const struct cause cause_order_hash = {
    .id = "order.hash",
    .title = "the order of keys",
    .weight = CAUSE_METADATA,
    .advice = "sort keys before they are written",
    .command = "PYTHONHASHSEED=0; jq -S",
    .normalize = normalize,
};
