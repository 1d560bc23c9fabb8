/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks taken over from an earlier image: never another content, whatever the earlier image or its
 * index holds. */
#include "tests/unit/encode_common.h"

#include "builder/steps/earlier.h"
#include "builder/steps/kinds.h"
#include "formats/squashfs/squashfs.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { BLOCK = 4096, FILES = 24, IMAGE_MAX = 8 << 20 };

static uint32_t next(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

/* Text, noise, holes and small files; `word` is what one of the small ones holds. */
static struct tree *make_tree(const char *word)
{
    struct tree *t = new_tree();
    struct tree_packer *packer = new_packer(t);
    AUTO_FREE uint8_t *data = malloc((size_t)FILES * BLOCK);
    char name[16];
    assert_non_null(data);
    fill(packer, add(t, "etc", "motd", TREE_FILE, 0644), word, strlen(word));
    for (uint32_t i = 0; i < FILES; i++) {
        uint32_t x = i;
        size_t len = i * BLOCK - (i > 0 ? i * 37 : 0);
        for (size_t k = 0; k < len; k++) {
            uint32_t r = next(&x);
            uint8_t zero_or_two_bits = k % 9000 < 5000 ? 0 : (uint8_t)(r & 3);
            data[k] = i % 3 == 0   ? (uint8_t)r
                      : i % 3 == 1 ? (uint8_t) "abcdefgh"[r & 7]
                                   : zero_or_two_bits;
        }
        (void)snprintf(name, sizeof(name), "f%02u", i);
        fill(packer, add(t, "usr", name, TREE_FILE, 0644), data, len);
    }
    commit(packer);
    return t;
}

static const struct squashfs_params usual = {
    .compressor = SQUASHFS_ZSTD, .level = 15, .block_size = BLOCK, .fragments = true, .time = 7};

/* Writes the image; its bytes, and as a blob its digest. `index` may be NULL. */
static void write_image(const struct tree *t, const struct squashfs_params *p,
                        struct squashfs_reuse *reuse, unsigned jobs, struct buf *bytes,
                        struct digest *image)
{
    AUTO_VIEW view = {0};
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, scratch, "image", &e), 0);
    assert_int_equal(view_build(t, NULL, &view, &e), 0);
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    struct squashfs_input in = {
        .tree = t, .view = &view, .cas = store, .jobs = jobs, .reuse = reuse};
    assert_int_equal(squashfs_write(&in, p, fd, &e), 0);
    bytes->len = 0;
    assert_int_equal(file_read(path, bytes, &e), 0);
    assert_int_equal(cas_put(store, bytes->data, bytes->len, image, &e), 0);
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void test_no_byte_changes(void **state)
{
    (void)state;
    static const struct {
        enum squashfs_compressor compressor;
        int level;
    } cases[] = {{SQUASHFS_ZSTD, 15},
                 {SQUASHFS_ZSTD, 1},
                 {SQUASHFS_GZIP, 9},
                 {SQUASHFS_XZ, 6},
                 {SQUASHFS_LZ4, 12}};
    AUTO_TREE struct tree *one = make_tree("one");
    AUTO_TREE struct tree *two = make_tree("a word of another length");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct squashfs_params p = usual;
        p.compressor = cases[i].compressor;
        p.level = cases[i].level;
        AUTO_SQUASHFS_REUSE struct squashfs_reuse *first = NULL;
        AUTO_SQUASHFS_REUSE struct squashfs_reuse *second = NULL;
        AUTO_BUF plain_one = BUF_INIT(IMAGE_MAX), plain_two = BUF_INIT(IMAGE_MAX);
        AUTO_BUF noted = BUF_INIT(IMAGE_MAX), taken = BUF_INIT(IMAGE_MAX);
        struct digest image, index, other;
        write_image(one, &p, NULL, 1, &plain_one, &other);
        write_image(two, &p, NULL, 1, &plain_two, &other);
        assert_false(same(&plain_one, &plain_two));
        assert_int_equal(squashfs_reuse_new(BLOCK, &first, &e), 0);
        write_image(one, &p, first, 3, &noted, &image);
        assert_true(same(&plain_one, &noted));
        assert_int_equal(squashfs_reuse_store(first, store, &index, &e), 0);
        assert_int_equal(squashfs_reuse_new(BLOCK, &second, &e), 0);
        assert_int_equal(squashfs_reuse_load(second, store, &image, &index, &e), 0);
        write_image(two, &p, second, 2, &taken, &other);
        assert_true(same(&plain_two, &taken));
    }
}

