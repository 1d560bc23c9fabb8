/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: each kind takes exactly its own; extract.file; the table of kinds and libraries. */
#include "builder/steps/step.h"
#include "tests/unit/encode_common.h"

static int check(const char *kind_name, const char *text)
{
    AUTO_JSON json_t *params = NULL;
    const struct step_kind *kind = step_kind_find(&builder_steps, kind_name);
    assert_non_null(kind);
    int rc = json_parse(text, strlen(text), "params", NULL, &params, &e);
    if (rc < 0)
        fail_msg("not JSON: %s", text);
    struct jcur root = jcur_root(params, "params");
    return step_params_check(kind->params, &root, 1, &e);
}

/* The text with one part replaced by another. */
static char *altered(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *out = NULL;
    assert_non_null(at);
    assert_int_equal(
        str_format(&out, &e, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), 0);
    return out;
}

struct change {
    const char *from;
    const char *to;
};

static void assert_changes_refused(const char *kind, const char *good, const struct change *changes,
                                   size_t count)
{
    assert_int_equal(check(kind, good), 0);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *bad = altered(good, changes[i].from, changes[i].to);
        if (check(kind, bad) != -ERR_INPUT)
            fail_msg("%s took %s", kind, bad);
    }
}
#define CHANGES(array) array, sizeof(array) / sizeof((array)[0])

static void test_tar(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"\"exclude\":[\"a/*\"]", ""},
        {"[\"a/*\"]", "null"},
        {"[\"a/*\"]", "\"a\""},
        {"[\"a/*\"]", "[1]"},
        {"\"a/*\"", "\"\""},
        {"\"a/*\"", "\"/a\""},
        {"\"a/*\"", "\"[a\""},
        {"\"a/*\"", "\"a\\\\\""},
        {"\"exclude\":", "\"sort\":true,\"exclude\":"},
        {"\"exclude\":", "\"sparse\":1,\"exclude\":"},
        {"\"exclude\":", "\"sparse\":null,\"exclude\":"},
    };
    assert_changes_refused("encode.tar", "{\"exclude\":[\"a/*\"]}", CHANGES(changes));
}

static void test_cartesi(void **state)
{
    (void)state;
    static const char good[] =
        "{\"emulator\":\"0.21\",\"hashFunction\":\"keccak256\",\"ramLength\":65536,"
        "\"bootargs\":\"quiet\",\"init\":\"\",\"entrypoint\":\"\",\"inputs\":[\"flashDrives.0\"],"
        "\"registers\":{\"x10\":\"0x1\",\"htif\":{\"iconsole\":\"0x2\"}},\"nvrams\":[],"
        "\"flashDrives\":[{\"label\":\"root\",\"length\":4096,\"readOnly\":true,"
        "\"start\":\"0x80000000000000\"}],\"phtcSize\":16}";
    static const struct change changes[] = {
        {"0.21", "0.19"},
        {"\"emulator\":\"0.21\",", ""},
        {"keccak256", "sha3"},
        {"65536", "65537"},
        {"65536", "0"},
        {"65536", "4294967296"},
        {"\"quiet\"", "null"},
        {"\"init\":\"\",", ""},
        {"[\"flashDrives.0\"]", "[]"},
        {"flashDrives.0", "flashDrives.1"},
        {"flashDrives.0", "flashdrives.0"},
        {"flashDrives.0", ""},
        {"x10", "x32"},
        {"x10", "x0"},
        {"\"0x1\"", "\"0x01\""},
        {"\"0x1\"", "\"0X1\""},
        {"\"0x1\"", "\"0x\""},
        {"\"0x1\"", "\"1\""},
        {"\"0x1\"", "\"-0x1\""},
        {"\"0x1\"", "\"0x10000000000000000\""},
        {"\"0x1\"", "1"},
        {"iconsole", "console"},
        {"\"htif\":{\"iconsole\":\"0x2\"}", "\"htif\":{\"iconsole\":{\"a\":\"0x2\"}}"},
        {"\"root\"", "\"Root\""},
        {"\"root\"", "\"flashdrive0\""},
        {"4096", "4095"},
        {"4096", "0"},
        {"\"readOnly\":true,", ""},
        {"0x80000000000000", "0x80000000"},
        {"0x80000000000000", "0x80000000000001"},
        {"0x80000000000000", "0x100000000000000"},
        {"\"phtcSize\":16", "\"phtcSize\":0"},
        {"\"phtcSize\":16", "\"phtcSize\":2000000"},
        {"\"phtcSize\":16", "\"size\":16"},
    };
    assert_changes_refused("tree.cartesi", good, CHANGES(changes));
    assert_int_equal(check("encode.cartesi-hash", "{}"), 0);
    assert_int_equal(check("encode.cartesi-hash", "{\"a\":1}"), -ERR_INPUT);
    assert_int_equal(check("encode.cartesi-run", "{}"), 0);
    assert_int_equal(check("encode.cartesi-run", "{\"maxCycle\":0}"), 0);
    assert_int_equal(check("encode.cartesi-run", "{\"maxCycle\":-1}"), -ERR_INPUT);
    assert_int_equal(check("encode.cartesi-run", "{\"network\":\"user\"}"), -ERR_INPUT);
}

