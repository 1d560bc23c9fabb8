/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_HOST);
}

const struct cause cause_host_name = {
    .id = "host.name",
    .title = "the host or user it was made on",
    .weight = CAUSE_METADATA,
    .advice = "build in a sandbox with a fixed host and user name",
    .command = NULL,
    .normalize = normalize,
};
