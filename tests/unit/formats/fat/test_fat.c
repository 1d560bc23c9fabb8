/* SPDX-License-Identifier: Apache-2.0 */
/* FAT volumes: kinds by their number of clusters, names, places, and what does not go in. What
 * other programs read from them is tests/e2e/37-disk.t. */
#include "tests/unit/encode_common.h"

#include "base/byte_order.h"

#include "formats/fat/fat.h"

static struct fat_options options(enum fat_type type, uint64_t size, uint32_t cluster)
{
    return (struct fat_options){.type = type, .size = size, .cluster = cluster, .label = "TEST"};
}

static void make(const struct fat_options *o, const struct fat_file *files, size_t count,
                 struct buf *out)
{
    AUTO_FAT struct fat *f = NULL;
    assert_int_equal(fat_new(o, files, count, &f, &e), 0);
    assert_int_equal(fat_write(f, store, 0x12345678, NULL, sink_buf(out), &e), 0);
    assert_int_equal(out->len, fat_size(f));
}

static struct fat_file text(const char *path, const char *content)
{
    return (struct fat_file){
        .path = path, .data = (const uint8_t *)content, .size = strlen(content)};
}

/* Clusters as a reader counts them, from the boot sector alone. */
static uint32_t clusters(const uint8_t *s)
{
    uint32_t sectors = get_le16(s + 19) != 0 ? get_le16(s + 19) : get_le32(s + 32);
    uint32_t table = get_le16(s + 22) != 0 ? get_le16(s + 22) : get_le32(s + 36);
    uint32_t data = sectors - get_le16(s + 14) - 2 * table - get_le16(s + 17) * 32U / 512;
    return data / s[13];
}

static enum fat_type kind(uint32_t count)
{
    return count < 4085 ? FAT_12 : count < 65525 ? FAT_16 : FAT_32;
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        enum fat_type type;
        uint64_t size;
        uint32_t cluster;
        enum fat_type wanted;
    } cases[] = {
        {FAT_AUTO, 0, 0, FAT_12},         {FAT_12, 0, 0, FAT_12},
        {FAT_16, 0, 0, FAT_16},           {FAT_32, 0, 0, FAT_32},
        {FAT_16, 0, 4096, FAT_16},        {FAT_AUTO, 1 << 20, 0, FAT_12},
        {FAT_AUTO, 8 << 20, 0, FAT_16},   {FAT_12, 16 << 20, 0, FAT_12},
        {FAT_16, 3 << 20, 0, FAT_16},     {FAT_32, 40 << 20, 0, FAT_32},
        {FAT_AUTO, 1474560, 512, FAT_12},
    };
    const struct fat_file file = text("a", "x");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_BUF out = BUF_INIT(256 << 20);
        struct fat_options o = options(cases[i].type, cases[i].size, cases[i].cluster);
        make(&o, &file, 1, &out);
        uint32_t count = clusters(out.data);
        if (kind(count) != cases[i].wanted || kind(count - 15) != kind(count + 15))
            fail_msg("case %zu: %u clusters", i, count);
        if (cases[i].size != 0)
            assert_int_equal(out.len, cases[i].size);
        assert_int_equal(out.len % 512, 0);
    }
}

/* One size after the other over the bound between two kinds: never a number too close to it. */
static void test_bounds(void **state)
{
    (void)state;
    static uint8_t data[2110000];
    unsigned kinds[33] = {0};
    for (size_t bytes = 2050000; bytes < 2110000; bytes += 512) {
        AUTO_BUF out = BUF_INIT(16 << 20);
        const struct fat_file file = {.path = "a", .data = data, .size = bytes};
        struct fat_options o = options(FAT_AUTO, 0, 512);
        make(&o, &file, 1, &out);
        uint32_t count = clusters(out.data);
        assert_int_equal(kind(count - 15), kind(count + 15));
        assert_true((uint64_t)count * 512 >= bytes);
        kinds[kind(count)]++;
    }
    assert_true(kinds[FAT_12] > 0 && kinds[FAT_16] > 0);
}

/* The 11 bytes of the i-th entry (short ones only) of a FAT12's root; attributes to *attributes. */
static const char *root_entry(const uint8_t *volume, size_t wanted, unsigned *attributes)
{
    static char name[12];
    const uint8_t *p =
        volume + ((size_t)get_le16(volume + 14) + 2 * (size_t)get_le16(volume + 22)) * 512;
    for (size_t i = 0; i < 512; i++, p += 32) {
        if (p[11] == 0x0f || wanted-- > 0)
            continue;
        memcpy(name, p, 11);
        *attributes = p[11];
        return p[0] == 0 ? NULL : name;
    }
    return NULL;
}

