/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_SEED);
}

const struct cause cause_fs_seed = {
    .id = "fs.seed",
    .title = "random seeds",
    .weight = CAUSE_METADATA,
    .advice = "state the seed",
    .command = "mke2fs -E hash_seed=…",
    .normalize = normalize,
};
