/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/host.h"
#include "base/workers.h"

#include <stdatomic.h>
#include <string.h>

static void test_known(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest d;
    char text[DIGEST_TEXT_MAX];
    /* FIPS 180-2, the one-block example */
    assert_int_equal(digest_bytes(DIGEST_SHA256, "abc", 3, &d, &e), 0);
    assert_string_equal(digest_format(&d, text),
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct digest again;
    assert_int_equal(digest_parse(text, &again, &e), 0);
    assert_true(digest_equal(&d, &again));
    assert_int_equal(digest_bytes(DIGEST_SHA512, "abc", 3, &d, &e), 0);
    assert_true(strncmp(digest_hex(&d, text), "ddaf35a193617aba", 16) == 0);
    assert_false(digest_equal(&d, &again));
}

static void test_streaming(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_HASHER struct hasher *h = NULL;
    assert_int_equal(hasher_new(DIGEST_SHA256, &h, &e), 0);
    struct digest whole;
    struct digest parts;
    assert_int_equal(digest_bytes(DIGEST_SHA256, "hello, world", 12, &whole, &e), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(hasher_update(h, "hello", 5, &e), 0);
        assert_int_equal(hasher_update(h, ", world", 7, &e), 0);
        assert_int_equal(hasher_final(h, &parts, &e), 0);
        assert_true(digest_equal(&whole, &parts));
        assert_int_equal(hasher_restart(h, &e), 0);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "sha256:",
        "sha256",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015adf",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag",
        " sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_INIT;
        struct digest d;
        assert_int_equal(digest_parse(bad[i], &d, &e), -ERR_INPUT);
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {1492533000, "2017-04-18T16:30:00Z"},
        {2147483648, "2038-01-19T03:14:08Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {-62167219200, "0000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[21];
        int64_t back = 1;
        assert_string_equal(time_format(cases[i].seconds, text), cases[i].text);
        assert_true(time_parse(text, &back));
        assert_int_equal(back, cases[i].seconds);
    }
    int64_t t;
    assert_false(time_parse("2023-02-29T00:00:00Z", &t));
    assert_false(time_parse("2023-02-28T24:00:00Z", &t));
    assert_false(time_parse("2023-02-28T00:00:00+", &t));
    assert_false(time_parse("2023-02-28 00:00:00Z", &t));
}

static atomic_int calls;

static int count_or_fail(void *context, size_t i, struct err *e)
{
    const size_t *bad = context;
    atomic_fetch_add(&calls, 1);
    return i >= *bad ? err_set(e, ERR_INPUT, "item %zu", i) : 0;
}

static void test_workers(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        struct err e = ERR_INIT;
        size_t bad = 1000;
        atomic_store(&calls, 0);
        assert_int_equal(workers_run(jobs, 1000, count_or_fail, &bad, &e), 0);
        assert_int_equal(atomic_load(&calls), 1000);
        bad = 17;
        /* Items start in order, so the lowest failing one has always run. */
        assert_int_equal(workers_run(jobs, 1000, count_or_fail, &bad, &e), -ERR_INPUT);
        assert_string_equal(e.frame[0], "item 17");
    }
    assert_true(workers_default() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),   cmocka_unit_test(test_streaming),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_times),
        cmocka_unit_test(test_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
