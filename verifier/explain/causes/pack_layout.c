/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_PACKING || difference_is_field(d, FIELD_LAYOUT);
}

const struct cause cause_pack_layout = {
    .id = "pack.layout",
    .title = "where things lie",
    .weight = CAUSE_ENCODING,
    .advice = "pin the tool and its options; one thread, sorted input",
    .command = NULL,
    .normalize = normalize,
};