static void test_squashfs(void **state)
{
    (void)state;
    static const char good[] = "{\"compressor\":\"zstd\",\"level\":15,\"blockSize\":131072,"
                               "\"fragments\":true,\"exports\":false,\"xattrs\":true,\"time\":0,"
                               "\"exclude\":[]}";
    static const struct change changes[] = {
        {"\"zstd\"", "\"lzo\""},
        {"\"zstd\"", "\"ZSTD\""},
        {"\"zstd\"", "\"\""},
        {"\"zstd\"", "null"},
        {"\"compressor\":\"zstd\",", ""},
        {"\"level\":15,", ""},
        {"15", "0"},
        {"15", "23"},
        {"15", "-1"},
        {"15", "1.5"},
        {"15", "\"15\""},
        {"131072", "2048"},
        {"131072", "131073"},
        {"131072", "2097152"},
        {"131072", "0"},
        {"\"fragments\":true,", ""},
        {"\"fragments\":true", "\"fragments\":1"},
        {"\"exports\":false,", ""},
        {"\"xattrs\":true,", ""},
        {"\"time\":0,", ""},
        {"\"time\":0", "\"time\":-1"},
        {"\"time\":0", "\"time\":4294967296"},
        {",\"exclude\":[]", ""},
        {"\"time\":0", "\"time\":0,\"threads\":2"},
        {"\"zstd\",\"level\":15", "\"none\",\"level\":1"},
        {"\"zstd\",\"level\":15", "\"gzip\",\"level\":0"},
        {"\"zstd\",\"level\":15", "\"gzip\",\"level\":10"},
        {"\"zstd\",\"level\":15", "\"xz\",\"level\":10"},
        {"\"zstd\",\"level\":15", "\"lz4\",\"level\":1"},
        {"\"zstd\",\"level\":15", "\"lz4\",\"level\":13"},
    };
    static const struct change fine[] = {
        {"\"zstd\",\"level\":15", "\"none\",\"level\":0"},
        {"\"zstd\",\"level\":15", "\"xz\",\"level\":0"},
        {"\"zstd\",\"level\":15", "\"xz\",\"level\":9"},
        {"\"zstd\",\"level\":15", "\"lz4\",\"level\":0"},
        {"\"zstd\",\"level\":15", "\"lz4\",\"level\":12"},
        {"\"zstd\",\"level\":15", "\"gzip\",\"level\":1"},
        {"15", "1"},
        {"15", "22"},
        {"131072", "4096"},
        {"131072", "1048576"},
        {"\"time\":0", "\"time\":4294967295"},
    };
    assert_changes_refused("encode.squashfs", good, CHANGES(changes));
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        AUTO_FREE char *text = altered(good, fine[i].from, fine[i].to);
        if (check("encode.squashfs", text) != 0)
            fail_msg("refused: %s", text);
    }
}

static void test_initrd(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"\"gzip\"", "\"zstd\""},
        {"9", "0"},
        {"9", "10"},
        {"\"compressor\":\"gzip\",", ""},
        {"\"level\":9,", ""},
        {",\"exclude\":[]", ""},
        {"\"gzip\"", "\"none\""},
        {"\"level\":9", "\"level\":9,\"name\":\"x\""},
    };
    assert_changes_refused("encode.initrd", "{\"compressor\":\"gzip\",\"level\":9,\"exclude\":[]}",
                           CHANGES(changes));
}

