/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/bytes.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct bytes *make(const char *text, size_t len)
{
    struct err e = ERR_INIT;
    struct bytes *b = NULL;
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    assert_int_equal(bytes_of_memory(copy, len, "t", &b, &e), 0);
    return b;
}

static void test_slices(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *part = NULL;
    AUTO_BYTES *none = NULL;
    char text[8] = {0};
    struct bytes *whole = make("0123456789", 10);
    assert_int_equal(bytes_slice(whole, 2, 5, "p", &part, &e), 0);
    assert_int_equal(bytes_slice(whole, 6, 5, "p", &none, &e), -ERR_INPUT);
    assert_int_equal(bytes_slice(whole, UINT64_MAX, 2, "p", &none, &e), -ERR_INPUT);
    bytes_drop(whole); /* the part keeps it */
    assert_int_equal(bytes_read(part, 1, text, 3, &e), 0);
    assert_string_equal(text, "345");
    assert_int_equal(bytes_read(part, 3, text, 3, &e), -ERR_INPUT);
    size_t got = 0;
    assert_int_equal(bytes_peek(part, 3, text, 8, &got, &e), 0);
    assert_int_equal(got, 2);
    assert_int_equal(bytes_peek(part, 9, text, 8, &got, &e), 0);
    assert_int_equal(got, 0);
}

static void test_compare(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    enum { SIZE = 600000 };
    AUTO_FREE char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    AUTO_BYTES *a = make(text, SIZE);
    static const size_t places[] = {0, 1, 4095, 4096, 262143, 262144, SIZE - 1};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint64_t first = 0;
        text[places[i]] = 'y';
        AUTO_BYTES *b = make(text, SIZE);
        text[places[i]] = 'x';
        assert_int_equal(bytes_compare(a, 0, b, 0, SIZE, &first, &e), 0);
        assert_int_equal(first, places[i]);
        assert_int_equal(bytes_compare(a, 0, b, 0, places[i], &first, &e), 0);
        assert_int_equal(first, places[i]);
    }
}

static void test_files(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *b = NULL;
    AUTO_BYTES *none = NULL;
    char text[4] = {0};
    int fd = memfd_create("t", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, "abc", 3) == 3);
    assert_int_equal(bytes_of_fd(fd, "t", &b, &e), 0);
    assert_int_equal(b->size, 3);
    assert_int_equal(ftruncate(fd, 1), 0); /* cut meanwhile: an error, no signal */
    assert_true(bytes_read(b, 0, text, 3, &e) < 0);
    assert_int_equal(bytes_open("/dev/null", &none, &e), -ERR_INPUT);
    assert_int_equal(bytes_open("/nonexistent", &none, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
