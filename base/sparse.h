/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with holes. What is a hole is what the file system says; nobody but the disk may see a
 * difference to zeros.
 */
#ifndef ASSAY_BASE_SPARSE_H
#define ASSAY_BASE_SPARSE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The next offset in [offset, end] that may hold anything but zeros; `end` when
 * there is none. A file system that cannot tell says: here.
 */
uint64_t sparse_next_data(int fd, uint64_t offset, uint64_t end);
/* The next one behind `offset`, where there is data, from which on there may be none; `end` when a
 * file system cannot tell. */
uint64_t sparse_next_hole(int fd, uint64_t offset, uint64_t end);

/* A file from where it stands to its end, without reading its holes; what cannot be sought in is
 * read as it comes. Zero but for `fd`. */
struct sparse_reader {
    int fd;
    bool started;
    bool stream;       /* it cannot be sought in */
    uint64_t at;       /* the next byte */
    uint64_t data_end; /* where a hole may begin */
};
/* Up to `len` bytes, *got of them, or *zeros bytes of a hole; neither at the end. -1, and errno,
 * when it cannot be read. */
int sparse_read(struct sparse_reader *r, void *data, size_t len, size_t *got, uint64_t *zeros);

/* Writes `len` bytes at `offset`, leaving holes where whole pages are zeros. */
int sparse_write(int fd, const uint8_t *data, size_t len, uint64_t offset, const char *what,
                 struct err *e);
/* `size` bytes of `from` at `offset` to `to` at `base`; `what` names `from` in errors. */
int sparse_copy(int from, uint64_t offset, uint64_t size, int to, uint64_t base, const char *what,
                struct err *e);

#endif
