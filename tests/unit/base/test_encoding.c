/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int decode(const char *text, struct buf *out)
{
    struct err e = ERR_INIT;
    out->len = 0;
    return base64_decode(text, strlen(text), out, &e);
}

/* RFC 4648 section 10. */
static void test_base64_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_BUF out = BUF_INIT(64);
        assert_int_equal(base64_encode(vectors[i][0], strlen(vectors[i][0]), &out, &e), 0);
        assert_string_equal(buf_str(&out), vectors[i][1]);
        assert_int_equal(decode(vectors[i][1], &out), 0);
        assert_int_equal(out.len, strlen(vectors[i][0]));
        assert_string_equal(buf_str(&out), vectors[i][0]);
    }
}

static void test_base64_all_bytes(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        AUTO_BUF text = BUF_INIT(512);
        AUTO_BUF back = BUF_INIT(512);
        assert_int_equal(base64_encode(bytes, len, &text, &e), 0);
        assert_int_equal(base64_decode(buf_str(&text), text.len, &back, &e), 0);
        assert_int_equal(back.len, len);
        if (len > 0)
            assert_memory_equal(back.data, bytes, len);
    }
}

static void test_base64_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",        "Zg",      "Zg=",      "Zm8",  "Zm9vY",    "Zg===",  "====",
        "=",        "Z===",    "Zg==Zg==", "Zm=v", "Zm9v====", "Zm9v\n", " Zm9v",
        "Zm9v Zg=", "Zm9\x80", "Zh==",     "Zm9=", "Zm9vYh==", "Z*==",   "Zm9v=Zm9",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_BUF out = BUF_INIT(64);
        if (decode(bad[i], &out) != -ERR_INPUT)
            fail_msg("not refused: '%s'", bad[i]);
    }
    /* Bytes after a NUL are bytes of the text too. */
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT(64);
    assert_int_equal(base64_decode("Zm9v\0m9v", 8, &out, &e), -ERR_INPUT);
}

static void test_base64_alphabet(void **state)
{
    (void)state;
    AUTO_BUF out = BUF_INIT(64);
    assert_int_equal(decode("+/+/", &out), 0);
    assert_memory_equal(out.data, "\xfb\xff\xbf", 3);
    assert_int_equal(decode("-_-_", &out), -ERR_INPUT);
}

/* What Node.js 20 makes of each: Buffer.from(text, 'base64'). */
static void test_base64_lenient(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"YQ==", "a"},
        {"YQ", "a"},
        {"YQ=", "a"},
        {"YQ==YQ==", "a"},
        {"YQ=YQ==", "a"},
        {"Y Q=", "a"},
        {"Y\nQ==", "a"},
        {"YQ$$", "a"},
        {"Y", ""},
        {"YWJ", "ab"},
        {"YWJj", "abc"},
        {"YWJjZ", "abc"},
        {"YR==", "a"},
        {"YR", "a"},
        {"YWK=", "ab"},
        {"-_-_", "\xfb\xff\xbf"},
        {"+/-_", "\xfb\xff\xbf"},
        {"=YQ", ""},
        {"====", ""},
        {"YWJj====", "abc"},
        {"YWJj=ZGVm", "abc"},
        {"YW!Jj", "abc"},
        {"\xc3\xa9 YWJj", "abc"},
        {"YQ=\xc3\xa9=", "a"},
    };
    struct err e = ERR_INIT;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_BUF out = BUF_INIT(8);
        assert_int_equal(base64_decode_lenient(rows[i][0], strlen(rows[i][0]), &out, &e), 0);
        assert_string_equal(buf_str(&out), rows[i][1]);
    }
    /* More than fits one piece, and more than may be. */
    char text[1200];
    memset(text, 'A', sizeof(text));
    AUTO_BUF all = BUF_INIT(900);
    assert_int_equal(base64_decode_lenient(text, sizeof(text), &all, &e), 0);
    assert_int_equal(all.len, 900);
    AUTO_BUF less = BUF_INIT(899);
    assert_int_equal(base64_decode_lenient(text, sizeof(text), &less, &e), -ERR_INPUT);
}

static void test_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF small = BUF_INIT(3);
    assert_int_equal(decode("Zm9v", &small), 0);
    assert_int_equal(base64_decode("Zm9v", 4, &small, &e), -ERR_INPUT);
    assert_int_equal(small.len, 3);
    AUTO_BUF text = BUF_INIT(3);
    assert_int_equal(base64_encode("foo", 3, &text, &e), -ERR_INPUT);
    assert_int_equal(hex_encode("foo", 3, &text, &e), -ERR_INPUT);
    assert_int_equal(text.len, 0);
}

static void test_hex(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT(64);
    uint8_t bytes[4];
    assert_int_equal(hex_encode("\0\x7f\x80\xff", 4, &out, &e), 0);
    assert_string_equal(buf_str(&out), "007f80ff");
    assert_true(hex_decode("007f80ff", 8, bytes, 4));
    assert_memory_equal(bytes, "\0\x7f\x80\xff", 4);
    assert_true(hex_decode("", 0, bytes, 0));
    assert_false(hex_decode("007F80ff", 8, bytes, 4));
    assert_false(hex_decode("007f80f", 7, bytes, 4));
    assert_false(hex_decode("007f80ff0", 9, bytes, 4));
    assert_false(hex_decode("007f80fg", 8, bytes, 4));
    assert_false(hex_decode("0x7f80ff", 8, bytes, 4));
    assert_false(hex_decode(" 07f80ff", 8, bytes, 4));
}

static void test_digits(void **state)
{
    static const struct {
        const char *text;
        unsigned base;
        size_t digits;
        uint64_t value;
    } rows[] = {
        {"", 10, 0, 0},
        {"x1", 10, 0, 0},
        {"0644 ", 8, 4, 0644},
        {"78", 8, 1, 7},
        {"10a", 10, 2, 10},
        {"fFg", 16, 2, 255},
        {"18446744073709551615", 10, 20, UINT64_MAX},
        {"18446744073709551616", 10, DIGITS_TOO_MANY, 0},
        {"1777777777777777777777", 8, 22, UINT64_MAX},
        {"2000000000000000000000", 8, DIGITS_TOO_MANY, 0},
        {"00000000000000000000000000000001", 16, 32, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t value = 0;
        assert_int_equal(digits_read(rows[i].text, strlen(rows[i].text), rows[i].base, &value),
                         rows[i].digits);
        if (rows[i].digits != DIGITS_TOO_MANY)
            assert_true(value == rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),           cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_all_bytes), cmocka_unit_test(test_base64_refused),
        cmocka_unit_test(test_base64_alphabet),  cmocka_unit_test(test_base64_lenient),
        cmocka_unit_test(test_bounds),           cmocka_unit_test(test_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
