/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_OWNER_NAME);
}

const struct cause cause_owner_names = {
    .id = "owner.names",
    .title = "names of owners",
    .weight = CAUSE_METADATA,
    .advice = "archive with numbers only",
    .command = "tar --numeric-owner",
    .normalize = normalize,
};
