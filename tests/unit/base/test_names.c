/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names, cut in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/names.h"
#include "base/scope.h"

#include <string.h>

static char *dir;
static char *path;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-names.", &dir, &e) == 0
               ? path_join(&path, dir, "l", &e)
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    free(path);
    return rc;
}

static void list(const void *data, size_t len)
{
    struct err e = ERR_INIT;
    assert_int_equal(file_replace(path, data, len, 0600, &e), 0);
}

/* The names with a bar behind each; `rc` is what ended it. */
static void read_all(bool zero, const char *wanted, int wanted_rc)
{
    struct err e = ERR_INIT;
    AUTO_NAMES names = NAMES_INIT;
    const char *name = NULL;
    char got[256] = "";
    int rc = names_open(&names, path, zero, &e);
    while (rc == 0 && (rc = names_next(&names, &name, &e)) == 0 && name != NULL) {
        assert_true(strlen(got) + strlen(name) + 2 < sizeof(got));
        (void)strncat(got, name, sizeof(got) - strlen(got) - 1);
        (void)strncat(got, "|", sizeof(got) - strlen(got) - 1);
    }
    assert_string_equal(got, wanted);
    assert_int_equal(rc, wanted_rc);
}

static void test_names(void **state)
{
    (void)state;
    list("", 0);
    read_all(false, "", 0);
    list("a\nb c\n", 6);
    read_all(false, "a|b c|", 0);
    list("a\nb", 3);
    read_all(false, "a|b|", 0);
    list("a\0b\nc\0", 6);
    read_all(true, "a|b\nc|", 0);
}

static void test_wrong(void **state)
{
    (void)state;
    list("a\n\nb\n", 5);
    read_all(false, "a|", -ERR_INPUT);
    list("\n", 1);
    read_all(false, "", -ERR_INPUT);
    list("a\0b\n", 4);
    read_all(false, "", -ERR_INPUT);
    struct err e = ERR_INIT;
    AUTO_NAMES names = NAMES_INIT;
    assert_int_equal(names_open(&names, "/nonexistent/list", false, &e), -ERR_INPUT);
}

/* Names that lie across the blocks in which they are read, and the longest. */
static void test_long(void **state)
{
    (void)state;
    enum { COUNT = 300, LENGTH = PATH_MAX - 1 };
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT((size_t)COUNT * PATH_MAX + 2 * PATH_MAX);
    AUTO_NAMES names = NAMES_INIT;
    const char *name = NULL;
    char one[PATH_MAX + 1];
    for (int i = 0; i < COUNT; i++) {
        memset(one, 'a' + i % 26, LENGTH);
        one[LENGTH] = '\n';
        assert_int_equal(buf_add(&text, one, PATH_MAX, &e), 0);
    }
    memset(one, 'z', sizeof(one));
    assert_int_equal(buf_add(&text, one, PATH_MAX, &e), 0);
    list(text.data, text.len);
    assert_int_equal(names_open(&names, path, false, &e), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(names_next(&names, &name, &e), 0);
        assert_int_equal(strlen(name), LENGTH);
        assert_int_equal(name[0], 'a' + i % 26);
        assert_int_equal(name[LENGTH - 1], 'a' + i % 26);
    }
    assert_int_equal(names_next(&names, &name, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_wrong),
                                       cmocka_unit_test(test_long)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