/* The index of an image at another level, which the step would never ask for: its blocks can be
 * told apart, so that they show up where they are taken over. */
static void test_blocks_are_taken(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = make_tree("one");
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *fast = NULL;
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *slow = NULL;
    AUTO_BUF fast_bytes = BUF_INIT(IMAGE_MAX), slow_bytes = BUF_INIT(IMAGE_MAX),
             taken = BUF_INIT(IMAGE_MAX);
    struct squashfs_params p = usual;
    struct digest image, index, other;
    write_image(t, &usual, NULL, 1, &slow_bytes, &other);
    p.level = 1;
    assert_int_equal(squashfs_reuse_new(BLOCK, &fast, &e), 0);
    write_image(t, &p, fast, 1, &fast_bytes, &image);
    assert_int_equal(squashfs_reuse_store(fast, store, &index, &e), 0);
    assert_true(fast_bytes.len > slow_bytes.len);
    assert_int_equal(squashfs_reuse_new(BLOCK, &slow, &e), 0);
    assert_int_equal(squashfs_reuse_load(slow, store, &image, &index, &e), 0);
    write_image(t, &usual, slow, 2, &taken, &other);
    assert_int_equal(taken.len, fast_bytes.len);
    assert_false(same(&slow_bytes, &taken));
}

static void flip(const struct digest *d)
{
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *path = NULL;
    uint8_t byte = 0;
    assert_int_equal(str_format(&path, &e, "%s/store/blobs/sha256/%s", scratch, digest_hex(d, hex)),
                     0);
    assert_int_equal(chmod(path, 0644), 0);
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, 200), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 200), 1);
}

