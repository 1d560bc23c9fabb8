/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of bytes to read once, front to back: a blob, a decompressor, a member of an archive. */
#ifndef ASSAY_FORMATS_STREAM_SOURCE_H
#define ASSAY_FORMATS_STREAM_SOURCE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct source {
    void *context;
    /* Up to `len` (> 0) bytes; *got is 0 only at the end. A stream that does not end well is
     * ERR_INPUT. */
    int (*read)(void *context, void *data, size_t len, size_t *got, struct err *e);
};

/* Reads until `len` bytes are there or the stream ends; *got tells how many. */
int source_fill(const struct source *s, void *data, size_t len, size_t *got, struct err *e);

/* Borrowed bytes as a stream; the struct must outlive it. */
struct source_bytes {
    const uint8_t *p;
    size_t left;
};
struct source source_from_bytes(struct source_bytes *bytes);

/* `len` bytes of a descriptor from `offset`, by pread. Borrowed; a short file is ERR_INPUT. */
struct source_file {
    int fd;
    uint64_t offset;
    uint64_t left;
};
struct source source_from_file(struct source_file *file);

#endif
