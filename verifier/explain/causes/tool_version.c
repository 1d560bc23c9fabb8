/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_VERSION);
}

const struct cause cause_tool_version = {
    .id = "tool.version",
    .title = "versions of the tools that made it",
    .weight = CAUSE_ENCODING,
    .advice = "pin the toolchain by digest",
    .command = "assay lock",
    .normalize = normalize,
};
