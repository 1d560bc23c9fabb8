/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/sink.h"

static int write_cas(void *context, const void *data, size_t len, struct err *e)
{
    return cas_writer_write(context, data, len, e);
}

struct sink sink_cas(struct cas_writer *w)
{
    return (struct sink){write_cas, w};
}

static int write_buf(void *context, const void *data, size_t len, struct err *e)
{
    return buf_add(context, data, len, e);
}

struct sink sink_buf(struct buf *b)
{
    return (struct sink){write_buf, b};
}
