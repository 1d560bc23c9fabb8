/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_codes(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(err_set(&e, ERR_REJECTED, "cause %d", 1), -ERR_REJECTED);
    assert_int_equal(err_wrap(&e, "outer"), -ERR_REJECTED);
    assert_string_equal(err_line(&e, line, sizeof(line)), "outer: cause 1");
    assert_int_equal(err_os(&e, ENOENT, "cannot open '%s'", "x"), -ERR_HOST);
    assert_string_equal(err_line(&e, line, sizeof(line)),
                        "cannot open 'x': no such file or directory");
    assert_int_equal(err_os_code(&e, ERR_INPUT, EACCES, "y"), -ERR_INPUT);
    assert_int_equal(err_oom(&e), -ERR_HOST);
    assert_string_equal(err_code_name(ERR_REJECTED), "rejected");
}

static void test_too_deep(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(err_set(&e, ERR_INPUT, "cause"), -ERR_INPUT);
    for (int i = 0; i < 3 * ERR_FRAMES; i++)
        assert_int_equal(err_wrap(&e, "c%d", i), -ERR_INPUT);
    assert_true(e.depth <= ERR_FRAMES);
    assert_true(strlen(err_line(&e, line, sizeof(line))) < sizeof(line));
    assert_non_null(strstr(line, "cause"));
    char tiny[4];
    assert_int_equal(strlen(err_line(&e, tiny, sizeof(tiny))), 3);
}

/* Whatever is quoted, the line is text that a terminal shows and JSON carries. */
static void test_hostile_text(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"a\x1b[2J\n\r\t\x7f", "a?[2J????"},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b", "?"},            /* C1: the control sequence introducer */
        {"\xe2\x80\xae", "?"},        /* right-to-left override */
        {"\xff\xfe", "??"},           /* never in UTF-8 */
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xed\xa0\x80", "???"},      /* surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
        {"\xe2\x82", "??"},           /* cut */
        {"\xf0\x9f\x98", "???"},
        {"\x80", "?"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct err e = ERR_INIT;
        (void)err_set(&e, ERR_INPUT, "%s", pairs[i][0]);
        assert_string_equal(e.frame[0], pairs[i][1]);
        (void)err_wrap(&e, "%s", pairs[i][0]);
        assert_string_equal(e.frame[1], pairs[i][1]);
        (void)err_os(&e, ENOENT, "%s", pairs[i][0]);
        assert_memory_equal(e.frame[0], pairs[i][1], strlen(pairs[i][1]));
    }
    /* A frame that is full is not cut inside a character. */
    struct err e = ERR_INIT;
    char words[2 * ERR_FRAME_MAX];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(words, 'x', sizeof(words));
        for (size_t i = shift; i + 3 < sizeof(words); i += 3)
            memcpy(words + i, "\xe2\x82\xac", 3);
        words[sizeof(words) - 1] = '\0';
        (void)err_set(&e, ERR_INPUT, "%s", words);
        json_t *text = json_string(e.frame[0]);
        assert_non_null(text);
        json_decref(text);
    }
}

static void test_recode(void **state)
{
    struct err e = ERR_INIT;
    char line[ERR_FRAME_MAX];
    (void)state;
    assert_int_equal(err_set(&e, ERR_INPUT, "no JSON"), -ERR_INPUT);
    assert_int_equal(err_recode(&e, ERR_USAGE), -ERR_USAGE);
    assert_int_equal(err_rc(&e), -ERR_USAGE);
    assert_int_equal(err_wrap(&e, "policy"), -ERR_USAGE);
    assert_string_equal(err_line(&e, line, sizeof(line)), "policy: no JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recode),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_hostile_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
