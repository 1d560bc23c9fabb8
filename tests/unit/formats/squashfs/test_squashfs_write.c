/* SPDX-License-Identifier: Apache-2.0 */
/* squashfs images, read back through libsquashfs's own readers; other readers judge in
 * tests/e2e/36-encoders.t. */
#include "tests/unit/encode_common.h"

#include <endian.h>
#include <fcntl.h>
#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>
#include <sqfs/xattr.h>
#include <sqfs/xattr_reader.h>

#define IMAGE_MAX ((size_t)64 << 20)

static const char *params_with(char *text, size_t size, const char *compressor, int level,
                               uint32_t block_size, bool fragments, bool exports, bool xattrs)
{
    (void)snprintf(text, size,
                   "{\"compressor\":\"%s\",\"level\":%d,\"blockSize\":%u,\"fragments\":%s,"
                   "\"exports\":%s,\"xattrs\":%s,\"time\":1700000000,\"exclude\":[]}",
                   compressor, level, block_size, fragments ? "true" : "false",
                   exports ? "true" : "false", xattrs ? "true" : "false");
    return text;
}

static const char *usual(char *text, size_t size)
{
    return params_with(text, size, "zstd", 3, 131072, true, true, true);
}

/* ---- reading back ----------------------------------------------------------- */

struct image {
    char *path;
    sqfs_file_t *file;
    sqfs_super_t super;
    sqfs_compressor_t *cmp;
    sqfs_id_table_t *ids;
    sqfs_dir_reader_t *dirs;
    sqfs_data_reader_t *data;
    sqfs_xattr_reader_t *xattrs;
    sqfs_tree_node_t *root;
};

static void open_image(struct image *im, const struct digest *d)
{
    sqfs_compressor_config_t config;
    assert_int_equal(path_join(&im->path, scratch, "image", &e), 0);
    assert_int_equal(cas_export_file(store, d, im->path, &e), 0);
    im->file = sqfs_open_file(im->path, SQFS_FILE_OPEN_READ_ONLY);
    assert_non_null(im->file);
    assert_int_equal(sqfs_super_read(&im->super, im->file), 0);
    assert_int_equal(sqfs_compressor_config_init(&config, (SQFS_COMPRESSOR)im->super.compression_id,
                                                 im->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS),
                     0);
    assert_int_equal(sqfs_compressor_create(&config, &im->cmp), 0);
    if (im->super.flags & SQFS_FLAG_COMPRESSOR_OPTIONS)
        assert_int_equal(im->cmp->read_options(im->cmp, im->file), 0);
    im->ids = sqfs_id_table_create(0);
    assert_int_equal(sqfs_id_table_read(im->ids, im->file, &im->super, im->cmp), 0);
    im->dirs = sqfs_dir_reader_create(&im->super, im->cmp, im->file, 0);
    im->data = sqfs_data_reader_create(im->file, im->super.block_size, im->cmp, 0);
    im->xattrs = sqfs_xattr_reader_create(0);
    assert_non_null(im->dirs);
    assert_non_null(im->data);
    assert_non_null(im->xattrs);
    assert_int_equal(sqfs_data_reader_load_fragment_table(im->data, &im->super), 0);
    assert_int_equal(sqfs_xattr_reader_load(im->xattrs, &im->super, im->file, im->cmp), 0);
    assert_int_equal(sqfs_dir_reader_get_full_hierarchy(im->dirs, im->ids, NULL, 0, &im->root), 0);
}

static void close_image(struct image *im)
{
    sqfs_dir_tree_destroy(im->root);
    sqfs_destroy(im->xattrs);
    sqfs_destroy(im->data);
    sqfs_destroy(im->dirs);
    sqfs_destroy(im->ids);
    sqfs_destroy(im->cmp);
    sqfs_destroy(im->file);
    free(im->path);
}

static const sqfs_tree_node_t *find(const struct image *im, const char *path)
{
    const sqfs_tree_node_t *n = im->root;
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        const sqfs_tree_node_t *c = n->children;
        while (c != NULL &&
               (strlen((const char *)c->name) != len || memcmp(c->name, path, len) != 0))
            c = c->next;
        if (c == NULL)
            fail_msg("'%s' is not in the image", path);
        n = c;
        path += len + (path[len] == '/');
    }
    return n;
}

