/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/gzip_writer.h"

#include "base/workers.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum { BATCH_MAX = 16 };

struct block {
    const uint8_t *in;
    size_t in_len;
    size_t dictionary_len; /* bytes before `in` */
    bool last;
    uint8_t *out;
    size_t out_cap;
    size_t out_len;
    uLong crc;
};

struct gzip_writer {
    struct sink out;
    int level;
    unsigned jobs;
    bool started;
    bool finished;
    size_t window_len; /* bytes of the input before this batch, at the start of `data` */
    uint8_t *data;     /* GZIP_WINDOW bytes, then the batch */
    size_t len;        /* of the batch */
    size_t batch;      /* blocks */
    struct block blocks[BATCH_MAX];
    uLong crc;
    uint32_t size; /* modulo 2^32, as the format has it */
};

int gzip_writer_new(struct sink out, int level, unsigned jobs, struct gzip_writer **w,
                    struct err *e)
{
    struct gzip_writer *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return err_oom(e);
    g->out = out;
    g->level = level;
    g->jobs = jobs < 1 ? 1 : jobs;
    g->batch = g->jobs > BATCH_MAX / 2 ? BATCH_MAX : 2 * (size_t)g->jobs;
    g->crc = crc32(0, NULL, 0);
    g->data = malloc(GZIP_WINDOW + g->batch * GZIP_BLOCK);
    if (g->data == NULL) {
        gzip_writer_free(g);
        return err_oom(e);
    }
    *w = g;
    return 0;
}

void gzip_writer_free(struct gzip_writer *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < BATCH_MAX; i++)
        free(w->blocks[i].out);
    free(w->data);
    free(w);
}

/* Feeds a whole block to an initialised stream; the room suffices by deflateBound and the flush
 * marker. */
static int deflate_block(z_stream *z, struct block *b, struct err *e)
{
    z->next_in = b->in;
    z->avail_in = (uInt)b->in_len;
    z->next_out = b->out;
    z->avail_out = (uInt)b->out_cap;
    int rc = deflate(z, b->last ? Z_FINISH : Z_SYNC_FLUSH);
    if (rc != (b->last ? Z_STREAM_END : Z_OK) || z->avail_in != 0 || z->avail_out == 0)
        return err_set(e, ERR_HOST, "cannot deflate: zlib says %d", rc);
    b->out_len = b->out_cap - z->avail_out;
    return 0;
}

static int compress_block(void *context, size_t i, struct err *e)
{
    struct gzip_writer *w = context;
    struct block *b = &w->blocks[i];
    z_stream z = {0};

    if (b->out == NULL) {
        b->out_cap = compressBound(GZIP_BLOCK) + 64;
        b->out = malloc(b->out_cap);
        if (b->out == NULL)
            return err_oom(e);
    }
    b->crc = crc32(crc32(0, NULL, 0), b->in, (uInt)b->in_len);
    if (deflateInit2(&z, w->level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_oom(e);
    int rc = 0;
    if (b->dictionary_len != 0 &&
        deflateSetDictionary(&z, b->in - b->dictionary_len, (uInt)b->dictionary_len) != Z_OK)
        rc = err_set(e, ERR_HOST, "cannot deflate: zlib refuses the window");
    if (rc == 0)
        rc = deflate_block(&z, b, e);
    (void)deflateEnd(&z);
    return rc;
}

static size_t batch_blocks(struct gzip_writer *w, bool last)
{
    size_t count = (w->len + GZIP_BLOCK - 1) / GZIP_BLOCK;

    if (count == 0 && last)
        count = 1; /* a stream without input is one empty final block */
    for (size_t i = 0; i < count; i++) {
        struct block *b = &w->blocks[i];
        size_t start = i * GZIP_BLOCK;

        b->in = w->data + GZIP_WINDOW + start;
        b->in_len = w->len - start < GZIP_BLOCK ? w->len - start : GZIP_BLOCK;
        b->dictionary_len = i == 0 ? w->window_len : GZIP_WINDOW;
        b->last = last && i + 1 == count;
    }
    return count;
}

static int flush_batch(struct gzip_writer *w, bool last, struct err *e)
{
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    size_t count = batch_blocks(w, last);
    int rc = 0;

    if (!w->started) {
        w->started = true;
        rc = sink_write(&w->out, header, sizeof(header), e);
    }
    if (rc == 0)
        rc = workers_run(w->jobs, count, compress_block, w, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct block *b = &w->blocks[i];

        w->crc = crc32_combine(w->crc, b->crc, (z_off_t)b->in_len);
        w->size += (uint32_t)b->in_len;
        rc = sink_write(&w->out, b->out, b->out_len, e);
    }
    if (rc == 0 && w->len >= GZIP_WINDOW) {
        memcpy(w->data, w->data + w->len,
               GZIP_WINDOW); /* its last 32 KiB: data + WINDOW + len - WINDOW */
        w->window_len = GZIP_WINDOW;
    }
    w->len = 0;
    return rc;
}

int gzip_writer_write(struct gzip_writer *w, const void *data, size_t len, struct err *e)
{
    const uint8_t *p = data;
    size_t max = w->batch * GZIP_BLOCK;

    while (len > 0) {
        int rc = w->len == max ? flush_batch(w, false, e) : 0;
        if (rc < 0)
            return rc;
        size_t take = max - w->len < len ? max - w->len : len;
        memcpy(w->data + GZIP_WINDOW + w->len, p, take);
        w->len += take;
        p += take;
        len -= take;
    }
    return 0;
}

int gzip_writer_finish(struct gzip_writer *w, struct err *e)
{
    if (w == NULL)
        return 0;
    uint8_t trailer[8];

    if (w->finished)
        return 0;
    int rc = flush_batch(w, true, e);
    if (rc < 0)
        return rc;
    w->finished = true;
    for (unsigned i = 0; i < 4; i++) {
        trailer[i] = (uint8_t)(w->crc >> (8 * i));
        trailer[4 + i] = (uint8_t)(w->size >> (8 * i));
    }
    return sink_write(&w->out, trailer, sizeof(trailer), e);
}

static int write_gzip(void *context, const void *data, size_t len, struct err *e)
{
    return gzip_writer_write(context, data, len, e);
}

struct sink sink_gzip(struct gzip_writer *w)
{
    return (struct sink){.write = write_gzip, .context = w};
}

int gzip_writer_optional(struct sink out, int level, unsigned jobs, struct gzip_writer **w,
                         struct sink *to, struct err *e)
{
    int rc = level == 0 ? 0 : gzip_writer_new(out, level, jobs, w, e);
    if (rc == 0)
        *to = level == 0 ? out : sink_gzip(*w);
    return rc;
}
