/* SPDX-License-Identifier: Apache-2.0 */
/* Code that differs. No cause before this one claims any: it stands before those that read texts.
 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return d->kind == DIFFERENCE_CONTENT && ((d->member_a != NULL && d->member_a->code) ||
                                             (d->member_b != NULL && d->member_b->code));
}

const struct cause cause_content_code = {
    .id = "content.code",
    .title = "code that nothing explains",
    .weight = CAUSE_CODE,
    .advice = "look at it first: other code runs",
    .command = "objdump -d …",
    .normalize = normalize,
};
