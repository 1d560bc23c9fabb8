/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/tar/tar_reader.h"
#include "tests/unit/formats/tar/archive.h"

static struct err e;

/* Reads all of an archive into one line per entry. */
static int list(const void *data, size_t len, struct buf *out)
{
    struct source_bytes bytes = {.p = data, .left = len};
    struct source from = source_from_bytes(&bytes);
    AUTO_TAR_READER struct tar_reader *r = NULL;
    assert_int_equal(tar_reader_new(&from, &r, &e), 0);
    for (;;) {
        struct tar_entry *n = NULL;
        int rc = tar_reader_next(r, &n, &e);
        if (rc < 0)
            return rc;
        if (n == NULL)
            return 0;
        assert_int_equal(buf_addf(out, &e, "%d%s '%s' %o %u %u %lld", (int)n->type,
                                  n->hard_link ? "h" : "", n->path, (unsigned)n->mode, n->uid,
                                  n->gid, (long long)n->mtime),
                         0);
        if (n->link != NULL)
            assert_int_equal(buf_addf(out, &e, " -> %s", n->link), 0);
        for (size_t i = 0; i < n->xattr_count; i++)
            assert_int_equal(buf_addf(out, &e, " %s=%.*s", n->xattrs[i].name, (int)n->xattrs[i].len,
                                      (const char *)n->xattrs[i].value),
                             0);
        if (n->type == TREE_CHAR || n->type == TREE_BLOCK)
            assert_int_equal(buf_addf(out, &e, " %u:%u", n->major, n->minor), 0);
        uint64_t size = 0;
        for (;;) {
            const uint8_t *piece;
            size_t got;
            rc = tar_reader_data(r, &piece, &got, &e);
            if (rc < 0)
                return rc;
            if (got == 0)
                break;
            if (size == 0)
                assert_memory_equal(piece, (const uint8_t *)data + n->offset, got < 8 ? got : 8);
            size += got;
        }
        assert_int_equal(size, n->size);
        assert_int_equal(buf_addf(out, &e, " %llu\n", (unsigned long long)size), 0);
    }
}

static void assert_list(const struct entry *entries, const char *want)
{
    AUTO_BUF tar = BUF_INIT(1 << 24);
    AUTO_BUF got = BUF_INIT(1 << 20);
    archive_make(&tar, entries);
    int rc = list(tar.data, tar.len, &got);
    if (rc < 0)
        fail_msg("%s: %s", want, e.frame[0]);
    assert_string_equal(buf_str(&got), want);
}

/* Every message names what is wrong. */
static void assert_refused(const struct entry *entries, const char *why)
{
    AUTO_BUF tar = BUF_INIT(1 << 24);
    AUTO_BUF got = BUF_INIT(1 << 20);
    archive_make(&tar, entries);
    if (list(tar.data, tar.len, &got) != -ERR_INPUT)
        fail_msg("accepted, should say: %s", why);
    if (strstr(e.frame[0], why) == NULL)
        fail_msg("says '%s', should say '%s'", e.frame[0], why);
}

#define ONE(...) ((struct entry[]){{__VA_ARGS__}, {0}})
#define PAX(body, ...) ((struct entry[]){{"p", 'x', .data = (body)}, {__VA_ARGS__}, {0}})

static void test_types(void **state)
{
    (void)state;
    assert_list(
        (struct entry[]){
            {"./", '5', .mtime = 5},
            {"./a/", '5', .mode = 01777, .uid = 7},
            {"a//./b", '0', .data = "hello"},
            {"c", '1', .link = "./a/b"},
            {"d", '2', .link = "../x//y"},
            {"e", '6'},
            {"f", '7', .data = "x"},
            {"g", '\0', .data = "", .magic = ""},
            {"h/", '\0', .magic = ""},
            {"i", '0', .data = "gnu", .magic = "gnu", .mode = 0104755},
            {0},
        },
        "0 '' 755 0 0 5 0\n0 'a' 1777 7 0 0 0\n1 'a/b' 644 0 0 0 5\n1h 'c' 644 0 0 0 -> a/b 0\n2 "
        "'d' 644 0 0 0 -> ../x//y 0\n5 'e' 644 0 0 0 0\n1 'f' 644 0 0 0 1\n1 'g' 644 0 0 0 0\n0 "
        "'h' 644 0 0 0 0\n1 'i' 4755 0 0 0 3\n");
    assert_list((struct entry[]){{0}}, "");
}

