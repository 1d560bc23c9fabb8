/* SPDX-License-Identifier: Apache-2.0 */
/* ext4 images: the super block, inodes and directories where a reader looks for them, and refusals.
 * (e2fsck and Linux judge whole images in tests/e2e.) */
#include "tests/unit/encode_common.h"

#include "formats/ext4/ext4.h"

/* Places of the fields that are looked at here. */
enum {
    SUPER = 1024,
    SUPER_BLOCKS = SUPER + 4,
    SUPER_FREE_BLOCKS = SUPER + 12,
    SUPER_FREE_INODES = SUPER + 16,
    SUPER_WRITTEN = SUPER + 48,
    SUPER_MAGIC = SUPER + 56,
    SUPER_UUID = SUPER + 104,
    SUPER_LABEL = SUPER + 120,
    SUPER_HASH_SEED = SUPER + 236,
    GROUP_INODE_TABLE = 8,
    INODE_MODE = 0,
    INODE_SIZE = 4,
    INODE_LINKS = 26,
    INODE_BLOCK = 40,
    EXTENT_MAGIC = 0xf30a,
    EXTENT_FIRST = 12,
    EXTENT_START = 8,
};

static const struct ext4_params params = {
    .time = 1700000000, .label = "root", .xattrs = true, .uuid = {1, 2, 3}, .hash_seed = {9, 8}};

static int try_ext4(const struct tree *t, const struct ext4_params *p, struct buf *out)
{
    AUTO_VIEW view = {0};
    AUTO_EXT4_LAYOUT layout = {0};
    view_all(t, &view);
    struct tree_reader *reader = NULL;
    assert_int_equal(tree_reader_new(t, store, &reader, &e), 0);
    int rc = ext4_layout(&view, p, reader, &layout, &e);
    tree_reader_free(reader);
    return rc < 0 ? rc : ext4_write(&layout, t, store, NULL, sink_buf(out), &e);
}

static const uint8_t *inode_at(const struct buf *b, uint32_t number)
{
    uint64_t table = get_le(b->data + EXT4_BLOCK + GROUP_INODE_TABLE, 4);
    const uint8_t *inode = b->data + table * EXT4_BLOCK + (number - 1) * (size_t)EXT4_INODE;
    assert_true(inode + EXT4_INODE <= b->data + b->len);
    return inode;
}

/* The first block of what an inode with extents holds. */
static const uint8_t *contents(const struct buf *b, const uint8_t *inode)
{
    const uint8_t *extents = inode + INODE_BLOCK;
    assert_int_equal(get_le(extents, 2), EXTENT_MAGIC);
    assert_int_equal(get_le(extents + 2, 2), 1);
    uint64_t block = get_le(extents + EXTENT_FIRST + EXTENT_START, 4);
    assert_true((block + 1) * EXT4_BLOCK <= b->len);
    return b->data + block * EXT4_BLOCK;
}

/* Checks one entry of a directory and gives the next. */
static const uint8_t *assert_dirent(const uint8_t *p, uint32_t inode, uint8_t type,
                                    const char *name)
{
    assert_int_equal(get_le(p, 4), inode);
    assert_int_equal(p[6], strlen(name));
    assert_int_equal(p[7], type);
    assert_memory_equal(p + 8, name, strlen(name));
    return p + get_le(p + 4, 2);
}

static struct tree *small_tree(void)
{
    struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    struct tree_node *f = add(t, "", "b", TREE_FILE, 04755);
    fill(p, f, "hello", 5);
    (void)add_link(t, "d", "e", f);
    (void)add_symlink(t, "", "l", "b");
    commit(p);
    return t;
}

