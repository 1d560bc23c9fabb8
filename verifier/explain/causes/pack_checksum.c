/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_CHECKSUM);
}

const struct cause cause_pack_checksum = {
    .id = "pack.checksum",
    .title = "checksums that follow from the rest",
    .weight = CAUSE_ENCODING,
    .advice = "nothing: they follow from the other differences",
    .command = NULL,
    .normalize = normalize,
};
