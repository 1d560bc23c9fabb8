/* SPDX-License-Identifier: Apache-2.0 */
/* Images as layout directories: whole or not at all, over what may be replaced and nothing else. */
#include "tests/unit/encode_common.h"

#include "base/media_types.h"

#include <sys/stat.h>

struct image {
    struct digest manifest;
    struct digest blobs[2]; /* config, layer */
};

/* An image of two blobs that are no config and no layer: a layout does not look into them. */
static struct image small_image(void)
{
    struct image image;
    char text[2][DIGEST_TEXT_MAX];
    AUTO_FREE char *manifest = NULL;
    assert_int_equal(cas_put(store, "{}", 2, &image.blobs[0], &e), 0);
    assert_int_equal(cas_put(store, "layer", 5, &image.blobs[1], &e), 0);
    assert_int_equal(
        str_format(
            &manifest, &e,
            "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"schemaVersion\":2,"
            "\"config\":{\"digest\":\"%s\",\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"size\":2},"
            "\"layers\":[{\"digest\":\"%s\",\"mediaType\":\"" MEDIA_OCI_LAYER "\",\"size\":5}]}",
            digest_format(&image.blobs[0], text[0]), digest_format(&image.blobs[1], text[1])),
        0);
    assert_int_equal(cas_put(store, manifest, strlen(manifest), &image.manifest, &e), 0);
    return image;
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

static void assert_layout(const char *path, const struct image *image)
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
    assert_non_null(strstr(buf_str(&index), digest_format(&image->manifest, text)));
    assert_non_null(strstr(buf_str(&index), "\"org.opencontainers.image.ref.name\":\"v1\""));
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(&image->manifest, text));
    assert_true(exists(path, name));
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(&image->blobs[i], text));
        assert_true(exists(path, name));
    }
}

static void test_layout(void **state)
{
    (void)state;
    const struct image image = small_image();
    AUTO_FREE char *path = in_scratch("layout");
    AUTO_FREE char *other = in_scratch("other");
    AUTO_FREE char *file = in_scratch("file");
    assert_int_equal(oci_layout_export(store, &image.manifest, "v1", path, &e), 0);
    assert_layout(path, &image);
    /* again, over itself, and over a layout with other things in it */
    AUTO_FREE char *stray = NULL;
    assert_int_equal(path_join(&stray, path, "stray", &e), 0);
    assert_int_equal(file_replace(stray, "x", 1, 0644, &e), 0);
    assert_int_equal(oci_layout_export(store, &image.manifest, "v1", path, &e), 0);
    assert_layout(path, &image);
    assert_false(exists(path, "stray"));
    /* an empty directory makes room; anything else does not */
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(oci_layout_export(store, &image.manifest, "v1", other, &e), 0);
    assert_layout(other, &image);
    assert_int_equal(file_replace(file, "x", 1, 0644, &e), 0);
    assert_int_equal(oci_layout_export(store, &image.manifest, "v1", file, &e), -ERR_USAGE);
    AUTO_FREE char *kept = in_scratch("kept");
    assert_int_equal(mkdir(kept, 0700), 0);
    AUTO_FREE char *inside = NULL;
    assert_int_equal(path_join(&inside, kept, "data", &e), 0);
    assert_int_equal(file_replace(inside, "x", 1, 0644, &e), 0);
    assert_int_equal(oci_layout_export(store, &image.manifest, "v1", kept, &e), -ERR_USAGE);
    assert_true(exists(kept, "data"));
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
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_layout_fails),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
