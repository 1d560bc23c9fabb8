/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed in one piece here and in several there, as with several threads. */
#include "verifier/explain/causes/causes.h"

#include <string.h>

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    return difference_is_field(d, FIELD_COMPRESSOR) && d->a != NULL && d->b != NULL &&
           strcmp(d->a->name, "blocks") == 0;
}

const struct cause cause_compress_threads = {
    .id = "compress.threads",
    .title = "the number of threads that compressed it",
    .weight = CAUSE_ENCODING,
    .advice = "compress with one thread, or a fixed size of blocks",
    .command = "xz -T1; xz --block-size=64MiB; zstd --single-thread",
    .normalize = normalize,
};
