/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "formats/stream/decompress.h"

#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static struct err e;

static void gzip(const void *data, size_t len, struct buf *out)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, len);
    assert_int_equal(buf_reserve(out, bound, &e), 0);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = out->data + out->len;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += bound - z.avail_out;
    deflateEnd(&z);
}

static void zstd(const void *data, size_t len, struct buf *out)
{
    size_t bound = ZSTD_compressBound(len);
    assert_int_equal(buf_reserve(out, bound, &e), 0);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
    size_t n = ZSTD_compress2(c, out->data + out->len, bound, data, len);
    ZSTD_freeCCtx(c);
    assert_false(ZSTD_isError(n));
    out->len += n;
}

static void xz(const void *data, size_t len, struct buf *out)
{
    size_t bound = lzma_stream_buffer_bound(len);
    assert_int_equal(buf_reserve(out, bound, &e), 0);
    size_t at = 0;
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, data, len,
                                             out->data + out->len, &at, bound),
                     LZMA_OK);
    out->len += at;
}

static void plain(const void *data, size_t len, struct buf *out)
{
    assert_int_equal(buf_add(out, data, len, &e), 0);
}

typedef void pack(const void *data, size_t len, struct buf *out);
static pack *const packers[] = {plain, gzip, zstd, xz};

/* Pieces of `piece` bytes at a time; *sum gets a digest-like sum of what came. */
static int expand(enum compression kind, const void *data, size_t len, size_t piece,
                  const struct decompress_options *o, struct buf *out)
{
    struct source_bytes bytes = {.p = data, .left = len};
    struct source from = source_from_bytes(&bytes);
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    int rc = decompressor_new(kind, &from, o, &d, &e);
    struct source s = decompressor_source(d);
    AUTO_FREE uint8_t *chunk = malloc(piece);
    assert_non_null(chunk);
    for (size_t got = 1; rc == 0 && got > 0;) {
        got = 0;
        rc = s.read(s.context, chunk, piece, &got, &e);
        if (rc == 0 && out != NULL)
            rc = buf_add(out, chunk, got, &e);
    }
    return rc;
}

static void make_data(uint8_t *data, size_t len)
{
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (uint8_t)(x >> 30); /* compressible, but not a run */
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    AUTO_FREE uint8_t *data = malloc(SIZE);
    assert_non_null(data);
    make_data(data, SIZE);
    for (enum compression k = COMPRESSION_NONE; k <= COMPRESSION_XZ; k++) {
        AUTO_BUF packed = BUF_INIT(1 << 22);
        packers[k](data, SIZE, &packed);
        static const size_t pieces[] = {1, 17, 4096, 1 << 20};
        for (size_t i = 0; i < 4; i++) {
            AUTO_BUF out = BUF_INIT(SIZE);
            struct decompress_options o = {.threads = (unsigned)i};
            assert_int_equal(expand(k, packed.data, packed.len, pieces[i], &o, &out), 0);
            assert_int_equal(out.len, SIZE);
            assert_memory_equal(out.data, data, SIZE);
        }
        AUTO_BUF nothing = BUF_INIT(1 << 20);
        AUTO_BUF out = BUF_INIT(SIZE);
        packers[k]("", 0, &nothing);
        assert_int_equal(expand(k, nothing.data, nothing.len, 100, NULL, &out), 0);
        assert_int_equal(out.len, 0);
    }
}

