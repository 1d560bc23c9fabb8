/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "formats/tree/tree_format.h"
#include "formats/tree/tree_internal.h"

#include <string.h>

static struct err e;

static struct tree *new_tree(void)
{
    struct tree *t;
    assert_int_equal(tree_new(&t, &e), 0);
    return t;
}

static struct tree_node *add(struct tree *t, const char *dir, const char *name, enum tree_type type,
                             const char *target)
{
    struct tree_node *parent;
    struct tree_node *node;
    struct tree_inode *inode;
    assert_int_equal(tree_make_dirs(t, dir, 7, &parent, &e), 0);
    assert_int_equal(tree_inode_new(t, type, &inode, &e), 0);
    inode->mode = 0644;
    if (target != NULL)
        inode->target = strdup(target);
    assert_int_equal(tree_link(t, parent, name, inode, &node, &e), 0);
    return node;
}

static int put_buf(void *context, const void *data, size_t len, struct err *err)
{
    return buf_add(context, data, len, err);
}

static char *format(const struct tree *t)
{
    AUTO_BUF b = BUF_INIT((size_t)64 << 20);
    struct tree_sink sink = {.context = &b, .put = put_buf};
    assert_int_equal(tree_format(t, &sink, &e), 0);
    return buf_steal(&b);
}

static void assert_format(const struct tree *t, const char *want)
{
    AUTO_FREE char *got = format(t);
    assert_string_equal(got, want);
    AUTO_TREE struct tree *again = NULL;
    assert_int_equal(tree_parse(got, strlen(got), &again, &e), 0);
    AUTO_FREE char *twice = format(again);
    assert_string_equal(twice, want);
}

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ROOT "assay-tree 1\nd 0755 0 0 0 .\n"

static void test_serialisation(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    struct tree_node *f = add(t, "b", "x y%", TREE_FILE, NULL);
    add(t, "", "a-b", TREE_SYMLINK, "/etc/\xc3\xa4");
    add(t, "a", "f", TREE_FIFO, NULL);
    struct tree_node *dev = add(t, "a", "c", TREE_CHAR, NULL);
    dev->inode->major = 1;
    dev->inode->minor = 1048575;
    dev->inode->mtime = -5;
    assert_int_equal(tree_set_xattr(f->inode, "user.z=", "\x01\xff", 2, &e), 0);
    assert_int_equal(tree_set_xattr(f->inode, "user.a", "", 0, &e), 0);
    assert_int_equal(tree_link(t, tree_root(t), "z", f->inode, NULL, &e), 0);
    assert_format(t, ROOT "d 0755 0 0 7 a\n"
                          "c 0644 0 0 -5 a/c 1 1048575\n"
                          "p 0644 0 0 0 a/f\n"
                          "l 0644 0 0 0 a-b /etc/%c3%a4\n"
                          "d 0755 0 0 7 b\n"
                          "f 0644 0 0 0 b/x%20y%25 0 " EMPTY " user.a= user.z==01ff\n"
                          "h z b/x%20y%25\n");
    assert_int_equal(tree_entry_count(t), 8);

    AUTO_TREE struct tree *copy = NULL;
    assert_int_equal(tree_copy(t, &copy, &e), 0);
    struct digest a;
    struct digest b;
    assert_int_equal(tree_digest(t, &a, &e), 0);
    assert_int_equal(tree_digest(copy, &b, &e), 0);
    assert_true(digest_equal(&a, &b));
    assert_ptr_equal(tree_find(copy, "z", false)->inode, tree_find(copy, "b/x y%", false)->inode);
    tree_find(copy, "z", false)->inode->mtime++;
    assert_int_equal(tree_digest(copy, &b, &e), 0);
    assert_false(digest_equal(&a, &b));
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "assay-tree 1\n",
        "assay-tree 2\nd 0755 0 0 0 .\n",
        "assay-tree 1\nd 0755 0 0 0 .",
        "assay-tree 1\nd 0755 0 0 0 . \n",
        "assay-tree 1\nd 755 0 0 0 .\n",
        "assay-tree 1\nd 0755 00 0 0 .\n",
        "assay-tree 1\nd 0755 0 4294967296 0 .\n",
        "assay-tree 1\nd 0755 0 0 -0 .\n",
        "assay-tree 1\nd 0755 0 0 9223372036854775808 .\n",
        "assay-tree 1\nf 0755 0 0 0 . 0 " EMPTY "\n",
        "assay-tree 1\nd 0755 0 0 0 a\n",
        ROOT "d 0755 0 0 0 .\n",
        ROOT "d 0755 0 0 0 ..\n",
        ROOT "d 0755 0 0 0 /a\n",
        ROOT "d 0755 0 0 0 a/\n",
        ROOT "p 0755 0 0 0 a/b\n",
        ROOT "l 0755 0 0 0 a b\np 0755 0 0 0 a/b\n",
        ROOT "p 0755 0 0 0 b\np 0755 0 0 0 a\n",
        ROOT "p 0755 0 0 0 a\np 0755 0 0 0 a\n",
        ROOT "d 0755 0 0 0 a\np 0755 0 0 0 b\np 0755 0 0 0 a/c\n",
        ROOT "p 0755 0 0 0 %61\n",
        ROOT "p 0755 0 0 0 %00\n",
        ROOT "p 0755 0 0 0 %C3\n",
        ROOT "p 0755 0 0 0 %2\n",
        ROOT "p 0755 0 0 0 \xc3\xa4\n",
        ROOT "p 0755 0 0 0 a%2fb\n",
        ROOT "h a b\np 0755 0 0 0 b\n",
        ROOT "d 0755 0 0 0 a\nh b a\n",
        ROOT "l 0755 0 0 0 a \n",
        ROOT "f 0755 0 0 0 a 1\n",
        ROOT "f 0755 0 0 0 a 0 " EMPTY " user.b= user.a=\n",
        ROOT "f 0755 0 0 0 a 0 " EMPTY " user.a= user.a=\n",
        ROOT "f 0755 0 0 0 a 0 " EMPTY " user.a=0\n",
        ROOT "f 0755 0 0 0 a 0 " EMPTY " =00\n",
        ROOT "f 0755 0 0 0 a 0 "
             "00b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
        ROOT "c 0755 0 0 0 a 1\n",
        ROOT "x 0755 0 0 0 a\n",
        ROOT "p 0755 0 0 0 a 1\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct tree *t = NULL;
        if (tree_parse(bad[i], strlen(bad[i]), &t, &e) != -ERR_INPUT)
            fail_msg("accepted: %s", bad[i]);
        assert_null(t);
    }
}

