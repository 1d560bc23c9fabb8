/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of a tar's header, read and written; what GNU tar, Go and star write is among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/tar/tar_header.h"

#include <string.h>

static uint8_t block[TAR_BLOCK];

static bool read_as(enum tar_place p, const void *bytes, int64_t *out)
{
    memcpy(block + tar_fields[p].start, bytes, tar_fields[p].len);
    return tar_number(block, p, out);
}

static void test_octal(void **state)
{
    static const struct {
        const char field[9]; /* eight bytes */
        bool fine;
        int64_t value;
    } rows[] = {
        {"0000644", true, 0644},
        {"00644 \0", true, 0644},
        {"  644 \0", true, 0644},
        {"7777777\0", true, 2097151},
        {"77777777", true, 16777215},
        {"\0\0\0\0\0\0\0\0", true, 0},
        {"        ", true, 0},
        {"0000648", false, 0},
        {"644x   ", false, 0},
        {"6 44   ", false, 0},
        {"-000001", false, 0},
        {"\0"
         "000644",
         false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = -1;
        assert_int_equal(read_as(TAR_MODE, rows[i].field, &v), rows[i].fine);
        if (rows[i].fine)
            assert_true(v == rows[i].value);
    }
}

static void test_base256(void **state)
{
    static const struct {
        uint8_t field[12];
        bool fine;
        int64_t value;
    } rows[] = {
        {{0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0}, true, INT64_C(1) << 33},
        {{0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255}, true, INT64_MAX},
        {{0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0}, false, 0},
        {{0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, false, 0},
        {{0xff, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, true, -1},
        {{0xff, 255, 255, 255, 0x80, 0, 0, 0, 0, 0, 0, 0}, true, INT64_MIN},
        {{0xff, 255, 255, 255, 0x7f, 255, 255, 255, 255, 255, 255, 255}, false, 0},
        {{0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false, 0},
    };
    int64_t v = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(read_as(TAR_MTIME, rows[i].field, &v), rows[i].fine);
        if (rows[i].fine)
            assert_true(v == rows[i].value);
    }
    /* Eight bytes have 63 bits. */
    assert_true(read_as(TAR_UID, "\xff\xff\xff\xff\xff\xff\xff\xfe", &v) && v == -2);
    assert_true(read_as(TAR_UID, "\x80\x00\x00\x00\xff\xff\xff\xff", &v) && v == UINT32_MAX);
}

static void test_put(void **state)
{
    static const int64_t large[] = {0, 1, 07777777, 010000000, UINT32_MAX, INT64_MAX};
    int64_t v = 0;
    (void)state;
    tar_put(block, TAR_MODE, 0644);
    assert_memory_equal(tar_at(block, TAR_MODE), "0000644", 8);
    tar_put(block, TAR_UID, 07777777);
    assert_memory_equal(tar_at(block, TAR_UID), "7777777", 8);
    tar_put(block, TAR_UID, 010000000); /* does not fit */
    assert_memory_equal(tar_at(block, TAR_UID), "0000000", 8);
    tar_put(block, TAR_MTIME, -1);
    assert_memory_equal(tar_at(block, TAR_MTIME), "00000000000", 12);
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        uint8_t field[12];
        tar_put_number(field, sizeof(field), (uint64_t)large[i]);
        assert_true(read_as(TAR_SIZE, field, &v));
        assert_true(v == large[i]);
    }
    assert_true(tar_fits_octal(INT64_C(077777777777), 12));
    assert_false(tar_fits_octal(INT64_C(0100000000000), 12));
    assert_false(tar_fits_octal(-1, 12));
}

static void test_sums(void **state)
{
    int64_t said = 0;
    (void)state;
    memset(block, 0, sizeof(block));
    assert_true(tar_is_zero(block));
    block[TAR_BLOCK - 1] = 1;
    assert_false(tar_is_zero(block));
    memset(block, 0, sizeof(block));
    block[0] = 0xff;
    block[300] = 1;
    tar_seal(block);
    assert_int_equal(tar_sum(block), 8 * ' ' + 0xff + 1);
    assert_int_equal(tar_sum_signed(block), 8 * ' ' - 1 + 1);
    assert_memory_equal(tar_at(block, TAR_CHECKSUM), "001000\0 ", 8);
    assert_true(tar_number(block, TAR_CHECKSUM, &said));
    assert_int_equal(said, tar_sum(block));
    assert_int_equal(tar_padding(0), 0);
    assert_int_equal(tar_padding(1), 511);
    assert_int_equal(tar_padding(512), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_octal), cmocka_unit_test(test_base256),
                                       cmocka_unit_test(test_put), cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