static uint32_t links_of(const sqfs_inode_generic_t *n)
{
    switch (n->base.type) {
    case SQFS_INODE_FILE:
        return 1;
    case SQFS_INODE_EXT_FILE:
        return n->data.file_ext.nlink;
    case SQFS_INODE_DIR:
        return n->data.dir.nlink;
    case SQFS_INODE_EXT_DIR:
        return n->data.dir_ext.nlink;
    default:
        return n->data.dev.nlink; /* first in every other kind */
    }
}

static void assert_node(const struct image *im, const char *path, uint32_t mode, uint32_t uid,
                        uint32_t gid, uint32_t mtime, uint32_t links)
{
    const sqfs_tree_node_t *n = find(im, path);
    assert_int_equal(n->inode->base.mode, mode);
    assert_int_equal(n->uid, uid);
    assert_int_equal(n->gid, gid);
    assert_int_equal(n->inode->base.mod_time, mtime);
    assert_int_equal(links_of(n->inode), links);
}

static void assert_bytes(const struct image *im, const char *path, const uint8_t *data, size_t len)
{
    const sqfs_inode_generic_t *inode = find(im, path)->inode;
    AUTO_FREE uint8_t *got = malloc(len + 1);
    sqfs_u64 size = 0;
    assert_non_null(got);
    assert_int_equal(sqfs_inode_get_file_size(inode, &size), 0);
    assert_int_equal(size, len);
    assert_int_equal(sqfs_data_reader_read(im->data, inode, 0, got, (sqfs_u32)len), (int)len);
    assert_memory_equal(got, data, len);
}

/* The one attribute of a node. */
static void assert_xattr(const struct image *im, const char *path, const char *name,
                         const void *value, size_t len)
{
    sqfs_u32 index = 0;
    sqfs_xattr_id_t set;
    sqfs_xattr_entry_t *key = NULL;
    sqfs_xattr_value_t *got = NULL;
    assert_int_equal(sqfs_inode_get_xattr_index(find(im, path)->inode, &index), 0);
    assert_int_not_equal(index, UINT32_MAX);
    assert_int_equal(sqfs_xattr_reader_get_desc(im->xattrs, index, &set), 0);
    assert_int_equal(set.count, 1);
    assert_int_equal(sqfs_xattr_reader_seek_kv(im->xattrs, &set), 0);
    assert_int_equal(sqfs_xattr_reader_read_key(im->xattrs, &key), 0);
    assert_int_equal(sqfs_xattr_reader_read_value(im->xattrs, key, &got), 0);
    assert_string_equal((const char *)key->key, name);
    assert_int_equal(got->size, len);
    assert_memory_equal(got->value, value, len);
    sqfs_free(key);
    sqfs_free(got);
}

/* ---- tests ------------------------------------------------------------------ */

static void test_empty(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF b = BUF_INIT(IMAGE_MAX);
    char p[512];
    struct digest d = run_all_jobs("encode.squashfs", t, usual(p, sizeof(p)), &b);
    struct image im = {0};
    assert_int_equal(b.len, 4096);
    open_image(&im, &d);
    assert_int_equal(im.super.inode_count, 1);
    assert_int_equal(im.super.modification_time, 1700000000);
    assert_int_equal(im.super.flags, SQFS_FLAG_NO_FRAGMENTS | SQFS_FLAG_NO_XATTRS |
                                         SQFS_FLAG_EXPORTABLE | SQFS_FLAG_COMPRESSOR_OPTIONS |
                                         0x40);
    assert_node(&im, "", 040755, 0, 0, 0, 2);
    close_image(&im);
}

