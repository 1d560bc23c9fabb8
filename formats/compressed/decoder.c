/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/compressed/decoder.h"

#include <bzlib.h>
#include <inttypes.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

enum { XZ_MEMORY = 512 << 20, ZSTD_WINDOW_LOG = 31 };

int decoder_fill(struct decoder *d, const uint8_t **data, size_t *len, struct err *e)
{
    int rc = 0;
    if (d->in_at == d->in_len) {
        d->in_at = 0;
        rc = bytes_peek(d->from, d->at, d->in, sizeof(d->in), &d->in_len, e);
    }
    *data = d->in + d->in_at;
    *len = d->in_len - d->in_at;
    return rc;
}

void decoder_take(struct decoder *d, size_t len)
{
    d->in_at += len;
    d->at += len;
}

int decoder_broken(const struct decoder *d, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the %s stream is damaged near byte %" PRIu64, d->from->name,
                   what, d->at);
}

static int give(struct decoder *d, size_t len, struct err *e)
{
    return len == 0 ? 0 : sink_write(&d->to, d->out, len, e);
}

static void end_inflate(z_stream *z)
{
    (void)inflateEnd(z);
}

static int decode_inflate(struct decoder *d, int window, const char *what, struct err *e)
{
    AUTO(end_inflate) z_stream z = {0};
    if (inflateInit2(&z, window) != Z_OK)
        return err_oom(e);
    for (int state = Z_OK; state != Z_STREAM_END;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        int rc = decoder_fill(d, &data, &len, e);
        if (rc < 0)
            return rc;
        z.next_in = (uint8_t *)(uintptr_t)data;
        z.avail_in = (uInt)len;
        z.next_out = d->out;
        z.avail_out = sizeof(d->out);
        state = inflate(&z, Z_NO_FLUSH);
        decoder_take(d, len - z.avail_in);
        if ((state != Z_OK && state != Z_STREAM_END) || (len == 0 && z.avail_out > 0))
            return decoder_broken(d, what, e);
        if ((rc = give(d, sizeof(d->out) - z.avail_out, e)) < 0)
            return rc;
    }
    return 0;
}

int decode_gzip(struct decoder *d, struct err *e)
{
    return decode_inflate(d, 15 + 16, "gzip", e);
}

int decode_deflate(struct decoder *d, struct err *e)
{
    return decode_inflate(d, -15, "deflate", e);
}

static void end_xz(lzma_stream *s)
{
    lzma_end(s);
}

int decode_xz(struct decoder *d, struct err *e)
{
    AUTO(end_xz) lzma_stream s = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&s, XZ_MEMORY, 0) != LZMA_OK)
        return err_oom(e);
    for (lzma_ret state = LZMA_OK; state != LZMA_STREAM_END;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        int rc = decoder_fill(d, &data, &len, e);
        if (rc < 0)
            return rc;
        s.next_in = data;
        s.avail_in = len;
        s.next_out = d->out;
        s.avail_out = sizeof(d->out);
        state = lzma_code(&s, len == 0 ? LZMA_FINISH : LZMA_RUN);
        decoder_take(d, len - s.avail_in);
        if (state != LZMA_OK && state != LZMA_STREAM_END)
            return decoder_broken(d, "xz", e);
        if ((rc = give(d, sizeof(d->out) - s.avail_out, e)) < 0)
            return rc;
    }
    return 0;
}

static void end_zstd(ZSTD_DStream **s)
{
    (void)ZSTD_freeDStream(*s);
}

int decode_zstd(struct decoder *d, struct err *e)
{
    AUTO(end_zstd) ZSTD_DStream *s = ZSTD_createDStream();
    if (s == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(s, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
        return err_oom(e);
    for (size_t left = 1; left != 0;) {
        ZSTD_inBuffer in = {0};
        ZSTD_outBuffer out = {d->out, sizeof(d->out), 0};
        const uint8_t *data = NULL;
        int rc = decoder_fill(d, &data, &in.size, e);
        if (rc < 0)
            return rc;
        in.src = data;
        left = ZSTD_decompressStream(s, &out, &in);
        decoder_take(d, in.pos);
        if (ZSTD_isError(left) || (left != 0 && in.size == 0 && out.pos < out.size))
            return decoder_broken(d, "zstd", e);
        if ((rc = give(d, out.pos, e)) < 0)
            return rc;
    }
    return 0;
}

static void end_lz4(LZ4F_dctx **s)
{
    (void)LZ4F_freeDecompressionContext(*s);
}

int decode_lz4(struct decoder *d, struct err *e)
{
    AUTO(end_lz4) LZ4F_dctx *s = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&s, LZ4F_VERSION)))
        return err_oom(e);
    for (size_t left = 1; left != 0;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        int rc = decoder_fill(d, &data, &len, e);
        if (rc < 0)
            return rc;
        size_t used = len;
        size_t made = sizeof(d->out);
        left = LZ4F_decompress(s, d->out, &made, data, &used, NULL);
        decoder_take(d, used);
        if (LZ4F_isError(left) || (left != 0 && len == 0 && made == 0))
            return decoder_broken(d, "lz4", e);
        if ((rc = give(d, made, e)) < 0)
            return rc;
    }
    return 0;
}

static void end_bzip2(bz_stream *s)
{
    (void)BZ2_bzDecompressEnd(s);
}

int decode_bzip2(struct decoder *d, struct err *e)
{
    AUTO(end_bzip2) bz_stream s = {0};
    if (BZ2_bzDecompressInit(&s, 0, 0) != BZ_OK)
        return err_oom(e);
    for (int state = BZ_OK; state != BZ_STREAM_END;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        int rc = decoder_fill(d, &data, &len, e);
        if (rc < 0)
            return rc;
        s.next_in = (char *)(uintptr_t)data;
        s.avail_in = (unsigned)len;
        s.next_out = (char *)d->out;
        s.avail_out = sizeof(d->out);
        state = BZ2_bzDecompress(&s);
        decoder_take(d, len - s.avail_in);
        if ((state != BZ_OK && state != BZ_STREAM_END) || (len == 0 && s.avail_out > 0))
            return decoder_broken(d, "bzip2", e);
        if ((rc = give(d, sizeof(d->out) - s.avail_out, e)) < 0)
            return rc;
    }
    return 0;
}
