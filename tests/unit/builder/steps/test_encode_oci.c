/* SPDX-License-Identifier: Apache-2.0 */
/* OCI images: the three documents to the byte, the layer, and layout directories. */
#include "tests/unit/builder/steps/encode_common.h"

#include <sys/stat.h>
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

static char *in_scratch(const char *name)
{
    char *path = NULL;
    assert_int_equal(path_join(&path, scratch, name, &e), 0);
    return path;
}

static bool exists(const char *dir, const char *name)
{
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, dir, name, &e), 0);
    return access(path, F_OK) == 0;
}

static void assert_layout(const char *path, const struct step_output *image)
{
    AUTO_FREE char *index_path = NULL;
    AUTO_BUF index = BUF_INIT(1 << 20);
    char text[DIGEST_TEXT_MAX];
    char name[DIGEST_TEXT_MAX + 16];
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_true(exists(path, "oci-layout"));
    assert_int_equal(path_join(&index_path, path, "index.json", &e), 0);
    assert_int_equal(file_read(index_path, &index, &e), 0);
    assert_non_null(strstr(buf_str(&index), digest_format(&image->digest, text)));
    assert_non_null(strstr(buf_str(&index), "\"org.opencontainers.image.ref.name\":\"v1\""));
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(&image->digest, text));
    assert_true(exists(path, name));
    for (size_t i = 0; i < image->related_count; i++) {
        (void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(&image->related[i], text));
        assert_true(exists(path, name));
    }
}

static void test_layout(void **state)
{
    (void)state;
    AUTO_TREE struct tree *t = small_tree();
    AUTO_FREE char *path = in_scratch("layout");
    AUTO_FREE char *other = in_scratch("other");
    AUTO_FREE char *file = in_scratch("file");
    struct step_output out = {0};
    assert_int_equal(try_step("encode.oci", t, PARAMS, 1, &out), 0);
    assert_int_equal(oci_layout_export(store, &out.digest, "v1", path, &e), 0);
    assert_layout(path, &out);
    /* again, over itself, and over a layout with other things in it */
    AUTO_FREE char *stray = NULL;
    assert_int_equal(path_join(&stray, path, "stray", &e), 0);
    assert_int_equal(file_replace(stray, "x", 1, 0644, &e), 0);
    assert_int_equal(oci_layout_export(store, &out.digest, "v1", path, &e), 0);
    assert_layout(path, &out);
    assert_false(exists(path, "stray"));
    /* an empty directory makes room; anything else does not */
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(oci_layout_export(store, &out.digest, "v1", other, &e), 0);
    assert_layout(other, &out);
    assert_int_equal(file_replace(file, "x", 1, 0644, &e), 0);
    assert_int_equal(oci_layout_export(store, &out.digest, "v1", file, &e), -ERR_USAGE);
    AUTO_FREE char *kept = in_scratch("kept");
    assert_int_equal(mkdir(kept, 0700), 0);
    AUTO_FREE char *inside = NULL;
    assert_int_equal(path_join(&inside, kept, "data", &e), 0);
    assert_int_equal(file_replace(inside, "x", 1, 0644, &e), 0);
    assert_int_equal(oci_layout_export(store, &out.digest, "v1", kept, &e), -ERR_USAGE);
    assert_true(exists(kept, "data"));
    step_output_dispose(&out);
}

/* Nothing is left under the name, nor beside it, when a blob is missing or no manifest is given. */
static void test_layout_fails(void **state)
{
    (void)state;
    static const char *const manifests[] = {
        "{}",
        "[]",
        "x",
        "{\"mediaType\":\"m\",\"config\":{\"digest\":\"sha256:"
        "0000000000000000000000000000000000000000"
        "000000000000000000000000\",\"size\":1,\"mediaType\":\"c\"},\"layers\":[]}",
        "{\"mediaType\":\"m\",\"config\":{\"digest\":\"../../x\",\"size\":1},\"layers\":[]}",
    };
    AUTO_FREE char *parent = in_scratch("empty");
    AUTO_FREE char *path = NULL;
    assert_int_equal(mkdir(parent, 0755), 0);
    assert_int_equal(path_join(&path, parent, "layout", &e), 0);
    for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++) {
        struct digest d;
        assert_int_equal(cas_put(store, manifests[i], strlen(manifests[i]), &d, &e), 0);
        assert_int_equal(oci_layout_export(store, &d, "v1", path, &e), -ERR_INPUT);
        assert_int_equal(rmdir(parent), 0); /* it is empty */
        assert_int_equal(mkdir(parent, 0755), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_whiteouts_refused),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_layout_fails),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
