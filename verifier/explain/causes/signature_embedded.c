/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool is_signature(const struct difference *d)
{
    return (d->member_a == NULL || d->member_a->signature) &&
           (d->member_b == NULL || d->member_b->signature) &&
           (d->member_a != NULL || d->member_b != NULL);
}

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_SIGNATURE) || is_signature(d);
}

const struct cause cause_signature_embedded = {
    .id = "signature.embedded",
    .title = "embedded signatures",
    .weight = CAUSE_METADATA,
    .advice = "compare without the signature, and check the signature by itself",
    .command = "assay diff --signed",
    .normalize = normalize,
};
