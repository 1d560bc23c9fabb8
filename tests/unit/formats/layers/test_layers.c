/* SPDX-License-Identifier: Apache-2.0 */
/* OCI layers: over one another, whiteouts, links, compression, and very many entries. */
#include "tests/unit/formats/layers/layers_common.h"

#include <zlib.h>

static void test_over(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L({"./", '5', .mode = 0700, .mtime = 5}, DIR_("d/"), FILE_("d/a", "lower"),
               FILE_("d/b", "kept"), FILE_("f", "file"), DIR_("e"), FILE_("e/x", "")));
    push(&s, L({"d", '5', .mode = 0711, .mtime = 7, .uid = 9}, FILE_("d/a", "upper"),
               {"f/", '5', .mode = 0750}, FILE_("f/in", "1"), FILE_("e", "now a file"),
               {"late", '0', .mtime = 5000}));
    assert_tree(&s,
                "/(700)@5,d/(711)@7#9,d/a:upper,d/b:kept,e:now a file,f/(750),f/in:1,late@1000:");
}

static void test_implied_parents(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a/b/c", "x")));
    assert_tree(&s, "/@1000,a/@1000,a/b/@1000,a/b/c:x");
}

static void test_whiteouts(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a", "a"), DIR_("d"), FILE_("d/x", "x"), FILE_("d/y", "y"), DIR_("o"),
               FILE_("o/old", "1"), DIR_("o/sub"), FILE_("o/sub/deep", "2"), FILE_("both", "low")));
    push(&s, L(FILE_(".wh.a", ""), FILE_("d/.wh.x", ""), FILE_("d/.wh.nothing", ""),
               FILE_("no/.wh.thing", ""), FILE_("o/new", "3"), FILE_("o/.wh..wh..opq", ""),
               FILE_("o/sub/new", "4"), FILE_("both", "up"), FILE_(".wh.both", ""),
               FILE_(".wh..wh.plnk", "")));
    /* What the layer itself has stays, whatever the order. */
    assert_tree(&s, "/@1000,both:up,d/,d/y:y,o/,o/new:3,o/sub/@1000,o/sub/new:4");
    push(&s, L(FILE_(".wh..wh..opq", ""), FILE_("only", "")));
    assert_tree(&s, "/@1000,only:");
}

static void test_whiteouts_recreated(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_("d"), FILE_("d/secret", "s")));
    push(&s, L(FILE_(".wh.d", "")));
    push(&s, L(DIR_("d"), FILE_("d/new", "n")));
    assert_tree(&s, "/@1000,d/,d/new:n");
    push(&s, L(FILE_(".wh.d", ""), {"d", '5', .mode = 0700}));
    assert_tree(&s, "/@1000,d/(700)");
}

static void test_bad_whiteouts(void **state)
{
    (void)state;
    static const char *const bad[] = {".wh.",    ".wh..",    ".wh...",  "a/.wh.",
                                      "a/.wh..", "a/.wh...", ".wh.a/b", "a/.wh.b/c"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        AUTO_STACK s = STACK_INIT;
        push(&s, L(FILE_(bad[i], "")));
        assert_refused(&s, "whiteout");
    }
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_(".wh.a")));
    assert_refused(&s, "whiteout");
}

/* A whiteout below a symlink means what the link leads to, unless its layer has a directory there.
 */
static void test_whiteout_through_symlink(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_("real"), FILE_("real/x", "x"), FILE_("real/y", "y"), SYM("ln", "/real")));
    push(&s, L(FILE_("ln/.wh.x", "")));
    assert_tree(&s, "/@1000,ln>/real,real/,real/y:y");
    push(&s, L(DIR_("ln"), FILE_("ln/.wh.y", ""), FILE_("ln/z", "z")));
    assert_tree(&s, "/@1000,ln/,ln/z:z,real/,real/y:y");
}

static void test_symlinked_parents(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(SYM("a", "/etc"), FILE_("a/passwd", "in"), SYM("up", "../../../.."),
               FILE_("up/top", "t"), SYM("far", "../../x/y"), FILE_("far/f", "f")));
    assert_tree(&s, "/@1000,a>/etc,etc/@1000,etc/passwd:in,far>../../x/y,top:t,up>../../../..,"
                    "x/@1000,x/y/@1000,x/y/f:f");
    AUTO_STACK loop = STACK_INIT;
    push(&loop, L(SYM("a", "b"), SYM("b", "a"), FILE_("a/f", "f")));
    assert_refused(&loop, "symbolic links");
    AUTO_STACK file = STACK_INIT;
    push(&file, L(FILE_("a", ""), FILE_("a/f", "f")));
    assert_refused(&file, "not a directory");
}

static void test_hard_links(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s,
         L(FILE_("a", "one"), LINK("b", "a"), LINK("./c", "./b"), SYM("s", "a"), LINK("t", "s")));
    assert_tree(&s, "/@1000,a:one*3,b:one*3,c:one*3,s>a,t>a");
    push(&s, L(FILE_(".wh.a", ""), LINK("d", "c"), FILE_("b", "two")));
    assert_tree(&s, "/@1000,b:two,c:one*2,d:one*2,s>a,t>a");
    push(&s, L(SYM("dir", "/"), LINK("dir/e", "dir/d")));
    assert_tree(&s, "/@1000,b:two,c:one*3,d:one*3,dir>/,e:one*3,s>a,t>a");
    AUTO_STACK missing = STACK_INIT;
    push(&missing, L(LINK("b", "a"), FILE_("a", "")));
    assert_refused(&missing, "not there");
    AUTO_STACK dir = STACK_INIT;
    push(&dir, L(DIR_("a"), LINK("b", "a")));
    assert_refused(&dir, "a directory");
    AUTO_STACK self = STACK_INIT;
    push(&self, L(FILE_("a", ""), LINK("a", "a")));
    assert_refused(&self, "itself");
    AUTO_STACK gone = STACK_INIT;
    push(&gone, L(FILE_("a", "")));
    push(&gone, L(FILE_(".wh.a", ""), LINK("b", "a")));
    assert_refused(&gone, "not there");
    AUTO_STACK outside = STACK_INIT;
    push(&outside, L(LINK("b", "../../etc/passwd")));
    assert_refused(&outside, "'..'");
}