static void test_names(void **state)
{
    (void)state;
    struct fat_file files[] = {
        text("longer name.text", "1"),
        text("LONGER~1.TEX", "2"),
        text("kernel", "3"),
        text("A.B", "4"),
        text("a.b.c", "5"),
        text(".hidden", "6"),
        text("x+y.z", "7"),
        text("dir/a", "8"),
        text("longer name.texs", "9"),
    };
    static const char *const wanted[] = {"TEST       ", "HIDDEN~1   ", "A       B  ", "AB~2    C  ",
                                         "DIR        ", "KERNEL     ", "LONGER~3TEX", "LONGER~4TEX",
                                         "LONGER~1TEX", "X_Y~5   Z  "};
    AUTO_BUF out = BUF_INIT(16 << 20);
    struct fat_options o = options(FAT_12, 0, 0);
    unsigned attributes = 0;
    files[3].attributes = FAT_READ_ONLY | FAT_HIDDEN | FAT_SYSTEM;
    make(&o, files, sizeof(files) / sizeof(files[0]), &out);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_string_equal(root_entry(out.data, i, &attributes), wanted[i]);
    assert_null(root_entry(out.data, sizeof(wanted) / sizeof(wanted[0]), &attributes));
    (void)root_entry(out.data, 0, &attributes);
    assert_int_equal(attributes, 8);
    (void)root_entry(out.data, 2, &attributes);
    assert_int_equal(attributes, 0x27);
    (void)root_entry(out.data, 4, &attributes);
    assert_int_equal(attributes, 0x10);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",  "a/b",    "EFI/BOOT/BOOTX64.EFI",           "a b", "a.b.c",
        ".a", "+,;=[]", "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6"};
    static const char *const bad[] = {
        "",    "/",     "a/",   "/a",       "a//b",
        ".",   "..",    "a/..", "a.",       "a ",
        " a",  "a:b",   "a\\b", "a*",       "a\"b",
        "a|b", "a\x7f", "\x1f", "\xc3\xa9", "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!fat_path_valid(good[i]))
            fail_msg("refused '%s'", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (fat_path_valid(bad[i]))
            fail_msg("took '%s'", bad[i]);
    assert_true(fat_label_valid("A-1 _"));
    assert_false(fat_label_valid(""));
    assert_false(fat_label_valid("a"));
    assert_false(fat_label_valid(" A"));
    assert_false(fat_label_valid("ABCDEFGHIJKL"));
}

static void refused(const struct fat_options *o, const struct fat_file *files, size_t count,
                    const char *part)
{
    struct fat *f = NULL;
    char line[1024];
    assert_int_equal(fat_new(o, files, count, &f, &e), -ERR_INPUT);
    assert_null(f);
    if (strstr(err_line(&e, line, sizeof(line)), part) == NULL)
        fail_msg("%s", line);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"a", "a"}, {"a", "A"}, {"a", "a/b"}, {"dir/a", "DIR/b"}, {"d/e/f", "d/E"}};
    struct fat_options o = options(FAT_AUTO, 0, 0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const struct fat_file files[] = {text(pairs[i][0], "1"), text(pairs[i][1], "2"),
                                         text("zz", "3")};
        refused(&o, files, 3, "case does not count");
    }
    struct fat_file large = text("a", "");
    large.size = UINT64_C(1) << 32;
    refused(&o, &large, 1, "below 4 GiB");
    large.size = 1 << 20;
    o = options(FAT_AUTO, 1 << 20, 0);
    refused(&o, &large, 1, "do not go into");
    o = options(FAT_32, 32 << 20, 0);
    large.size = 1;
    refused(&o, &large, 1, "do not go into");
    o = options(FAT_12, 64 << 20, 512);
    refused(&o, &large, 1, "do not go into");
}

/* Contents stand where fat_file_sector() says. */
static void test_sectors(void **state)
{
    (void)state;
    uint8_t data[3000];
    noise(data, sizeof(data), 1);
    static const enum fat_type types[] = {FAT_12, FAT_16, FAT_32};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        AUTO_BUF out = BUF_INIT(64 << 20);
        AUTO_FAT struct fat *f = NULL;
        const struct fat_file files[] = {text("b", "before"),
                                         {.path = "c/d", .data = data, .size = sizeof(data)}};
        struct fat_options o = options(types[i], 0, 0);
        o.hidden = 2048;
        assert_int_equal(fat_new(&o, files, 2, &f, &e), 0);
        make(&o, files, 2, &out);
        assert_memory_equal(out.data + (size_t)fat_file_sector(f, 1) * 512, data, sizeof(data));
        assert_memory_equal(out.data + (size_t)fat_file_sector(f, 0) * 512, "before", 6);
        assert_int_equal(get_le32(out.data + 28), 2048);
        assert_int_equal(get_le32(out.data + (types[i] == FAT_32 ? 67 : 39)), 0x12345678);
    }
}

/* FAT's times have two seconds' precision and no zone. */
static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t time;
        uint32_t date, clock;
    } cases[] = {
        {0, 1 << 5 | 1, 0},
        {315532800, 1 << 5 | 1, 0},
        {951827697, 20 << 9 | 2 << 5 | 29, 12 << 11 | 34 << 5 | 28}, /* 2000-02-29 12:34:57 */
        {1700000001, 43 << 9 | 11 << 5 | 14, 22 << 11 | 13 << 5 | 10},
        {4107542400, 120 << 9 | 3 << 5 | 1, 0}, /* 2100 is no leap year */
        {253402300799, 127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29},
    };
    const struct fat_file file = text("A", "x");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_BUF out = BUF_INIT(16 << 20);
        struct fat_options o = options(FAT_12, 0, 0);
        o.time = cases[i].time;
        make(&o, &file, 1, &out);
        const uint8_t *entry =
            out.data + ((size_t)1 + 2 * (size_t)get_le16(out.data + 22)) * 512 + 32;
        assert_int_equal(get_le16(entry + 24), cases[i].date);
        assert_int_equal(get_le16(entry + 22), cases[i].clock);
        assert_int_equal(get_le16(entry + 16), cases[i].date);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),   cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_sectors),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
