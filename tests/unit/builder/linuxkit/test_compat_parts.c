/* SPDX-License-Identifier: Apache-2.0 */
/* Hard links as the relative symlinks that LinuxKit puts into initrds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scope.h"
#include "builder/linuxkit/compat_parts.h"
#include "formats/tar/go_tar.h"

#include <stdlib.h>
#include <string.h>

static void test_relative(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"bin/ls", "bin/busybox", "busybox"},
        {"ls", "busybox", "busybox"},
        {"ls", "bin/busybox", "bin/busybox"},
        {"a/b/c", "d/e", "../../d/e"},
        {"a/b/c", "a/x", "../x"},
        {"a/b/c", "a/b", "."},
        {"a/bc/x", "a/b/x", "../b/x"},
        {"a/b/c", "./a//b/../d", "../d"},
        {"a/x", "/abs", "//abs"},
        {"/a/x", "/b", "../b"},
        {"/x", "/b", "b"},
        {"../a/x", "b", "/b"},
        {"a/x", "../b", "../../b"},
        {"a/", "a/y", "y"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_FREE char *got = NULL;
        assert_int_equal(compat_parts_relative(cases[i][0], cases[i][1], &got, &e), 0);
        if (strcmp(got, cases[i][2]) != 0)
            fail_msg("%s to %s: %s", cases[i][0], cases[i][1], got);
    }
}

static void test_clean(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "."},     {"./", "."},       {"a//b/./c/", "a/b/c"}, {"/", "/"},
        {"/..", "/"},  {"a/..", "."},     {"a/../..", ".."},      {"../../a", "../../a"},
        {"//a", "/a"}, {"/a/../b", "/b"}, {"..a", "..a"},         {"a/b/../../..", ".."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_FREE char *got = NULL;
        assert_int_equal(go_tar_path_clean(cases[i][0], &got, &e), 0);
        assert_string_equal(got, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relative),
        cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
