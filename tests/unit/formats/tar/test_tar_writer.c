/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical tar: every field of small archives, what is refused, and one result whatever the packs.
 */
#include "tests/unit/encode_common.h"

#define NOTHING "{\"exclude\":[]}"

static uint64_t octal_at(const uint8_t *p, size_t len)
{
    char text[16] = {0};
    memcpy(text, p, len);
    return strtoull(text, NULL, 8);
}

static void assert_text(const uint8_t *field, const char *want)
{
    assert_string_equal((const char *)field, want);
}

/* The header at a block has this name, type, mode and size. */
static void assert_header(const struct buf *tar, size_t block, const char *name, char type,
                          uint64_t mode, uint64_t size)
{
    assert_true(tar->len >= (block + 1) * 512);
    const uint8_t *h = tar->data + block * 512;
    uint64_t sum = 8 * ' ';
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? 0 : h[i];
    char got[101] = {0};
    memcpy(got, h, 100);
    assert_string_equal(got, name);
    assert_int_equal(h[156], type);
    assert_int_equal(octal_at(h + 100, 8), mode);
    assert_int_equal(octal_at(h + 124, 12), size);
    assert_int_equal(octal_at(h + 148, 8), sum);
    assert_memory_equal(h + 257, "ustar\00000", 8);
    assert_int_equal(h[265], 0); /* no user's name */
    assert_int_equal(h[297], 0); /* no group's */
    assert_int_equal(h[345], 0); /* no prefix */
}

static void assert_end(const struct buf *tar, size_t blocks)
{
    static const uint8_t zeros[1024];
    assert_int_equal(tar->len, blocks * 512 + 1024);
    assert_memory_equal(tar->data + blocks * 512, zeros, 1024);
}

static void test_empty(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF tar = BUF_INIT(1 << 20);
    (void)run_all_jobs("encode.tar", t, NOTHING, &tar);
    assert_end(&tar, 0);
    tree_root(t)->inode->mtime = 5;
    AUTO_BUF with_root = BUF_INIT(1 << 20);
    (void)run_all_jobs("encode.tar", t, NOTHING, &with_root);
    assert_header(&with_root, 0, "./", '5', 0755, 0);
    assert_int_equal(octal_at(with_root.data + 136, 12), 5);
    assert_end(&with_root, 1);
}

static void test_types(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF tar = BUF_INIT(1 << 20);
    struct tree_packer *p = new_packer(t);
    struct tree_node *f = add(t, "a", "file", TREE_FILE, 04755);
    f->inode->uid = 7;
    f->inode->gid = 8;
    f->inode->mtime = 1700000000;
    fill(p, f, "hello", 5);
    (void)add_link(t, "b", "also", f);
    struct tree_node *c = add(t, "c", "null", TREE_CHAR, 0666);
    c->inode->major = 1;
    c->inode->minor = 3;
    (void)add(t, "c", "pipe", TREE_FIFO, 0600);
    (void)add_symlink(t, "c", "sym", "../a/file");
    commit(p);
    (void)run_all_jobs("encode.tar", t, NOTHING, &tar);
    assert_header(&tar, 0, "a/", '5', 0755, 0);
    assert_header(&tar, 1, "a/file", '0', 04755, 5);
    assert_int_equal(octal_at(tar.data + 512 + 108, 8), 7);
    assert_int_equal(octal_at(tar.data + 512 + 116, 8), 8);
    assert_int_equal(octal_at(tar.data + 512 + 136, 12), 1700000000);
    assert_memory_equal(tar.data + 2 * 512, "hello\0", 6);
    assert_header(&tar, 3, "b/", '5', 0755, 0);
    assert_header(&tar, 4, "b/also", '1', 04755, 0);
    assert_text(tar.data + 4 * 512 + 157, "a/file");
    assert_header(&tar, 5, "c/", '5', 0755, 0);
    assert_header(&tar, 6, "c/null", '3', 0666, 0);
    assert_int_equal(octal_at(tar.data + 6 * 512 + 329, 8), 1);
    assert_int_equal(octal_at(tar.data + 6 * 512 + 337, 8), 3);
    assert_header(&tar, 7, "c/pipe", '6', 0600, 0);
    assert_header(&tar, 8, "c/sym", '2', 0777, 0);
    assert_text(tar.data + 8 * 512 + 157, "../a/file");
    assert_end(&tar, 9);
}

static void test_excluded_first_name(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF tar = BUF_INIT(1 << 20);
    struct tree_packer *p = new_packer(t);
    struct tree_node *f = add(t, "", "a", TREE_FILE, 0644);
    fill(p, f, "x", 1);
    (void)add_link(t, "", "b", f);
    (void)add_link(t, "", "c", f);
    (void)add(t, "d/e", "f", TREE_FIFO, 0600);
    commit(p);
    (void)run_all_jobs("encode.tar", t, "{\"exclude\":[\"a\",\"d/e\"]}", &tar);
    assert_header(&tar, 0, "b", '0', 0644, 1);
    assert_header(&tar, 2, "c", '1', 0644, 0);
    assert_text(tar.data + 2 * 512 + 157, "b");
    assert_header(&tar, 3, "d/", '5', 0755, 0);
    assert_end(&tar, 4);
}

