/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

#include <inttypes.h>

/* The masks that people and distributions have. Bits that no umask takes away are no matter of one.
 */
static const uint64_t umasks[] = {002, 022, 027, 077};

static bool only_by(const struct difference *d, uint64_t mask)
{
    return (d->a->number & ~mask) == (d->b->number & ~mask) &&
           (d->a->number == (d->b->number & ~mask) || d->b->number == (d->a->number & ~mask));
}

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    struct err e = ERR_INIT;
    if (!difference_is_field(d, FIELD_MODE) || d->a == NULL || d->b == NULL)
        return false;
    for (size_t i = 0; i < sizeof(umasks) / sizeof(umasks[0]); i++)
        if (only_by(d, umasks[i]))
            return buf_addf(out, &e, "%" PRIo64, (side_b ? d->b : d->a)->number & ~umasks[i]) == 0;
    return false;
}

const struct cause cause_mode_umask = {
    .id = "mode.umask",
    .title = "permissions, by the builder's umask",
    .weight = CAUSE_METADATA,
    .advice = "set the umask in the build",
    .command = "umask 022",
    .normalize = normalize,
};