static void test_find(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    struct tree_node *passwd = add(t, "etc", "passwd", TREE_FILE, NULL);
    add(t, "", "abs", TREE_SYMLINK, "/etc");
    add(t, "a/b", "up", TREE_SYMLINK, "../../../../../etc/");
    add(t, "", "loop", TREE_SYMLINK, "loop");
    add(t, "", "l1", TREE_SYMLINK, "l2/passwd");
    add(t, "", "l2", TREE_SYMLINK, "a/b/up/./..//etc");
    assert_ptr_equal(tree_find(t, "etc/passwd", false), passwd);
    assert_ptr_equal(tree_find(t, "/abs/passwd", false), passwd);
    assert_ptr_equal(tree_find(t, "a/b/up/passwd", false), passwd);
    assert_ptr_equal(tree_find(t, "l1", true), passwd);
    assert_int_equal(tree_find(t, "l1", false)->inode->type, TREE_SYMLINK);
    assert_ptr_equal(tree_find(t, "../../..", false), tree_root(t));
    assert_ptr_equal(tree_find(t, "", true), tree_root(t));
    assert_null(tree_find(t, "loop", true));
    assert_null(tree_find(t, "loop/x", false));
    assert_null(tree_find(t, "etc/passwd/..", false));
    assert_null(tree_find(t, "nothing", false));

    struct tree_node *made;
    assert_int_equal(tree_make_dirs(t, "abs/new/dir", 9, &made, &e), 0);
    assert_ptr_equal(tree_find(t, "etc/new/dir", false), made);
    assert_int_equal(made->inode->mtime, 9);
    assert_int_equal(tree_make_dirs(t, "etc/passwd/x", 9, &made, &e), -ERR_INPUT);
    assert_int_equal(tree_make_dirs(t, "loop/x", 9, &made, &e), -ERR_INPUT);
    /* A dangling link's target is made, inside the root. */
    add(t, "", "dangling", TREE_SYMLINK, "../../var/lib");
    assert_int_equal(tree_make_dirs(t, "dangling/x", 9, &made, &e), 0);
    assert_ptr_equal(tree_find(t, "var/lib/x", false), made);
}