/* As umoci reads them (docs/formats/tar.md). */
static void test_unusual(void **state)
{
    (void)state;
    assert_list(
        (struct entry[]){
            {"/", '5'},
            {"/a", '0', .data = "x"},
            {"//b//c/", '5', .size = 4096},
            {"/d", '1', .link = "//a", .size = 1},
            {"e/", '2', .link = "/a/", .size = 1},
            {"f/", '0', .data = "y"},
            {"g/", '\0'},
            {"h/", '1', .link = "f/"},
            {"i/", '6'},
            {"x", 'x', .data = P("SCHILY.acl.access=user::rw-")},
            {"j", '0'},
            {0},
        },
        "0 '' 755 0 0 0 0\n1 'a' 644 0 0 0 1\n0 'b/c' 755 0 0 0 0\n1h 'd' 644 0 0 0 -> a 0\n"
        "2 'e' 644 0 0 0 -> /a/ 0\n1 'f' 644 0 0 0 1\n0 'g' 644 0 0 0 0\n"
        "1h 'h' 644 0 0 0 -> f 0\n5 'i' 644 0 0 0 0\n1 'j' 644 0 0 0 0\n");
}

static void test_names_refused(void **state)
{
    (void)state;
    assert_refused(ONE("../x", '0'), "'..'");
    assert_refused(ONE("a/../x", '0'), "'..'");
    assert_refused(ONE("a/..", '5'), "'..'");
    assert_refused(ONE("", '0'), "without a name");
    assert_refused(ONE(".", '0'), "root is not a directory");
    assert_refused(ONE("/../x", '0'), "'..'");
    assert_refused(ONE("//", '0'), "root is not a directory");
    assert_refused(ONE("a", '1', .link = "//"), "hard link to the root");
    assert_refused(ONE("a", '1', .link = "../b"), "'..'");
    assert_refused(ONE("a", '1', .link = "./"), "hard link to the root");
    assert_refused(ONE("a", '1'), "without a target");
    assert_refused(ONE("a", '2'), "without a target");
    AUTO_BUF deep = BUF_INIT(1 << 16);
    for (int i = 0; i <= TREE_DEPTH_MAX; i++)
        assert_int_equal(buf_add_str(&deep, "d/", &e), 0);
    assert_refused(((struct entry[]){{"L", 'L', .data = buf_str(&deep)}, {"x", '5'}, {0}}),
                   "too long or too deep");
    deep.len = 0;
    for (int i = 0; i <= TREE_NAME_MAX; i++)
        assert_int_equal(buf_add_str(&deep, "n", &e), 0);
    assert_refused(((struct entry[]){{"L", 'L', .data = buf_str(&deep)}, {"x", '0'}, {0}}),
                   "too long or too deep");
}

static void test_kinds_refused(void **state)
{
    (void)state;
    assert_refused(ONE("a", 'S', .data = "x", .magic = "gnu"), "sparse");
    assert_refused(ONE("a", 'M'), "unknown type");
    assert_refused(ONE("a", 'D'), "unknown type");
    assert_refused(ONE("a", '8'), "unknown type");
    assert_refused(ONE("a", '0', .mode = 01000000), "out of range");
}