/* Every entry may lie: bytes of other blocks, of tables, at other places. */
static void test_wrong_index(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = make_tree("one");
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *first = NULL;
    AUTO_BUF plain = BUF_INIT(IMAGE_MAX), index = BUF_INIT(IMAGE_MAX), got = BUF_INIT(IMAGE_MAX);
    struct digest image, other, wrong;
    assert_int_equal(squashfs_reuse_new(BLOCK, &first, &e), 0);
    write_image(t, &usual, first, 1, &plain, &image);
    assert_int_equal(squashfs_reuse_format(first, &index, &e), 0);
    assert_true(index.len > 16 + 20 * 24);
    for (unsigned round = 0; round < 4; round++) {
        AUTO_SQUASHFS_REUSE struct squashfs_reuse *r = NULL;
        AUTO_BUF lies = BUF_INIT(IMAGE_MAX);
        assert_int_equal(buf_add(&lies, index.data, index.len, &e), 0);
        for (size_t at = 16; at < lies.len; at += 24) {
            if (round == 0) /* all at one place */
                memset(lies.data + at + 8, 1, 1);
            else if (round == 1) /* a little further */
                lies.data[at + 8] ^= 1;
            else if (round == 2) /* shorter than they are */
                memcpy(lies.data + at + 20, "\x09\0\0\0", 4);
            else /* of another block */
                memcpy(lies.data + at + 8, index.data + 16 + (at + 24 < index.len ? at + 8 : 8), 8);
        }
        assert_int_equal(cas_put(store, lies.data, lies.len, &wrong, &e), 0);
        assert_int_equal(squashfs_reuse_new(BLOCK, &r, &e), 0);
        /* An index that is refused as a whole does no harm either. */
        int rc = squashfs_reuse_load(r, store, &image, &wrong, &e);
        assert_true(rc == 0 || rc == -ERR_INPUT);
        write_image(t, &usual, r, 2, &got, &other);
        assert_true(same(&plain, &got));
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const uint8_t entry[24] = {1, 0, 0, 0, 0, 0,  0, 0, 10, 0, 0, 0,
                                      0, 0, 0, 0, 0, 16, 0, 0, 5,  0, 0, 0};
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *r = NULL;
    uint8_t good[16 + 48] = "assay-blocks/1\n";
    assert_int_equal(squashfs_reuse_new(BLOCK, &r, &e), 0);
    memcpy(good + 16, entry, 24);
    memcpy(good + 40, entry, 24);
    good[40] = 2;
    assert_int_equal(squashfs_reuse_parse(r, good, sizeof(good), 15, &e), 0);
    assert_int_equal(squashfs_reuse_parse(r, good, 40, 15, &e), 0);
    assert_int_equal(squashfs_reuse_parse(r, good, 16, 0, &e), 0);
    assert_int_equal(squashfs_reuse_parse(r, good, sizeof(good), 14, &e), -ERR_INPUT);
    assert_int_equal(squashfs_reuse_parse(r, good, sizeof(good) - 1, 15, &e), -ERR_INPUT);
    assert_int_equal(squashfs_reuse_parse(r, good, 15, 15, &e), -ERR_INPUT);
    static const struct {
        size_t at;
        uint8_t byte;
    } bad[] = {{0, 'b'}, {15, 1}, {40, 0}, {40, 1}, {17 + 14, 255},
               {33, 17}, {33, 0}, {36, 0}, {37, 17}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t copy[sizeof(good)];
        memcpy(copy, good, sizeof(good));
        copy[bad[i].at] = bad[i].byte;
        if (squashfs_reuse_parse(r, copy, sizeof(copy), 15, &e) != -ERR_INPUT)
            fail_msg("case %zu is taken", i);
    }
}

/* ---- through the step: what is remembered, and for whom ----------------------- */

static const char step_params[] =
    "{\"compressor\":\"zstd\",\"level\":%d,\"blockSize\":4096,\"fragments\":true,\"exports\":true,"
    "\"xattrs\":false,\"time\":7,\"exclude\":[]}";

static struct digest run_lineage(const struct tree *t, int level, const char *lineage)
{
    char text[512];
    (void)snprintf(text, sizeof(text), step_params, level);
    AUTO_JSON json_t *params = json_loads(text, 0, NULL);
    struct jcur c = jcur_root(params, "params");
    struct step_context context = {.cas = store, .jobs = 2, .lineage = lineage};
    struct step_input input = {.id = "root", .kind = VALUE_TREE, .tree = t};
    struct step_output out = {0};
    assert_int_equal(
        step_run(&builder_runners, &step_encode_squashfs, &context, &c, &input, 1, &out, &e), 0);
    struct digest d = out.digest;
    step_output_dispose(&out);
    return d;
}

static bool remembered(const char *lineage, const char *options, struct earlier *out)
{
    struct step_context context = {.cas = store, .jobs = 1, .lineage = lineage};
    return earlier_find(&context, &step_encode_squashfs, options, out);
}

static void test_step(void **state)
{
    (void)state;
    AUTO_TREE struct tree *one = make_tree("one");
    AUTO_TREE struct tree *two = make_tree("two and more");
    struct earlier found;
    struct digest plain_one = run_lineage(one, 15, NULL);
    struct digest plain_two = run_lineage(two, 15, NULL);
    assert_false(remembered("a/image", "zstd 15 4096", &found));
    struct digest d = run_lineage(one, 15, "a/image");
    assert_true(digest_equal(&d, &plain_one));
    assert_true(remembered("a/image", "zstd 15 4096", &found));
    assert_true(digest_equal(&found.output, &plain_one));
    assert_false(remembered("b/image", "zstd 15 4096", &found));
    assert_false(remembered("a/image", "zstd 14 4096", &found));
    assert_false(remembered(NULL, "zstd 15 4096", &found));
    d = run_lineage(two, 15, "a/image");
    assert_true(digest_equal(&d, &plain_two));
    assert_true(remembered("a/image", "zstd 15 4096", &found));
    assert_true(digest_equal(&found.output, &plain_two));
    /* Neither a damaged image nor a damaged index is used. */
    flip(&found.output);
    d = run_lineage(one, 15, "a/image");
    assert_true(digest_equal(&d, &plain_one));
    assert_true(remembered("a/image", "zstd 15 4096", &found));
    flip(&found.parts);
    d = run_lineage(two, 15, "a/image");
    assert_true(digest_equal(&d, &plain_two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_byte_changes),
        cmocka_unit_test(test_blocks_are_taken),
        cmocka_unit_test(test_wrong_index),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_step),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