static void test_duplicates(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a", "1"), FILE_("a", "2"), DIR_("d"), FILE_("d/x", ""), SYM("d", "a"),
               DIR_("a")));
    assert_tree(&s, "/@1000,a/,d>a");
}

static void test_deep(void **state)
{
    (void)state;
    char path[2 * TREE_DEPTH_MAX + 8] = "";
    for (int i = 0; i < TREE_DEPTH_MAX; i++)
        memcpy(path + strlen(path), i > 0 ? "/d" : "d", i > 0 ? 3 : 2);
    AUTO_STACK s = STACK_INIT;
    push(&s, L({"L", 'L', .data = path}, DIR_("cut")));
    AUTO_BUF got = BUF_INIT(1 << 20);
    assert_int_equal(flatten(&s, &got), 0);
    /* Once more as deep, by a symlink to the deepest. */
    push(&s, L({"K", 'K', .data = path}, SYM("ln", "cut"), FILE_("ln/x", "")));
    assert_refused(&s, "deep");
}

static void test_broken(void **state)
{
    (void)state;
    AUTO_BUF tar = BUF_INIT(1 << 20);
    archive_make(&tar, L(FILE_("a", "text")));
    static const size_t cut[] = {1, 511, 512, 515, 1025, 1535, 1537};
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        AUTO_STACK s = STACK_INIT;
        struct buf part = {.data = tar.data, .len = cut[i]};
        push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &part);
        assert_refused(&s, "layer 'L0'");
    }
    for (size_t len = 1024; len <= tar.len; len += 512) { /* its digest says that it is whole */
        AUTO_STACK s = STACK_INIT;
        struct buf part = {.data = tar.data, .len = len};
        push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &part);
        assert_tree(&s, "/@1000,a:text");
    }
    AUTO_STACK s = STACK_INIT;
    push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &tar);
    memset(&s.layers[0].blob.bytes, 7, DIGEST_SHA256_SIZE);
    assert_refused(&s, "layer 'L0'");
}

static void gzip(const struct buf *in, struct buf *out)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, in->len);
    assert_int_equal(buf_reserve(out, bound, &e), 0);
    z.next_in = in->data;
    z.avail_in = (uInt)in->len;
    z.next_out = out->data;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len = bound - z.avail_out;
    deflateEnd(&z);
}

static void test_compressed(void **state)
{
    (void)state;
    AUTO_BUF tar = BUF_INIT(1 << 20);
    AUTO_BUF packed = BUF_INIT(1 << 20);
    struct digest d;
    archive_make(&tar, L(FILE_("a", "text"), FILE_("b", ""), FILE_("c", "more")));
    gzip(&tar, &packed);
    assert_int_equal(digest_bytes(DIGEST_SHA256, tar.data, tar.len, &d, &e), 0);
    AUTO_STACK s = STACK_INIT;
    push_bytes(&s, LAYER_TAR, COMPRESSION_GZIP, &packed);
    assert_tree(&s, "/@1000,a:text,b:,c:more");
    s.layers[0].diff_id = d;
    assert_tree(&s, "/@1000,a:text,b:,c:more");
    s.layers[0].diff_id.bytes[5] ^= 1;
    assert_refused(&s, "uncompressed digest");
    s.layers[0].compression = COMPRESSION_XZ;
    assert_refused(&s, "layer 'L0'");
    /* The same tar, uncompressed. */
    push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &tar);
    s.layers[0] = s.layers[1];
    s.count = 1;
    s.layers[0].diff_id = d;
    assert_tree(&s, "/@1000,a:text,b:,c:more");
    s.layers[0].diff_id.bytes[5] ^= 1;
    assert_refused(&s, "uncompressed digest");
}

/* One directory, names in a bad order, half of them whited out again. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    AUTO_BUF a = BUF_INIT(64 << 20);
    AUTO_BUF b = BUF_INIT(64 << 20);
    char name[64];
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(name, sizeof(name), "d/%08x", i * 2654435761U);
        archive_entry(&a, L(FILE_(name, "")));
        (void)snprintf(name, sizeof(name), "d/.wh.%08x", i * 2654435761U);
        if (i % 2 == 0)
            archive_entry(&b, L(FILE_(name, "")));
    }
    archive_end(&a);
    archive_end(&b);
    AUTO_STACK s = STACK_INIT;
    push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &a);
    push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &b);
    AUTO_TREE struct tree *t = NULL;
    assert_int_equal(layers_flatten(cas, s.layers, s.count, &s.o, &t, &e), 0);
    assert_int_equal(tree_entry_count(t), 2 + N / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_implied_parents),
        cmocka_unit_test(test_whiteouts),
        cmocka_unit_test(test_whiteouts_recreated),
        cmocka_unit_test(test_bad_whiteouts),
        cmocka_unit_test(test_whiteout_through_symlink),
        cmocka_unit_test(test_symlinked_parents),
        cmocka_unit_test(test_hard_links),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
