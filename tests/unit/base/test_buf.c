/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <errno.h>
#include <string.h>

static void test_bounded(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF b = BUF_INIT(5);
    assert_int_equal(buf_add(&b, "abcde", 5, &e), 0);
    assert_string_equal(buf_str(&b), "abcde");
    assert_int_equal(buf_add(&b, "f", 1, &e), -ERR_INPUT);
    assert_int_equal(b.len, 5);
}

static void test_grows(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF b = BUF_INIT(1000000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_addf(&b, &e, "%d,", i % 10), 0);
    assert_int_equal(b.len, 20000);
    assert_int_equal(strlen(buf_str(&b)), 20000);
    AUTO_FREE char *text = buf_steal(&b);
    assert_memory_equal(text, "0,1,2,", 6);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_str(&b), "");
}

/* Nothing of what a buffer had before is read as text, however it was made shorter. */
static void test_shorter(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF b = BUF_INIT(100);
    assert_int_equal(buf_add_str(&b, "secret", &e), 0);
    buf_cut(&b, 9);
    assert_string_equal(buf_str(&b), "secret");
    buf_cut(&b, 3);
    assert_string_equal(buf_str(&b), "sec");
    b.len = 0;
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_add_str(&b, "secret", &e), 0);
    b.len = 2;
    assert_string_equal(buf_str(&b), "se");
    assert_int_equal(buf_add_str(&b, "cret", &e), 0);
    b.len = 0;
    AUTO_FREE char *text = buf_steal(&b);
    assert_string_equal(text, "");
    buf_cut(&b, 0);
    assert_string_equal(buf_str(&b), "");
}

static void test_reader(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct reader r = {.p = bytes, .end = bytes + sizeof(bytes)};
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    uint8_t v8;
    assert_true(reader_be16(&r, &v16));
    assert_int_equal(v16, 0x0102);
    assert_true(reader_le32(&r, &v32));
    assert_int_equal(v32, 0x06050403);
    assert_false(reader_le64(&r, &v64)); /* three bytes are left, and stay */
    assert_int_equal(reader_left(&r), 3);
    assert_true(reader_le16(&r, &v16));
    assert_int_equal(v16, 0x0807);
    assert_true(reader_u8(&r, &v8));
    assert_int_equal(v8, 9);
    assert_false(reader_u8(&r, &v8));
}

static void test_array_grow(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    uint32_t *values = NULL;
    size_t cap = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(array_grow(&values, &cap, i + 1, sizeof(*values), &e), 0);
        values[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(values[i], i);
    free(values);
}

static void test_err_chain(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char line[4096];
    assert_int_equal(err_os(&e, ENOENT, "cannot open '%s'", "x\033[31m"), -ERR_HOST);
    assert_int_equal(err_wrap(&e, "outer"), -ERR_HOST);
    assert_string_equal(err_line(&e, line, sizeof(line)),
                        "outer: cannot open 'x?[31m': no such file or directory");
    for (int i = 0; i < 100; i++)
        (void)err_wrap(&e, "level %d", i);
    (void)err_line(&e, line, sizeof(line));
    assert_non_null(strstr(line, "cannot open")); /* the cause is never pushed out */
    assert_non_null(strstr(line, "level 99"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded),    cmocka_unit_test(test_grows),
        cmocka_unit_test(test_shorter),    cmocka_unit_test(test_reader),
        cmocka_unit_test(test_array_grow), cmocka_unit_test(test_err_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
