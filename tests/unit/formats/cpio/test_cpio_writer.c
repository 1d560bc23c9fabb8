/* SPDX-License-Identifier: Apache-2.0 */
/* newc cpio: fields, links, padding, what is refused. */
#include "tests/unit/encode_common.h"

#include <zlib.h>

#define PLAIN "{\"compressor\":\"none\",\"level\":0,\"exclude\":[]}"

struct entry {
    uint32_t f[13]; /* ino mode uid gid nlink mtime size major minor rmajor rminor namesize check */
    const char *name;
    const uint8_t *data;
};

/* Reads one entry at *offset and moves it behind. */
static struct entry next(const struct buf *b, size_t *offset)
{
    struct entry n = {0};
    assert_int_equal(*offset % 4, 0);
    assert_true(*offset + 110 <= b->len);
    assert_memory_equal(b->data + *offset, "070701", 6);
    for (size_t i = 0; i < 13; i++) {
        char text[9] = {0};
        memcpy(text, b->data + *offset + 6 + i * 8, 8);
        n.f[i] = (uint32_t)strtoul(text, NULL, 16);
    }
    n.name = (const char *)b->data + *offset + 110;
    assert_int_equal(strlen(n.name) + 1, n.f[11]);
    *offset = (*offset + 110 + n.f[11] + 3) & ~(size_t)3;
    n.data = b->data + *offset;
    *offset = (*offset + n.f[6] + 3) & ~(size_t)3;
    assert_true(*offset <= b->len);
    return n;
}

static void assert_entry(const struct entry *n, const char *name, uint32_t ino, uint32_t mode,
                         uint32_t links, uint32_t size)
{
    assert_string_equal(n->name, name);
    assert_int_equal(n->f[0], ino);
    assert_int_equal(n->f[1], mode);
    assert_int_equal(n->f[4], links);
    assert_int_equal(n->f[6], size);
    assert_int_equal(n->f[7], 0);
    assert_int_equal(n->f[8], 0);
    assert_int_equal(n->f[12], 0);
}

static void assert_trailer(const struct buf *b, size_t *offset)
{
    struct entry n = next(b, offset);
    assert_entry(&n, "TRAILER!!!", 0, 0, 1, 0);
    assert_int_equal(b->len % 512, 0);
    assert_true(b->len - *offset < 512);
    for (; *offset < b->len; (*offset)++)
        assert_int_equal(b->data[*offset], 0);
}

static void test_empty(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF b = BUF_INIT(1 << 20);
    size_t offset = 0;
    (void)run_all_jobs("encode.initrd", t, PLAIN, &b);
    assert_trailer(&b, &offset);
}

static void test_entries(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF b = BUF_INIT(1 << 20);
    struct tree_packer *p = new_packer(t);
    tree_root(t)->inode->mode = 0700;
    struct tree_node *f = add(t, "", "a", TREE_FILE, 04755);
    f->inode->mtime = UINT32_MAX;
    fill(p, f, "hello", 5);
    (void)add_link(t, "", "b", f);
    struct tree_node *dev = add(t, "", "c", TREE_BLOCK, 0660);
    dev->inode->major = 8;
    dev->inode->minor = 300;
    (void)add_link(t, "", "d", dev);
    struct tree_node *s = add_symlink(t, "", "e", "a");
    (void)add_link(t, "", "f", s);
    (void)add_link(t, "z", "g", f);
    commit(p);
    (void)run_all_jobs("encode.initrd", t, PLAIN, &b);
    size_t o = 0;
    struct entry n = next(&b, &o);
    assert_entry(&n, ".", 1, 040700, 2, 0);
    n = next(&b, &o);
    assert_entry(&n, "a", 2, 0104755, 3, 0);
    assert_int_equal(n.f[5], UINT32_MAX);
    n = next(&b, &o);
    assert_entry(&n, "b", 2, 0104755, 3, 0);
    n = next(&b, &o);
    assert_entry(&n, "c", 3, 060660, 2, 0);
    assert_int_equal(n.f[9], 8);
    assert_int_equal(n.f[10], 300);
    n = next(&b, &o);
    assert_entry(&n, "d", 3, 060660, 2, 0);
    n = next(&b, &o);
    assert_entry(&n, "e", 4, 0120777, 1, 1);
    assert_memory_equal(n.data, "a", 1);
    n = next(&b, &o);
    assert_entry(&n, "f", 5, 0120777, 1, 1);
    n = next(&b, &o);
    assert_entry(&n, "z", 6, 040755, 2, 0);
    n = next(&b, &o); /* the last name has the bytes */
    assert_entry(&n, "z/g", 2, 0104755, 3, 5);
    assert_memory_equal(n.data, "hello", 5);
    assert_trailer(&b, &o);
}

