/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/graft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct tree *new_tree(void)
{
    struct err e = ERR_INIT;
    struct tree *t = NULL;
    assert_int_equal(tree_new(&t, &e), 0);
    return t;
}

/* "dir/", "file" or "link>target": missing parents are made. */
static void put(struct tree *t, const char *what)
{
    struct err e = ERR_INIT;
    struct tree_node *dir = NULL;
    struct tree_inode *inode = NULL;
    char path[256];
    assert_true(strlen(what) < sizeof(path));
    memcpy(path, what, strlen(what) + 1);
    char *target = strchr(path, '>');
    if (target != NULL)
        *target++ = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash++ = '\0';
    assert_int_equal(tree_make_dirs(t, slash == NULL ? "" : path, 0, &dir, &e), 0);
    const char *name = slash == NULL ? path : slash;
    if (name[0] == '\0')
        return;
    assert_int_equal(tree_inode_new(t, target == NULL ? TREE_FILE : TREE_SYMLINK, &inode, &e), 0);
    if (target != NULL)
        assert_int_equal(str_copy(&inode->target, target, &e), 0);
    assert_int_equal(tree_link(t, dir, name, inode, NULL, &e), 0);
}

static struct tree *tree_of(const char *const *list)
{
    struct tree *t = new_tree();
    for (; *list != NULL; list++)
        put(t, *list);
    return t;
}

static int add_path(void *context, const char *path, struct tree_node *node, struct err *e)
{
    struct buf *out = context;
    if (path[0] == '\0')
        return 0;
    const char *mark = node->inode->type == TREE_DIR ? "/" : "";
    return node->inode->type == TREE_SYMLINK ? buf_addf(out, e, "%s>%s ", path, node->inode->target)
                                             : buf_addf(out, e, "%s%s ", path, mark);
}

struct laid {
    const char *under[8];
    const char *over[8];
    const char *result; /* NULL: refused */
    const char *says;
};

static const struct laid cases[] = {
    /* The commonest: a kernel's modules, then a merged /usr. */
    {{"lib/modules/6.1/a.ko", NULL},
     {"lib>usr/lib", "usr/lib/libc.so", NULL},
     "lib>usr/lib usr/ usr/lib/ usr/lib/libc.so usr/lib/modules/ usr/lib/modules/6.1/ "
     "usr/lib/modules/6.1/a.ko ",
     NULL},
    {{"sbin/init", NULL},
     {"sbin>/usr/sbin", "usr/sbin/agetty", NULL},
     "sbin>/usr/sbin usr/ usr/sbin/ usr/sbin/agetty usr/sbin/init ",
     NULL},
    /* The other way round. */
    {{"lib>usr/lib", "usr/lib/libc.so", NULL},
     {"lib/modules/a.ko", NULL},
     "lib>usr/lib usr/ usr/lib/ usr/lib/libc.so usr/lib/modules/ usr/lib/modules/a.ko ",
     NULL},
    /* Directories that both have are one; a file that both have is the later one. */
    {{"lib/x/one", "lib/same", NULL},
     {"lib>usr/lib", "usr/lib/x/two", "usr/lib/same", NULL},
     "lib>usr/lib usr/ usr/lib/ usr/lib/same usr/lib/x/ usr/lib/x/one usr/lib/x/two ",
     NULL},
    /* What the link leads to is made. */
    {{"lib/a", NULL}, {"lib>usr/lib", NULL}, "lib>usr/lib usr/ usr/lib/ usr/lib/a ", NULL},
    /* An empty directory is nothing to lose. */
    {{"lib/", NULL}, {"lib>nowhere", NULL}, "lib>nowhere ", NULL},
    {{"a/", NULL}, {"a", NULL}, "a ", NULL},
    /* A link that leads nowhere gives way, as before. */
    {{"lib>nowhere", NULL}, {"lib/a", NULL}, "lib/ lib/a ", NULL},
    /* Refused. */
    {{"a/b", NULL}, {"a", NULL}, NULL, "'a' would replace a directory that has contents"},
    {{"lib/a", NULL}, {"lib>lib/x", NULL}, NULL, "does not lead to another one"},
    {{"lib/a", NULL}, {"lib>lib", NULL}, NULL, "does not lead to another one"},
    {{"lib/a", NULL}, {"lib>file", "file", NULL}, NULL, "does not lead to another one"},
    {{"lib/a", NULL}, {"lib>../../gone/../x", NULL}, NULL, "does not lead to another one"},
    {{"lib/a/b", NULL}, {"lib>usr", "usr/a", NULL}, NULL, "would be one file"},
    {{"lib/a", "usr/lib/a", NULL}, {"lib>usr/lib", NULL}, NULL, "would be one file"},
};

static void test_laid_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_TREE struct tree *under = tree_of(cases[i].under);
        AUTO_TREE struct tree *over = tree_of(cases[i].over);
        AUTO_BUF text = BUF_INIT(4096);
        int rc = tree_graft(under, over, NULL, &e);
        if (cases[i].result == NULL) {
            assert_true(rc < 0);
            assert_int_equal(e.code, ERR_INPUT);
            assert_non_null(strstr(e.frame[0], cases[i].says));
            continue;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(tree_walk(under, add_path, &text, &e), 0);
        assert_string_equal(buf_str(&text), cases[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laid_over)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
