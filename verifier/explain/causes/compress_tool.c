/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_COMPRESSOR) ||
           (d->kind == DIFFERENCE_PACKING && d->object_a != NULL && d->object_a->kind->wrapper);
}

const struct cause cause_compress_tool = {
    .id = "compress.tool",
    .title = "compression: the tool, its version or its level",
    .weight = CAUSE_ENCODING,
    .advice = "pin the compressor, its version and level",
    .command = "gzip -n -9; zstd -19 --single-thread",
    .normalize = normalize,
};
