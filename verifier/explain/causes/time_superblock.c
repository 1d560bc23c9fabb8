/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_TIME_MADE);
}

const struct cause cause_time_superblock = {
    .id = "time.superblock",
    .title = "the time at which it was made",
    .weight = CAUSE_METADATA,
    .advice = "set the creation time of the file system or archive",
    .command = "SOURCE_DATE_EPOCH=0 mksquashfs …; mke2fs -E …, E2FSPROGS_FAKE_TIME",
    .normalize = normalize,
};
