/* SPDX-License-Identifier: Apache-2.0 */
/* Media types as the specifications and Docker spell them, and what each says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/oci/oci_type.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static const struct {
    const char *type;
    bool index, manifest, config;
    const char *compression;
} rows[] = {
    {OCI "index.v1+json", true, false, false, NULL},
    {DOCKER "distribution.manifest.list.v2+json", true, false, false, NULL},
    {OCI "manifest.v1+json", false, true, false, NULL},
    {DOCKER "distribution.manifest.v2+json", false, true, false, NULL},
    {OCI "config.v1+json", false, false, true, NULL},
    {DOCKER "container.image.v1+json", false, false, true, NULL},
    {OCI "layer.v1.tar", false, false, false, "none"},
    {OCI "layer.v1.tar+gzip", false, false, false, "gzip"},
    {OCI "layer.v1.tar+zstd", false, false, false, "zstd"},
    {DOCKER "image.rootfs.diff.tar", false, false, false, "none"},
    {DOCKER "image.rootfs.diff.tar.gzip", false, false, false, "gzip"},
    {DOCKER "image.rootfs.diff.tar.zstd", false, false, false, "zstd"},
    {DOCKER "image.rootfs.diff.tar.xz", false, false, false, NULL},
    {DOCKER "distribution.manifest.v1+json", false, false, false, NULL},
    {OCI "manifest.v1+json ", false, false, false, NULL},
    {"application/vnd.oci.empty.v1+json", false, false, false, NULL},
    {"", false, false, false, NULL},
};

static void test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *type = rows[i].type;
        const char *compression = oci_type_compression(type);
        assert_int_equal(oci_type_is_index(type), rows[i].index);
        assert_int_equal(oci_type_is_manifest(type), rows[i].manifest);
        assert_int_equal(oci_type_is_config(type), rows[i].config);
        assert_int_equal(oci_type_document(type) != NULL, rows[i].index || rows[i].manifest);
        if (rows[i].compression == NULL)
            assert_null(compression);
        else
            assert_string_equal(compression, rows[i].compression);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
