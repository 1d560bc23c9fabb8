/* SPDX-License-Identifier: Apache-2.0 */
/* tree.cartesi, encode.cartesi-hash, encode.cartesi-run, join.parts: machines as values. */
#include "builder/steps/step.h"
#include "tests/unit/encode_common.h"

#include "formats/machine/unpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* The smallest machine of the reference's vectors (a03-noimage-4k), and its root hash. */
static const char smallest[] =
    "{\"emulator\":\"0.21\",\"hashFunction\":\"keccak256\",\"ramLength\":4096,\"bootargs\":"
    "\"quiet earlycon=sbi console=hvc0 uio_pdrv_genirq.of_id=generic-uio \",\"init\":"
    "\"echo \\\"\\n         .\\n        / \\\\\\\\\\n      /    \\\\\\\\\\n\\\\\\\\---/---\\\\\\\\ "
    " /----\\\\\\\\\\n "
    "\\\\\\\\       X       \\\\\\\\\\n  \\\\\\\\----/  \\\\\\\\---/---\\\\\\\\\\n       \\\\\\\\  "
    "  / CARTESI\\n        "
    "\\\\\\\\ /   MACHINE\\n         "
    "'\\n\\\"\\n\",\"entrypoint\":\"\",\"registers\":{},\"flashDrives\":[],"
    "\"nvrams\":[],\"inputs\":[]}";
#define SMALLEST_ROOT "keccak256:fc52a15af640a1820af9d90700908e40e44284eeab04f28c597cf089e4f3233e\n"

/* Two inputs, a drive whose length is its file's, and one of zeros. */
static const char larger[] =
    "{\"emulator\":\"0.21\",\"hashFunction\":\"sha256\",\"ramLength\":65536,\"bootargs\":\"\","
    "\"init\":"
    "\"\",\"entrypoint\":\"\",\"registers\":{\"x10\":\"0x7\"},\"nvrams\":[],\"flashDrives\":[{"
    "\"label\":"
    "\"root\",\"readOnly\":true},{\"label\":\"\",\"length\":8192,\"readOnly\":false}],\"inputs\":"
    "[\"ram\",\"flashDrives.0\"]}";

static int run_blobs(const char *kind_name, const char *params_text, const struct digest *blobs,
                     size_t count, struct step_output *out)
{
    AUTO_JSON json_t *params = NULL;
    const struct step_kind *kind = step_kind_find(&builder_steps, kind_name);
    struct step_input inputs[4] = {{.id = "first"}, {.id = "second"}, {.id = "third"}};
    struct step_context context = {.cas = store, .jobs = 2};
    assert_non_null(kind);
    for (size_t i = 0; i < count; i++) {
        inputs[i].kind = VALUE_BLOB;
        inputs[i].digest = blobs[i];
        assert_true(cas_has(store, &blobs[i], &inputs[i].size));
    }
    assert_int_equal(json_parse(params_text, strlen(params_text), "params", NULL, &params, &e), 0);
    struct jcur root = jcur_root(params, "params");
    return step_run(&builder_runners, kind, &context, &root, inputs, count, out, &e);
}

static void put_noise(size_t len, uint64_t seed, struct digest *out)
{
    AUTO_FREE uint8_t *data = malloc(len);
    assert_non_null(data);
    noise(data, len, seed);
    assert_int_equal(cas_put(store, data, len, out, &e), 0);
}

static struct tree *make(const char *params, const struct digest *blobs, size_t count)
{
    struct step_output out = {0};
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    if (run_blobs("tree.cartesi", params, blobs, count, &out) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_non_null(out.tree);
    return out.tree;
}

static void assert_text(const char *kind, const struct tree *t, const char *params,
                        const char *wanted)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct digest d = run_step(kind, t, params, 3);
    read_blob(&d, &text);
    assert_string_equal(buf_str(&text), wanted);
}

static const struct tree_inode *file_of(const struct tree *t, const char *name)
{
    const struct tree_node *node = tree_child(tree_root(t), name);
    assert_non_null(node);
    return node->inode;
}

