/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EURO "\xe2\x82\xac"
#define FACE "\xf0\x9f\x98\x80"

/* ---- the same as the C library's ---- */

static char wanted[4096];

#define SAME(...)                                                                                  \
    do {                                                                                           \
        AUTO_BUF got = BUF_INIT(4096);                                                             \
        struct err e = ERR_INIT;                                                                   \
        assert_true(snprintf(wanted, sizeof(wanted), __VA_ARGS__) >= 0);                           \
        assert_int_equal(buf_addf(&got, &e, __VA_ARGS__), 0);                                      \
        assert_string_equal(buf_str(&got), wanted);                                                \
        assert_int_equal(got.len, strlen(wanted));                                                 \
    } while (0)

static void test_as_printf(void **state)
{
    (void)state;
    SAME("nothing");
    SAME("100 %% and %s.", "text");
    SAME("[%s][%10s][%-10s][%.2s][%10.2s][%-10.2s][%.0s][%.9s]", "abc", "abc", "abc", "abc", "abc",
         "abc", "abc", "abc");
    SAME("[%*s][%-*s][%*s][%.*s][%.*s]", 6, "a", 6, "b", -6, "c", 2, "def", -1, "ghi");
    SAME("[%c][%3c][%-3c]", 'x', 'y', 'z');
    SAME("%d %d %d %i", 0, -1, 2147483647, -2147483647 - 1);
    SAME("[%5d][%-5d][%05d][%+d][% d][%+5d][%.3d][%8.3d][%-8.3d][%.0d]", 42, 42, -42, 42, 42, -4, 7,
         -7, 7, 0);
    SAME("%u %x %X %o %#x %#X %#o %#x %#o", 4294967295U, 48879U, 48879U, 511U, 255U, 255U, 8U, 0U,
         0U);
    SAME("[%04x][%-8x][%8X][%#010x][%02u][%012o][%.5x]", 10U, 10U, 10U, 10U, 3U, 8U, 10U);
    SAME("%hhd %hhu %hd %hu", (signed char)-3, (unsigned char)250, (short)-300,
         (unsigned short)65535);
    SAME("%ld %lu %lld %llu %llx", -5L, 5UL, -9223372036854775807LL - 1, 18446744073709551615ULL,
         18446744073709551615ULL);
    SAME("%zu %zd %jd %ju %td", (size_t)7, (ssize_t)-7, INTMAX_MIN, UINTMAX_MAX, (ptrdiff_t)-9);
    SAME("%" PRIu64 " %016" PRIx64 " %12" PRIu64 " %04" PRIo64, UINT64_C(12), UINT64_C(0xabc),
         UINT64_C(34), UINT64_C(0644));
    SAME("[%f][%.1f][%8.2f][%-8.2f][%08.2f][%+.1f][%g][%.3g][%e][%.0f]", 1.5, 0.05, -2.345, 2.345,
         -2.345, 1.0, 1e20, 3.14159, 12345.678, 0.5);
    SAME("%s, %d of %zu: %.3s%c", "mixed", 3, (size_t)9, "abcdef", '!');
}

/* ---- cutting ---- */

