/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/tree/glob.h"

#include <string.h>
#include <time.h>

static struct err e;

static bool matches(const char *pattern, const char *path)
{
    AUTO_GLOB struct glob *g = NULL;
    assert_int_equal(glob_new(pattern, &g, &e), 0);
    return glob_match(g, path);
}

static void test_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *path;
        bool match;
    } cases[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"a", "a/b", false},
        {"a", "", false},
        {"*", "", true},
        {"*", "abc", true},
        {"*", "a/b", false},
        {"a*c", "abbc", true},
        {"a*c", "ab/c", false},
        {"a*b*c", "aXbYbc", true},
        {"boot/vmlinuz-*", "boot/vmlinuz-6.1.0-56-riscv64", true},
        {"boot/vmlinuz-*", "boot/vmlinuz-6/x", false},
        {"?", "a", true},
        {"?", "/", false},
        {"??", "a", false},
        {"a?c", "a/c", false},
        {"**", "", true},
        {"**", "a/b/c", true},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"a/**", "ab/c", false},
        {"**/c", "c", true},
        {"**/c", "a/b/c", true},
        {"**/c", "a/bc", false},
        {"a/**/c", "a/c", true},
        {"a/**/c", "a/x/y/c", true},
        {"a/**/c", "a/xc", false},
        {"a/**/c", "ac", false},
        {"a/**/**/c", "a/c", true},
        {"**/*.ko", "lib/modules/6.1/kernel/fs/ext4.ko", true},
        {"**/*.ko", ".ko", true},
        {"lib/**/e*4.ko", "lib/modules/fs/ext4.ko", true},
        {"**/b/**/d", "a/b/c/b/c/d", true},
        {"**/b/**/d", "b/d", true},
        {"**/b/**/d", "a/b/cd", false},
        {"x**y", "x/a/b/y", true},
        {"x**y", "xy", true},
        {"***", "a/b", true},
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[^a-c]x", "dx", true},
        {"[!a]", "/", false},
        {"[/]", "/", false},
        {"a[!x]b", "a/b", false},
        {"[]]", "]", true},
        {"[!]]", "]", false},
        {"[a-]", "-", true},
        {"[\\]]", "]", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\[a]", "[a]", true},
        {"\xc3\xa4*", "\xc3\xa4x", true},
        {"[\x80-\xff]", "\xc3", true},
        {"a/*/c", "a/b/c", true},
        {"a/*/c", "a/b/b/c", false},
        {"a/*/c", "a//c", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (matches(cases[i].pattern, cases[i].path) != cases[i].match)
            fail_msg("'%s' and '%s': expected %d", cases[i].pattern, cases[i].path, cases[i].match);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/a", "[", "[a", "[!", "a\\", "[b-a]", "[a-", "[\\"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct glob *g = NULL;
        if (glob_new(bad[i], &g, &e) != -ERR_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
    char longest[GLOB_PATTERN_MAX + 2];
    memset(longest, '?', sizeof(longest));
    longest[GLOB_PATTERN_MAX + 1] = 0;
    struct glob *g = NULL;
    assert_int_equal(glob_new(longest, &g, &e), -ERR_INPUT);
    longest[GLOB_PATTERN_MAX] = 0;
    assert_int_equal(glob_new(longest, &g, &e), 0);
    assert_true(glob_match(g, longest));
    glob_free(g);
}

static void test_list(void **state)
{
    (void)state;
    AUTO_GLOB_LIST struct glob_list *l = NULL;
    assert_int_equal(glob_list_new(&l, &e), 0);
    assert_false(glob_list_covers(l, "a"));
    assert_false(glob_list_covers(NULL, "a"));
    assert_int_equal(glob_list_add(l, "usr/share/doc", &e), 0);
    assert_int_equal(glob_list_add(l, "b*", &e), 0);
    assert_int_equal(glob_list_add(l, "**", &e), 0);
    assert_false(glob_list_covers(l, "")); /* the root is always left */
    AUTO_GLOB_LIST struct glob_list *m = NULL;
    assert_int_equal(glob_list_new(&m, &e), 0);
    assert_int_equal(glob_list_add(m, "usr/share/doc", &e), 0);
    assert_int_equal(glob_list_add(m, "b*", &e), 0);
    assert_true(glob_list_covers(m, "usr/share/doc"));
    assert_true(glob_list_covers(m, "usr/share/doc/bash/README"));
    assert_false(glob_list_covers(m, "usr/share/docs"));
    assert_false(glob_list_covers(m, "usr/share"));
    assert_true(glob_list_covers(m, "boot/vmlinuz"));
    assert_false(glob_list_covers(m, "a/boot"));
}

static void test_list_json(void **state)
{
    (void)state;
    AUTO_JSON json_t *doc = json_pack("[s,s]", "a", "[b");
    struct jcur c = jcur_root(doc, "list");
    struct glob_list *l = NULL;
    char line[ERR_FRAME_MAX];
    assert_int_equal(glob_list_parse(&c, &l, &e), -ERR_INPUT);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "[1]"));
    json_array_remove(doc, 1);
    assert_int_equal(glob_list_parse(&c, &l, &e), 0);
    assert_int_equal(glob_list_count(l), 1);
    glob_list_free(l);
}

/* Patterns that blow up in matchers that backtrack. */
static void test_time(void **state)
{
    (void)state;
    char pattern[400] = "";
    char path[4000];
    for (int i = 0; i < 60; i++)
        memcpy(pattern + strlen(pattern), "**/a*", 6);
    memset(path, 'a', sizeof(path));
    for (size_t i = 50; i < sizeof(path); i += 50)
        path[i] = '/';
    path[sizeof(path) - 2] = '/';
    path[sizeof(path) - 1] = 0;
    clock_t start = clock();
    assert_false(matches("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
    (void)matches(pattern, path);
    assert_true((clock() - start) / CLOCKS_PER_SEC < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_list),  cmocka_unit_test(test_list_json),
        cmocka_unit_test(test_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
