/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/nearest.h"

#include <string.h>

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"include", "exclude", "place", NULL};
    assert_string_equal(nearest_name("inculde", names), "include");
    assert_string_equal(nearest_name("excludes", names), "exclude");
    assert_string_equal(nearest_name("place", names), "place");
    assert_null(nearest_name("x", names));
    assert_null(nearest_name("", names));
    assert_null(nearest_name("a name that is very much longer than any known one", names));
}

static void test_hint(void **state)
{
    (void)state;
    static const char *const names[] = {"include", "exclude", NULL};
    char out[NEAREST_HINT_MAX];
    assert_string_equal(nearest_hint("inculde", names, " (none)", out),
                        " (did you mean 'include'?)");
    assert_string_equal(nearest_hint("x", names, " (none)", out), " (none)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
