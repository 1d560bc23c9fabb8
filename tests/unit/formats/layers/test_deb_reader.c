/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/layers/deb_reader.h"
#include "tests/unit/formats/tar/archive.h"

static struct err e;

static int read_package(const struct buf *package, enum compression *kind, struct buf *out)
{
    struct source_bytes bytes = {.p = package->data, .left = package->len};
    struct source from = source_from_bytes(&bytes);
    AUTO_DEB_READER struct deb_reader *r = NULL;
    int rc = deb_reader_new(&from, &r, &e);
    if (rc < 0)
        return rc;
    *kind = deb_reader_compression(r);
    struct source data = deb_reader_source(r);
    uint64_t offset = deb_reader_offset(r);
    out->len = 0;
    for (size_t got = 1; got > 0;) {
        uint8_t piece[7];
        got = 0;
        rc = data.read(data.context, piece, sizeof(piece), &got, &e);
        if (rc < 0)
            return rc;
        assert_int_equal(buf_add(out, piece, got, &e), 0);
    }
    if (out->len > 0)
        assert_memory_equal(package->data + offset, out->data, out->len);
    return deb_reader_finish(r, &e);
}

static void start(struct buf *out)
{
    archive_add(out, "!<arch>\n", 8);
    archive_member(out, "debian-binary", "2.0\n", 4);
}

static void test_good(void **state)
{
    (void)state;
    static const char *const names[] = {"data.tar", "data.tar.gz", "data.tar.zst", "data.tar.xz"};
    for (int i = 0; i < 4; i++) {
        AUTO_BUF data = BUF_INIT(1 << 16);
        AUTO_BUF package = BUF_INIT(1 << 16);
        AUTO_BUF out = BUF_INIT(1 << 16);
        enum compression kind = COMPRESSION_NONE;
        archive_add(&data, "the data itself", 15);
        archive_deb(&package, names[i], &data);
        assert_int_equal(read_package(&package, &kind, &out), 0);
        assert_int_equal(kind, i);
        assert_string_equal(buf_str(&out), "the data itself");
    }
    /* GNU's way of ending names, and members to skip. */
    AUTO_BUF package = BUF_INIT(1 << 16);
    AUTO_BUF out = BUF_INIT(1 << 16);
    enum compression kind = COMPRESSION_NONE;
    archive_add(&package, "!<arch>\n", 8);
    archive_member(&package, "debian-binary/", "2.0\n", 4);
    archive_member(&package, "_later", "odd", 3);
    archive_member(&package, "control.tar.zst/", "", 0);
    archive_member(&package, "_x", "", 0);
    archive_member(&package, "data.tar.gz/", "x", 1);
    archive_member(&package, "_gpgorigin", "signed", 6);
    assert_int_equal(read_package(&package, &kind, &out), 0);
    assert_int_equal(kind, COMPRESSION_GZIP);
}

static void assert_refused(const struct buf *package, const char *why)
{
    AUTO_BUF out = BUF_INIT(1 << 16);
    enum compression kind;
    if (read_package(package, &kind, &out) != -ERR_INPUT)
        fail_msg("accepted, should say: %s", why);
    if (strstr(e.frame[0], why) == NULL)
        fail_msg("says '%s', should say '%s'", e.frame[0], why);
}

/* One after the other: members of a package, up to a NULL name. */
static void refuse_members(const char *const *names, const char *why)
{
    AUTO_BUF package = BUF_INIT(1 << 16);
    start(&package);
    for (; *names != NULL; names++)
        archive_member(&package, *names, "x", 1);
    assert_refused(&package, why);
}
#define MEMBERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_refused(void **state)
{
    (void)state;
    refuse_members(MEMBERS("data.tar.xz", "control.tar.xz"), "expected control.tar");
    refuse_members(MEMBERS("control.tar.xz", "control.tar.xz"), "expected data.tar");
    refuse_members(MEMBERS("control.tar.xz", "data.tar.bz2"), "bzip2 or lzma");
    refuse_members(MEMBERS("control.tar.lzma", "data.tar.xz"), "bzip2 or lzma");
    refuse_members(MEMBERS("control.tar.xz", "data.tar.xzz"), "expected data.tar");
    refuse_members(MEMBERS("control.tar.xz", "other", "data.tar.xz"), "expected data.tar");
    refuse_members(MEMBERS("control.tar.xz", "data.tar.xz", "data.tar.xz"), "not known");
    refuse_members(MEMBERS("control.tar.xz", "data.tar.xz", "debian-binary"), "not known");
    refuse_members(MEMBERS("control.tar.xz"), "cut short");
    refuse_members(MEMBERS("control tar"), "not well formed");

    AUTO_BUF version = BUF_INIT(1 << 16);
    archive_add(&version, "!<arch>\n", 8);
    archive_member(&version, "debian-bin", "2.0\n", 4);
    assert_refused(&version, "begin with debian-binary");
    static const struct {
        const char *text;
        size_t len;
    } versions[] = {{"", 0},      {"2.0", 3}, {"2.0 \n", 5},  {"2.\n", 3},
                    {"3.0\n", 4}, {"2\n", 2}, {"2.0.0\n", 6}, {"2.11111111111111111111\n", 23},
                    {"02.0\n", 5}};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        AUTO_BUF bad = BUF_INIT(1 << 16);
        archive_add(&bad, "!<arch>\n", 8);
        archive_member(&bad, "debian-binary", versions[i].text, versions[i].len);
        assert_refused(&bad, "not 2.0");
    }
    AUTO_BUF other = BUF_INIT(1 << 16);
    archive_add(&other, "!<arch>\nx", 9);
    assert_refused(&other, "cut short");
    other.data[0] = 'P';
    assert_refused(&other, "no Debian package");
}

static void test_bytes(void **state)
{
    (void)state;
    AUTO_BUF data = BUF_INIT(1 << 16);
    AUTO_BUF package = BUF_INIT(1 << 16);
    AUTO_BUF out = BUF_INIT(1 << 16);
    enum compression kind;
    archive_add(&data, "abc", 3);
    archive_deb(&package, "data.tar", &data);
    size_t len = package.len;
    for (package.len = 0; package.len < len; package.len++)
        assert_int_equal(read_package(&package, &kind, &out), -ERR_INPUT);
    assert_int_equal(read_package(&package, &kind, &out), 0);
    archive_add(&package, "\n", 1);
    assert_refused(&package, "other bytes follow");
    package.len = len;
    package.data[len - 1] = 'x'; /* the padding */
    assert_refused(&package, "padded");
    package.data[len - 1] = '\n';
    static const struct {
        size_t at;
        char byte;
    } changes[] = {{8 + 48, ' '}, {8 + 48, '-'}, {8 + 49, '0'},
                   {8 + 50, 'x'}, {8 + 58, 'x'}, {8 + 59, ' '}};
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        uint8_t before = package.data[changes[i].at];
        package.data[changes[i].at] = (uint8_t)changes[i].byte;
        assert_int_equal(read_package(&package, &kind, &out), -ERR_INPUT);
        package.data[changes[i].at] = before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