static void test_names_and_limits(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    static const char *const bad[] = {"", ".", "..", "a/b", "/"};
    struct tree_inode *inode;
    assert_int_equal(tree_inode_new(t, TREE_FILE, &inode, &e), 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(tree_link(t, tree_root(t), bad[i], inode, NULL, &e), -ERR_INPUT);
    char name[TREE_NAME_MAX + 2];
    memset(name, 'n', sizeof(name));
    name[TREE_NAME_MAX + 1] = 0;
    assert_int_equal(tree_link(t, tree_root(t), name, inode, NULL, &e), -ERR_INPUT);
    name[TREE_NAME_MAX] = 0;
    assert_int_equal(tree_link(t, tree_root(t), name, inode, NULL, &e), 0);
    /* Paths: 16 names of 255 bytes and 15 slashes are 4095 bytes. */
    struct tree_node *dir = tree_root(t);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(tree_inode_new(t, TREE_DIR, &inode, &e), 0);
        assert_int_equal(tree_link(t, dir, name, inode, &dir, &e), 0);
    }
    assert_int_equal(tree_inode_new(t, TREE_FILE, &inode, &e), 0);
    assert_int_equal(tree_link(t, dir, "x", inode, NULL, &e), -ERR_INPUT);
    dir = tree_root(t);
    for (int i = 0; i < TREE_DEPTH_MAX; i++) {
        assert_int_equal(tree_inode_new(t, TREE_DIR, &inode, &e), 0);
        assert_int_equal(tree_link(t, dir, "d", inode, &dir, &e), 0);
    }
    assert_int_equal(tree_inode_new(t, TREE_FILE, &inode, &e), 0);
    assert_int_equal(tree_link(t, dir, "x", inode, NULL, &e), -ERR_INPUT);
    assert_int_equal(tree_link(t, tree_root(t), "second", dir->inode, NULL, &e), -ERR_INPUT);
    AUTO_FREE char *text = format(t);
    assert_non_null(strstr(text, "d/d/d"));
    AUTO_TREE struct tree *copy = NULL;
    assert_int_equal(tree_copy(t, &copy, &e), 0);
}

static void test_replace_unlink_move(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    struct tree_node *f = add(t, "d/e", "f", TREE_FILE, NULL);
    struct tree_inode *kept = f->inode;
    assert_int_equal(tree_link(t, tree_root(t), "g", kept, NULL, &e), 0);
    assert_int_equal(kept->links, 2);
    add(t, "", "d", TREE_FIFO, NULL); /* a directory gives way to a fifo */
    assert_int_equal(kept->links, 1);
    assert_int_equal(tree_entry_count(t), 3);
    struct tree_node *g = tree_find(t, "g", false);
    assert_int_equal(tree_link(t, tree_root(t), "g", kept, &g, &e), 0); /* itself */
    assert_int_equal(kept->links, 1);
    add(t, "x/y", "z", TREE_FILE, NULL);
    struct tree_node *x = tree_find(t, "x", false);
    assert_int_equal(tree_move(t, x, tree_find(t, "x/y", false), "in", NULL, &e), -ERR_INPUT);
    assert_int_equal(tree_move(t, x, tree_root(t), "g", NULL, &e), -ERR_INPUT);
    assert_int_equal(tree_move(t, tree_root(t), x, "r", NULL, &e), -ERR_INPUT);
    assert_int_equal(tree_move(t, x, tree_root(t), "0", &x, &e), 0);
    assert_format(t, ROOT "d 0755 0 0 7 0\n"
                          "d 0755 0 0 7 0/y\n"
                          "f 0644 0 0 0 0/y/z 0 " EMPTY "\n"
                          "p 0644 0 0 0 d\n"
                          "f 0644 0 0 0 g 0 " EMPTY "\n");
    AUTO_FREE char *path = NULL;
    assert_int_equal(tree_path(tree_find(t, "0/y/z", false), &path, &e), 0);
    assert_string_equal(path, "0/y/z");
    tree_unlink(t, x);
    tree_unlink(t, tree_root(t));
    assert_int_equal(tree_entry_count(t), 3);
}

