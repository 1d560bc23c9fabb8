/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_FORMAT);
}

const struct cause cause_archive_format = {
    .id = "archive.format",
    .title = "dialects of the format",
    .weight = CAUSE_ENCODING,
    .advice = "state the dialect",
    .command = "tar --format=posix",
    .normalize = normalize,
};
