/* SPDX-License-Identifier: Apache-2.0 */
/* What of layers is kept, and where it is placed. */
#include "tests/unit/formats/layers/layers_common.h"

static void test_filters(void **state)
{
    (void)state;
    const struct entry *layer =
        L(DIR_("boot"), FILE_("boot/vmlinuz-6", "k"), FILE_("boot/config-6", "c"), DIR_("usr"),
          DIR_("usr/share"), {"usr/share/doc", '5', .mode = 0700}, FILE_("usr/share/doc/x", "x"),
          FILE_("usr/f", "f"));
    AUTO_STACK in = STACK_INIT;
    push(&in, layer);
    add_glob(&in.o.include, "boot/vmlinuz-*");
    assert_tree(&in, "/@1000,boot/@1000,boot/vmlinuz-6:k");
    add_glob(&in.o.include, "usr/share");
    assert_tree(&in, "/@1000,boot/@1000,boot/vmlinuz-6:k,usr/@1000,usr/share/,usr/share/doc/(700),"
                     "usr/share/doc/x:x");
    add_glob(&in.o.exclude, "**/doc");
    assert_tree(&in, "/@1000,boot/@1000,boot/vmlinuz-6:k,usr/@1000,usr/share/");
    /* What is asked for has to be there: by each pattern, and something has to be left. */
    add_glob(&in.o.include, "boot/vmlinux-*");
    assert_refused(&in, "the pattern 'boot/vmlinux-*' of include matches nothing");
    AUTO_STACK none = STACK_INIT;
    push(&none, layer);
    add_glob(&none.o.exclude, "nothing/of/it");
    assert_tree(&none, "/@1000,boot/,boot/config-6:c,boot/vmlinuz-6:k,usr/,usr/f:f,usr/share/,"
                       "usr/share/doc/(700),usr/share/doc/x:x");
    add_glob(&none.o.include, "usr");
    add_glob(&none.o.include, "usr/f");
    add_glob(&none.o.include, "usr/share/**");
    assert_tree(&none, "/@1000,usr/,usr/f:f,usr/share/,usr/share/doc/(700),usr/share/doc/x:x");
    add_glob(&none.o.exclude, "usr");
    assert_refused(&none, "include and exclude leave nothing");
    /* Whiteouts hold for what is filtered too. */
    AUTO_STACK out = STACK_INIT;
    push(&out, layer);
    push(&out, L(FILE_("usr/.wh.f", ""), FILE_("usr/share/.wh.doc", "")));
    add_glob(&out.o.exclude, "boot");
    assert_tree(&out, "/@1000,usr/,usr/share/");
}

static void test_links_to_filtered(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_("bin"), FILE_("bin/tool", "the tool"), LINK("bin/t2", "bin/tool"),
               LINK("keep1", "bin/t2"), LINK("keep2", "bin/tool"), FILE_("bin/big", "not stored")));
    add_glob(&s.o.include, "keep*");
    assert_tree(&s, "/@1000,keep1:the tool*2,keep2:the tool*2");
    /* Through layers: the target as the layers between left it. */
    push(&s, L(FILE_("bin/tool", "new tool")));
    push(&s, L(LINK("keep3", "bin/tool"), LINK("keep4", "bin/t2")));
    assert_tree(&s, "/@1000,keep1:the tool*3,keep2:the tool*3,keep3:new tool,keep4:the tool*3");
    push(&s, L(FILE_(".wh.bin", "")));
    assert_tree(&s, "/@1000,keep1:the tool*3,keep2:the tool*3,keep3:new tool,keep4:the tool*3");
    push(&s, L(LINK("keep5", "bin/tool")));
    assert_refused(&s, "not there");
    s.count--;
    push(&s, L(FILE_("bin", "")));
    push(&s, L(LINK("keep5", "nowhere")));
    assert_refused(&s, "not there");
}

static struct layer_place *place_new(const char *pattern, const char *path)
{
    struct layer_place *p = array_new(1, sizeof(*p));
    assert_non_null(p);
    assert_int_equal(glob_new(pattern, &p->match, &e), 0);
    p->pattern = pattern;
    p->path = path;
    return p;
}

static void try_place(struct stack *s, const char *pattern, const char *path, const char *want,
                      const char *why)
{
    struct layer_place *p = place_new(pattern, path);
    s->o.places = p;
    s->o.place_count = 1;
    if (want != NULL)
        assert_tree(s, want);
    else
        assert_refused(s, why);
    glob_free(p->match);
    free(p);
}

static void test_place(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_("boot"), FILE_("boot/vmlinuz-6", "k"), FILE_("boot/config-6", "c"), DIR_("d"),
               FILE_("d/x", "x")));
    try_place(&s, "boot/vmlinuz-*", "kernel", "/@1000,boot/,boot/config-6:c,d/,d/x:x,kernel:k",
              NULL);
    try_place(&s, "boot/vmlinuz-*", "a/b/kernel",
              "/@1000,a/@1000,a/b/@1000,a/b/kernel:k,boot/,boot/config-6:c,d/,d/x:x", NULL);
    try_place(&s, "d", "boot/moved",
              "/@1000,boot/,boot/config-6:c,boot/moved/,boot/moved/x:x,boot/vmlinuz-6:k", NULL);
    try_place(&s, "d", "d", "/@1000,boot/,boot/config-6:c,boot/vmlinuz-6:k,d/,d/x:x", NULL);
    try_place(&s, "boot/*-6", "kernel", NULL, "more than one");
    try_place(&s, "boot/nothing-*", "kernel", NULL, "matches no path");
    try_place(&s, "boot/vmlinuz-*", "d/x", NULL, "exists already");
    try_place(&s, "boot", "boot/in", NULL, "into itself");
    try_place(&s, "boot/vmlinuz-*", "d/x/y", NULL, "not a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_links_to_filtered),
        cmocka_unit_test(test_place),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