/* As dpkg reads them: of xz and zstd the first, of gzip all; and a tail is passed over. */
static void test_tail(void **state)
{
    (void)state;
    static const char *const wanted[] = {NULL, "onetwo", "one", "one"};
    static const size_t pieces[] = {1, 5, 4096};
    for (enum compression k = COMPRESSION_GZIP; k <= COMPRESSION_XZ; k++) {
        AUTO_BUF packed = BUF_INIT(1 << 20);
        packers[k]("one", 3, &packed);
        packers[k]("two", 3, &packed);
        assert_int_equal(buf_add(&packed, "\x1f", 1, &e), 0);
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
            AUTO_BUF out = BUF_INIT(1 << 20);
            struct decompress_options o = {.threads = i == 0 ? 1 : 4, .tail_max = 200};
            assert_int_equal(expand(k, packed.data, packed.len, pieces[i], &o, &out), 0);
            assert_int_equal(out.len, strlen(wanted[k]));
            assert_memory_equal(out.data, wanted[k], out.len);
        }
        struct decompress_options none = {0};
        assert_int_equal(expand(k, packed.data, packed.len, 4096, &none, NULL), -ERR_INPUT);
        AUTO_BUF one = BUF_INIT(1 << 20);
        packers[k]("one", 3, &one);
        size_t without = one.len;
        uint8_t tail[200] = {0};
        assert_int_equal(buf_add(&one, tail, sizeof(tail), &e), 0);
        struct decompress_options exact = {.tail_max = sizeof(tail)};
        struct decompress_options less = {.tail_max = sizeof(tail) - 1};
        assert_int_equal(expand(k, one.data, one.len, 7, &exact, NULL), 0);
        assert_int_equal(expand(k, one.data, one.len, 7, &less, NULL), -ERR_INPUT);
        assert_int_equal(expand(k, one.data, without - 1, 7, &exact, NULL), -ERR_INPUT);
    }
}

/* Members, frames and streams one after another are one stream. */
static void test_concatenated(void **state)
{
    (void)state;
    for (enum compression k = COMPRESSION_GZIP; k <= COMPRESSION_XZ; k++) {
        AUTO_BUF packed = BUF_INIT(1 << 20);
        AUTO_BUF out = BUF_INIT(1 << 20);
        packers[k]("one", 3, &packed);
        packers[k]("", 0, &packed);
        packers[k]("two", 3, &packed);
        assert_int_equal(expand(k, packed.data, packed.len, 5, NULL, &out), 0);
        assert_string_equal(buf_str(&out), "onetwo");
    }
}

static void test_cut_and_trailing(void **state)
{
    (void)state;
    uint8_t data[5000];
    make_data(data, sizeof(data));
    for (enum compression k = COMPRESSION_GZIP; k <= COMPRESSION_XZ; k++) {
        AUTO_BUF packed = BUF_INIT(1 << 20);
        packers[k](data, sizeof(data), &packed);
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct decompress_options o = {.threads = threads};
            for (size_t len = 0; len < packed.len;
                 len += len < 20 || len + 20 > packed.len ? 1 : 37) {
                if (expand(k, packed.data, len, 4096, &o, NULL) != -ERR_INPUT)
                    fail_msg("%s cut at %zu of %zu: accepted", compression_names[k], len,
                             packed.len);
                assert_non_null(strstr(e.frame[0], "cut short"));
            }
            static const char *const tails[] = {"x", "garbage, and more of it", "\x1f\x8b", "\0"};
            for (size_t i = 0; i < 4; i++) {
                AUTO_BUF tail = BUF_INIT(1 << 20);
                size_t tail_len = strlen(tails[i]) > 0 ? strlen(tails[i]) : 1;
                plain(packed.data, packed.len, &tail);
                plain(tails[i], tail_len, &tail);
                if (expand(k, tail.data, tail.len, 4096, &o, NULL) != -ERR_INPUT)
                    fail_msg("%s and tail %zu: accepted", compression_names[k], i);
            }
            packed.data[packed.len / 2] ^= 0x10;
            assert_int_equal(expand(k, packed.data, packed.len, 4096, &o, NULL), -ERR_INPUT);
            packed.data[packed.len / 2] ^= 0x10;
        }
        for (enum compression other = COMPRESSION_GZIP; other <= COMPRESSION_XZ; other++)
            if (other != k)
                assert_int_equal(expand(other, packed.data, packed.len, 4096, NULL, NULL),
                                 -ERR_INPUT);
    }
}

