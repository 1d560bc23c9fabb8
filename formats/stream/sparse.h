/* SPDX-License-Identifier: Apache-2.0 */
/* Files with holes. */
#ifndef ASSAY_FORMATS_STREAM_SPARSE_H
#define ASSAY_FORMATS_STREAM_SPARSE_H

#include "base/err.h"

#include <stdint.h>

/*
 * The next offset in [offset, end] that may hold anything but zeros; `end` when
 * there is none. A file system that cannot tell says: here.
 */
uint64_t sparse_next_data(int fd, uint64_t offset, uint64_t end);
/* Writes `len` bytes at `offset`, leaving holes where whole pages are zeros. */
int sparse_write(int fd, const uint8_t *data, size_t len, uint64_t offset, const char *what,
                 struct err *e);
/* `size` bytes of `from` at `offset` to `to` at `base`; `what` names `from` in errors. */
int sparse_copy(int from, uint64_t offset, uint64_t size, int to, uint64_t base, const char *what,
                struct err *e);

#endif
