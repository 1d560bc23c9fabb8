/* SPDX-License-Identifier: Apache-2.0 */
/* Where an encoder's bytes go: the store, a compressor, or both. Borrowed by the writer that is
 * given it. */
#ifndef ASSAY_FORMATS_STREAM_SINK_H
#define ASSAY_FORMATS_STREAM_SINK_H

#include "base/buf.h"
#include "store/cas/cas.h"

#include <stddef.h>

struct sink {
    int (*write)(void *context, const void *data, size_t len, struct err *e);
    void *context;
    /* NULL: zeros are written as any bytes. */
    int (*zeros)(void *context, uint64_t len, struct err *e);
};

static inline int sink_write(const struct sink *s, const void *data, size_t len, struct err *e)
{
    return s->write(s->context, data, len, e);
}

/* So many bytes of zeros. */
int sink_zeros(const struct sink *s, uint64_t len, struct err *e);

/* Writes to the store, runs of zeros as holes. */
struct sink sink_cas(struct cas_writer *w);
/* Appends. */
struct sink sink_buf(struct buf *b);

#endif