static void test_head(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t most, head;
    } rows[] = {
        {"", 0, 0},
        {"", 5, 0},
        {"abc", 2, 2},
        {"abc", 3, 3},
        {"abc", 9, 3},
        {"a" EURO "b", 1, 1},
        {"a" EURO "b", 2, 1},
        {"a" EURO "b", 3, 1},
        {"a" EURO "b", 4, 4},
        {"a" EURO "b", 5, 5},
        {FACE, 3, 0},
        {FACE, 4, 4},
        {FACE "x", 5, 5},
        {"\xc3\xa4\xc3\xa4", 3, 2},
        /* What is no UTF-8 has no characters to split. */
        {"\x80\x80\x80\x80\x80", 4, 4},
        {"\xff\xff", 1, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(text_head(rows[i].text, rows[i].most), rows[i].head);
    /* Nothing behind the most is looked at: it may lie beyond the end of an array. */
    char *three = malloc(3);
    assert_non_null(three);
    memcpy(three, EURO, 3);
    assert_int_equal(text_head(three, 3), 3);
    assert_int_equal(text_head(three, 2), 0);
    free(three);
}

static void test_precision_cuts_between_characters(void **state)
{
    (void)state;
    char text[16];
    AUTO_BUF buf = BUF_INIT(100);
    struct err e = ERR_INIT;
    for (int n = 0; n <= 9; n++) {
        size_t whole = (size_t)n / 3 * 3;
        assert_int_equal(text_print(text, sizeof(text), "%.*s", n, EURO EURO EURO), whole);
        assert_memory_equal(text, EURO EURO EURO, whole);
    }
    assert_int_equal(buf_addf(&buf, &e, "'%.4s' '%.5s'", "\xc3\xa4" FACE, "a" FACE), 0);
    assert_string_equal(buf_str(&buf), "'\xc3\xa4' 'a" FACE "'");
}

static void test_full_array(void **state)
{
    (void)state;
    char text[8];
    for (size_t size = 1; size <= sizeof(text); size++) {
        size_t len = text_print(text, size, "%s%s", EURO EURO, "abcdef");
        assert_int_equal(len, strlen(text));
        assert_int_equal(len, size - 1 < 6 ? (size - 1) / 3 * 3 : size - 1);
    }
    /* Once something did not fit, nothing smaller comes behind the gap. */
    assert_int_equal(text_print(text, 3, "%s%s", EURO, "a"), 0);
    assert_string_equal(text, "");
}

static void test_full_buffer(void **state)
{
    (void)state;
    AUTO_BUF buf = BUF_INIT(10);
    struct err e = ERR_INIT;
    assert_int_equal(buf_addf(&buf, &e, "%s", "12345678"), 0);
    assert_int_equal(buf_addf(&buf, &e, "%s%s", "9", "too much"), -ERR_INPUT);
    assert_string_equal(buf_str(&buf), "12345678");
}

/* ---- cleaning ---- */

static const char *const hostile[][2] = {
    {"plain \xc3\xa4 " EURO " " FACE, "plain \xc3\xa4 " EURO " " FACE},
    {"a\nverdict: reproduced\r\x1b[31m\t\x7f", "a?verdict: reproduced??[31m??"},
    {"\xc2\x9b"
     "31m",
     "?31m"},                                    /* the control sequence introducer of C1 */
    {"\xe2\x80\xae\xe2\x81\xa6\xd8\x9c", "???"}, /* writing direction */
    {"\xe2\x80\xa8\xe2\x80\xa9", "??"},          /* line and paragraph separators */
    {"\xef\xbb\xbf", "?"},                       /* a byte order mark */
    {"\xf3\xa0\x81\xa1", "?"},                   /* a tag that nobody sees */
    {"\xff\xfe\x80", "???"},
    {"\xc0\xaf", "??"},           /* overlong */
    {"\xed\xa0\x80", "???"},      /* a surrogate */
    {"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
    {"x\xe2\x82", "x??"},         /* cut */
};

static void test_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        char text[64];
        AUTO_BUF buf = BUF_INIT(200);
        struct err e = ERR_INIT;
        (void)snprintf(text, sizeof(text), "%s", hostile[i][0]);
        text_clean(text);
        assert_string_equal(text, hostile[i][1]);
        assert_int_equal(buf_sayf(&buf, &e, "%s\n", hostile[i][0]), 0);
        assert_int_equal(buf.len, strlen(hostile[i][1]) + 1);
        assert_memory_equal(buf_str(&buf), hostile[i][1], strlen(hostile[i][1]));
        assert_int_equal(buf.data[buf.len - 1], '\n'); /* the format's own newline */
    }
    AUTO_BUF buf = BUF_INIT(200);
    struct err e = ERR_INIT;
    assert_int_equal(
        buf_sayf(&buf, &e, "%c%c|%-4s|%4s|%.1s|%.2s|", '\n', 'x', "\r", "\x1b", "\na", EURO), 0);
    assert_string_equal(buf_str(&buf), "?x|?   |   ?|?||");
}

static void test_repair(void **state)
{
    (void)state;
    char text[] = "a\n\xff" EURO "\xe2\x82";
    text_repair(text);
    assert_string_equal(text, "a\n?" EURO "??");
}

/* One thing is one, and no thing is many. */
static void test_count(void **state)
{
    static const struct {
        uint64_t count;
        const char *word;
        const char *says;
    } rows[] = {
        {1, "finding", "1 finding"},
        {0, "finding", "0 findings"},
        {2, "other verifier", "2 other verifiers"},
        {1, "entry", "1 entry"},
        {0, "entry", "0 entries"},
        {3, "day", "3 days"},
        {2, "match", "2 matches"},
        {2, "address", "2 addresses"},
        {2, "y", "2 ys"},
        {UINT64_MAX, "byte", "18446744073709551615 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(COUNTED(rows[i].count, rows[i].word), rows[i].says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_printf),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_precision_cuts_between_characters),
        cmocka_unit_test(test_full_array),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_repair),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
