/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/sink.h"

int sink_zeros(const struct sink *s, uint64_t len, struct err *e)
{
    static const uint8_t zeros[64 * 1024];
    int rc = 0;
    if (s->zeros != NULL)
        return s->zeros(s->context, len, e);
    while (rc == 0 && len > 0) {
        size_t part = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
        rc = sink_write(s, zeros, part, e);
        len -= part;
    }
    return rc;
}

static int write_cas(void *context, const void *data, size_t len, struct err *e)
{
    return cas_writer_write(context, data, len, e);
}

static int zeros_cas(void *context, uint64_t len, struct err *e)
{
    return cas_writer_zeros(context, len, e);
}

struct sink sink_cas(struct cas_writer *w)
{
    return (struct sink){.write = write_cas, .context = w, .zeros = zeros_cas};
}

static int write_buf(void *context, const void *data, size_t len, struct err *e)
{
    return buf_add(context, data, len, e);
}

struct sink sink_buf(struct buf *b)
{
    return (struct sink){.write = write_buf, .context = b};
}
