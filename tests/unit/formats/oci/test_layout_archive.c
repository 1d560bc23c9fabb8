/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts in tar archives: what of them is unpacked, and what is refused. */
#include "tests/unit/encode_common.h"

#include "formats/oci/layout_archive.h"
#include "tests/unit/formats/tar/archive.h"

#include <sys/stat.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Unpacks what `b` holds into a directory of its own; caller frees its name. */
static int unpack(const struct buf *b, char **directory)
{
    static unsigned number;
    char name[32];
    AUTO_FREE char *file = NULL;
    (void)snprintf(name, sizeof(name), "%u", number++);
    assert_int_equal(path_join(directory, scratch, name, &e), 0);
    assert_int_equal(mkdir(*directory, 0700), 0);
    assert_int_equal(str_format(&file, &e, "%s.tar", *directory), 0);
    assert_int_equal(file_replace(file, b->data, b->len, 0644, &e), 0);
    return layout_unpack(file, *directory, &e);
}

static void assert_file(const char *directory, const char *name, const char *want)
{
    AUTO_FREE char *path = NULL;
    AUTO_BUF b = BUF_INIT(1 << 16);
    assert_int_equal(path_join(&path, directory, name, &e), 0);
    if (want == NULL) {
        assert_int_not_equal(access(path, F_OK), 0);
        return;
    }
    assert_int_equal(file_read(path, &b, &e), 0);
    assert_string_equal(buf_str(&b), want);
}

static const struct entry layout[] = {
    {"blobs/", '5'},
    {"blobs/sha256/", '5'},
    {"blobs/sha256/" HEX, '0', NULL, "blob"},
    {"blobs/sha256/short", '0', NULL, "no blob"},
    {"blobs/sha512/" HEX, '0', NULL, "of another kind"},
    {"./index.json", '0', NULL, "{}"},
    {"manifest.json", '0', NULL, "docker's"},
    {"oci-layout", '0', NULL, "version"},
    {NULL, 0},
};

static void assert_unpacked(const struct buf *b)
{
    AUTO_FREE char *directory = NULL;
    assert_int_equal(unpack(b, &directory), 0);
    assert_file(directory, "index.json", "{}");
    assert_file(directory, "oci-layout", "version");
    assert_file(directory, "blobs/sha256/" HEX, "blob");
    assert_file(directory, "blobs/sha256/short", NULL);
    assert_file(directory, "blobs/sha512", NULL);
    assert_file(directory, "manifest.json", NULL);
}

static void test_unpacks(void **state)
{
    (void)state;
    AUTO_BUF plain = BUF_INIT(1 << 20);
    AUTO_BUF zipped = BUF_INIT(1 << 20);
    AUTO_GZIP_WRITER struct gzip_writer *w = NULL;
    archive_make(&plain, layout);
    assert_unpacked(&plain);
    assert_int_equal(gzip_writer_new(sink_buf(&zipped), 6, 1, &w, &e), 0);
    assert_int_equal(gzip_writer_write(w, plain.data, plain.len, &e), 0);
    assert_int_equal(gzip_writer_finish(w, &e), 0);
    assert_unpacked(&zipped);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        struct entry entries[3];
        const char *says;
    } bad[] = {
        {{{"index.json", '2', "/etc/passwd"}, {NULL, 0}}, "'index.json' is no regular file"},
        {{{"oci-layout", '0', NULL, "a"}, {"index.json", '1', "oci-layout"}, {NULL, 0}},
         "'index.json' is no regular file"},
        {{{"index.json", '0', NULL, "a"}, {"./index.json", '0', NULL, "b"}, {NULL, 0}},
         "'index.json' is in the archive twice"},
        {{{"../index.json", '0', NULL, "a"}, {NULL, 0}}, ".."},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_BUF b = BUF_INIT(1 << 20);
        AUTO_FREE char *directory = NULL;
        archive_make(&b, bad[i].entries);
        assert_int_equal(unpack(&b, &directory), -ERR_INPUT);
        assert_says(bad[i].says);
    }
    AUTO_BUF cut = BUF_INIT(1 << 20);
    AUTO_FREE char *directory = NULL;
    archive_make(&cut, layout);
    cut.len = 700;
    assert_int_equal(unpack(&cut, &directory), -ERR_INPUT);
    assert_int_equal(layout_unpack(directory, directory, &e), -ERR_INPUT);
    assert_says("is neither a directory nor a file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpacks),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