static void test_pax(void **state)
{
    (void)state;
    assert_list(PAX(P("path=b/long/n", "mtime=-12.5000000", "uid=70000", "gid=800000", "size=3",
                      "atime=x", "SCHILY.xattr.user.k=a=b c\n\n",
                      "comment=", "LIBARCHIVE.xattr.user%2ez=aGk", "VENDOR.key=some"),
                    "short", '0', .data = "abc", .size = 3),
                "1 'b/long/n' 644 70000 800000 -13 user.k=a=b c\n\n user.z=hi 3\n");
    /* Both spellings of one attribute. */
    assert_list(PAX(P("SCHILY.xattr.user.a=1", "LIBARCHIVE.xattr.user.a=MQ"), "f", '0'),
                "1 'f' 644 0 0 0 user.a=1 0\n");
    assert_list(PAX(P("linkpath=target"), "f", '2', .link = "cut"),
                "2 'f' 644 0 0 0 -> target 0\n");
    assert_list(PAX(P("mtime=12.9"), "f", '0'), "1 'f' 644 0 0 12 0\n");
    assert_list(PAX(P("mtime=-12.00"), "f", '0'), "1 'f' 644 0 0 -12 0\n");
    assert_list(
        ((struct entry[]){{"g", 'g', .data = P("comment=0123456789012345678901234567890123456789")},
                          {"f", '0'},
                          {0}}),
        "1 'f' 644 0 0 0 0\n");
}

static void test_pax_refused(void **state)
{
    (void)state;
    assert_refused(PAX(P("path=a", "path=b"), "f", '0'), "given twice");
    assert_refused(PAX(P("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.a=1"), "f", '0'),
                   "given twice");
    assert_refused(PAX(P("VENDOR.key=some", "VENDOR.key=some"), "f", '0'), "given twice");
    assert_refused(PAX(P("SCHILY.xattr.user.a=1", "LIBARCHIVE.xattr.user.a=Mg"), "f", '0'),
                   "different values");
    assert_refused(PAX(P("path=../a"), "f", '0'), "'..'");
    assert_refused(PAX(P("path=/../a"), "f", '0'), "'..'");
    assert_refused(PAX(P("path="), "f", '0'), "empty");
    assert_refused(PAX(P("size=-"), "f", '0'), "not a number");
    assert_refused(PAX(P("uid=123456x"), "f", '0'), "not a number");
    assert_refused(PAX(P("uid=4294967296"), "f", '0'), "not a number");
    assert_refused(PAX(P("size=9223372036854775808"), "f", '0'), "not a number");
    assert_refused(PAX(P("mtime=1e9a"), "f", '0'), "not a time");
    assert_refused(PAX(P("mtime=1."), "f", '0'), "not a time");
    assert_refused(PAX(P("mtime=1.."), "f", '0'), "not a time");
    assert_refused(PAX(P("GNU.sparse.major=1"), "f", '0'), "sparse");
    assert_refused(PAX(P("GNU.sparse.size=10"), "f", '0'), "sparse");
    assert_refused(PAX(P("SCHILY.realsize=10"), "f", '0'), "sparse");
    assert_refused(PAX(P("charset="), "f", '0'), "unknown");
    assert_refused(PAX(P("charset=x"), "f", '0'), "unknown");
    assert_refused(PAX(P("hdrcharset=x"), "f", '0'), "character set");
    assert_refused(PAX(P("SCHILY.xattr.=ab"), "f", '0'), "name of an attribute");
    assert_refused(PAX(P("LIBARCHIVE.xattr.user%2=MQ"), "f", '0'), "name of an attribute");
    assert_refused(PAX(P("LIBARCHIVE.xattr.user.a=M*"), "f", '0'), "not base64");
    static const char *const malformed[] = {
        "x",       "5 a=b",    "6 a=b\n\n", "06 a=b\n",
        "4 a=\n",  "5 =b\n",   "6 abc\n",   "99999999999999999999 a=b\n",
        "7 a=b\n", " 6 a=b\n", "-6 a=b\n",  "3\n",
        "1 ",      "0 "};
    for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++)
        assert_refused(PAX(malformed[i], "f", '0'), "not well formed");
    assert_refused(((struct entry[]){{"g", 'g', .data = P("path=a")}, {"f", '0'}, {0}}),
                   "global header");
    assert_refused(((struct entry[]){{"g", 'g', .data = P("mtime=12345678")}, {"f", '0'}, {0}}),
                   "global header");
    assert_refused(
        ((struct entry[]){
            {"x", 'x', .data = P("path=a")}, {"x", 'x', .data = P("uid=12")}, {"f", '0'}, {0}}),
        "two pax headers");
    assert_refused(ONE("x", 'x', .data = P("path=a")), "without its entry");
    assert_refused(ONE("x", 'x', .size = TAR_PAX_BYTES_MAX + 1), "more than");
    struct entry many[12] = {{0}};
    for (int i = 0; i < 11; i++)
        many[i] = (struct entry){"g", 'g', .data = P("comment=")};
    assert_refused(many, "too many extended headers");
}