static void test_bombs(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20 };
    AUTO_FREE uint8_t *zeros = array_new(SIZE, 1);
    assert_non_null(zeros);
    for (enum compression k = COMPRESSION_GZIP; k <= COMPRESSION_XZ; k++) {
        AUTO_BUF packed = BUF_INIT(1 << 24);
        packers[k](zeros, SIZE, &packed);
        struct decompress_options o = {0};
        assert_int_equal(expand(k, packed.data, packed.len, 65536, &o, NULL), 0);
        o.free_max = SIZE - 1;
        assert_int_equal(expand(k, packed.data, packed.len, 65536, &o, NULL), -ERR_INPUT);
        assert_non_null(strstr(e.frame[0], "to more than 200 times as many"));
        o.ratio_max = 1000000;
        assert_int_equal(expand(k, packed.data, packed.len, 65536, &o, NULL), 0);
        o.free_max = 0;
        o.total_max = SIZE - 1;
        assert_int_equal(expand(k, packed.data, packed.len, 65536, &o, NULL), -ERR_INPUT);
        assert_non_null(strstr(e.frame[0], "holds more than"));
        o.total_max = SIZE;
        assert_int_equal(expand(k, packed.data, packed.len, 65536, &o, NULL), 0);
    }
    struct decompress_options o = {.total_max = 10};
    assert_int_equal(expand(COMPRESSION_NONE, zeros, 11, 4, &o, NULL), -ERR_INPUT);
    assert_int_equal(expand(COMPRESSION_NONE, zeros, 10, 4, &o, NULL), 0);
}

/* A window or dictionary larger than allowed is refused before it is allocated. */
static void test_memory(void **state)
{
    (void)state;
    static const uint8_t window27[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0};
    static const uint8_t window28[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0};
    assert_int_equal(expand(COMPRESSION_ZSTD, window27, sizeof(window27), 10, NULL, NULL), 0);
    assert_int_equal(expand(COMPRESSION_ZSTD, window28, sizeof(window28), 10, NULL, NULL),
                     -ERR_INPUT);
    uint8_t packed[4096];
    size_t at = 0;
    lzma_options_lzma lzma;
    assert_false(lzma_lzma_preset(&lzma, 0));
    lzma.dict_size = 128 << 20;
    /* The encoder would want ten times that: a raw header is enough. */
    lzma_filter filters[] = {{.id = LZMA_FILTER_LZMA2, .options = &lzma}, {.id = LZMA_VLI_UNKNOWN}};
    lzma_stream_flags flags = {.check = LZMA_CHECK_NONE};
    assert_int_equal(lzma_stream_header_encode(&flags, packed), LZMA_OK);
    at = LZMA_STREAM_HEADER_SIZE;
    lzma_block block = {.check = LZMA_CHECK_NONE,
                        .compressed_size = LZMA_VLI_UNKNOWN,
                        .uncompressed_size = LZMA_VLI_UNKNOWN,
                        .filters = filters};
    assert_int_equal(lzma_block_header_size(&block), LZMA_OK);
    assert_int_equal(lzma_block_header_encode(&block, packed + at), LZMA_OK);
    at += block.header_size;
    memset(packed + at, 0, 16);
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct decompress_options o = {.threads = threads};
        assert_int_equal(expand(COMPRESSION_XZ, packed, at + 16, 10, &o, NULL), -ERR_INPUT);
        assert_non_null(strstr(e.frame[0], "memory"));
    }
}

/* Several blocks on several threads give the same bytes. */
static void test_xz_blocks(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    AUTO_FREE uint8_t *data = malloc(SIZE);
    AUTO_BUF packed = BUF_INIT(SIZE);
    assert_non_null(data);
    make_data(data, SIZE);
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_mt mt = {.threads = 2, .block_size = 512 * 1024, .preset = 0, .check = LZMA_CHECK_CRC32};
    assert_int_equal(lzma_stream_encoder_mt(&s, &mt), LZMA_OK);
    assert_int_equal(buf_reserve(&packed, SIZE, &e), 0);
    s.next_in = data;
    s.avail_in = SIZE;
    s.next_out = packed.data;
    s.avail_out = SIZE;
    lzma_ret rc = LZMA_OK;
    while (rc == LZMA_OK)
        rc = lzma_code(&s, LZMA_FINISH);
    assert_int_equal(rc, LZMA_STREAM_END);
    packed.len = SIZE - s.avail_out;
    lzma_end(&s);
    for (unsigned threads = 1; threads <= 3; threads++) {
        AUTO_BUF out = BUF_INIT(SIZE);
        struct decompress_options o = {.threads = threads};
        assert_int_equal(expand(COMPRESSION_XZ, packed.data, packed.len, 70000, &o, &out), 0);
        assert_int_equal(out.len, SIZE);
        assert_memory_equal(out.data, data, SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_concatenated),
        cmocka_unit_test(test_tail),       cmocka_unit_test(test_cut_and_trailing),
        cmocka_unit_test(test_bombs),      cmocka_unit_test(test_memory),
        cmocka_unit_test(test_xz_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