static void test_known_root(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = make(smallest, NULL, 0);
    assert_text("encode.cartesi-hash", t, "{}", SMALLEST_ROOT);
    assert_null(tree_child(tree_root(t), "0000000000600000-200000.bin"));
    const struct tree_inode *pmas = file_of(t, "0000000000010000-1000.bin");
    assert_int_equal(pmas->mode, 0444);
    assert_int_equal(pmas->mtime, 0);
    assert_int_equal(file_of(t, "hash_tree.phtc")->content.size, 24 + 12304 * 4096);
    AUTO_JSON json_t *params = json_loads(smallest, 0, NULL);
    assert_non_null(
        strstr(step_kind_find(&builder_steps, "tree.cartesi")->warn(params), "uarch RAM"));
}

static void test_inputs(void **state)
{
    (void)state;
    struct digest blobs[2];
    put_noise(5000, 1, &blobs[0]);
    put_noise(10000, 2, &blobs[1]);
    AUTO_TREE struct tree *t = make(larger, blobs, 2);
    AUTO_TREE struct tree *again = make(larger, blobs, 2);
    struct digest a;
    struct digest b;
    assert_int_equal(tree_digest(t, &a, &e), 0);
    assert_int_equal(tree_digest(again, &b, &e), 0);
    assert_true(digest_equal(&a, &b));
    /* The drive has whole pages, stands behind RAM, and is read-only. */
    const struct tree_inode *drive = file_of(t, "0000000080010000-3000.bin");
    assert_int_equal(drive->content.size, 12288);
    assert_int_equal(drive->mode, 0444);
    struct tree_reader *reader = NULL;
    uint8_t got[12288];
    uint8_t wanted[12288] = {0};
    noise(wanted, 10000, 2);
    assert_int_equal(tree_reader_new(t, store, &reader, &e), 0);
    assert_int_equal(tree_reader_read(reader, &drive->content, 0, got, sizeof(got), &e), 0);
    tree_reader_free(reader);
    assert_memory_equal(got, wanted, sizeof(got));
    struct digest one = run_step("encode.cartesi-hash", t, "{}", 1);
    struct digest many = run_step("encode.cartesi-hash", t, "{}", 4);
    assert_true(digest_equal(&one, &many));
    /* Other inputs are another machine. */
    struct digest other[2] = {blobs[0], blobs[0]};
    AUTO_TREE struct tree *third = make(larger, other, 2);
    struct digest changed = run_step("encode.cartesi-hash", third, "{}", 2);
    assert_false(digest_equal(&one, &changed));
}

static void test_refused_inputs(void **state)
{
    (void)state;
    struct step_output out = {0};
    struct digest blobs[3];
    put_noise(65537, 3, &blobs[0]);
    put_noise(10, 4, &blobs[1]);
    assert_int_equal(run_blobs("tree.cartesi", larger, blobs, 2, &out), -ERR_INPUT);
    assert_int_equal(run_blobs("tree.cartesi", larger, blobs, 1, &out), -ERR_INPUT);
    assert_null(out.tree);
    /* An empty drive has no length. */
    assert_int_equal(cas_put(store, "", 0, &blobs[1], &e), 0);
    blobs[0] = blobs[1];
    assert_int_equal(run_blobs("tree.cartesi", larger, blobs, 2, &out), -ERR_INPUT);
    assert_null(out.tree);
}

/* A terabyte of zeros would be hashed for hours. */
static void test_too_large(void **state)
{
    (void)state;
    struct step_output out = {0};
    AUTO_JSON json_t *params = json_loads(smallest, 0, NULL);
    AUTO_JSON json_t *drive =
        json_pack("{s:s,s:I,s:b}", "label", "", "length", (json_int_t)1 << 40, "readOnly", 0);
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(json_array_append(json_object_get(params, "flashDrives"), drive), 0);
    AUTO_FREE char *text = json_dumps(params, 0);
    assert_non_null(text);
    assert_int_equal(run_blobs("tree.cartesi", text, NULL, 0, &out), -ERR_INPUT);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "more than 64 GiB"));
    assert_null(out.tree);
}