static struct tree *rich_tree(const uint8_t *data, size_t len)
{
    struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    struct tree_node *f = add(t, "bin", "tool", TREE_FILE, 04755);
    f->inode->uid = 4000000000U;
    f->inode->gid = 70000;
    f->inode->mtime = UINT32_MAX;
    fill(p, f, data, len);
    (void)add_link(t, "a/b", "tool", f);
    (void)add_link(t, "z", "tool", f);
    fill(p, add(t, "bin", "copy", TREE_FILE, 0644), data, len);
    fill(p, add(t, "bin", "tail", TREE_FILE, 0644), data, 100);
    (void)add(t, "bin", "empty", TREE_FILE, 0600);
    struct tree_node *c = add(t, "dev", "c", TREE_CHAR, 0666);
    c->inode->major = 4095;
    c->inode->minor = 0xfffff;
    (void)add_link(t, "dev", "d", c);
    (void)add(t, "dev", "fifo", TREE_FIFO, 0600);
    (void)add(t, "dev", "socket", TREE_SOCKET, 0600);
    (void)add_symlink(t, "dev", "link", "../bin/tool");
    assert_int_equal(tree_set_xattr(f->inode, "security.capability", "\0\1", 2, &e), 0);
    assert_int_equal(tree_set_xattr(c->inode, "trusted.x", "", 0, &e), 0);
    assert_int_equal(tree_set_xattr(tree_root(t)->inode, "user.y", "yy", 2, &e), 0);
    commit(p);
    return t;
}

static void test_rich(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int level;
    } compressors[] = {{"gzip", 9}, {"gzip", 1}, {"zstd", 15}, {"zstd", 1}, {"xz", 6},
                       {"xz", 1},   {"lz4", 0},  {"lz4", 12},  {"none", 0}};
    size_t len = 300000;
    AUTO_FREE uint8_t *data = malloc(len);
    assert_non_null(data);
    noise(data, len, 1);
    memset(data + 140000, 0, 140000); /* with a hole of its own block */
    AUTO_TREE struct tree *t = rich_tree(data, len);
    for (size_t i = 0; i < sizeof(compressors) / sizeof(compressors[0]); i++) {
        for (unsigned v = 0; v < 4; v++) {
            char p[512];
            struct image im = {0};
            bool fragments = v % 2 == 0;
            (void)params_with(p, sizeof(p), compressors[i].name, compressors[i].level,
                              v < 2 ? 4096 : 131072, fragments, fragments, true);
            struct digest d = run_step("encode.squashfs", t, p, 1);
            struct digest again = run_step("encode.squashfs", t, p, 3);
            assert_true(digest_equal(&d, &again));
            open_image(&im, &d);
            assert_int_equal(im.super.inode_count, 14);
            assert_int_equal(im.super.export_table_start != UINT64_MAX, fragments);
            assert_int_equal(im.super.fragment_entry_count != 0, fragments);
            assert_node(&im, "", 040755, 0, 0, 0, 6);
            assert_node(&im, "a", 040755, 0, 0, 7, 3);
            assert_node(&im, "bin/tool", 0104755, 4000000000U, 70000, UINT32_MAX, 3);
            assert_int_equal(find(&im, "z/tool")->inode->base.inode_number,
                             find(&im, "a/b/tool")->inode->base.inode_number);
            assert_node(&im, "dev/c", 020666, 0, 0, 0, 2);
            assert_int_equal(find(&im, "dev/c")->inode->data.dev.devno,
                             0xffU | 4095U << 8 | 0xfff00U << 12);
            assert_node(&im, "dev/fifo", 010600, 0, 0, 0, 1);
            assert_node(&im, "dev/socket", 0140600, 0, 0, 0, 1);
            assert_node(&im, "dev/link", 0120777, 0, 0, 0, 1);
            assert_memory_equal(find(&im, "dev/link")->inode->extra, "../bin/tool", 11);
            assert_bytes(&im, "bin/tool", data, len);
            assert_bytes(&im, "bin/copy", data, len);
            assert_bytes(&im, "bin/tail", data, 100);
            assert_bytes(&im, "bin/empty", data, 0);
            assert_xattr(&im, "a/b/tool", "security.capability", "\0\1", 2);
            assert_xattr(&im, "dev/d", "trusted.x", "", 0);
            assert_xattr(&im, "", "user.y", "yy", 2);
            close_image(&im);
        }
    }
}

