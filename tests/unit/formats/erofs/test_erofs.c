/* SPDX-License-Identifier: Apache-2.0 */
/* EROFS images: the super block and its checksum, inodes, directories, tails, and refusals.
 * (fsck.erofs and Linux judge whole images in tests/e2e.) */
#include "tests/unit/encode_common.h"

#include "formats/erofs/erofs.h"
#include "formats/tree/xattr_index.h"

/* Places of the fields that are looked at here. */
enum {
    SUPER = 1024,
    SUPER_MAGIC = SUPER,
    SUPER_SUM = SUPER + 4,
    SUPER_BLOCK_BITS = SUPER + 12,
    SUPER_ROOT = SUPER + 14,
    SUPER_INODES = SUPER + 16,
    SUPER_TIME = SUPER + 24,
    SUPER_BLOCKS = SUPER + 36,
    SUPER_UUID = SUPER + 48,
    SUPER_INCOMPAT = SUPER + 80,
    INODE_FORMAT = 0,
    INODE_MODE = 4,
    INODE_LINKS = 6,
    INODE_SIZE = 8,
    INODE_BLOCK = 16,
    FORMAT_INLINE = 2, /* what the bits above the lowest say: plain 0, with its tail 2 */
    FORMAT_CHUNKED = 4,
    INCOMPAT_CHUNKED = 4,
};
#define TIME 1700000000
static const uint8_t uuid[16] = {4, 5, 6};

static int try_erofs(const struct tree *t, bool xattrs, struct buf *out)
{
    AUTO_VIEW view = {0};
    AUTO_EROFS_LAYOUT layout = {0};
    AUTO_TREE_READER struct tree_reader *reader = NULL;
    view_all(t, &view);
    assert_int_equal(tree_reader_new(t, store, &reader, &e), 0);
    int rc = erofs_layout(&view, TIME, xattrs, reader, &layout, &e);
    return rc < 0 ? rc : erofs_write(&layout, t, store, NULL, uuid, sink_buf(out), &e);
}

/* CRC-32C, bit by bit. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t len)
{
    while (len-- > 0) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
    return crc;
}

static const uint8_t *inode_at(const struct buf *b, uint64_t nid)
{
    assert_true((nid + 1) * EROFS_SLOT <= b->len);
    return b->data + nid * EROFS_SLOT;
}

/* What a small file or directory holds, which is behind its compact inode. */
static const uint8_t *tail_of(const uint8_t *inode)
{
    assert_int_equal(get_le(inode + INODE_FORMAT, 2), FORMAT_INLINE << 1);
    return inode + EROFS_COMPACT_SIZE;
}

/* Entry `i` of a directory of one block, by its name; gives its nid. */
static uint64_t assert_dirent(const uint8_t *dir, size_t i, uint8_t type, const char *name)
{
    const uint8_t *p = dir + i * EROFS_DIRENT_SIZE;
    assert_int_equal(p[10], type);
    assert_memory_equal(dir + get_le(p + 8, 2), name, strlen(name));
    return get_le(p, 8);
}

static struct tree *small_tree(void)
{
    struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    tree_root(t)->inode->mtime = TIME;
    struct tree_node *f = add(t, "", "b", TREE_FILE, 0640);
    f->inode->mtime = TIME;
    fill(p, f, "hello", 5);
    (void)add_link(t, "", "c", f);
    commit(p);
    return t;
}

static void test_super_block(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_BUF b = BUF_INIT(1 << 20);
    assert_int_equal(try_erofs(t, true, &b), 0);
    assert_int_equal(get_le(b.data + SUPER_MAGIC, 4), 0xe0f5e1e2);
    assert_int_equal(b.data[SUPER_BLOCK_BITS], 12);
    assert_int_equal(get_le(b.data + SUPER_ROOT, 2), EROFS_ROOT_NID);
    assert_int_equal(get_le(b.data + SUPER_INODES, 8), 2);
    assert_int_equal(get_le(b.data + SUPER_TIME, 8), TIME);
    assert_int_equal(get_le(b.data + SUPER_BLOCKS, 4) * EROFS_BLOCK, b.len);
    assert_memory_equal(b.data + SUPER_UUID, uuid, 16);
    /* over the rest of the block, with zeros where it stands */
    uint8_t rest[EROFS_BLOCK - SUPER];
    memcpy(rest, b.data + SUPER, sizeof(rest));
    memset(rest + SUPER_SUM - SUPER, 0, 4);
    assert_int_equal(get_le(b.data + SUPER_SUM, 4), crc32c(UINT32_MAX, rest, sizeof(rest)));
}

