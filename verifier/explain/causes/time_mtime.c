/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_TIME);
}

const struct cause cause_time_mtime = {
    .id = "time.mtime",
    .title = "modification times",
    .weight = CAUSE_METADATA,
    .advice =
        "give every file one time: the build sets SOURCE_DATE_EPOCH and the tool clamps to it",
    .command = "mksquashfs … -all-time 0; tar --mtime=@0 --clamp-mtime",
    .normalize = normalize,
};
