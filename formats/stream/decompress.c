/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/decompress.h"

#include "base/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <lzma.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

const char *const compression_names[] = {"none", "gzip", "zstd", "xz", NULL};

int compression_of_file(int fd, enum compression *out, struct err *e)
{
    static const struct {
        uint8_t magic[6];
        size_t len;
        enum compression kind;
    } known[] = {
        {{0x1f, 0x8b}, 2, COMPRESSION_GZIP},
        {{0x28, 0xb5, 0x2f, 0xfd}, 4, COMPRESSION_ZSTD},
        {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, COMPRESSION_XZ},
    };
    uint8_t first[6];
    ssize_t n = pread(fd, first, sizeof(first), 0);
    if (n < 0)
        return err_os(e, errno, "cannot read the first bytes");
    *out = COMPRESSION_NONE;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if ((size_t)n >= known[i].len && memcmp(first, known[i].magic, known[i].len) == 0)
            *out = known[i].kind;
    return 0;
}

enum { IN_SIZE = 128 * 1024 };

struct decompressor {
    const struct codec *codec;
    struct source from;
    struct decompress_options options;
    uint64_t consumed;
    uint64_t produced;
    size_t in_at;
    size_t in_len;
    bool in_end;  /* the source has ended */
    bool between; /* a member or frame is complete, and so may be the stream */
    bool done;
    bool again; /* a second member has begun */
    bool bomb;
    z_stream zlib;
    ZSTD_DStream *zstd;
    lzma_stream xz;
    uint8_t in[IN_SIZE];
};

/*
 * One format. `step` turns bytes of in[in_at..in_len) into at most `len` bytes,
 * moves in_at, sets *got, and sets `between` or `done`.
 */
struct codec {
    const char *name;
    int (*start)(struct decompressor *d, struct err *e);
    int (*step)(struct decompressor *d, uint8_t *data, size_t len, size_t *got, struct err *e);
    void (*stop)(struct decompressor *d);
};

static int damaged(const struct decompressor *d, const char *why, struct err *e)
{
    return err_set(e, ERR_INPUT, "cannot decompress %s data: %s (at byte %" PRIu64 ")",
                   d->codec->name, why, d->consumed - (d->in_len - d->in_at));
}

static int cut_short(const struct decompressor *d, struct err *e)
{
    return damaged(d, "it is cut short", e);
}

/* ---- gzip ---- */

static int gzip_start(struct decompressor *d, struct err *e)
{
    return inflateInit2(&d->zlib, 15 + 16) == Z_OK ? 0 : err_oom(e);
}

/* Whether another member begins here, by its first two bytes. */
static int gzip_goes_on(struct decompressor *d, bool *more, struct err *e)
{
    static const uint8_t magic[2] = {0x1f, 0x8b};
    if (d->in_len - d->in_at == 1 && !d->in_end) {
        size_t got = 0;
        d->in[0] = d->in[d->in_at];
        int rc = d->from.read(d->from.context, d->in + 1, IN_SIZE - 1, &got, e);
        if (rc < 0)
            return rc;
        d->in_at = 0;
        d->in_len = 1 + got;
        d->consumed += got;
    }
    *more = d->in_len - d->in_at >= 2 && memcmp(d->in + d->in_at, magic, 2) == 0;
    return 0;
}

static int gzip_step(struct decompressor *d, uint8_t *data, size_t len, size_t *got, struct err *e)
{
    if (d->between && d->options.tail_max > 0) {
        bool more = false;
        int rc = gzip_goes_on(d, &more, e);
        d->done = rc == 0 && !more;
        if (rc < 0 || d->done)
            return rc;
    }
    if (d->between) {
        /* Bytes follow a complete member: they must be another one. */
        if (inflateReset(&d->zlib) != Z_OK)
            return err_oom(e);
        d->between = false;
        d->again = true;
    }
    d->zlib.next_in = d->in + d->in_at;
    d->zlib.avail_in = (uInt)(d->in_len - d->in_at);
    d->zlib.next_out = data;
    d->zlib.avail_out = len < UINT32_MAX / 2 ? (uInt)len : UINT32_MAX / 2;
    size_t room = d->zlib.avail_out;
    int rc = inflate(&d->zlib, Z_NO_FLUSH);
    d->in_at = d->in_len - d->zlib.avail_in;
    *got = room - d->zlib.avail_out;
    if (rc == Z_STREAM_END)
        d->between = true;
    else if (rc == Z_MEM_ERROR)
        return err_oom(e);
    else if (rc == Z_DATA_ERROR || rc == Z_NEED_DICT || rc == Z_STREAM_ERROR)
        return damaged(d,
                       d->again && d->zlib.total_out == 0 ? "other bytes follow it"
                                                          : "it is damaged, or not gzip at all",
                       e);
    else if (rc == Z_BUF_ERROR && *got == 0 && d->in_end)
        return cut_short(d, e);
    return 0;
}

