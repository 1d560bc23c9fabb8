/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzer gives, as bytes that readers read; one reference. */
#ifndef ASSAY_TESTS_FUZZ_MEMORY_BYTES_H
#define ASSAY_TESTS_FUZZ_MEMORY_BYTES_H

#include "formats/stream/bytes.h"

#include <stdlib.h>
#include <string.h>

static inline struct bytes *memory_bytes(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct bytes *out = NULL;
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    if (bytes_of_memory(copy, size, "fuzz", &out, &e) < 0)
        abort();
    return out;
}

#endif