static void test_duplicates_cost_nothing(void **state)
{
    (void)state;
    size_t len = 1000000;
    AUTO_FREE uint8_t *data = malloc(len);
    struct buf images[2] = {BUF_INIT(IMAGE_MAX), BUF_INIT(IMAGE_MAX)};
    assert_non_null(data);
    noise(data, len, 4);
    for (int copies = 1; copies <= 2; copies++) {
        AUTO_TREE struct tree *t = new_tree();
        struct tree_packer *p = new_packer(t);
        char params[512];
        for (int i = 0; i < copies; i++)
            fill(p, add(t, "", i == 0 ? "a" : "b", TREE_FILE, 0644), data, len);
        commit(p);
        (void)run_all_jobs("encode.squashfs", t, usual(params, sizeof(params)),
                           &images[copies - 1]);
    }
    assert_true(images[0].len >= len);
    assert_true(images[1].len <= images[0].len + 4096);
    buf_dispose(&images[0]);
    buf_dispose(&images[1]);
}

/* Files whose whole blocks are equal and whose ends are not; files that are nearly equal; blocks of
 * zeros. */
static void test_equal_runs(void **state)
{
    (void)state;
    enum { BLOCK = 4096, BLOCKS = 50, SIZE = BLOCK * BLOCKS + 10, FILES = 8 };
    AUTO_FREE uint8_t *data = malloc(SIZE);
    struct digest d[2];
    assert_non_null(data);
    for (int fragments = 0; fragments < 2; fragments++) {
        AUTO_TREE struct tree *t = new_tree();
        struct tree_packer *p = new_packer(t);
        char params[512];
        char name[8];
        struct image im = {0};
        noise(data, SIZE, 11);
        memset(data + 5 * BLOCK, 0, BLOCK);
        for (int i = 0; i < FILES; i++) {
            (void)snprintf(name, sizeof(name), "f%d", i);
            data[SIZE - 1] = (uint8_t)i;                 /* another end */
            data[7 * BLOCK] = (uint8_t)(i == FILES - 1); /* one differs in the middle */
            fill(p, add(t, "", name, TREE_FILE, 0644), data, SIZE);
        }
        commit(p);
        (void)params_with(params, sizeof(params), "none", 0, BLOCK, fragments != 0, false, false);
        d[fragments] = run_all_jobs("encode.squashfs", t, params, NULL);
        open_image(&im, &d[fragments]);
        for (int i = 0; i < FILES; i++) {
            (void)snprintf(name, sizeof(name), "f%d", i);
            data[SIZE - 1] = (uint8_t)i;
            data[7 * BLOCK] = (uint8_t)(i == FILES - 1);
            assert_bytes(&im, name, data, SIZE);
        }
        uint64_t runs = fragments != 0 ? 2 : FILES; /* a short last block is part of the run */
        assert_true(im.super.bytes_used < runs * SIZE + 3 * BLOCK);
        assert_true(im.super.bytes_used > runs * (SIZE - 2 * BLOCK));
        close_image(&im);
    }
}

static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    char name[TREE_NAME_MAX + 1];
    char params[512];
    memset(name, 'n', sizeof(name));
    name[TREE_NAME_MAX] = '\0';
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(name + 240, sizeof(name) - 240, "%07u", i);
        fill(p, add(t, "many", name, TREE_FILE, 0644), &i, sizeof(i));
    }
    AUTO_FREE char *deep = malloc(4096);
    assert_non_null(deep);
    for (size_t i = 0; i < 400; i++)
        deep[i] = i % 2 == 0 ? 'd' : '/';
    deep[399] = '\0';
    (void)add(t, deep, "end", TREE_FIFO, 0600);
    commit(p);
    struct digest d = run_all_jobs("encode.squashfs", t, usual(params, sizeof(params)), NULL);
    struct image im = {0};
    open_image(&im, &d);
    assert_int_equal(im.super.inode_count, 1 + 1 + COUNT + 200 + 1);
    assert_int_equal(find(&im, "many")->inode->base.type, SQFS_INODE_EXT_DIR);
    assert_true(find(&im, "many")->inode->data.dir_ext.inodex_count > 100);
    for (unsigned i = 0; i < COUNT; i += 617) {
        char path[300];
        (void)snprintf(name + 240, sizeof(name) - 240, "%07u", i);
        (void)snprintf(path, sizeof(path), "many/%s", name);
        assert_bytes(&im, path, (const uint8_t *)&i, sizeof(i));
    }
    memcpy(deep + 399, "/end", 5);
    assert_node(&im, deep, 010600, 0, 0, 0, 1);
    close_image(&im);
}

