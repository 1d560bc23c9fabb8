/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/runs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct bytes *digits(void)
{
    struct err e = ERR_INIT;
    struct bytes *b = NULL;
    char *data = strdup("0123456789");
    assert_non_null(data);
    assert_int_equal(bytes_of_memory(data, 10, "digits", &b, &e), 0);
    return b;
}

static int make(const struct run *list, size_t count, uint64_t size, struct bytes **out,
                struct err *e)
{
    AUTO_BYTES *whole = digits();
    struct runs r = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = runs_add(&r, &list[i], "test", e);
    if (rc == 0)
        return bytes_of_runs(whole, &r, size, "runs", out, e);
    runs_dispose(&r);
    return rc;
}

/* Every range of what comes out is as a simple copy has it. */
static void test_every_range(void **state)
{
    static const struct run list[] = {{2, 3, 5}, {5, 1, 8}, {8, 2, 0}, {12, 4, 6}};
    static const char wanted[] = "\0\0"
                                 "567"
                                 "8"
                                 "\0\0"
                                 "01"
                                 "\0\0"
                                 "67"
                                 "\0\0";
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *b = NULL;
    struct run cut[4];
    memcpy(cut, list, sizeof(cut));
    cut[3].len = 2;
    assert_int_equal(make(cut, 4, 16, &b, &e), 0);
    assert_int_equal(b->size, 16);
    for (size_t start = 0; start <= 16; start++)
        for (size_t len = 0; len <= 16 - start; len++) {
            char out[16] = {0};
            assert_int_equal(bytes_read(b, start, out, len, &e), 0);
            assert_memory_equal(out, wanted + start, len);
        }
}

static void test_cut_and_joined(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *b = NULL;
    char out[4];
    const struct run joined[] = {{0, 2, 3}, {2, 5, 5}};
    assert_int_equal(make(joined, 2, 4, &b, &e), 0);
    assert_int_equal(bytes_read(b, 0, out, 4, &e), 0);
    assert_memory_equal(out, "3456", 4);
    assert_true(bytes_read(b, 1, out, 4, &e) < 0);
}

static void test_refused(void **state)
{
    static const struct {
        struct run list[2];
        size_t count;
    } bad[] = {
        {{{0, 4, 7}}, 1},            /* outside */
        {{{0, 2, 0}, {1, 2, 4}}, 2}, /* two at one place */
        {{{4, 2, 0}, {0, 2, 4}}, 2}, /* not in order */
        {{{0, 0, 0}}, 1},            /* nothing */
        {{{0, UINT64_MAX, 1}}, 1},   /* more than there is */
        {{{UINT64_MAX, 2, 0}}, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_INIT;
        struct bytes *b = NULL;
        assert_true(make(bad[i].list, bad[i].count, UINT64_MAX, &b, &e) < 0);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_range),
        cmocka_unit_test(test_cut_and_joined),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
