/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/python/pyc_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct budget budget;

static bool is(const char *text, size_t len)
{
    return object_kind_pyc.is(NULL, (const uint8_t *)text, len);
}

static void test_kind(void **state)
{
    (void)state;
    assert_true(is("\x6f\x0d\r\n\0\0\0\0\1\2\3\4\5\0\0\0\xe3", 17));
    assert_false(is("\x6f\x0d\r\n\0\0\0\0\1\2\3\4\5\0\0\0", 16));
    assert_false(is("\x00\x01\r\n\0\0\0\0\1\2\3\4\5\0\0\0\xe3", 17));
    assert_false(is("\x6f\x0d\r\n\4\0\0\0\1\2\3\4\5\0\0\0\xe3", 17));
    assert_false(is("\x6f\x0d\r\n\0\0\0\0\1\2\3\4\5\0\0\0x", 17));
}

static struct object *open_text(const char *text, size_t len)
{
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = NULL;
    struct object *o = NULL;
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(bytes_of_memory(copy, len, "t", &bytes, &e), 0);
    assert_int_equal(object_open(&object_kind_pyc, bytes, "t", NULL, &budget, &o, &e), 0);
    return o;
}

static void test_fields(void **state)
{
    (void)state;
    AUTO_OBJECT *timed = open_text("\x6f\x0d\r\n\0\0\0\0\1\2\0\0\5\0\0\0\xe3x", 18);
    assert_int_equal(field_find(timed->fields, timed->field_count, "source.time")->number, 513);
    assert_int_equal(timed->members[0].size, 2);
    AUTO_OBJECT *hashed = open_text("\x6f\x0d\r\n\3\0\0\0\1\2\0\0\5\0\0\0\xe3x", 18);
    assert_int_equal(field_find(hashed->fields, hashed->field_count, "source.hash")->len, 8);
    assert_null(field_find(hashed->fields, hashed->field_count, "source.time"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kind), cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
