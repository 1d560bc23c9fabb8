/* SPDX-License-Identifier: Apache-2.0 */
/* encode.oci: the three documents to the byte, and the layer. */
#include "tests/unit/encode_common.h"

#include <zlib.h>

#define PARAMS                                                                                     \
    "{\"architecture\":\"riscv64\",\"os\":\"linux\",\"created\":1700000000,"                       \
    "\"compressor\":\"gzip\",\"level\":6,\"exclude\":[],\"config\":{\"Entrypoint\":[\"/init\"]}}"

static struct tree *small_tree(void)
{
    struct tree *t = new_tree();
    struct tree_packer *p = new_packer(t);
    fill(p, add(t, "", "init", TREE_FILE, 0755), "#!", 2);
    commit(p);
    return t;
}

static void hex_of(const struct digest *d, char *text)
{
    (void)digest_format(d, text);
}

static void test_documents(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_BUF tar = BUF_INIT(1 << 20);
    AUTO_BUF layer = BUF_INIT(1 << 20);
    AUTO_BUF config = BUF_INIT(1 << 20);
    AUTO_BUF manifest = BUF_INIT(1 << 20);
    AUTO_FREE char *want = NULL;
    struct step_output out = {0};
    char text[2][DIGEST_TEXT_MAX];
    struct digest tar_digest = run_all_jobs("encode.tar", t, "{\"exclude\":[]}", &tar);

    assert_int_equal(try_step("encode.oci", t, PARAMS, 2, &out), 0);
    assert_int_equal(out.related_count, 2);
    read_blob(&out.related[0], &config);
    read_blob(&out.related[1], &layer);
    read_blob(&out.digest, &manifest);
    assert_int_equal(out.size, manifest.len);
    hex_of(&tar_digest, text[0]);
    assert_int_equal(
        str_format(&want, &e,
                   "{\"architecture\":\"riscv64\",\"config\":{\"Entrypoint\":[\"/init\"]},"
                   "\"created\":\"2023-11-14T22:13:20Z\",\"history\":[{\"created\":"
                   "\"2023-11-14T22:13:20Z\",\"created_by\":\"assay encode.oci\"}],"
                   "\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"%s\"],\"type\":\"layers\"}}",
                   text[0]),
        0);
    assert_string_equal(buf_str(&config), want);
    free(steal_ptr(&want));
    hex_of(&out.related[0], text[0]);
    hex_of(&out.related[1], text[1]);
    assert_int_equal(
        str_format(&want, &e,
                   "{\"config\":{\"digest\":\"%s\",\"mediaType\":"
                   "\"application/vnd.oci.image.config.v1+json\",\"size\":%zu},\"layers\":[{"
                   "\"digest\":\"%s\",\"mediaType\":"
                   "\"application/vnd.oci.image.layer.v1.tar+gzip\",\"size\":%zu}],"
                   "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                   "\"schemaVersion\":2}",
                   text[0], config.len, text[1], layer.len),
        0);
    assert_string_equal(buf_str(&manifest), want);
    AUTO_FREE uint8_t *plain = malloc(tar.len);
    uLongf plain_len = tar.len;
    z_stream z = {.next_in = layer.data, .avail_in = (uInt)layer.len};
    assert_non_null(plain);
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    z.next_out = plain;
    z.avail_out = (uInt)plain_len;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(inflateEnd(&z), Z_OK);
    assert_memory_equal(plain, tar.data, tar.len);
    step_output_dispose(&out);
    (void)run_all_jobs("encode.oci", t, PARAMS, NULL);
}

static void test_whiteouts_refused(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = new_tree();
    (void)add(t, "d", ".wh.x", TREE_FILE, 0644);
    (void)run_step("encode.tar", t, "{\"exclude\":[]}", 1);
    assert_refused("encode.oci", t, PARAMS, ERR_INPUT, "'d/.wh.x'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_whiteouts_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
