/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_XATTR);
}

const struct cause cause_xattr = {
    .id = "xattr",
    .title = "extended attributes",
    .weight = CAUSE_METADATA,
    .advice = "strip or declare extended attributes",
    .command = "mksquashfs -no-xattrs; tar --no-xattrs",
    .normalize = normalize,
};