static uint32_t listing_size(const sqfs_inode_generic_t *dir)
{
    return dir->base.type == SQFS_INODE_DIR ? dir->data.dir.size : dir->data.dir_ext.size;
}

/* A directory whose entries take 256 bytes each, and a last one with a name of `len` bytes. */
static struct tree *listing_tree(unsigned count, size_t len)
{
    struct tree *t = new_tree();
    char name[TREE_NAME_MAX + 1];
    memset(name, 'n', sizeof(name));
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name + 240, 9, "%08u", i);
        (void)add(t, "d", name, TREE_FIFO, 0600);
    }
    memset(name, 'z', len);
    name[len] = '\0';
    (void)add(t, "d", name, TREE_FIFO, 0600);
    return t;
}

/* Listings of every size around the 64 KiB from which a directory's inode is another. */
static void test_listing_sizes(void **state)
{
    (void)state;
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (size_t len = 45; len < 80; len++) {
        AUTO_TREE struct tree *t = listing_tree(255, len);
        char params[512];
        struct image im = {0};
        struct digest d = run_step("encode.squashfs", t, usual(params, sizeof(params)), 1);
        open_image(&im, &d);
        uint32_t size = listing_size(find(&im, "d")->inode);
        size_t count = 0;
        for (const sqfs_tree_node_t *n = find(&im, "d")->children; n != NULL; n = n->next)
            count++;
        assert_int_equal(count, 256);
        least = size < least ? size : least;
        most = size > most ? size : most;
        close_image(&im);
    }
    assert_true(least < 65525);
    assert_true(most > 65545);
}

/* Around the 512 attribute sets of a block: libsquashfs 1.2.0's own writer breaks at the multiples.
 */
static void test_xattr_sets(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 511, 512, 513, 1024};
    for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
        AUTO_TREE struct tree *t = new_tree();
        char name[32];
        char params[512];
        for (unsigned i = 0; i < 2 * counts[k]; i++) { /* each set twice */
            unsigned value = i % counts[k];
            (void)snprintf(name, sizeof(name), "f%u", i);
            assert_int_equal(tree_set_xattr(add(t, "", name, TREE_FIFO, 0600)->inode, "user.v",
                                            &value, sizeof(value), &e),
                             0);
        }
        struct digest d = run_step("encode.squashfs", t, usual(params, sizeof(params)), 2);
        struct image im = {0};
        open_image(&im, &d);
        for (unsigned i = 0; i < 2 * counts[k]; i++) {
            unsigned value = i % counts[k];
            (void)snprintf(name, sizeof(name), "f%u", i);
            assert_xattr(&im, name, "user.v", &value, sizeof(value));
        }
        close_image(&im);
    }
}

static void test_large_and_sparse(void **state)
{
    (void)state;
    const uint64_t size = (UINT64_C(4) << 30) + 3; /* all zeros, from one small pack of holes */
    AUTO_TREE struct tree *t = new_tree();
    struct tree_inode *inode = add(t, "", "large", TREE_FILE, 0644)->inode;
    struct digest blob;
    struct cas_writer *w = NULL;
    char params[512];
    assert_int_equal(cas_writer_new(store, NULL, CAS_SIZE_UNKNOWN, &w, &e), 0);
    assert_int_equal(ftruncate(cas_writer_fd(w), (off_t)size), 0);
    assert_int_equal(cas_writer_commit(w, &blob, &inode->content.size, &e), 0);
    cas_writer_free(w);
    assert_int_equal(inode->content.size, size);
    memcpy(inode->content.sha256, blob.bytes, DIGEST_SHA256_SIZE);
    assert_int_equal(tree_add_pack(t, &blob, &inode->content.pack, &e), 0);
    (void)params_with(params, sizeof(params), "zstd", 1, 1048576, true, false, false);
    struct digest d = run_step("encode.squashfs", t, params, 2);
    struct image im = {0};
    open_image(&im, &d);
    const sqfs_inode_generic_t *n = find(&im, "large")->inode;
    assert_int_equal(n->base.type, SQFS_INODE_EXT_FILE);
    assert_int_equal(n->data.file_ext.file_size, size);
    assert_int_equal(n->data.file_ext.sparse, size);
    assert_true(im.super.bytes_used < 4096);
    close_image(&im);
}