/* Names in an order that is bad for sorted arrays; look-ups right at every moment. */
static void test_bulk(void **state)
{
    (void)state;
    enum { N = 60000 };
    AUTO_TREE struct tree *t = new_tree();
    tree_bulk_begin(t);
    char name[32];
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "%08x", (i * 2654435761U));
        struct tree_inode *inode;
        assert_int_equal(tree_inode_new(t, TREE_FILE, &inode, &e), 0);
        inode->uid = i;
        assert_int_equal(tree_link(t, tree_root(t), name, inode, NULL, &e), 0);
        assert_int_equal(tree_child(tree_root(t), name)->inode->uid, i);
        snprintf(name, sizeof(name), "%08x", (i / 2 * 2654435761U));
        assert_int_equal(tree_child(tree_root(t), name)->inode->uid, i / 2);
    }
    for (unsigned i = 0; i < N; i += 2) {
        snprintf(name, sizeof(name), "%08x", (i * 2654435761U));
        assert_int_equal(tree_doom(t, tree_child(tree_root(t), name), &e), 0);
    }
    tree_reap(t);
    tree_bulk_end(t);
    assert_int_equal(tree_entry_count(t), 1 + N / 2);
    const struct tree_inode *root = tree_root(t)->inode;
    assert_int_equal(root->child_count, N / 2);
    for (size_t i = 0; i < root->child_count; i++) {
        assert_int_equal(root->children[i]->inode->uid % 2, 1);
        if (i > 0)
            assert_true(strcmp(root->children[i - 1]->name, root->children[i]->name) < 0);
    }
}

static void test_doom_nested(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    add(t, "a/b/c", "f", TREE_FILE, NULL);
    add(t, "a", "z", TREE_FILE, NULL);
    add(t, "k", "f", TREE_FILE, NULL);
    assert_int_equal(tree_doom(t, tree_find(t, "a/b/c/f", false), &e), 0);
    assert_int_equal(tree_doom(t, tree_find(t, "a/b", false), &e), 0);
    assert_int_equal(tree_doom_children(t, tree_find(t, "a", false), &e), 0);
    assert_int_equal(tree_doom(t, tree_find(t, "a/b/c", false), &e), 0);
    tree_reap(t);
    assert_format(t, ROOT "d 0755 0 0 7 a\n"
                          "d 0755 0 0 7 k\n"
                          "f 0644 0 0 0 k/f 0 " EMPTY "\n");
}

static void pack_file(struct tree *t, struct tree_packer *p, const char *name, const char *text)
{
    struct tree_node *node = add(t, "p", name, TREE_FILE, NULL);
    assert_int_equal(tree_packer_begin(p, &e), 0);
    assert_int_equal(tree_packer_write(p, text, strlen(text), &e), 0);
    assert_int_equal(tree_packer_end(p, node->inode, &e), 0);
}

static void test_contents(void **state)
{
    struct cas *cas = *state;
    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *p;
    struct tree_packer *same;
    assert_int_equal(tree_packer_new(t, cas, &p, &e), 0);
    assert_int_equal(tree_packer_new(t, cas, &same, &e), 0);
    pack_file(t, p, "one", "hello");
    pack_file(t, p, "none", "");
    pack_file(t, p, "two", "big world");
    pack_file(t, same, "three", "hello");
    pack_file(t, same, "four", "big world");
    struct digest tree_blob;
    struct digest places;
    assert_int_equal(tree_store(t, cas, &tree_blob, &places, &e), -ERR_INPUT); /* not committed */
    assert_int_equal(tree_packer_commit(p, &e), 0);
    assert_int_equal(tree_packer_commit(same, &e), 0);
    assert_int_equal(tree_packer_begin(p, &e), -ERR_HOST);
    tree_packer_free(p);
    tree_packer_free(same);
    assert_int_equal(tree_store(t, cas, &tree_blob, &places, &e), 0);
    struct digest d;
    assert_int_equal(tree_digest(t, &d, &e), 0);
    assert_true(digest_equal(&d, &tree_blob));

    AUTO_TREE struct tree *loaded = NULL;
    assert_int_equal(tree_load(cas, &tree_blob, &places, &loaded, &e), 0);
    assert_int_equal(tree_pack_count(loaded), 1); /* the two packs hold the same bytes */
    struct tree_reader *r;
    assert_int_equal(tree_reader_new(loaded, cas, &r, &e), 0);
    const struct tree_content *two = &tree_find(loaded, "p/two", false)->inode->content;
    const struct tree_content *four = &tree_find(loaded, "p/four", false)->inode->content;
    char text[16] = {0};
    assert_int_equal(two->size, 9);
    assert_int_equal(tree_reader_read(r, two, 4, text, 5, &e), 0);
    assert_string_equal(text, "world");
    assert_int_equal(tree_reader_read(r, four, 0, text, 3, &e), 0);
    assert_memory_equal(text, "big", 3);
    assert_int_equal(tree_reader_read(r, two, 4, text, 6, &e), -ERR_INPUT);
    assert_int_equal(tree_reader_read(r, two, 10, text, 0, &e), -ERR_INPUT);
    assert_int_equal(tree_reader_read(r, two, 9, text, 0, &e), 0);
    tree_reader_free(r);

    /* Storing again gives the same two blobs. */
    struct digest again;
    struct digest places_again;
    assert_int_equal(tree_store(loaded, cas, &again, &places_again, &e), 0);
    assert_true(digest_equal(&again, &tree_blob));
    assert_true(digest_equal(&places_again, &places));
}

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define PACK "assay-locations 1\npack sha256:" HELLO "\n"

