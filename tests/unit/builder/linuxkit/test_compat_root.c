/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at the root of compat mode's tar, by resolved paths
 * (docs/formats/linuxkit-compat.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "builder/linuxkit/compat_root.h"

#include <string.h>

enum { ENTRIES_MAX = 6 };

struct entry {
    const char *path;
    char type;
    const char *link;
};

static const struct {
    struct entry entries[ENTRIES_MAX];
    const char *over;    /* of the last entry; "": nothing */
    const char *counted; /* a path … */
    size_t count;        /* … and how many entries it has */
} cases[] = {
    {{{"lib", '5', NULL}, {"lib/a", '0', NULL}, {"lib", '2', "usr/lib"}}, "lib", "lib", 2},
    /* Without an entry for the directory. */
    {{{"lib/a", '0', NULL}, {"lib", '2', "usr/lib"}}, "lib", "lib", 1},
    {{{"lib/a", '0', NULL}, {"lib", '0', NULL}}, "lib", "lib/a", 1},
    /* An empty one is in nobody's way. */
    {{{"lib", '5', NULL}, {"lib", '2', "usr/lib"}}, "", "lib", 2},
    {{{"library/a", '0', NULL}, {"lib", '5', NULL}, {"lib", '2', "x"}}, "", "lib", 2},
    /* Behind links. */
    {{{"usr/lib/a", '0', NULL}, {"lib", '2', "usr/lib"}, {"lib/a", '0', NULL}}, "", "usr/lib/a", 2},
    {{{"usr/lib/a", '0', NULL}, {"lib", '2', "/usr/lib"}, {"lib/a", '0', NULL}}, "", "lib/a", 2},
    {{{"b/c", '2', "../a"}, {"b/c/d", '0', NULL}, {"a/d", '0', NULL}}, "", "a/d", 2},
    {{{"l", '2', "m"}, {"m", '2', "n"}, {"n/x", '0', NULL}, {"l/x", '0', NULL}}, "", "n/x", 2},
    {{{"l", '2', "d"}, {"d/x/y", '0', NULL}, {"l/x", '0', NULL}}, "l/x", "d/x", 1},
    /* Not out of the root, and not for ever. */
    {{{"l", '2', "../../etc"}, {"l/x", '0', NULL}}, "", "l/x", 1},
    {{{"l", '2', "l"}, {"l/x", '0', NULL}}, "", "l", 1},
    /* A directory's entry leaves a link; a file takes its place. */
    {{{"l", '2', "d"}, {"l", '5', NULL}, {"l/x", '0', NULL}}, "", "d/x", 1},
    {{{"l", '2', "d"}, {"l", '0', NULL}, {"d/x", '0', NULL}}, "", "l/x", 0},
};

static void test_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO(compat_root_dispose) struct compat_root root = {0};
        assert_int_equal(compat_root_init(&root, &e), 0);
        AUTO_JSON json_t *over = json_array();
        for (const struct entry *p = cases[i].entries; p->path != NULL; p++) {
            (void)json_array_clear(over);
            assert_int_equal(compat_root_add(&root, p->path, p->type, p->link, over, &e), 0);
        }
        const char *first = json_string_value(json_array_get(over, 0));
        if (strcmp(first != NULL ? first : "", cases[i].over) != 0)
            fail_msg("case %zu: over '%s'", i, first != NULL ? first : "");
        if (compat_root_count(&root, cases[i].counted) != cases[i].count)
            fail_msg("case %zu: '%s' stands %zu times", i, cases[i].counted,
                     compat_root_count(&root, cases[i].counted));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_entries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