static void test_gnu_names(void **state)
{
    (void)state;
    static char name[300] = "dir/";
    memset(name + 4, 'n', 200);
    char want[700];
    (void)snprintf(want, sizeof(want), "1 '%s' 644 0 0 0 0\n2 'l' 644 0 0 0 -> %s 0\n", name, name);
    assert_list(((struct entry[]){{"L", 'L', .data = name, .data_len = 205},
                                  {"cut", '0', .magic = "gnu"},
                                  {"K", 'K', .data = name},
                                  {"l", '2', .link = "cut", .magic = "gnu"},
                                  {0}}),
                want);
    assert_refused(((struct entry[]){{"L", 'L', .data = "a\0b", .data_len = 3}, {"f", '0'}, {0}}),
                   "bytes after its end");
    assert_refused(((struct entry[]){{"L", 'L', .data = "\0", .data_len = 1}, {"f", '0'}, {0}}),
                   "empty");
    assert_refused(
        ((struct entry[]){{"L", 'L', .data = "a"}, {"L", 'L', .data = "a"}, {"f", '0'}, {0}}),
        "two GNU long names");
    assert_refused(((struct entry[]){
                       {"L", 'L', .data = "a"}, {"x", 'x', .data = P("path=b")}, {"f", '0'}, {0}}),
                   "both");
    assert_refused(ONE("L", 'L', .size = 1 << 20), "more than");
}

/* Changes the first header. */
static int list_changed(size_t at, const void *bytes, size_t len, bool sum, struct buf *got)
{
    AUTO_BUF tar = BUF_INIT(1 << 20);
    archive_make(&tar, ONE("f", '0', .data = "x"));
    memcpy(tar.data + at, bytes, len);
    if (sum)
        archive_sum(&tar, 0);
    return list(tar.data, tar.len, got);
}

