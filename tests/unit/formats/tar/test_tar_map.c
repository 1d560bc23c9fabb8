/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of sparse files at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/tar/tar_map.h"

#include <string.h>

static void test_walk(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct tar_map m = {0};
    static const char text[] = "10,5,15,1,20,0,30,2,40,0";
    static const struct {
        uint64_t len;
        bool data;
    } runs[] = {{10, false}, {5, true}, {1, true},  {4, false},
                {10, false}, {2, true}, {8, false}, {60, false}};
    assert_int_equal(tar_map_add_text(&m, (const uint8_t *)text, strlen(text), &e), 0);
    assert_int_equal(m.data, 8);
    assert_int_equal(tar_map_close(&m, 39, 8, &e), -ERR_INPUT);
    assert_int_equal(tar_map_close(&m, 100, 7, &e), -ERR_INPUT);
    assert_int_equal(tar_map_close(&m, 100, 8, &e), 0);
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
        bool data = false;
        assert_int_equal(tar_map_run(&m, &data), runs[i].len);
        assert_int_equal(data, runs[i].data);
        tar_map_take(&m, runs[i].len);
    }
    bool data = true;
    assert_int_equal(tar_map_run(&m, &data), 0);
    tar_map_dispose(&m);
}

static void test_order(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct tar_map m = {0};
    assert_int_equal(tar_map_add(&m, 5, 5, &e), 0);
    assert_int_equal(tar_map_add(&m, 9, 1, &e), -ERR_INPUT);
    assert_int_equal(tar_map_add(&m, 5, 0, &e), -ERR_INPUT);
    assert_int_equal(tar_map_add(&m, INT64_MAX, 1, &e), -ERR_INPUT);
    assert_int_equal(tar_map_add(&m, UINT64_MAX, UINT64_MAX, &e), -ERR_INPUT);
    assert_int_equal(tar_map_add(&m, INT64_MAX, 0, &e), 0);
    assert_int_equal(m.count, 2);
    tar_map_dispose(&m);
}

/* A million pieces are read; one more is refused, and takes nothing. */
static void test_many(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct tar_map m = {0};
    bool data = false;
    for (uint64_t i = 0; i < TAR_PIECES_MAX; i++)
        assert_int_equal(tar_map_add(&m, i * 2, 1, &e), 0);
    assert_int_equal(tar_map_add(&m, TAR_PIECES_MAX * UINT64_C(2), 1, &e), -ERR_INPUT);
    assert_int_equal(tar_map_close(&m, TAR_PIECES_MAX * UINT64_C(2), TAR_PIECES_MAX, &e), 0);
    uint64_t runs = 0;
    for (; tar_map_run(&m, &data) > 0; runs++) {
        assert_int_equal(data, runs % 2 == 0);
        tar_map_take(&m, 1);
    }
    assert_int_equal(runs, 2 * (uint64_t)TAR_PIECES_MAX);
    tar_map_dispose(&m);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const bad[] = {",",    "1",     "1,",        ",1",
                                      "1,2,", "1,2,3", "1 2",       "-1,2",
                                      "1,2;", "a",     "1,2,3,4,x", "99999999999999999999,1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct err e = ERR_INIT;
        struct tar_map m = {0};
        assert_int_equal(tar_map_add_text(&m, (const uint8_t *)bad[i], strlen(bad[i]), &e),
                         -ERR_INPUT);
        tar_map_dispose(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk), cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_many), cmocka_unit_test(test_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