static void test_no_machine(void **state)
{
    (void)state;
    AUTO_TREE struct tree *empty = new_tree();
    assert_refused("encode.cartesi-hash", empty, "{}", ERR_INPUT, "no config.json");
    assert_refused("encode.cartesi-run", empty, "{}", ERR_INPUT, "no config.json");
    AUTO_TREE struct tree *t = make(smallest, NULL, 0);
    tree_unlink(t, tree_child(tree_root(t), "0000000080000000-1000.bin"));
    assert_refused("encode.cartesi-hash", t, "{}", ERR_INPUT,
                   "no file '0000000080000000-1000.bin'");
    struct tree_packer *p = new_packer(t);
    fill(p, add(t, "", "0000000080000000-1000.bin", TREE_FILE, 0644), "x", 1);
    commit(p);
    assert_refused("encode.cartesi-hash", t, "{}", ERR_INPUT, "has 1 bytes, not 4096");
    AUTO_TREE struct tree *broken = make(smallest, NULL, 0);
    p = new_packer(broken);
    fill(p, add(broken, "", "config.json", TREE_FILE, 0644), "{}", 2);
    commit(p);
    assert_refused("encode.cartesi-hash", broken, "{}", ERR_INPUT, "config.json");
}

static void test_run_document(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = make(smallest, NULL, 0);
    AUTO_BUF text = BUF_INIT(65536);
    struct digest d = run_step("encode.cartesi-run", t, "{\"maxCycle\":5}", 1);
    read_blob(&d, &text);
    assert_non_null(strstr(buf_str(&text), "\"maxCycle\":5,\"network\":\"none\""));
    assert_non_null(strstr(buf_str(&text), "\"machine\":\"keccak256:fc52a15a"));
    assert_non_null(strstr(buf_str(&text), "{\"archiveVersion\":7,\"config\":\"sha256:"));
}

/* Packed by encode.tar, unpacked again: the same files, with holes. */
static void test_packed(void **state)
{
    (void)state;
    struct digest blobs[2];
    put_noise(5000, 1, &blobs[0]);
    put_noise(10000, 2, &blobs[1]);
    AUTO_TREE struct tree *t = make(larger, blobs, 2);
    AUTO_FREE char *into = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_CLOSE int fd = -1;
    AUTO_CLOSE int ram = -1;
    struct stat st;
    uint64_t size = 0;
    uint8_t got[8192];
    uint8_t wanted[8192] = {0};
    struct digest d = run_step("encode.tar", t, "{\"exclude\":[],\"sparse\":true}", 1);
    assert_int_equal(cas_open_blob(store, &d, &fd, &size, &e), 0);
    assert_true(size < 300000);
    assert_int_equal(dir_make_temp(scratch, "unpacked.", &into, &e), 0);
    assert_int_equal(machine_unpack_into(fd, size, into, &e), 0);
    assert_int_equal(path_join(&path, into, "0000000080000000-10000.bin", &e), 0);
    ram = open(path, O_RDONLY);
    assert_true(ram >= 0);
    assert_int_equal(fstat(ram, &st), 0);
    assert_int_equal(st.st_size, 65536);
    noise(wanted, 5000, 1);
    assert_int_equal(fd_pread_all(ram, got, sizeof(got), 0, "ram", &e), 0);
    assert_memory_equal(got, wanted, sizeof(got));
}

static void test_join(void **state)
{
    (void)state;
    struct step_output out = {0};
    struct digest blobs[3];
    AUTO_BUF joined = BUF_INIT(1 << 20);
    uint8_t wanted[20100] = {0};
    put_noise(100, 1, &blobs[0]);
    put_noise(5000, 2, &blobs[1]);
    put_noise(100, 3, &blobs[2]);
    noise(wanted, 100, 1);
    noise(wanted + 4097, 5000, 2);
    noise(wanted + 20000, 100, 3);
    assert_int_equal(run_blobs("join.parts", "{\"offsets\":[0,4097,20000]}", blobs, 3, &out), 0);
    read_blob(&out.digest, &joined);
    assert_int_equal(joined.len, sizeof(wanted));
    assert_memory_equal(joined.data, wanted, sizeof(wanted));
    static const char *const bad[] = {"{\"offsets\":[0,4097,9000]}", "{\"offsets\":[0,4097]}",
                                      "{\"offsets\":[0,4097,4097]}", "{\"offsets\":[5,4,9000]}",
                                      "{\"offsets\":[0,1,-1]}",      "{\"offsets\":{}}",
                                      "{\"offsets\":[0,99,20000]}",  "{}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (run_blobs("join.parts", bad[i], blobs, 3, &out) != -ERR_INPUT)
            fail_msg("join.parts took %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_root),     cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_refused_inputs), cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_no_machine),     cmocka_unit_test(test_run_document),
        cmocka_unit_test(test_packed),         cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
