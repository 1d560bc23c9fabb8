/* SPDX-License-Identifier: Apache-2.0 */
/* What no cause explains. It takes every difference that is left, so it stands last. */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)d;
    (void)side_b;
    (void)out;
    return true;
}

const struct cause cause_content = {
    .id = "content.data",
    .title = "content that nothing explains",
    .weight = CAUSE_SUSPICIOUS,
    .advice = "look at it: nothing that is known to vary between builds explains it",
    .command = NULL,
    .normalize = normalize,
};
