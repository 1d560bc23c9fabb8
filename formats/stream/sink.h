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
};

static inline int sink_write(const struct sink *s, const void *data, size_t len, struct err *e)
{
    return s->write(s->context, data, len, e);
}

/* Writes to the store. */
struct sink sink_cas(struct cas_writer *w);
/* Appends. */
struct sink sink_buf(struct buf *b);

#endif
