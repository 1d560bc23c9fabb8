/* SPDX-License-Identifier: Apache-2.0 */
/* Debian packages as layers: conflicts, and the merged /usr. */
#include "tests/unit/formats/layers/layers_common.h"

static void test_debian(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push_deb(&s, L({"./", '5', .mtime = 3}, {"./etc/", '5', .mode = 0711}, FILE_("./etc/a", "same"),
                   SYM("./l", "etc"), FILE_("./implied/x", "x"),
                   FILE_("./.wh.z", "a file like others")));
    push_deb(&s, L({"./", '5', .mtime = 4}, {"./etc/", '5', .mode = 0777},
                   {"./etc/a", '0', .data = "same", .mode = 0600}, SYM("./l", "etc"),
                   {"./implied/", '5', .mode = 0750}, LINK("./etc/b", "./etc/a")));
    assert_tree(&s, "/@3,.wh.z:a file like "
                    "others,etc/(711),etc/a:same*2,etc/b:same*2,implied/(750),implied/x:x,l>etc");
    push_deb(&s, L(DIR_("./l"), FILE_("./l/c", "through")));
    assert_tree(&s, "/@3,.wh.z:a file like "
                    "others,etc/(711),etc/a:same*2,etc/b:same*2,etc/c:through,implied/(750),"
                    "implied/x:x,l>etc");
}

static void test_debian_conflicts(void **state)
{
    (void)state;
    const struct entry *base =
        L(DIR_("./d"), FILE_("./f", "one"), SYM("./s", "f"), {"./p", '6'}, FILE_("./i/x", ""));
    const struct entry *const over[] = {
        L(FILE_("./f", "two")), L(DIR_("./f")),
        L(SYM("./f", "d")),     L(FILE_("./d", "")),
        L(SYM("./d", "f")),     L(SYM("./s", "d")),
        L(DIR_("./s")),         L(FILE_("./s", "one")),
        L(FILE_("./p", "")),    L(FILE_("./d/x", ""), LINK("./f", "./d/x"))};
    for (size_t i = 0; i < sizeof(over) / sizeof(*over); i++) {
        AUTO_STACK s = STACK_INIT;
        push_deb(&s, base);
        push_deb(&s, over[i]);
        assert_refused(&s, "is in both 'L0' and 'L1', and not the same");
    }
    AUTO_STACK s = STACK_INIT;
    push_deb(&s, base);
    push_deb(&s, L(FILE_("./i", "")));
    assert_refused(&s, "other entries lie in");
}

static void test_merged(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    s.o.usr_merged = true;
    push_deb(&s, L(DIR_("./lib/"), DIR_("./lib/modules/"), FILE_("./lib/modules/m", "m"),
                   DIR_("./bin"), FILE_("./bin/sh", "sh"), LINK("./bin/ash", "./bin/sh"),
                   SYM("./bin/link", "sh"), FILE_("./libre/x", "not lib")));
    assert_tree(
        &s,
        "/@1000,bin>usr/bin@1000,lib>usr/lib@1000,libre/@1000,libre/x:not lib,usr/@1000,usr/bin/,"
        "usr/bin/ash:sh*2,usr/bin/link>sh,usr/bin/sh:sh*2,usr/lib/,usr/lib/modules/,usr/lib/"
        "modules/m:m");
    /* base-files brings the links itself. */
    push_deb(&s, L(SYM("./lib", "usr/lib"), {"./bin", '2', .link = "/usr/bin", .mtime = 9},
                   SYM("./sbin", "usr/sbin"), DIR_("./usr/"), DIR_("./usr/sbin/")));
    add_glob(&s.o.exclude, "usr/bin");
    assert_tree(
        &s,
        "/@1000,bin>/usr/bin@9,lib>usr/lib,libre/@1000,libre/x:not lib,sbin>usr/sbin,usr/,usr/lib/,"
        "usr/lib/modules/,usr/lib/modules/m:m,usr/sbin/");
    /* Two packages, one path by two names. */
    push_deb(&s, L(FILE_("./usr/lib/modules/m", "other")));
    assert_refused(&s, "not the same");
    AUTO_STACK odd = STACK_INIT;
    odd.o.usr_merged = true;
    push_deb(&odd, L(SYM("./lib", "elsewhere")));
    assert_refused(&odd, "neither a directory nor the link");
    AUTO_STACK none = STACK_INIT;
    none.o.usr_merged = true;
    push_deb(&none, L(FILE_("./lib/x", "x"), FILE_("./opt/y", "y")));
    add_glob(&none.o.include, "opt");
    assert_tree(&none, "/@1000,opt/@1000,opt/y:y");
    AUTO_STACK dir = STACK_INIT;
    dir.o.usr_merged = true;
    push(&dir, L(FILE_("lib/x", "x")));
    push_deb(&dir, L(FILE_("./lib/y", "y")));
    assert_refused(&dir, "does not lead to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian),
        cmocka_unit_test(test_debian_conflicts),
        cmocka_unit_test(test_merged),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
