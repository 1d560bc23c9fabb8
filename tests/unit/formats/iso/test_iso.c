/* SPDX-License-Identifier: Apache-2.0 */
/* ISO 9660 images: descriptors, names, Rock Ridge in a directory's records, times, and refusals.
 * (xorriso, isoinfo and Linux judge whole images in tests/e2e.) */
#include "tests/unit/encode_common.h"

#include "formats/iso/iso.h"

enum {
    FIRST_DESCRIPTOR = 16 * ISO_SECTOR,
    VOLUME_NAME = 40,
    VOLUME_SIZE = 80,
    VOLUME_ESCAPES = 88,
    VOLUME_ROOT = 156, /* the record of the root directory */
    RECORD_LBA = 2,
    RECORD_SIZE = 10,
    RECORD_NAME_LEN = 32,
    RECORD_NAME = 33,
};

static const struct iso_params params = {.volume = "assay", .time = 1700000000, .joliet = true};

static int try_iso(const struct tree *t, const struct iso_params *p, struct buf *out)
{
    AUTO_VIEW view = {0};
    AUTO_ISO_LAYOUT layout = {0};
    view_all(t, &view);
    int rc = iso_layout(&view, t, p, &layout, &e);
    return rc < 0 ? rc : iso_write(&layout, t, store, NULL, sink_buf(out), &e);
}

