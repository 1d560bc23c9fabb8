/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/console.h"

#include <stdio.h>
#include <string.h>

static char shown[256];

static void show(void *context, const char *line)
{
    size_t *count = context;
    (*count)++;
    (void)snprintf(shown, sizeof(shown), "%.200s", line);
}

/* Feeds the text in pieces of every size: where a read ends must not matter. */
static bool sees(const char *text, const char *expect, uint64_t lines)
{
    bool first = false;
    size_t len = strlen(text);
    for (size_t piece = 1; piece <= len; piece++) {
        struct console c = {.expect = expect};
        bool more = true;
        for (size_t at = 0; at < len && more; at += piece)
            more =
                console_feed(&c, (const uint8_t *)text + at, len - at < piece ? len - at : piece);
        assert_int_equal(more, !c.seen);
        console_end(&c);
        if (!c.seen)
            assert_int_equal(c.lines, lines);
        if (piece == 1)
            first = c.seen;
        assert_int_equal(c.seen, first);
    }
    return first;
}

static void test_match(void **state)
{
    (void)state;
    assert_true(sees("boot\nhello\nrest\n", "hello", 3));
    assert_true(sees("boot\r\nhello\r\nrest\r\n", "hello", 3));
    assert_true(sees("hello\r\r\n", "hello", 1));
    assert_true(sees("no newline: \nhello", "hello", 2));
    assert_false(sees("hello world\n", "hello", 1));
    assert_false(sees(" hello\n", "hello", 1));
    assert_false(sees("hello \n", "hello", 1));
    assert_false(sees("hell\no\n", "hello", 2));
    assert_false(sees("Hello\n", "hello", 1));
    assert_false(sees("\033hello\n", "hello", 1));
    /* A control byte is shown as '?', but is none. */
    assert_false(sees("hel\001lo\n", "hel?lo", 1));
    assert_false(sees("hello\n", NULL, 1));
}

static void test_nul(void **state)
{
    (void)state;
    struct console c = {.expect = "hello"};
    assert_true(console_feed(&c, (const uint8_t *)"hello\0x\n", 8));
    assert_false(c.seen);
    assert_int_equal(c.lines, 1);
}

static void test_long(void **state)
{
    (void)state;
    static char want[CONSOLE_LINE_MAX];
    memset(want, 'a', CONSOLE_LINE_MAX - 1);
    struct console exact = {.expect = want};
    struct console longer = {.expect = want};
    assert_true(console_can_print(want));
    assert_true(console_feed(&exact, (const uint8_t *)want, CONSOLE_LINE_MAX - 1));
    assert_false(console_feed(&exact, (const uint8_t *)"\n", 1));
    assert_true(exact.seen);
    /* One byte more is cut off, and must not be taken for the line. */
    assert_true(console_feed(&longer, (const uint8_t *)want, CONSOLE_LINE_MAX - 1));
    assert_true(console_feed(&longer, (const uint8_t *)"a\n", 2));
    assert_false(longer.seen);
    assert_true(console_feed(&longer, (const uint8_t *)want, CONSOLE_LINE_MAX - 1));
    assert_false(console_feed(&longer, (const uint8_t *)"\n", 1));
}

static void test_show(void **state)
{
    (void)state;
    size_t count = 0;
    struct console c = {.show = show, .show_context = &count};
    const char text[] = "\033[2J\tclear\x7f\r\nsecond";
    assert_true(console_feed(&c, (const uint8_t *)text, sizeof(text) - 1));
    assert_int_equal(count, 1);
    assert_string_equal(shown, "?[2J\tclear?");
    console_end(&c);
    assert_int_equal(count, 2);
    assert_string_equal(shown, "second");
    console_end(&c);
    assert_int_equal(count, 2);
}

static void test_can_print(void **state)
{
    (void)state;
    assert_true(console_can_print("Hello from Assay"));
    assert_true(console_can_print("gr\xc3\xbc\xc3\x9f dich"));
    assert_false(console_can_print(""));
    assert_false(console_can_print("two\nlines"));
    assert_false(console_can_print("cr\r"));
    assert_false(console_can_print("\x7f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match), cmocka_unit_test(test_nul),       cmocka_unit_test(test_long),
        cmocka_unit_test(test_show),  cmocka_unit_test(test_can_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
