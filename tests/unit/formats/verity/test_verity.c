/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity trees: where levels are, derived ids, and what a reader refuses. */
#include "tests/unit/encode_common.h"

#include "builder/steps/ids.h"
#include "formats/verity/verity.h"

static void test_layout(void **state)
{
    (void)state;
    static const struct {
        uint64_t data;
        unsigned levels;
        uint64_t hash;
    } cases[] = {
        {1, 0, 0},
        {2, 1, 1},
        {128, 1, 1},
        {129, 2, 3},
        {16384, 2, 129},
        {16385, 3, 132},
        {UINT64_C(1) << 49, 7, 0},
        {VERITY_DATA_BLOCKS_MAX, 8, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verity_layout l;
        verity_layout(cases[i].data, &l);
        assert_int_equal(l.levels, cases[i].levels);
        if (cases[i].data < UINT64_C(1) << 49)
            assert_int_equal(l.hash_blocks, cases[i].hash);
        for (unsigned k = 0; k < l.levels; k++) {
            uint64_t below = k == 0 ? l.data_blocks : l.blocks[k - 1];
            uint64_t end = k == 0 ? l.hash_blocks : l.start[k - 1];
            assert_int_equal(l.blocks[k], (below + 127) / 128);
            assert_int_equal(l.start[k] + l.blocks[k], end);
        }
    }
}

static void write_tree(const uint8_t *data, size_t len, struct buf *out)
{
    AUTO_FCLOSE FILE *f = tmpfile();
    struct verity_ids ids = {.uuid = {1, 2}, .salt = {3, 4, 5}, .salt_len = 3};
    assert_non_null(f);
    assert_int_equal(verity_write(data, len, &ids, fileno(f), 0, 3, &e), 0);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    assert_int_equal(buf_reserve(out, size, &e), 0);
    assert_int_equal(fd_pread_all(fileno(f), out->data, size, 0, "the tree", &e), 0);
    out->len = size;
}

static void test_read(void **state)
{
    (void)state;
    enum { LEN = 300 * VERITY_BLOCK };
    AUTO_FREE uint8_t *data = malloc(LEN);
    AUTO_BUF tree = BUF_INIT(1 << 20);
    struct verity_facts f;
    assert_non_null(data);
    noise(data, LEN, 1);
    write_tree(data, LEN, &tree);
    assert_int_equal(verity_read(tree.data, tree.len, false, NULL, 0, &f, &e), 0);
    assert_int_equal(f.data_blocks, 300);
    assert_int_equal(f.hash_offset, 0);
    assert_int_equal(f.ids.salt_len, 3);
    assert_int_equal(f.ids.uuid[1], 2);
    /* Every byte of the superblock counts, but for those of the ids. */
    for (size_t i = 0; i < VERITY_SUPERBLOCK; i++) {
        bool id = (i >= 16 && i < 32) || i == 80 || (i >= 88 && i < 91);
        tree.data[i] ^= 0x80;
        int rc = verity_read(tree.data, tree.len, false, NULL, 0, &f, &e);
        tree.data[i] ^= 0x80;
        assert_int_equal(rc, id ? 0 : -ERR_INPUT);
    }
    assert_int_equal(verity_read(tree.data, tree.len - 1, false, NULL, 0, &f, &e), -ERR_INPUT);
    assert_int_equal(verity_read(tree.data, tree.len - VERITY_BLOCK, false, NULL, 0, &f, &e),
                     -ERR_INPUT);
    assert_int_equal(verity_read(tree.data, tree.len, true, NULL, 0, &f, &e), -ERR_INPUT);
    assert_int_equal(verity_read(tree.data, 0, false, NULL, 0, &f, &e), -ERR_INPUT);
}

static void test_one_block(void **state)
{
    (void)state;
    uint8_t data[VERITY_BLOCK];
    AUTO_BUF tree = BUF_INIT(1 << 20);
    struct verity_facts f;
    struct verity_facts g;
    noise(data, sizeof(data), 1);
    write_tree(data, sizeof(data), &tree);
    assert_int_equal(tree.len, VERITY_BLOCK);
    assert_int_equal(verity_read(tree.data, tree.len, false, NULL, 0, &f, &e), -ERR_INPUT);
    assert_int_equal(verity_read(tree.data, tree.len, false, data, sizeof(data), &f, &e), 0);
    data[5] ^= 1;
    assert_int_equal(verity_read(tree.data, tree.len, false, data, sizeof(data), &g, &e), 0);
    assert_memory_not_equal(f.root, g.root, sizeof(f.root));
}

static void test_ids(void **state)
{
    (void)state;
    struct digest d;
    uint8_t a[UUID_SIZE];
    uint8_t b[UUID_SIZE];
    char text[UUID_TEXT_MAX];
    assert_int_equal(digest_bytes(DIGEST_SHA256, "", 0, &d, &e), 0);
    assert_int_equal(id_derive_uuid(&d, "a test", a, &e), 0);
    assert_int_equal(a[6] >> 4, 8);
    assert_int_equal(a[8] >> 6, 2);
    /* printf 'https://assay.example/derived-id/v1\0a test\0sha256:e3b0…b855\0' | sha256sum */
    assert_string_equal(uuid_format(a, text), "d50ac1d0-76a4-86ef-92cd-004cee9ac546");
    assert_int_equal(id_derive_uuid(&d, "another", b, &e), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(uuid_parse(text, b));
    assert_memory_equal(a, b, sizeof(a));
    assert_false(uuid_parse("00112233-4455-6677-8899-aabbccddeefg", b));
    assert_false(uuid_parse("00112233-4455-6677-8899-AABBCCDDEEFF", b));
    assert_false(uuid_parse("00112233-4455-6677-8899-aabbccddee", b));
    assert_false(uuid_parse("00112233-4455-6677-8899+aabbccddeeff", b));
    assert_false(uuid_parse("", b));
}

static int check(const char *kind_name, size_t inputs, const char *text)
{
    AUTO_JSON json_t *params = NULL;
    const struct step_kind *kind = step_kind_find(&builder_steps, kind_name);
    assert_non_null(kind);
    assert_int_equal(json_parse(text, strlen(text), "params", NULL, &params, &e), 0);
    struct jcur root = jcur_root(params, "params");
    return step_params_check(kind->params, &root, inputs, &e);
}

static void test_params(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{'append':true,'salt':'derived'}",
        "{'append':true,'salt':'0','uuid':'derived'}",
        "{'append':true,'salt':'0G','uuid':'derived'}",
        "{'append':true,'salt':'AA','uuid':'derived'}",
        "{'append':1,'salt':'derived','uuid':'derived'}",
        "{'append':true,'salt':'derived','uuid':''}",
        "{'append':true,'salt':'derived','uuid':'derived','hash':'sha1'}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "%s", bad[i]);
        for (char *p = text; *p != '\0'; p++)
            *p = *p == '\'' ? '"' : *p;
        assert_int_equal(check("encode.verity", 1, text), -ERR_INPUT);
    }
    const char *given = "{\"append\":true,\"salt\":\"\",\"uuid\":"
                        "\"00112233-4455-6677-8899-aabbccddeeff\"}";
    assert_int_equal(check("encode.verity", 1, given), 0);
    assert_int_equal(check("encode.verity", 2, given), -ERR_INPUT);
    const char *json = "{\"appended\":true,\"form\":\"json\"}";
    assert_int_equal(check("extract.verity", 1, json), 0);
    assert_int_equal(check("extract.verity", 2, json), -ERR_INPUT);
    assert_int_equal(check("extract.verity", 1, "{\"appended\":true,\"form\":\"text\"}"),
                     -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),    cmocka_unit_test(test_read),
        cmocka_unit_test(test_one_block), cmocka_unit_test(test_ids),
        cmocka_unit_test(test_params),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
