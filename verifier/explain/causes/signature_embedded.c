/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_SIGNATURE);
}

const struct cause cause_signature_embedded = {
    .id = "signature.embedded",
    .title = "embedded signatures",
    .weight = CAUSE_METADATA,
    .advice = "compare without the signature, and check the signature by itself",
    .command = "assay diff --signed",
    .normalize = normalize,
};
