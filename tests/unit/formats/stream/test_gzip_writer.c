/* SPDX-License-Identifier: Apache-2.0 */
/* gzip by blocks: one result for any number of threads and any cutting of the input, and zlib reads
 * it. */
#include "tests/unit/encode_common.h"

#include "formats/stream/compressor.h"

#include <zlib.h>

static int to_buf(void *context, const void *data, size_t len, struct err *err)
{
    return buf_add(context, data, len, err);
}

static void compress_to(struct buf *out, const uint8_t *data, size_t len, int level, unsigned jobs,
                        size_t piece)
{
    AUTO_GZIP_WRITER struct gzip_writer *w = NULL;
    assert_int_equal(
        gzip_writer_new((struct sink){.write = to_buf, .context = out}, level, jobs, &w, &e), 0);
    for (size_t i = 0; i < len; i += piece)
        assert_int_equal(gzip_writer_write(w, data + i, len - i < piece ? len - i : piece, &e), 0);
    assert_int_equal(gzip_writer_finish(w, &e), 0);
}

static void assert_unzips(const struct buf *zipped, const uint8_t *data, size_t len)
{
    z_stream z = {0};
    AUTO_FREE uint8_t *out = malloc(len + 1);
    assert_non_null(out);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = zipped->data;
    z.avail_in = (uInt)zipped->len;
    z.next_out = out;
    z.avail_out = (uInt)len + 1;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(z.total_out, len);
    assert_int_equal(inflateEnd(&z), Z_OK);
    assert_memory_equal(out, data, len);
}

/* Half noise, half text that repeats over block boundaries. */
static uint8_t *sample(size_t len)
{
    uint8_t *data = malloc(len + 1);
    assert_non_null(data);
    noise(data, len, 3);
    for (size_t i = 0; i < len; i++) {
        if ((i >> 14) % 2 == 0)
            data[i] = (uint8_t)('a' + i % 61 % 26);
    }
    return data;
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, GZIP_BLOCK - 1, GZIP_BLOCK, GZIP_BLOCK + 1, 2 * GZIP_BLOCK, 5 * GZIP_BLOCK + 77};
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    AUTO_FREE uint8_t *data = sample(6 * GZIP_BLOCK);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        AUTO_BUF first = BUF_INIT((size_t)16 << 20);
        compress_to(&first, data, sizes[i], 6, 1, 1 << 20);
        assert_memory_equal(first.data, header, sizeof(header));
        assert_unzips(&first, data, sizes[i]);
        for (unsigned jobs = 2; jobs <= 16; jobs *= 2) {
            AUTO_BUF again = BUF_INIT((size_t)16 << 20);
            compress_to(&again, data, sizes[i], 6, jobs, 70001);
            assert_int_equal(again.len, first.len);
            assert_memory_equal(again.data, first.data, first.len);
        }
    }
}

static void test_levels(void **state)
{
    (void)state;
    size_t len = 2 * GZIP_BLOCK + 5;
    AUTO_FREE uint8_t *data = sample(len);
    size_t before = SIZE_MAX;

    for (int level = compressor_gzip.level_min; level <= compressor_gzip.level_max; level += 4) {
        AUTO_BUF zipped = BUF_INIT((size_t)16 << 20);
        compress_to(&zipped, data, len, level, 2, len);
        assert_unzips(&zipped, data, len);
        assert_true(zipped.len <= before);
        before = zipped.len;
    }
}

/* The window crosses blocks: a block that repeats the end of the one before costs next to nothing.
 */
static void test_window(void **state)
{
    (void)state;
    size_t len = GZIP_BLOCK + 30000;
    AUTO_FREE uint8_t *data = malloc(len);
    assert_non_null(data);
    noise(data, GZIP_BLOCK, 9);
    memcpy(data + GZIP_BLOCK, data + GZIP_BLOCK - 30000, 30000);
    AUTO_BUF zipped = BUF_INIT((size_t)16 << 20);
    compress_to(&zipped, data, len, 9, 2, len);
    assert_unzips(&zipped, data, len);
    assert_true(zipped.len < GZIP_BLOCK + 2000);
}

static int refuse(void *context, const void *data, size_t len, struct err *err)
{
    (void)data;
    size_t *left = context;
    if (*left < len)
        return err_set(err, ERR_HOST, "the sink is full");
    *left -= len;
    return 0;
}

static void test_sink_fails(void **state)
{
    (void)state;
    size_t len = 3 * GZIP_BLOCK;
    AUTO_FREE uint8_t *data = malloc(len);
    assert_non_null(data);
    noise(data, len, 1);
    for (size_t room = 0; room < len; room += 1000001) {
        size_t left = room;
        AUTO_GZIP_WRITER struct gzip_writer *w = NULL;
        assert_int_equal(
            gzip_writer_new((struct sink){.write = refuse, .context = &left}, 1, 1, &w, &e), 0);
        int rc = gzip_writer_write(w, data, len, &e);
        assert_int_equal(rc == 0 ? gzip_writer_finish(w, &e) : rc, -ERR_HOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_sink_fails),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
