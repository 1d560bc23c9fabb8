/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/directory.h"
#include "formats/object/object.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct budget budget;

static void start(void)
{
    budget_start(&budget, host_real(), "/tmp");
}

/* ---- a kind for the tests: members "b", "a", "a", "big" -------------------------------- */

enum { BIG = 3 * 1024 * 1024 };
static bool lies; /* about a size */
static bool twice;

static int open_test(struct object *o, struct err *e)
{
    static const char *const paths[] = {"b", "a", "a", "big"};
    const struct field time = {"mtime", FIELD_TIME, FIELD_SECONDS, 5, NULL, 0};
    const struct field text = {"link", FIELD_MEANING, FIELD_TEXT, 0, (const uint8_t *)"x\n", 2};
    int rc = object_field(o, time, e);
    for (size_t i = 0; rc == 0 && i < 4; i++) {
        struct member m = {.path = paths[i], .has_content = true, .cookie = i};
        m.size = i == 3 ? (uint64_t)BIG : lies && i == 1 ? 3U : 2U;
        if ((rc = object_member_field(o, time, e)) < 0 ||
            (rc = object_member_field(o, text, e)) < 0 ||
            (twice && (rc = object_member_field(o, text, e)) < 0))
            return rc;
        rc = object_member(o, &m, e);
    }
    return rc;
}

static int content_test(struct object *o, const struct member *m, struct sink to, struct err *e)
{
    char text[2] = {(char)('0' + m->cookie), '\n'};
    (void)o;
    int rc = 0;
    for (uint64_t at = 0; rc == 0 && at < (m->cookie == 3 ? BIG : 2); at += 2)
        rc = sink_write(&to, text, 2, e);
    return rc;
}

static const struct object_kind kind_test = {
    .name = "test", .open = open_test, .content = content_test};

static void test_members(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    start();
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &o, &e), 0);
    assert_int_equal(o->member_count, 4);
    static const char *const order[] = {"a", "a", "b", "big"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(o->members[i].path, order[i]);
    assert_int_equal(o->members[0].nth, 0);
    assert_int_equal(o->members[1].nth, 1);
    assert_int_equal(o->members[0].position, 1);
    assert_string_equal(o->members[0].fields[0].name, "link"); /* sorted */
    assert_non_null(field_find(o->members[0].fields, 2, "mtime"));
    assert_null(field_find(o->members[0].fields, 2, "mode"));
}

/* Small contents are in memory, large ones in a file: the same bytes. */
static void test_content(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    start();
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &o, &e), 0);
    for (size_t i = 0; i < 4; i++) {
        AUTO_BYTES *bytes = NULL;
        uint8_t last[2];
        assert_int_equal(object_content(o, &o->members[i], &bytes, &e), 0);
        assert_int_equal(bytes->size, o->members[i].size);
        assert_int_equal(bytes_read(bytes, bytes->size - 2, last, 2, &e), 0);
        assert_int_equal(last[0], '0' + (int)o->members[i].cookie);
        assert_int_equal(bytes_read(bytes, bytes->size - 1, last, 2, &e), -ERR_INPUT);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    AUTO_OBJECT *none = NULL;
    AUTO_BYTES *bytes = NULL;
    start();
    lies = true;
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &o, &e), 0);
    assert_int_equal(object_content(o, &o->members[0], &bytes, &e), -ERR_INPUT);
    lies = false;
    twice = true;
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &none, &e), -ERR_INPUT);
    twice = false;
    budget.members = 3;
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &none, &e), -ERR_UNDECIDED);
    assert_string_equal(budget.hit, "members");
    start();
    budget.memory = 10;
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &none, &e), -ERR_UNDECIDED);
    start();
    budget.decoded = BIG - 1;
    assert_int_equal(object_open(&kind_test, NULL, "t", NULL, &budget, &none, &e), 0);
    assert_int_equal(object_content(none, &none->members[3], &bytes, &e), -ERR_UNDECIDED);
}

static void test_show(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const struct {
        struct field field;
        const char *text;
    } rows[] = {
        {{"f", FIELD_MODE, FIELD_OCTAL, 04755, NULL, 0}, "4755"},
        {{"f", FIELD_TIME, FIELD_SECONDS, 0, NULL, 0}, "1970-01-01T00:00:00Z"},
        {{"f", FIELD_TIME, FIELD_SECONDS, UINT64_MAX, NULL, 0}, "-1 s"},
        {{"f", FIELD_MEANING, FIELD_TEXT, 0, (const uint8_t *)"a'\x1b[0m", 6}, "'a\\x27\\x1b[0m'"},
        {{"f", FIELD_ID, FIELD_BYTES, 0, (const uint8_t *)"\x01\xff", 2}, "01 ff"},
        {{"f", FIELD_ID, FIELD_NUMBER, 7, NULL, 0}, "7"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_BUF out = BUF_INIT(4096);
        assert_int_equal(field_show(&rows[i].field, &out, &e), 0);
        assert_string_equal(buf_str(&out), rows[i].text);
    }
}

static void test_directory(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *dir = NULL;
    AUTO_FREE char *file = NULL;
    AUTO_FREE char *link = NULL;
    AUTO_OBJECT *o = NULL;
    AUTO_BYTES *bytes = NULL;
    start();
    assert_int_equal(dir_make_temp("/tmp", "assay-test-object.", &dir, &e), 0);
    assert_int_equal(path_join(&file, dir, "f", &e), 0);
    assert_int_equal(path_join(&link, dir, "l", &e), 0);
    assert_int_equal(file_replace(file, "hello", 5, 0640, &e), 0);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(object_open_directory(dir, &budget, &o, &e), 0);
    assert_int_equal(o->member_count, 3);
    assert_int_equal(o->members[1].size, 5);
    assert_int_equal(field_find(o->members[1].fields, o->members[1].field_count, "mode")->number,
                     0640);
    assert_int_equal(o->members[2].type, MEMBER_SYMLINK);
    assert_false(o->members[2].has_content);
    /* A file that became a link meanwhile is not followed. */
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    assert_true(object_content(o, &o->members[1], &bytes, &e) < 0);
    assert_int_equal(dir_remove(dir, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),   cmocka_unit_test(test_content),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_show),
        cmocka_unit_test(test_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