static void test_oci(void **state)
{
    (void)state;
    static const char good[] =
        "{\"architecture\":\"riscv64\",\"os\":\"linux\",\"created\":0,\"compressor\":\"gzip\","
        "\"level\":6,\"exclude\":[],\"config\":{\"Cmd\":[\"a\"],\"Entrypoint\":[],"
        "\"Env\":[\"A=b\"],\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"k\":\"v\"},"
        "\"StopSignal\":\"SIGTERM\",\"User\":\"1:2\",\"Volumes\":{\"/v\":{}},"
        "\"WorkingDir\":\"/\"}}";
    static const struct change changes[] = {
        {"\"riscv64\"", "\"\""},
        {"\"riscv64\"", "\"RISCV\""},
        {"\"riscv64\"", "\"a/b\""},
        {"\"os\":\"linux\",", ""},
        {"\"created\":0", "\"created\":253402300800"},
        {"\"created\":0", "\"created\":-1"},
        {"\"level\":6", "\"level\":0"},
        {"[\"a\"]", "\"a\""},
        {"[\"a\"]", "[1]"},
        {"\"A=b\"", "\"A\""},
        {"\"A=b\"", "\"=b\""},
        {"\"80/tcp\":{}", "\"80/tcp\":{\"x\":1}"},
        {"\"80/tcp\":{}", "\"80/tcp\":1"},
        {"\"k\":\"v\"", "\"k\":1"},
        {"\"SIGTERM\"", "15"},
        {"\"User\"", "\"Hostname\""},
        {"\"/v\":{}", "\"/v\":[]"},
        {"\"config\":{", "\"confi\":{"},
    };
    assert_changes_refused("encode.oci", good, CHANGES(changes));
}

static void test_extract(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"boot/vmlinuz", ""},     {"boot/vmlinuz", "/boot"}, {"boot/vmlinuz", "a/../b"},
        {"boot/vmlinuz", "./a"},  {"boot/vmlinuz", "a//b"},  {"boot/vmlinuz", "a/"},
        {"\"path\"", "\"file\""},
    };
    assert_changes_refused("extract.file", "{\"path\":\"boot/vmlinuz\"}", CHANGES(changes));

    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_BUF none = BUF_INIT(1 << 20);
    fill(p, add(t, "boot", "vmlinuz-6", TREE_FILE, 0644), "kernel", 6);
    (void)add(t, "boot", "empty", TREE_FILE, 0644);
    (void)add_symlink(t, "", "vmlinuz", "/boot/vmlinuz-6");
    (void)add_symlink(t, "", "dangling", "../../../etc/passwd");
    commit(p);
    (void)run_all_jobs("extract.file", t, "{\"path\":\"vmlinuz\"}", &bytes);
    assert_string_equal(buf_str(&bytes), "kernel");
    (void)run_all_jobs("extract.file", t, "{\"path\":\"boot/empty\"}", &none);
    assert_int_equal(none.len, 0);
    assert_refused("extract.file", t, "{\"path\":\"boot\"}", ERR_INPUT, "no regular file");
    assert_refused("extract.file", t, "{\"path\":\"boot/x\"}", ERR_INPUT, "no such file");
    assert_refused("extract.file", t, "{\"path\":\"dangling\"}", ERR_INPUT, "no such file");
}

static void test_tables(void **state)
{
    (void)state;
    const struct step_kind *const *kinds = builder_steps.kinds;
    assert_true(builder_steps.kind_count >= 7);
    for (size_t i = 0; i < builder_steps.kind_count; i++) {
        assert_true(i == 0 || strcmp(kinds[i - 1]->name, kinds[i]->name) < 0);
        assert_ptr_equal(step_kind_find(&builder_steps, kinds[i]->name), kinds[i]);
        assert_true(kinds[i]->max_inputs >= 1 && kinds[i]->min_inputs <= kinds[i]->max_inputs);
        for (size_t k = 0; kinds[i]->libraries != NULL && kinds[i]->libraries[k] != NULL; k++)
            assert_non_null(toolchain_library_version(kinds[i]->libraries[k]));
    }
    assert_null(step_kind_find(&builder_steps, "encode.nothing"));
    assert_null(toolchain_library_version("libcrypto"));
    const char *const *libraries = builder_steps.libraries;
    for (size_t i = 0; i < builder_steps.library_count; i++) {
        assert_true(i == 0 || strcmp(libraries[i - 1], libraries[i]) < 0);
        const char *version = toolchain_library_version(libraries[i]);
        assert_true(version[0] >= '0' && version[0] <= '9');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cartesi), cmocka_unit_test(test_tar), cmocka_unit_test(test_squashfs),
        cmocka_unit_test(test_initrd),  cmocka_unit_test(test_oci), cmocka_unit_test(test_extract),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
