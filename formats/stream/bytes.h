/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immutable bytes with random access, wherever they are: a file, memory, a part of other bytes.
 * What readers of formats read from. Files are read, never mapped: one that is cut short meanwhile
 * is an error, not a signal.
 */
#ifndef ASSAY_FORMATS_STREAM_BYTES_H
#define ASSAY_FORMATS_STREAM_BYTES_H

#include "base/buf.h"

struct bytes {
    uint64_t size;
    /* Exactly `len` bytes at `offset`; both are within the size. */
    int (*read)(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e);
    void (*destroy)(struct bytes *b); /* frees what the makers below know of; NULL: nothing */
    unsigned references;
    const char *name; /* in errors; owned */
};

/* Every maker gives one reference; `name` is copied. */

/* A regular file or block device. ERR_INPUT when it is missing or neither. */
int bytes_open(const char *path, struct bytes **out, struct err *e);
/* Takes the descriptor, also on failure. */
int bytes_of_fd(int fd, const char *name, struct bytes **out, struct err *e);
/* Takes the memory (malloc), also on failure. */
int bytes_of_memory(void *data_taken, size_t size, const char *name, struct bytes **out,
                    struct err *e);
/* A part of other bytes, which it keeps. ERR_INPUT when it is not within them. */
int bytes_slice(struct bytes *whole, uint64_t offset, uint64_t size, const char *name,
                struct bytes **out, struct err *e);

/* For makers of other kinds: takes `b` (calloc) with its size and functions set, gives it a name
 * and the one reference. On failure it is dropped. */
int bytes_finish(struct bytes *b_taken, const char *name, struct bytes **out, struct err *e);

struct bytes *bytes_keep(struct bytes *b);
/* Gives a reference back; NULL is fine. */
void bytes_drop(struct bytes *b);
static inline void scope_bytes(struct bytes **b)
{
    bytes_drop(*b);
}
#define AUTO_BYTES AUTO(scope_bytes) struct bytes

/* ERR_INPUT when the range is not within the bytes. */
int bytes_read(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e);
/* As many bytes as there are, up to `len`. */
int bytes_peek(const struct bytes *b, uint64_t offset, void *out, size_t len, size_t *got,
               struct err *e);

/* Where two ranges of the same length first differ; `len` when nowhere. */
int bytes_compare(const struct bytes *a, uint64_t a_offset, const struct bytes *b,
                  uint64_t b_offset, uint64_t len, uint64_t *first, struct err *e);

#endif