static void test_inodes(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_BUF b = BUF_INIT(1 << 20);
    assert_int_equal(try_erofs(t, true, &b), 0);
    const uint8_t *root = inode_at(&b, EROFS_ROOT_NID);
    assert_int_equal(get_le(root + INODE_MODE, 2), 040755);
    const uint8_t *dir = tail_of(root);
    assert_int_equal(assert_dirent(dir, 0, 2, "."), EROFS_ROOT_NID);
    assert_int_equal(assert_dirent(dir, 1, 2, ".."), EROFS_ROOT_NID);
    uint64_t nid = assert_dirent(dir, 2, 1, "b");
    assert_int_equal(assert_dirent(dir, 3, 1, "c"), nid);
    const uint8_t *file = inode_at(&b, nid);
    assert_int_equal(get_le(file + INODE_MODE, 2), 0100640);
    assert_int_equal(get_le(file + INODE_LINKS, 2), 2);
    assert_int_equal(get_le(file + INODE_SIZE, 4), 5);
    assert_memory_equal(tail_of(file), "hello", 5);
}

/* Files of equal contents share their blocks: a second one costs its inode alone. */
static void test_equal_contents(void **state)
{
    (void)state;
    static uint8_t data[8 * EROFS_BLOCK];
    noise(data, sizeof(data), 3);
    AUTO_BUF one = BUF_INIT(1 << 20);
    AUTO_BUF two = BUF_INIT(1 << 20);
    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    fill(p, add(t, "", "a", TREE_FILE, 0644), data, sizeof(data));
    fill(p, add(t, "", "b", TREE_FILE, 0600), data, sizeof(data));
    commit(p);
    assert_int_equal(try_erofs(t, true, &two), 0);
    tree_unlink(t, tree_child(tree_root(t), "b"));
    assert_int_equal(try_erofs(t, true, &one), 0);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(two.data + two.len - sizeof(data), data, sizeof(data));
}

/* Where the map of a file with holes says that its chunks of 64 KiB are. */
static void assert_chunks(const struct buf *b, const uint8_t *inode, const uint64_t *blocks,
                          size_t count)
{
    assert_int_equal(get_le(inode + INODE_FORMAT, 2), FORMAT_CHUNKED << 1);
    assert_int_equal(get_le(inode + INODE_BLOCK, 2), 4); /* 4096 << 4 */
    for (size_t i = 0; i < count; i++)
        assert_int_equal(get_le(inode + EROFS_COMPACT_SIZE + 4 * i, 4), blocks[i]);
    assert_true((size_t)(inode - b->data) + EROFS_COMPACT_SIZE + 4 * count <= b->len);
}