static void test_super_block(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_BUF b = BUF_INIT(1 << 20);
    AUTO_BUF again = BUF_INIT(1 << 20);
    assert_int_equal(try_ext4(t, &params, &b), 0);
    assert_int_equal(b.len % EXT4_BLOCK, 0);
    assert_int_equal(get_le(b.data + SUPER_MAGIC, 2), 0xef53);
    assert_int_equal(get_le(b.data + SUPER_BLOCKS, 4), b.len / EXT4_BLOCK);
    assert_int_equal(get_le(b.data + SUPER_FREE_BLOCKS, 4), 0); /* the smallest has no room left */
    assert_int_equal(get_le(b.data + SUPER_WRITTEN, 4), params.time);
    assert_memory_equal(b.data + SUPER_UUID, params.uuid, 16);
    assert_memory_equal(b.data + SUPER_LABEL, "root\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(b.data + SUPER_HASH_SEED, params.hash_seed, 16);
    assert_int_equal(try_ext4(t, &params, &again), 0);
    assert_int_equal(again.len, b.len);
    assert_memory_equal(again.data, b.data, b.len);
}

static void test_inodes(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_BUF b = BUF_INIT(1 << 20);
    assert_int_equal(try_ext4(t, &params, &b), 0);
    const uint8_t *root = inode_at(&b, EXT4_ROOT_INODE);
    assert_int_equal(get_le(root + INODE_MODE, 2), 040755);
    assert_int_equal(get_le(root + INODE_LINKS, 2), 3); /* itself, its dot, and d's two dots */
    const uint8_t *p = contents(&b, root);
    p = assert_dirent(p, EXT4_ROOT_INODE, 2, ".");
    p = assert_dirent(p, EXT4_ROOT_INODE, 2, "..");
    p = assert_dirent(p, EXT4_FIRST_INODE, 1, "b");
    p = assert_dirent(p, EXT4_FIRST_INODE + 1, 2, "d");
    p = assert_dirent(p, EXT4_FIRST_INODE + 2, 7, "l");
    assert_ptr_equal(p, contents(&b, root) + EXT4_BLOCK);
    const uint8_t *file = inode_at(&b, EXT4_FIRST_INODE);
    assert_int_equal(get_le(file + INODE_MODE, 2), 0104755);
    assert_int_equal(get_le(file + INODE_SIZE, 4), 5);
    assert_int_equal(get_le(file + INODE_LINKS, 2), 2);
    assert_memory_equal(contents(&b, file), "hello\0", 6);
    p = contents(&b, inode_at(&b, EXT4_FIRST_INODE + 1));
    p = assert_dirent(p, EXT4_FIRST_INODE + 1, 2, ".");
    p = assert_dirent(p, EXT4_ROOT_INODE, 2, "..");
    (void)assert_dirent(p, EXT4_FIRST_INODE, 1, "e"); /* the same file */
    const uint8_t *link = inode_at(&b, EXT4_FIRST_INODE + 2);
    assert_int_equal(get_le(link + INODE_MODE, 2), 0120777);
    assert_memory_equal(link + INODE_BLOCK, "b\0", 2); /* a short one is in its inode */
}

/* With a size there are inodes and blocks to spare; without enough of it nothing is written. */
static void test_size(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_BUF b = BUF_INIT((size_t)8 << 20);
    struct ext4_params p = params;
    p.size = (uint64_t)4 << 20;
    assert_int_equal(try_ext4(t, &p, &b), 0);
    assert_int_equal(b.len, p.size);
    assert_true(get_le(b.data + SUPER_FREE_BLOCKS, 4) > 900);
    assert_true(get_le(b.data + SUPER_FREE_INODES, 4) > 200);
    AUTO_BUF none = BUF_INIT(1 << 20);
    p.size = EXT4_BLOCK;
    assert_int_equal(try_ext4(t, &p, &none), -ERR_INPUT);
    assert_says("an ext4 of 4096 bytes cannot have the tree");
    assert_int_equal(none.len, 0);
}

/* Extents of an inode, or of its one block of them, as FIRST+COUNT. */
static void list_extents(const struct buf *b, const uint8_t *inode, char *text, size_t size)
{
    const uint8_t *node = inode + INODE_BLOCK;
    size_t n = 0;
    if (get_le(node + 6, 2) == 1)
        node = b->data + get_le(node + EXTENT_FIRST + 4, 4) * EXT4_BLOCK;
    text[0] = '\0';
    for (uint64_t i = 0; i < get_le(node + 2, 2); i++) {
        const uint8_t *p = node + EXTENT_FIRST + i * 12;
        n += (size_t)snprintf(text + n, size - n, "%s%u+%u", i > 0 ? " " : "",
                              (unsigned)get_le(p, 4), (unsigned)get_le(p + 4, 2));
        assert_true(n < size);
    }
}

static void test_holes(void **state)
{
    (void)state;
    enum { UNIT = EXT4_HOLE, SIZE = 10 * UNIT + 100 };
    static uint8_t bytes[SIZE];
    static uint8_t zeros[3 * UNIT + 7];
    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    AUTO_BUF b = BUF_INIT((size_t)4 << 20);
    char text[256];
    bytes[UNIT + 5] = 1;     /* the second unit */
    bytes[4 * UNIT] = 1;     /* the fifth and sixth */
    bytes[6 * UNIT - 1] = 1; /* the last byte of it */
    fill(p, add(t, "", "a", TREE_FILE, 0644), bytes, SIZE);
    fill(p, add(t, "", "b", TREE_FILE, 0644), zeros, sizeof(zeros)); /* nothing but zeros */
    fill(p, add(t, "", "c", TREE_FILE, 0644), zeros, UNIT);          /* too small for holes */
    bytes[SIZE - 1] = 1;                                             /* a unit that is shorter */
    fill(p, add(t, "", "d", TREE_FILE, 0644), bytes, SIZE);
    commit(p);
    assert_int_equal(try_ext4(t, &params, &b), 0);
    list_extents(&b, inode_at(&b, EXT4_FIRST_INODE), text, sizeof(text));
    assert_string_equal(text, "16+16 64+32");
    assert_int_equal(get_le(inode_at(&b, EXT4_FIRST_INODE) + INODE_SIZE, 4), SIZE);
    list_extents(&b, inode_at(&b, EXT4_FIRST_INODE + 1), text, sizeof(text));
    assert_string_equal(text, "");
    list_extents(&b, inode_at(&b, EXT4_FIRST_INODE + 2), text, sizeof(text));
    assert_string_equal(text, "0+16");
    list_extents(&b, inode_at(&b, EXT4_FIRST_INODE + 3), text, sizeof(text));
    assert_string_equal(text, "16+16 64+32 160+1");
    assert_true(b.len < 180 * (size_t)EXT4_BLOCK);
}

static void test_refused(void **state)
{
    (void)state;
    AUTO_BUF b = BUF_INIT(1 << 20);
    AUTO_TREE struct tree *late = new_tree();
    add(late, "", "f", TREE_FILE, 0644)->inode->mtime =
        INT64_C(15032385536); /* 2^33 + 2^32 + 2^31 */
    assert_int_equal(try_ext4(late, &params, &b), -ERR_INPUT);
    assert_says("outside of the years 1901 to 2446");
    AUTO_TREE struct tree *device = new_tree();
    add(device, "", "f", TREE_CHAR, 0644)->inode->major = 4096;
    assert_int_equal(try_ext4(device, &params, &b), -ERR_INPUT);
    assert_says("its device number 4096:0 is too large");
    AUTO_TREE struct tree *attribute = new_tree();
    static const char value[4096];
    struct tree_inode *inode = add(attribute, "", "f", TREE_FILE, 0644)->inode;
    assert_int_equal(tree_set_xattr(inode, "user.x", value, sizeof(value), &e), 0);
    assert_int_equal(try_ext4(attribute, &params, &b), -ERR_INPUT);
    struct ext4_params without = params;
    without.xattrs = false;
    assert_int_equal(try_ext4(attribute, &without, &b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_super_block), cmocka_unit_test(test_inodes),
        cmocka_unit_test(test_size),        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
