/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_ID);
}

const struct cause cause_fs_uuid = {
    .id = "fs.uuid",
    .title = "identifiers",
    .weight = CAUSE_METADATA,
    .advice = "derive identifiers from the content (UUID version 5) instead of from chance",
    .command = "mke2fs -U …; mkfs.vfat -i …; sgdisk -U …",
    .normalize = normalize,
};