/* Both byte orders say the same. */
static uint64_t get_both(const uint8_t *p, size_t bytes)
{
    uint64_t value = get_le(p, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(p[i], p[2 * bytes - 1 - i]);
    return value;
}

static const uint8_t *descriptor(const struct buf *b, size_t i, uint8_t type)
{
    const uint8_t *d = b->data + FIRST_DESCRIPTOR + i * ISO_SECTOR;
    assert_int_equal(d[0], type);
    assert_memory_equal(d + 1, "CD001\x01", 6);
    return d;
}

/* The bytes of what a record is of. */
static const uint8_t *extent(const struct buf *b, const uint8_t *record)
{
    uint64_t start = get_both(record + RECORD_LBA, 4) * ISO_SECTOR;
    assert_true(start + get_both(record + RECORD_SIZE, 4) <= b->len);
    return b->data + start;
}

/* The record of that name in a directory of one sector. */
static const uint8_t *record_of(const uint8_t *dir, const char *name)
{
    for (const uint8_t *p = dir; p < dir + ISO_SECTOR && p[0] > 0; p += p[0])
        if (p[RECORD_NAME_LEN] == strlen(name) && memcmp(p + RECORD_NAME, name, strlen(name)) == 0)
            return p;
    fail_msg("no record '%s'", name);
    return NULL;
}

/* The System Use entry of that signature in a record without continuation. */
static const uint8_t *rock_of(const uint8_t *record, const char *signature)
{
    size_t at = RECORD_NAME + record[RECORD_NAME_LEN];
    for (at += at % 2; at + 4 <= record[0] && record[at + 2] > 0; at += record[at + 2])
        if (memcmp(record + at, signature, 2) == 0)
            return record + at;
    return NULL;
}

static void test_descriptors(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF b = BUF_INIT(4 << 20);
    struct tree_packer *p = new_packer(t);
    fill(p, add(t, "", "f", TREE_FILE, 0644), "x", 1);
    commit(p);
    assert_int_equal(try_iso(t, &params, &b), 0);
    const uint8_t *primary = descriptor(&b, 0, 1);
    assert_memory_equal(primary + VOLUME_NAME, "assay                           ", ISO_VOLUME_MAX);
    assert_int_equal(get_both(primary + VOLUME_SIZE, 4) * ISO_SECTOR, b.len);
    const uint8_t *joliet = descriptor(&b, 1, 2);
    assert_memory_equal(joliet + VOLUME_ESCAPES, "%/E", 3);
    (void)descriptor(&b, 2, 255);
    struct iso_params plain = params;
    plain.joliet = false;
    AUTO_BUF without = BUF_INIT(4 << 20);
    assert_int_equal(try_iso(t, &plain, &without), 0);
    (void)descriptor(&without, 1, 255);
}

static void test_rock_ridge(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    AUTO_BUF b = BUF_INIT(4 << 20);
    struct tree_packer *p = new_packer(t);
    struct tree_node *f = add(t, "", "Hello, World.txt", TREE_FILE, 04755);
    fill(p, f, "hello", 5);
    (void)add_link(t, "", "other", f);
    (void)add_symlink(t, "", "link", "/a/b");
    commit(p);
    assert_int_equal(try_iso(t, &params, &b), 0);
    const uint8_t *dir = extent(&b, descriptor(&b, 0, 1) + VOLUME_ROOT);
    const uint8_t *file = record_of(dir, "HELLO__WORLD.TXT;1");
    assert_memory_equal(extent(&b, file), "hello\0", 6);
    const uint8_t *px = rock_of(file, "PX");
    assert_non_null(px);
    assert_int_equal(get_both(px + 4, 4), 0104755);
    assert_int_equal(get_both(px + 12, 4), 2);
    const uint8_t *nm = rock_of(file, "NM");
    assert_non_null(nm);
    assert_memory_equal(nm + 5, "Hello, World.txt", 16);
    /* one file under two names lies in one place */
    assert_ptr_equal(extent(&b, record_of(dir, "OTHER.;1")), extent(&b, file));
    const uint8_t *link = record_of(dir, "LINK.;1");
    const uint8_t *sl = rock_of(link, "SL");
    assert_non_null(sl);
    /* from the root (8), then the two components */
    assert_memory_equal(sl + 5,
                        "\x08\x00\x00\x01"
                        "a\x00\x01"
                        "b",
                        8);
}

/* The names that one directory gets, in their order. */
static void assert_names(const struct tree *t, enum iso_flavour flavour, const char *const *want)
{
    AUTO_VIEW view = {0};
    AUTO_ISO_LAYOUT layout = {0};
    view_all(t, &view);
    assert_int_equal(iso_layout(&view, t, &params, &layout, &e), 0);
    const struct iso_tree *tree = flavour == ISO_PLAIN ? &layout.plain : &layout.joliet;
    for (size_t i = 0; i < tree->entry_count; i++) {
        const struct iso_entry *x = &tree->entries[i];
        size_t unit = flavour == ISO_PLAIN ? 1 : 2;
        char text[ISO_NAME_MAX + 1] = {0};
        for (size_t k = 0; k < x->len / unit; k++)
            text[k] = (char)tree->names.data[x->name + k * unit + unit - 1];
        assert_non_null(want[i]);
        assert_string_equal(text, want[i]);
    }
    assert_null(want[tree->entry_count]);
}

static void test_names(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    (void)add(t, "", "a b", TREE_DIR, 0755);
    (void)add(t, "", "a+b", TREE_DIR, 0755);
    (void)add(t, "", "x.tar.gz", TREE_FILE, 0644);
    (void)add(t, "", "what?", TREE_FILE, 0644);
    (void)add(t, "", "pipe", TREE_FIFO, 0644);
    static const char *const plain[] = {"A_B", "A_B_0", "PIPE.;1", "WHAT_.;1", "X_TAR.GZ;1", NULL};
    static const char *const joliet[] = {"a b", "a+b", "what_;1", "x.tar.gz;1", NULL};
    assert_names(t, ISO_PLAIN, plain);
    assert_names(t, ISO_JOLIET, joliet); /* has files and directories only */
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        bool fits;
        uint8_t bytes[7];
    } times[] = {
        {0, true, {70, 1, 1, 0, 0, 0, 0}},
        {951782400 + 86399, true, {100, 2, 29, 23, 59, 59, 0}}, /* a leap day */
        {-2208988800, true, {0, 1, 1, 0, 0, 0, 0}},             /* 1900 */
        {-2208988801, false, {0}},
        {INT64_C(5869583999), true, {255, 12, 31, 23, 59, 59, 0}}, /* 2155 */
        {INT64_C(5869584000), false, {0}},
    };
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        uint8_t bytes[7] = {0};
        assert_int_equal(iso_time(times[i].seconds, bytes), times[i].fits);
        if (times[i].fits)
            assert_memory_equal(bytes, times[i].bytes, 7);
    }
}

static void test_refused(void **state)
{
    (void)state;
    AUTO_BUF b = BUF_INIT(4 << 20);
    AUTO_TREE struct tree *late = new_tree();
    add(late, "", "f", TREE_FILE, 0644)->inode->mtime = INT64_C(5869584000);
    assert_int_equal(try_iso(late, &params, &b), -ERR_INPUT);
    assert_says("outside of the years 1900 to 2155");
    AUTO_TREE struct tree *boot = new_tree();
    (void)add(boot, "", "d", TREE_DIR, 0755);
    struct iso_params p = params;
    p.efi = "d";
    assert_int_equal(try_iso(boot, &p, &b), -ERR_INPUT);
    assert_says("cannot boot 'd': the tree has no such file");
    AUTO_TREE struct tree *name = new_tree();
    char text[255] = {0};
    memset(text, 'n', sizeof(text) - 1);
    (void)add(name, "", text, TREE_FILE, 0644);
    assert_int_equal(try_iso(name, &params, &b), -ERR_INPUT);
    assert_says("which Linux does not read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_rock_ridge),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_times),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
