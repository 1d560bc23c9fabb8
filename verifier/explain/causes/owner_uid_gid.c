/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_OWNER);
}

const struct cause cause_owner_uid_gid = {
    .id = "owner.uid_gid",
    .title = "owners",
    .weight = CAUSE_METADATA,
    .advice = "declare owners instead of taking the builder's",
    .command = "tar --owner=0 --group=0 --numeric-owner; mksquashfs -all-root",
    .normalize = normalize,
};
