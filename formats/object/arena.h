/* SPDX-License-Identifier: Apache-2.0 */
/* Many small things that live as long as their owner: chunks, freed at once. */
#ifndef ASSAY_FORMATS_OBJECT_ARENA_H
#define ASSAY_FORMATS_OBJECT_ARENA_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used; /* of the newest chunk */
    uint64_t total;
};
#define ARENA_INIT                                                                                 \
    {                                                                                              \
        0                                                                                          \
    }

/* Aligned for any type; not cleared. */
int arena_take(struct arena *a, size_t size, void **out, struct err *e);
/* With a NUL behind it that does not count. */
int arena_copy(struct arena *a, const void *data, size_t len, const uint8_t **out, struct err *e);
void arena_dispose(struct arena *a);

#endif