/* A MiB and more of whole units of zeros is one unit of them; what is less stays. */
static void test_holes(void **state)
{
    (void)state;
    enum { UNIT = 65536, CHUNKS = 20, SIZE = (CHUNKS - 1) * UNIT + 100 };
    static uint8_t bytes[SIZE];
    static uint8_t zeros[1 << 20];
    uint64_t chunks[CHUNKS];
    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    AUTO_BUF b = BUF_INIT((size_t)4 << 20);
    bytes[UNIT + 5] = 1;
    bytes[2 * UNIT] = 2;
    bytes[SIZE - 1] = 3;
    const char *const names[] = {"a", "b", "c", "d"};
    struct tree_node *f[4];
    tree_root(t)->inode->mtime = TIME;
    for (size_t i = 0; i < 4; i++) {
        f[i] = add(t, "", names[i], TREE_FILE, 0644);
        f[i]->inode->mtime = TIME;
    }
    fill(p, f[0], bytes, SIZE);
    fill(p, f[1], zeros, sizeof(zeros));
    fill(p, f[2], zeros, sizeof(zeros) - 1);
    fill(p, f[3], bytes, SIZE);
    commit(p);
    assert_int_equal(try_erofs(t, true, &b), 0);
    assert_int_equal(get_le(b.data + SUPER_INCOMPAT, 4), INCOMPAT_CHUNKED);
    const uint8_t *dir = tail_of(inode_at(&b, EROFS_ROOT_NID));
    const uint8_t *a = inode_at(&b, assert_dirent(dir, 2, 1, "a"));
    uint64_t first = get_le(a + EROFS_COMPACT_SIZE + 4, 4);
    /* the last chunk of the image */
    uint64_t nowhere = b.len / EROFS_BLOCK - UNIT / EROFS_BLOCK;
    assert_memory_equal(b.data + nowhere * EROFS_BLOCK, zeros, UNIT);
    for (size_t i = 0; i < CHUNKS; i++)
        chunks[i] = nowhere;
    chunks[1] = first;
    chunks[2] = first + UNIT / EROFS_BLOCK;
    chunks[CHUNKS - 1] = first + 2 * (UNIT / EROFS_BLOCK);
    assert_chunks(&b, a, chunks, CHUNKS);
    assert_int_equal(get_le(a + INODE_SIZE, 4), SIZE);
    assert_memory_equal(b.data + first * EROFS_BLOCK, bytes + UNIT, (size_t)2 * UNIT);
    assert_memory_equal(b.data + chunks[CHUNKS - 1] * EROFS_BLOCK, bytes + SIZE - 100, 100);
    /* the same contents once more */
    assert_chunks(&b, inode_at(&b, assert_dirent(dir, 5, 1, "d")), chunks, CHUNKS);
    for (size_t i = 0; i < CHUNKS; i++)
        chunks[i] = nowhere;
    assert_chunks(&b, inode_at(&b, assert_dirent(dir, 3, 1, "b")), chunks, sizeof(zeros) / UNIT);
    const uint8_t *c = inode_at(&b, assert_dirent(dir, 4, 1, "c"));
    assert_int_not_equal(get_le(c + INODE_FORMAT, 2), FORMAT_CHUNKED << 1);
}

static void test_refused(void **state)
{
    (void)state;
    AUTO_BUF b = BUF_INIT(1 << 20);
    AUTO_TREE struct tree *device = new_tree();
    add(device, "", "f", TREE_BLOCK, 0644)->inode->minor = 1048576;
    assert_int_equal(try_erofs(device, true, &b), -ERR_INPUT);
    assert_says("its device number 0:1048576 is too large");
    AUTO_TREE struct tree *attribute = new_tree();
    struct tree_inode *inode = add(attribute, "", "f", TREE_FILE, 0644)->inode;
    assert_int_equal(tree_set_xattr(inode, "system.data", "x", 1, &e), 0);
    assert_int_equal(try_erofs(attribute, true, &b), -ERR_INPUT);
    assert_says("EROFS has no place for its attribute 'system.data'");
    assert_int_equal(b.len, 0);
    assert_int_equal(try_erofs(attribute, false, &b), 0);
}

static void test_xattr_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t index;
        const char *rest;
    } known[] = {
        {"user.a.b", 1, "a.b"},
        {"system.posix_acl_access", 2, ""},
        {"system.posix_acl_default", 3, ""},
        {"trusted.x", 4, "x"},
        {"security.capability", 6, "capability"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint8_t index = 0;
        const char *rest = NULL;
        assert_true(xattr_index(known[i].name, &index, &rest));
        assert_int_equal(index, known[i].index);
        assert_string_equal(rest, known[i].rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_super_block),    cmocka_unit_test(test_inodes),
        cmocka_unit_test(test_equal_contents), cmocka_unit_test(test_holes),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_xattr_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