static void test_locations_refused(void **state)
{
    struct cas *cas = *state;
    static const char tree_text[] = ROOT "f 0644 0 0 0 a 5 " HELLO "\n";
    static const char *const bad[] = {
        "assay-locations 1\n",
        PACK,
        PACK "pack sha256:" HELLO "\nat 0 0\n",
        PACK "at 1 0\n",
        PACK "at 0 1\n",
        PACK "at 0 18446744073709551615\n",
        PACK "at 0 9223372036854775807\n",
        PACK "at 0 0\nat 0 0\n",
        PACK "at 0 00\n",
        "assay-locations 1\npack sha256:00"
        "f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        "\nat 0 0\n",
    };
    struct digest tree_blob;
    struct digest places;
    struct tree *t = NULL;
    assert_int_equal(cas_put(cas, "hello", 5, &places, &e), 0);
    assert_int_equal(cas_put(cas, tree_text, strlen(tree_text), &tree_blob, &e), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(cas_put(cas, bad[i], strlen(bad[i]), &places, &e), 0);
        if (tree_load(cas, &tree_blob, &places, &t, &e) != -ERR_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
    static const char good[] = PACK "at 0 0\n";
    assert_int_equal(cas_put(cas, good, strlen(good), &places, &e), 0);
    assert_int_equal(tree_load(cas, &tree_blob, &places, &t, &e), 0);
    tree_free(t);
}

static void test_xattr_limits(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    struct tree_inode *inode = add(t, "", "f", TREE_FILE, NULL)->inode;
    AUTO_FREE uint8_t *value = array_new(TREE_XATTR_VALUE_MAX + 1, 1);
    assert_int_equal(tree_set_xattr(inode, "", "", 0, &e), -ERR_INPUT);
    assert_int_equal(tree_set_xattr(inode, "user.a", value, TREE_XATTR_VALUE_MAX + 1, &e),
                     -ERR_INPUT);
    char name[32];
    for (int i = 0; i < 15; i++) {
        snprintf(name, sizeof(name), "user.%d", i);
        assert_int_equal(tree_set_xattr(inode, name, value, TREE_XATTR_VALUE_MAX, &e), 0);
    }
    assert_int_equal(tree_set_xattr(inode, "user.more", value, TREE_XATTR_VALUE_MAX, &e),
                     -ERR_INPUT);
    assert_int_equal(tree_set_xattr(inode, "user.3", "x", 1, &e), 0);
    assert_int_equal(inode->xattr_count, 15);
    AUTO_FREE char *text = format(t);
    AUTO_TREE struct tree *again = NULL;
    assert_int_equal(tree_parse(text, strlen(text), &again, &e), 0);
}

static char *store_path;

static int setup(void **state)
{
    struct cas *cas;
    if (dir_make_temp("/tmp", "assay-test-tree-", &store_path, &e) < 0 ||
        cas_open(store_path, CAS_CREATE, &cas, &e) < 0)
        return -1;
    *state = cas;
    return 0;
}

static int teardown(void **state)
{
    cas_close(*state);
    int rc = dir_remove(store_path, &e);
    free(store_path);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serialisation),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_names_and_limits),
        cmocka_unit_test(test_replace_unlink_move),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_doom_nested),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_locations_refused),
        cmocka_unit_test(test_xattr_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
