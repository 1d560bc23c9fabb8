/* SPDX-License-Identifier: Apache-2.0 */
/* One compressor, two levels. */
#include "verifier/explain/causes/causes.h"

#include <string.h>

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    if (!difference_is_field(d, FIELD_COMPRESSOR) || d->a == NULL || d->b == NULL)
        return false;
    size_t len = strlen(d->a->name);
    return len >= 5 && strcmp(d->a->name + len - 5, "level") == 0;
}

const struct cause cause_compress_level = {
    .id = "compress.level",
    .title = "levels of compression",
    .weight = CAUSE_ENCODING,
    .advice = "pin the level",
    .command = "gzip -n -9; zstd -19; xz -6",
    .normalize = normalize,
};