static void test_refused(void **state)
{
    (void)state;
    char params[512];
    AUTO_TREE struct tree *t = new_tree();
    struct tree_inode *f = add(t, "d", "f", TREE_FILE, 0644)->inode;
    (void)usual(params, sizeof(params));
    f->mtime = -1;
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "'d/f'");
    f->mtime = (int64_t)UINT32_MAX + 1;
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "its time 4294967296");
    f->mtime = 0;
    assert_int_equal(tree_set_xattr(f, "system.posix_acl_access", "x", 1, &e), 0);
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "'system.posix_acl_access'");
    (void)params_with(params, sizeof(params), "zstd", 3, 131072, true, true, false);
    (void)run_step("encode.squashfs", t, params,
                   1); /* without attributes there is nothing to lose */
    struct tree_inode *dev = add(t, "d", "dev", TREE_BLOCK, 0644)->inode;
    dev->major = 4096;
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "device number");
    dev->major = 0;
    dev->minor = 0x100000;
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "device number");
}

/* Thousands of owners, beyond 16 bits. */
static void test_owners(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    char name[16];
    char params[512];
    (void)params_with(params, sizeof(params), "none", 0, 131072, true, false, false);
    for (uint32_t i = 1; i <= 4096; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        struct tree_inode *n = add(t, "", name, TREE_FIFO, 0600)->inode;
        n->uid = i;
        n->gid = i + 1000000;
    }
    struct digest d = run_step("encode.squashfs", t, params, 1);
    struct image im = {0};
    open_image(&im, &d);
    assert_int_equal(im.super.id_count, 8193);
    assert_node(&im, "4096", 010600, 4096, 1004096, 0, 1);
    close_image(&im);
}

/* As many different owners and groups as the image's count can say, and one more. */
static void test_owners_limit(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    char name[16];
    char params[512];
    (void)params_with(params, sizeof(params), "none", 0, 131072, true, false, false);
    /* The root has 0, which both of its numbers are. */
    for (uint32_t i = 1; i < UINT16_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        add(t, "", name, TREE_FIFO, 0600)->inode->uid = i;
    }
    struct digest d = run_step("encode.squashfs", t, params, 1);
    struct image im = {0};
    open_image(&im, &d);
    assert_int_equal(im.super.id_count, UINT16_MAX);
    assert_node(&im, "65534", 010600, 65534, 0, 0, 1);
    close_image(&im);
    add(t, "", "more", TREE_FIFO, 0600)->inode->gid = UINT16_MAX;
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "different owners and groups");
    add(t, "", "and-more", TREE_FIFO, 0600)->inode->gid = UINT16_MAX + 1;
    assert_refused("encode.squashfs", t, params, ERR_INPUT, "different owners and groups");
}

/* The table's levels are those of the library. */
static void test_levels(void **state)
{
    (void)state;
    assert_int_equal(compressor_gzip.level_min, SQFS_GZIP_MIN_LEVEL);
    assert_int_equal(compressor_gzip.level_max, SQFS_GZIP_MAX_LEVEL);
    assert_int_equal(compressor_zstd.level_min, SQFS_ZSTD_MIN_LEVEL);
    assert_int_equal(compressor_zstd.level_max, SQFS_ZSTD_MAX_LEVEL);
    assert_int_equal(compressor_xz.level_min, SQFS_XZ_MIN_LEVEL);
    assert_int_equal(compressor_xz.level_max, SQFS_XZ_MAX_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_rich),
        cmocka_unit_test(test_duplicates_cost_nothing),
        cmocka_unit_test(test_equal_runs),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_listing_sizes),
        cmocka_unit_test(test_xattr_sets),
        cmocka_unit_test(test_large_and_sparse),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_owners_limit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