static void gzip_stop(struct decompressor *d)
{
    inflateEnd(&d->zlib);
}

/* ---- zstd ---- */

static int zstd_start(struct decompressor *d, struct err *e)
{
    d->zstd = ZSTD_createDStream();
    if (d->zstd == NULL)
        return err_oom(e);
    size_t rc =
        ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, DECOMPRESS_ZSTD_WINDOW_LOG_MAX);
    return ZSTD_isError(rc) ? damaged(d, ZSTD_getErrorName(rc), e) : 0;
}

static int zstd_step(struct decompressor *d, uint8_t *data, size_t len, size_t *got, struct err *e)
{
    ZSTD_inBuffer in = {.src = d->in, .size = d->in_len, .pos = d->in_at};
    ZSTD_outBuffer out = {.dst = data, .size = len};
    size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);
    bool idle = in.pos == d->in_at && out.pos == 0;
    d->in_at = in.pos;
    *got = out.pos;
    if (ZSTD_isError(rc))
        return damaged(d, ZSTD_getErrorName(rc), e);
    d->between = rc == 0;
    d->done = d->between && d->options.tail_max > 0;
    return idle && d->in_end && !d->between ? cut_short(d, e) : 0;
}

static void zstd_stop(struct decompressor *d)
{
    ZSTD_freeDStream(d->zstd);
}

/* ---- xz ---- */

static const char *xz_why(lzma_ret rc)
{
    switch (rc) {
    case LZMA_FORMAT_ERROR:
        return "it is not xz, or other bytes follow it";
    case LZMA_OPTIONS_ERROR:
    case LZMA_UNSUPPORTED_CHECK:
        return "it uses a filter or check that is not supported";
    case LZMA_MEMLIMIT_ERROR:
        return "it needs more memory than is allowed";
    case LZMA_BUF_ERROR:
        return "it is cut short";
    default:
        return "it is damaged";
    }
}

static int xz_start(struct decompressor *d, struct err *e)
{
    uint32_t flags =
        LZMA_TELL_UNSUPPORTED_CHECK | (d->options.tail_max > 0 ? 0U : LZMA_CONCATENATED);
    lzma_ret rc;
    if (d->options.threads > 1) {
        lzma_mt mt = {.flags = flags,
                      .threads = d->options.threads,
                      .memlimit_threading = d->options.xz_memory,
                      .memlimit_stop = DECOMPRESS_XZ_MEMORY_MAX};
        rc = lzma_stream_decoder_mt(&d->xz, &mt);
    } else {
        rc = lzma_stream_decoder(&d->xz, DECOMPRESS_XZ_MEMORY_MAX, flags);
    }
    return rc == LZMA_OK ? 0 : rc == LZMA_MEM_ERROR ? err_oom(e) : damaged(d, xz_why(rc), e);
}

static int xz_step(struct decompressor *d, uint8_t *data, size_t len, size_t *got, struct err *e)
{
    d->xz.next_in = d->in + d->in_at;
    d->xz.avail_in = d->in_len - d->in_at;
    d->xz.next_out = data;
    d->xz.avail_out = len;
    lzma_ret rc = lzma_code(&d->xz, d->in_end ? LZMA_FINISH : LZMA_RUN);
    d->in_at = d->in_len - d->xz.avail_in;
    *got = len - d->xz.avail_out;
    if (rc == LZMA_STREAM_END)
        d->done = true;
    else if (rc == LZMA_MEM_ERROR)
        return err_oom(e);
    else if (rc == LZMA_BUF_ERROR && !d->in_end)
        return 0; /* wants more input */
    else if (rc != LZMA_OK)
        return damaged(d, xz_why(rc), e);
    return 0;
}

