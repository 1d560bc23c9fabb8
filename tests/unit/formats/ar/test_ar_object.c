/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/ar/ar_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct budget budget;

static struct object *open_text(const char *text, size_t len, int wanted)
{
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = NULL;
    struct object *o = NULL;
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(bytes_of_memory(copy, len, "t", &bytes, &e), 0);
    assert_int_equal(object_open(&object_kind_ar, bytes, "t", NULL, &budget, &o, &e), wanted);
    return o;
}
#define OPEN(text, wanted) open_text(text, sizeof(text) - 1, wanted)

#define HEAD(name, size) name "5           1     2     100644  " size "`\n"
#define SYSV HEAD("a/              ", "3         ") "abc\n"
#define LONG_TABLE HEAD("//              ", "14        ") "a-long-name/\nb"
#define LONG HEAD("/0              ", "2         ") "xy"
#define BSD HEAD("#1/4            ", "6         ") "n\0\0\0zz"

static void test_names(void **state)
{
    (void)state;
    AUTO_OBJECT *o = OPEN("!<arch>\n" SYSV LONG_TABLE LONG BSD, 0);
    assert_int_equal(o->member_count, 4);
    static const struct {
        const char *path;
        uint64_t size;
    } rows[] = {{"//", 14}, {"a", 3}, {"a-long-name", 2}, {"n", 2}};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(o->members[i].path, rows[i].path);
        assert_int_equal(o->members[i].size, rows[i].size);
    }
    const struct member *a = &o->members[1];
    assert_int_equal(field_find(a->fields, a->field_count, "mode")->number, 0644);
    assert_int_equal(field_find(a->fields, a->field_count, "mtime")->number, 5);
    assert_int_equal(field_find(a->fields, a->field_count, "gid")->number, 2);
}

static void test_gaps(void **state)
{
    (void)state;
    AUTO_OBJECT *pad = OPEN("!<arch>\n" HEAD("a/              ", "1         ") "ax", 0);
    assert_int_equal(pad->member_count, 2);
    assert_int_equal(pad->members[0].type, MEMBER_GAP);
    AUTO_OBJECT *tail = OPEN("!<arch>\n" SYSV "tail", 0);
    assert_int_equal(tail->member_count, 2);
    assert_int_equal(tail->members[0].size, 4);
}

static void test_refused(void **state)
{
    (void)state;
    assert_null(OPEN("!<arch>\n" HEAD("a/              ", "9         ") "abc", -ERR_INPUT));
    assert_null(OPEN("!<arch>\n" HEAD("a/              ", "3x        ") "abc\n", -ERR_INPUT));
    assert_null(
        OPEN("!<arch>\n" LONG_TABLE HEAD("/14             ", "2         ") "xy", -ERR_INPUT));
    assert_null(OPEN("!<arch>\n" HEAD("#1/9            ", "6         ") "n\0\0\0zz", -ERR_INPUT));
    assert_null(OPEN("!<arch>\n" LONG_TABLE LONG_TABLE, -ERR_INPUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