static void test_gzip(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF plain = BUF_INIT((size_t)16 << 20);
    AUTO_BUF zipped = BUF_INIT((size_t)16 << 20);
    size_t len = 3000000;
    AUTO_FREE uint8_t *data = malloc(len);
    assert_non_null(data);
    noise(data, len, 5);
    struct tree_packer *p = new_packer(t);
    fill(p, add(t, "", "big", TREE_FILE, 0644), data, len);
    commit(p);
    (void)run_all_jobs("encode.initrd", t, PLAIN, &plain);
    (void)run_all_jobs("encode.initrd", t, "{\"compressor\":\"gzip\",\"level\":3,\"exclude\":[]}",
                       &zipped);
    z_stream z = {0};
    AUTO_FREE uint8_t *out = malloc(plain.len);
    assert_non_null(out);
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    z.next_in = zipped.data;
    z.avail_in = (uInt)zipped.len;
    z.next_out = out;
    z.avail_out = (uInt)plain.len;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, plain.len);
    assert_int_equal(inflateEnd(&z), Z_OK);
    assert_memory_equal(out, plain.data, plain.len);
}

/* Microcode comes first, whatever the compressor. */
static void test_prepend(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF plain = BUF_INIT(1 << 20);
    AUTO_BUF early = BUF_INIT(1 << 20);
    AUTO_BUF zipped = BUF_INIT(1 << 20);
    struct tree_packer *p = new_packer(t);
    fill(p, add(t, "boot", "ucode.cpio", TREE_FILE, 0644), "UCODE", 5);
    commit(p);
    (void)run_all_jobs("encode.initrd", t,
                       "{\"compressor\":\"none\",\"level\":0,\"exclude\":[\"boot/**\"]}", &plain);
    (void)run_all_jobs("encode.initrd", t,
                       "{\"compressor\":\"none\",\"level\":0,\"exclude\":[\"boot/**\"],"
                       "\"prepend\":\"boot/ucode.cpio\"}",
                       &early);
    assert_int_equal(early.len, plain.len + 5);
    assert_memory_equal(early.data, "UCODE", 5);
    assert_memory_equal(early.data + 5, plain.data, plain.len);
    (void)run_all_jobs("encode.initrd", t,
                       "{\"compressor\":\"gzip\",\"level\":9,\"exclude\":[],"
                       "\"prepend\":\"boot/ucode.cpio\"}",
                       &zipped);
    assert_memory_equal(zipped.data, "UCODE\x1f\x8b", 7);
    assert_refused("encode.initrd", t,
                   "{\"compressor\":\"none\",\"level\":0,\"exclude\":[],\"prepend\":\"boot\"}",
                   ERR_INPUT, "no file 'boot' to prepend");
    assert_refused("encode.initrd", t,
                   "{\"compressor\":\"none\",\"level\":0,\"exclude\":[],\"prepend\":\"../x\"}",
                   ERR_INPUT, "no path in a tree");
}

static void test_refused(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    struct tree_node *f = add(t, "bin", "ping", TREE_FILE, 0755);
    assert_int_equal(tree_set_xattr(f->inode, "user.note", "x", 1, &e), 0);
    (void)run_step("encode.initrd", t, PLAIN, 1);
    assert_int_equal(tree_set_xattr(f->inode, "security.capability", "x", 1, &e), 0);
    assert_refused("encode.initrd", t, PLAIN, ERR_INPUT, "'security.capability'");
    (void)run_step("encode.initrd", t,
                   "{\"compressor\":\"none\",\"level\":0,\"exclude\":[\"bin\"]}", 1);
    static const int64_t times[] = {-1, (int64_t)UINT32_MAX + 1};
    for (size_t i = 0; i < 2; i++) {
        AUTO_TREE struct tree *late = new_tree();
        add(late, "", "f", TREE_FILE, 0644)->inode->mtime = times[i];
        assert_refused("encode.initrd", late, PLAIN, ERR_INPUT, "its time");
    }
    AUTO_TREE struct tree *large = new_tree();
    add(large, "", "f", TREE_FILE, 0644)->inode->content.size = (uint64_t)UINT32_MAX + 1;
    assert_refused("encode.initrd", large, PLAIN, ERR_INPUT, "4 GiB");
    AUTO_TREE struct tree *end = new_tree();
    (void)add(end, "", "TRAILER!!!", TREE_FIFO, 0644);
    assert_refused("encode.initrd", end, PLAIN, ERR_INPUT, "TRAILER!!!");
    AUTO_TREE struct tree *inner = new_tree();
    (void)add(inner, "d", "TRAILER!!!", TREE_FIFO, 0644);
    (void)run_step("encode.initrd", inner, PLAIN, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),   cmocka_unit_test(test_entries), cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_prepend), cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