static void test_headers(void **state)
{
    (void)state;
    AUTO_BUF got = BUF_INIT(1 << 20);
    assert_int_equal(list_changed(0, "g", 1, false, &got), -ERR_INPUT);
    assert_non_null(strstr(e.frame[0], "checksum"));
    assert_int_equal(list_changed(257, "ustar\00001", 8, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(257, "ustar \0\0", 8, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(508, "tar", 4, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(100, "00x0644", 8, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(108, "0000008", 8, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(124, "-0000000001", 12, true, &got), -ERR_INPUT);
    /* Base 256: uid 2^21, mtime -1, a size beyond 63 bits, a negative uid. */
    assert_int_equal(list_changed(108, "\x80\0\0\0\0\x20\0\0", 8, true, &got), 0);
    assert_int_equal(
        list_changed(136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, true, &got), 0);
    assert_string_equal(buf_str(&got), "1 'f' 644 2097152 0 0 1\n1 'f' 644 0 0 -1 1\n");
    assert_int_equal(list_changed(124, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(124, "\x80\x01\0\0\0\0\0\0\0\0\0\0", 12, true, &got), -ERR_INPUT);
    assert_int_equal(list_changed(108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, true, &got),
                     -ERR_INPUT);
    assert_int_equal(list_changed(108, "\x80\0\0\x01\0\0\0\0", 8, true, &got), -ERR_INPUT);
    /* Leading spaces, trailing spaces, nothing at all. */
    assert_int_equal(list_changed(100, "   644 ", 8, true, &got), 0);
    assert_int_equal(list_changed(108, "\0\0\0\0\0\0\0\0", 8, true, &got), 0);
    /* A prefix. */
    got.len = 0;
    assert_int_equal(list_changed(345, "pre/fix", 8, true, &got), 0);
    assert_string_equal(buf_str(&got), "1 'pre/fix/f' 644 0 0 0 1\n");
}

static void test_device(void **state)
{
    (void)state;
    AUTO_BUF tar = BUF_INIT(1 << 20);
    AUTO_BUF got = BUF_INIT(1 << 20);
    archive_make(&tar, ONE("null", '3', .mode = 0666));
    memcpy(tar.data + 329, "0000001", 8);
    memcpy(tar.data + 337, "0000003", 8);
    archive_sum(&tar, 0);
    assert_int_equal(list(tar.data, tar.len, &got), 0);
    assert_string_equal(buf_str(&got), "3 'null' 666 0 0 0 1:3 0\n");
}

/* Every place to cut but the very start, by blocks and by bytes around them, is an error; so is
 * every tail but zeros. */
static void test_cut_and_trailing(void **state)
{
    (void)state;
    AUTO_BUF tar = BUF_INIT(1 << 20);
    AUTO_BUF got = BUF_INIT(1 << 20);
    archive_make(&tar, (struct entry[]){{"d", '5'},
                                        {"x", 'x', .data = P("path=other/name")},
                                        {"f", '0', .data = "some content"},
                                        {"L", 'L', .data = "long"},
                                        {"g", '0', .magic = "gnu"},
                                        {0}});
    for (size_t len = 1; len < tar.len; len += len % 512 == 511 ? 1 : len % 512 == 0 ? 1 : 510) {
        if (list(tar.data, len, &got) != -ERR_INPUT)
            fail_msg("cut at %zu of %zu: accepted", len, tar.len);
    }
    assert_int_equal(list(tar.data, tar.len, &got), 0);
    archive_zeros(&tar, 10240 - tar.len % 10240);
    assert_int_equal(list(tar.data, tar.len, &got), 0);
    archive_zeros(&tar, 100); /* not a whole block: still only zeros */
    assert_int_equal(list(tar.data, tar.len, &got), 0);
    archive_add(&tar, "x", 1);
    assert_int_equal(list(tar.data, tar.len, &got), -ERR_INPUT);
    assert_non_null(strstr(e.frame[0], "other bytes follow"));

    AUTO_BUF lone = BUF_INIT(1 << 20);
    archive_entry(&lone, ONE("f", '0'));
    archive_zeros(&lone, 512);
    archive_entry(&lone, ONE("g", '0'));
    archive_end(&lone);
    assert_int_equal(list(lone.data, lone.len, &got), -ERR_INPUT);
    assert_non_null(strstr(e.frame[0], "lone zero block"));
}

enum end { END_STRICT, END_OPEN, END_DPKG };

static int count(const struct buf *tar, size_t len, enum end end)
{
    struct source_bytes bytes = {.p = tar->data, .left = len};
    struct source from = source_from_bytes(&bytes);
    AUTO_TAR_READER struct tar_reader *r = NULL;
    struct tar_entry *n = NULL;
    int got = 0;
    assert_int_equal(tar_reader_new(&from, &r, &e), 0);
    if (end == END_OPEN)
        tar_reader_open_end(r);
    if (end == END_DPKG)
        tar_reader_like_dpkg(r);
    for (int rc = 0;; got++) {
        if ((rc = tar_reader_next(r, &n, &e)) < 0)
            return rc;
        if (n == NULL)
            break;
    }
    assert_int_equal(bytes.left, 0);
    return got;
}

/* Where an archive may end: f is at 0 to 515, its padding to 1024; g's long name from there on. */
static void test_ends(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        int got[3]; /* entries; -1: refused */
    } cases[] = {
        {0, {0, 0, 0}},       {300, {-1, -1, -1}},  {512, {-1, -1, -1}}, {514, {-1, -1, -1}},
        {515, {-1, 1, -1}},   {800, {-1, 1, -1}},   {1024, {-1, 1, 1}},  {1100, {-1, -1, -1}},
        {1536, {-1, -1, -1}}, {2048, {-1, -1, -1}}, {2560, {-1, 2, 2}},  {2660, {-1, -1, -1}},
        {3072, {-1, 2, 2}},   {3172, {-1, -1, 2}},  {3584, {2, 2, 2}},   {3684, {2, 2, 2}},
        {3700, {-1, -1, 2}},
    };
    AUTO_BUF tar = BUF_INIT(1 << 16);
    archive_entry(&tar, (struct entry[]){{"f", '0', .data = "abc"}});
    archive_entry(&tar, (struct entry[]){{"L", 'L', .data = "long", .magic = "gnu"}});
    archive_entry(&tar, (struct entry[]){{"g", '0', .magic = "gnu"}});
    assert_int_equal(tar.len, 2560);
    archive_zeros(&tar, 1124);
    archive_add(&tar, "something else..", 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int end = 0; end < 3; end++) {
            int got = count(&tar, cases[i].len, (enum end)end);
            if ((got < 0 ? -1 : got) != cases[i].got[end])
                fail_msg("%zu bytes, end %d: %d", cases[i].len, end, got);
        }
}

/* No bytes, and one zero block, are archives of nothing; half a block is none. */
static void test_empty(void **state)
{
    (void)state;
    static const uint8_t zeros[3 * 512];
    AUTO_BUF got = BUF_INIT(1 << 10);
    static const size_t good[] = {0, 512, 1024, 1536};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(list(zeros, good[i], &got), 0);
    assert_int_equal(got.len, 0);
    static const size_t bad[] = {1, 511, 513};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(list(zeros, bad[i], &got), -ERR_INPUT);
}

/* Content larger than the reader's buffer, read and skipped. */
static void test_large(void **state)
{
    (void)state;
    enum { SIZE = 700001 };
    AUTO_FREE char *data = malloc(SIZE);
    assert_non_null(data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)('a' + i % 26);
    AUTO_BUF tar = BUF_INIT(1 << 22);
    archive_make(&tar, (struct entry[]){{"big", '0', .data = data, .data_len = SIZE},
                                        {"small", '0', .data = "x"},
                                        {0}});
    AUTO_BUF got = BUF_INIT(1 << 20);
    assert_int_equal(list(tar.data, tar.len, &got), 0);
    assert_string_equal(buf_str(&got), "1 'big' 644 0 0 0 700001\n1 'small' 644 0 0 0 1\n");
    struct source_bytes bytes = {.p = tar.data, .left = tar.len};
    struct source from = source_from_bytes(&bytes);
    AUTO_TAR_READER struct tar_reader *r = NULL;
    struct tar_entry *n = NULL;
    assert_int_equal(tar_reader_new(&from, &r, &e), 0);
    assert_int_equal(tar_reader_next(r, &n, &e), 0);
    assert_int_equal(tar_reader_next(r, &n, &e), 0);
    assert_string_equal(n->path, "small");
    assert_int_equal(tar_reader_next(r, &n, &e), 0);
    assert_null(n);
    assert_int_equal(tar_reader_next(r, &n, &e), 0);
    assert_null(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),         cmocka_unit_test(test_unusual),
        cmocka_unit_test(test_names_refused), cmocka_unit_test(test_kinds_refused),
        cmocka_unit_test(test_pax),           cmocka_unit_test(test_pax_refused),
        cmocka_unit_test(test_gnu_names),     cmocka_unit_test(test_headers),
        cmocka_unit_test(test_device),        cmocka_unit_test(test_cut_and_trailing),
        cmocka_unit_test(test_ends),          cmocka_unit_test(test_empty),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