static void xz_stop(struct decompressor *d)
{
    lzma_end(&d->xz);
}

/* ---- none ---- */

static int none_start(struct decompressor *d, struct err *e)
{
    (void)d;
    (void)e;
    return 0;
}

static void none_stop(struct decompressor *d)
{
    (void)d;
}

static const struct codec codecs[] = {
    [COMPRESSION_NONE] = {.name = "plain", .start = none_start, .stop = none_stop},
    [COMPRESSION_GZIP] = {"gzip", gzip_start, gzip_step, gzip_stop},
    [COMPRESSION_ZSTD] = {"zstd", zstd_start, zstd_step, zstd_stop},
    [COMPRESSION_XZ] = {"xz", xz_start, xz_step, xz_stop},
};

/* ---- all formats ---- */

int decompressor_new(enum compression kind, const struct source *from,
                     const struct decompress_options *options, struct decompressor **out,
                     struct err *e)
{
    struct decompressor *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return err_oom(e);
    d->codec = &codecs[kind];
    d->from = *from;
    if (options != NULL)
        d->options = *options;
    if (d->options.total_max == 0)
        d->options.total_max = DECOMPRESS_TOTAL_MAX;
    if (d->options.free_max == 0)
        d->options.free_max = DECOMPRESS_FREE;
    if (d->options.ratio_max == 0)
        d->options.ratio_max = DECOMPRESS_RATIO_MAX;
    if (d->options.xz_memory == 0)
        d->options.xz_memory = DECOMPRESS_XZ_MEMORY_THREADS;
    int rc = d->codec->start(d, e);
    if (rc < 0) {
        decompressor_free(d);
        return rc;
    }
    *out = d;
    return 0;
}

void decompressor_free(struct decompressor *d)
{
    if (d == NULL)
        return;
    d->codec->stop(d);
    free(d);
}

static int account(struct decompressor *d, size_t got, struct err *e)
{
    d->produced += got;
    if (d->produced > d->options.total_max)
        return err_set(e, ERR_INPUT, "it holds more than %" PRIu64 " bytes: refused",
                       d->options.total_max);
    if (d->codec->step != NULL && d->produced > d->options.free_max &&
        d->produced / d->options.ratio_max > d->consumed) {
        d->bomb = true;
        return err_set(e, ERR_INPUT,
                       "%" PRIu64 " compressed bytes expand to more than %u times as many: refused "
                       "as a decompression bomb",
                       d->consumed, d->options.ratio_max);
    }
    return 0;
}

bool decompressor_is_bomb(const struct decompressor *d)
{
    return d->bomb;
}

static int refill(struct decompressor *d, struct err *e)
{
    if (d->in_at < d->in_len || d->in_end)
        return 0;
    size_t got = 0;
    int rc = d->from.read(d->from.context, d->in, IN_SIZE, &got, e);
    if (rc < 0)
        return rc;
    d->in_at = 0;
    d->in_len = got;
    d->in_end = got == 0;
    d->consumed += got;
    return 0;
}

/* After the stream: the source must have ended too, but for what may be passed over. */
static int finish(struct decompressor *d, struct err *e)
{
    uint64_t tail = 0;
    int rc = 0;
    while (rc == 0 && tail <= d->options.tail_max) {
        rc = refill(d, e);
        if (rc < 0 || d->in_at == d->in_len)
            return rc;
        tail += d->in_len - d->in_at;
        d->in_at = tail <= d->options.tail_max ? d->in_len : d->in_at;
    }
    return damaged(d, "other bytes follow it", e);
}

static int read_decompressed(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct decompressor *d = context;
    size_t n = 0;
    int rc = 0;
    if (d->codec->step == NULL) {
        rc = d->from.read(d->from.context, data, len, &n, e);
    } else {
        while (rc == 0 && n == 0 && !d->done) {
            rc = refill(d, e);
            if (rc == 0 && d->between && d->in_end)
                d->done = true; /* nothing after a complete member: the end */
            else if (rc == 0)
                rc = d->codec->step(d, data, len, &n, e);
        }
        if (rc == 0 && n == 0)
            rc = finish(d, e);
    }
    if (rc == 0)
        rc = account(d, n, e);
    if (rc == 0)
        *got = n;
    return rc;
}

struct source decompressor_source(struct decompressor *d)
{
    return (struct source){.context = d, .read = read_decompressed};
}
