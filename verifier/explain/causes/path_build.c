/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_PATH);
}

const struct cause cause_path_build = {
    .id = "path.build",
    .title = "the path it was made in",
    .weight = CAUSE_METADATA,
    .advice = "build in a fixed directory or map it away",
    .command = "-ffile-prefix-map=$PWD=.",
    .normalize = normalize,
};