static void test_pax(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF tar = BUF_INIT(1 << 20);
    char name[102];
    memset(name, 'n', 101);
    name[101] = '\0';
    struct tree_node *f = add(t, "", name, TREE_FILE, 0644);
    f->inode->uid = 4000000000U;
    f->inode->gid = 2097152;
    f->inode->mtime = -1;
    assert_int_equal(tree_set_xattr(f->inode, "user.b", "\0x", 2, &e), 0);
    assert_int_equal(tree_set_xattr(f->inode, "security.a", "", 0, &e), 0);
    (void)run_all_jobs("encode.tar", t, NOTHING, &tar);
    static const char want[] = "28 SCHILY.xattr.security.a=\n"
                               "26 SCHILY.xattr.user.b=\0x\n"
                               "15 gid=2097152\n"
                               "12 mtime=-1\n";
    assert_header(&tar, 0, "././@PaxHeader", 'x', 0644, sizeof(want) - 1 + 111 + 18);
    assert_memory_equal(tar.data + 512, want, sizeof(want) - 1);
    assert_memory_equal(tar.data + 512 + sizeof(want) - 1, "111 path=nnn", 12);
    assert_memory_equal(tar.data + 512 + sizeof(want) - 1 + 111, "18 uid=4000000000\n", 18);
    name[100] = '\0';
    assert_header(&tar, 2, name, '0', 0644, 0);
    assert_int_equal(octal_at(tar.data + 2 * 512 + 108, 8), 0);
    assert_int_equal(octal_at(tar.data + 2 * 512 + 116, 8), 0);
    assert_int_equal(octal_at(tar.data + 2 * 512 + 136, 12), 0);
    assert_end(&tar, 3);
}

/* UTF-8 beyond ASCII gets a record, bytes that are not UTF-8 stay where they are. */
static void test_charsets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool record;
    } cases[] = {{"plain", false},
                 {"\xc3\xa4", true},
                 {"\xe2\x82\xac", true},
                 {"\xff", false},
                 {"\xc0\xaf", false},
                 {"\xed\xa0\x80", false},
                 {"\xf0\x9f\x98\x80", true},
                 {"\xf5\x80\x80\x80", false},
                 {"\xc3", false},
                 {"a\nb", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_TREE struct tree *t = new_tree();
        AUTO_BUF tar = BUF_INIT(1 << 20);
        (void)add(t, "", cases[i].name, TREE_FIFO, 0600);
        (void)run_all_jobs("encode.tar", t, NOTHING, &tar);
        assert_header(&tar, cases[i].record ? 2 : 0, cases[i].name, '6', 0600, 0);
    }
}

static void test_refused(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    (void)add(t, "run", "sock", TREE_SOCKET, 0600);
    assert_refused("encode.tar", t, NOTHING, ERR_INPUT, "'run/sock'");
    AUTO_TREE struct tree *x = new_tree();
    assert_int_equal(tree_set_xattr(add(x, "", "f", TREE_FILE, 0644)->inode, "user.a=b", "", 0, &e),
                     0);
    assert_refused("encode.tar", x, NOTHING, ERR_INPUT, "user.a=b");
    AUTO_TREE struct tree *d = new_tree();
    add(d, "", "dev", TREE_CHAR, 0600)->inode->minor = 2097152;
    assert_refused("encode.tar", d, NOTHING, ERR_INPUT, "device number");
}

/* The bytes are a function of the tree, not of where its contents happen to lie. */
static void test_packs(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    struct digest results[2];
    for (size_t round = 0; round < 2; round++) {
        AUTO_TREE struct tree *t = new_tree();
        struct tree_node *nodes[3];
        for (size_t i = 0; i < 3; i++)
            nodes[i] = add(t, "", names[i], TREE_FILE, 0644);
        for (size_t i = 0; i < 3; i++) {
            struct tree_packer *p = new_packer(t);
            fill(p, nodes[round == 0 ? i : 2 - i], names[round == 0 ? i : 2 - i], 1);
            commit(p);
        }
        results[round] = run_step("encode.tar", t, NOTHING, 1);
    }
    assert_true(digest_equal(&results[0], &results[1]));
}

/* Pages of zeros are left out; the map says what is left, and a piece of nothing where it ends. */
static void test_sparse(void **state)
{
    (void)state;
    static uint8_t data[5 * 4096 + 10];
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF tar = BUF_INIT(1 << 20);
    struct tree_packer *p = new_packer(t);
    data[0] = 1;
    data[4096 + 4095] = 2;
    data[3 * 4096] = 3;
    fill(p, add(t, "", "dense", TREE_FILE, 0644), data, 2 * 4096);
    fill(p, add(t, "", "holes", TREE_FILE, 0600), data, sizeof(data));
    fill(p, add(t, "", "zeros", TREE_FILE, 0644), data + 4 * 4096, 4096 + 10);
    commit(p);
    (void)run_all_jobs("encode.tar", t, "{\"exclude\":[],\"sparse\":true}", &tar);
    assert_header(&tar, 0, "dense", '0', 0644, 8192);
    assert_header(&tar, 17, "././@PaxHeader", 'x', 0644, 98);
    assert_text(tar.data + 18 * 512, "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
                                     "25 GNU.sparse.name=holes\n29 GNU.sparse.realsize=20490\n");
    assert_header(&tar, 19, "GNUSparseFile.0/holes", '0', 0600, 512 + 3 * 4096);
    assert_text(tar.data + 20 * 512, "3\n0\n8192\n12288\n4096\n20490\n0\n");
    assert_memory_equal(tar.data + 21 * 512, data, 8192);
    assert_memory_equal(tar.data + 21 * 512 + 8192, data + 3 * 4096, 4096);
    assert_header(&tar, 47, "GNUSparseFile.0/zeros", '0', 0644, 512);
    assert_text(tar.data + 48 * 512, "1\n4106\n0\n");
    assert_end(&tar, 49);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_excluded_first_name),
        cmocka_unit_test(test_pax),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_packs),
        cmocka_unit_test(test_sparse),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
