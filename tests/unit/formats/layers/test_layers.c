/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/steps/kinds.h"
#include "formats/layers/layers.h"
#include "tests/unit/formats/tar/archive.h"

#include <zlib.h>

static struct err e;
static struct cas *cas;
static char *store_path;

enum { LAYERS_MAX = 8 };

/* A stack that a test builds and flattens. */
struct stack {
    struct layer_input layers[LAYERS_MAX];
    char names[LAYERS_MAX][8];
    size_t count;
    struct layers_options o;
};
#define STACK_INIT                                                                                 \
    {                                                                                              \
        .o = {.clamp = 1000, .jobs = 1 }                                                           \
    }

static void stack_dispose(struct stack *s)
{
    glob_list_free(s->o.include);
    glob_list_free(s->o.exclude);
}
#define AUTO_STACK AUTO(stack_dispose) struct stack

static void push_bytes(struct stack *s, enum layer_form form, enum compression kind,
                       const struct buf *bytes)
{
    struct layer_input *l = &s->layers[s->count];
    *l = (struct layer_input){.form = form, .compression = kind, .name = s->names[s->count]};
    (void)snprintf(s->names[s->count], sizeof(s->names[0]), "L%u", (unsigned)s->count & 7);
    assert_int_equal(cas_put(cas, bytes->data, bytes->len, &l->blob, &e), 0);
    s->count++;
}

static void push(struct stack *s, const struct entry *entries)
{
    AUTO_BUF tar = BUF_INIT(1 << 24);
    archive_make(&tar, entries);
    push_bytes(s, LAYER_TAR, COMPRESSION_NONE, &tar);
}

static void push_deb(struct stack *s, const struct entry *entries)
{
    AUTO_BUF tar = BUF_INIT(1 << 24);
    AUTO_BUF deb = BUF_INIT(1 << 24);
    archive_make(&tar, entries);
    archive_deb(&deb, "data.tar", &tar);
    push_bytes(s, LAYER_DEB, COMPRESSION_NONE, &deb);
}

static void add_glob(struct glob_list **l, const char *pattern)
{
    if (*l == NULL)
        assert_int_equal(glob_list_new(l, &e), 0);
    assert_int_equal(glob_list_add(*l, pattern, &e), 0);
}

/*
 * The tree in few words: "path" of directories with a slash, ">target" of
 * symlinks, "=path" of second names, ":content" of files; modes and times when
 * they are not those of archive.h; comma-separated.
 */
static int say(void *context, const char *path, struct tree_node *node, struct err *err)
{
    const struct tree_inode *i = node->inode;
    struct buf *out = context;
    int rc =
        buf_addf(out, err, "%s%s%s", out->len > 0 ? "," : "", path, i->type == TREE_DIR ? "/" : "");
    if (i->type == TREE_SYMLINK)
        rc = buf_addf(out, err, ">%s", i->target);
    if (i->type == TREE_FIFO)
        rc = buf_addf(out, err, "|");
    if (i->mode != (i->type == TREE_DIR ? 0755 : i->type == TREE_SYMLINK ? i->mode : 0644))
        rc = buf_addf(out, err, "(%o)", (unsigned)i->mode);
    if (i->mtime != 0)
        rc = buf_addf(out, err, "@%lld", (long long)i->mtime);
    if (i->uid != 0)
        rc = buf_addf(out, err, "#%u", i->uid);
    return rc;
}

struct say_content {
    struct buf *out;
    struct tree_reader *reader;
};

static int say_all(void *context, const char *path, struct tree_node *node, struct err *err)
{
    struct say_content *s = context;
    const struct tree_inode *i = node->inode;
    int rc = say(s->out, path, node, err);
    assert_int_equal(i->mark, 0);
    if (i->type == TREE_FILE) {
        char text[64];
        struct digest d;
        assert_in_range(i->content.size, 0, sizeof(text));
        rc = tree_reader_read(s->reader, &i->content, 0, text, (size_t)i->content.size, err);
        assert_int_equal(rc, 0);
        assert_int_equal(digest_bytes(DIGEST_SHA256, text, (size_t)i->content.size, &d, err), 0);
        assert_memory_equal(d.bytes, i->content.sha256, DIGEST_SHA256_SIZE);
        rc = buf_addf(s->out, err, ":%.*s", (int)i->content.size, text);
        if (i->links > 1)
            rc = buf_addf(s->out, err, "*%u", i->links);
    }
    return rc;
}

static int flatten(struct stack *s, struct buf *out)
{
    AUTO_TREE struct tree *t = NULL;
    int rc = layers_flatten(cas, s->layers, s->count, &s->o, &t, &e);
    if (rc < 0)
        return rc;
    struct say_content c = {.out = out};
    assert_int_equal(tree_reader_new(t, cas, &c.reader, &e), 0);
    assert_int_equal(tree_walk(t, say_all, &c, &e), 0);
    tree_reader_free(c.reader);
    /* It can be stored and loaded, and no thread count changes a byte. */
    struct digest tree[2];
    struct digest places[2];
    AUTO_TREE struct tree *again = NULL;
    AUTO_TREE struct tree *loaded = NULL;
    assert_int_equal(tree_store(t, cas, &tree[0], &places[0], &e), 0);
    s->o.jobs = 3;
    assert_int_equal(layers_flatten(cas, s->layers, s->count, &s->o, &again, &e), 0);
    s->o.jobs = 1;
    assert_int_equal(tree_store(again, cas, &tree[1], &places[1], &e), 0);
    assert_true(digest_equal(&tree[0], &tree[1]) && digest_equal(&places[0], &places[1]));
    assert_int_equal(tree_load(cas, &tree[0], &places[0], &loaded, &e), 0);
    assert_int_equal(tree_entry_count(loaded), tree_entry_count(t));
    return 0;
}

static void assert_tree(struct stack *s, const char *want)
{
    AUTO_BUF got = BUF_INIT(1 << 20);
    int rc = flatten(s, &got);
    char line[1024];
    if (rc < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_string_equal(buf_str(&got), want);
}

static void assert_refused(struct stack *s, const char *why)
{
    AUTO_BUF got = BUF_INIT(1 << 20);
    char line[2048];
    assert_int_equal(flatten(s, &got), -ERR_INPUT);
    if (strstr(err_line(&e, line, sizeof(line)), why) == NULL)
        fail_msg("says '%s', should say '%s'", line, why);
}

#define L(...) ((struct entry[]){__VA_ARGS__, {0}})
#define FILE_(path, text)                                                                          \
    {                                                                                              \
        path, '0', .data = (text)                                                                  \
    }
#define DIR_(path)                                                                                 \
    {                                                                                              \
        path, '5'                                                                                  \
    }
#define LINK(path, to)                                                                             \
    {                                                                                              \
        path, '1', .link = (to)                                                                    \
    }
#define SYM(path, to)                                                                              \
    {                                                                                              \
        path, '2', .link = (to)                                                                    \
    }

/* ---- OCI ---- */

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
    for (size_t len = 0; len < tar.len; len += 512) {
        AUTO_STACK s = STACK_INIT;
        struct buf part = {.data = tar.data, .len = len};
        push_bytes(&s, LAYER_TAR, COMPRESSION_NONE, &part);
        assert_refused(&s, "layer 'L0'");
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

/* ---- filters ---- */

static void test_filters(void **state)
{
    (void)state;
    const struct entry *layer =
        L(DIR_("boot"), FILE_("boot/vmlinuz-6", "k"), FILE_("boot/config-6", "c"), DIR_("usr"),
          DIR_("usr/share"), {"usr/share/doc", '5', .mode = 0700}, FILE_("usr/share/doc/x", "x"),
          FILE_("usr/f", "f"));
    AUTO_STACK in = STACK_INIT;
    push(&in, layer);
    add_glob(&in.o.include, "boot/vmlinuz-*");
    assert_tree(&in, "/@1000,boot/@1000,boot/vmlinuz-6:k");
    add_glob(&in.o.include, "usr/share");
    assert_tree(&in, "/@1000,boot/@1000,boot/vmlinuz-6:k,usr/@1000,usr/share/,usr/share/doc/(700),"
                     "usr/share/doc/x:x");
    add_glob(&in.o.exclude, "**/doc");
    assert_tree(&in, "/@1000,boot/@1000,boot/vmlinuz-6:k,usr/@1000,usr/share/");
    /* Whiteouts hold for what is filtered too. */
    AUTO_STACK out = STACK_INIT;
    push(&out, layer);
    push(&out, L(FILE_("usr/.wh.f", ""), FILE_("usr/share/.wh.doc", "")));
    add_glob(&out.o.exclude, "boot");
    assert_tree(&out, "/@1000,usr/,usr/share/");
}

static void test_links_to_filtered(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_("bin"), FILE_("bin/tool", "the tool"), LINK("bin/t2", "bin/tool"),
               LINK("keep1", "bin/t2"), LINK("keep2", "bin/tool"), FILE_("bin/big", "not stored")));
    add_glob(&s.o.include, "keep*");
    assert_tree(&s, "/@1000,keep1:the tool*2,keep2:the tool*2");
    /* Through layers: the target as the layers between left it. */
    push(&s, L(FILE_("bin/tool", "new tool")));
    push(&s, L(LINK("keep3", "bin/tool"), LINK("keep4", "bin/t2")));
    assert_tree(&s, "/@1000,keep1:the tool*3,keep2:the tool*3,keep3:new tool,keep4:the tool*3");
    push(&s, L(FILE_(".wh.bin", "")));
    assert_tree(&s, "/@1000,keep1:the tool*3,keep2:the tool*3,keep3:new tool,keep4:the tool*3");
    push(&s, L(LINK("keep5", "bin/tool")));
    assert_refused(&s, "not there");
    s.count--;
    push(&s, L(FILE_("bin", "")));
    push(&s, L(LINK("keep5", "nowhere")));
    assert_refused(&s, "not there");
}

static struct layer_place *place_new(const char *pattern, const char *path)
{
    struct layer_place *p = array_new(1, sizeof(*p));
    assert_non_null(p);
    assert_int_equal(glob_new(pattern, &p->match, &e), 0);
    p->pattern = strdup(pattern);
    p->path = strdup(path);
    return p;
}

static void try_place(struct stack *s, const char *pattern, const char *path, const char *want,
                      const char *why)
{
    struct layer_place *p = place_new(pattern, path);
    s->o.places = p;
    s->o.place_count = 1;
    if (want != NULL)
        assert_tree(s, want);
    else
        assert_refused(s, why);
    glob_free(p->match);
    free(p->path);
    free(p->pattern);
    free(p);
}

static void test_place(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(DIR_("boot"), FILE_("boot/vmlinuz-6", "k"), FILE_("boot/config-6", "c"), DIR_("d"),
               FILE_("d/x", "x")));
    try_place(&s, "boot/vmlinuz-*", "kernel", "/@1000,boot/,boot/config-6:c,d/,d/x:x,kernel:k",
              NULL);
    try_place(&s, "boot/vmlinuz-*", "a/b/kernel",
              "/@1000,a/@1000,a/b/@1000,a/b/kernel:k,boot/,boot/config-6:c,d/,d/x:x", NULL);
    try_place(&s, "d", "boot/moved",
              "/@1000,boot/,boot/config-6:c,boot/moved/,boot/moved/x:x,boot/vmlinuz-6:k", NULL);
    try_place(&s, "d", "d", "/@1000,boot/,boot/config-6:c,boot/vmlinuz-6:k,d/,d/x:x", NULL);
    try_place(&s, "boot/*-6", "kernel", NULL, "more than one");
    try_place(&s, "boot/nothing-*", "kernel", NULL, "matches no path");
    try_place(&s, "boot/vmlinuz-*", "d/x", NULL, "exists already");
    try_place(&s, "boot", "boot/in", NULL, "into itself");
    try_place(&s, "boot/vmlinuz-*", "d/x/y", NULL, "not a directory");
}

/* ---- Debian ---- */

static void test_debian(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push_deb(&s, L({"./", '5', .mtime = 3}, {"./etc/", '5', .mode = 0711}, FILE_("./etc/a", "same"),
                   SYM("./l", "etc"), FILE_("./implied/x", "x"),
                   FILE_("./.wh.z", "a file like others")));
    push_deb(&s, L({"./", '5', .mtime = 4}, {"./etc/", '5', .mode = 0777},
                   {"./etc/a", '0', .data = "same", .mode = 0600}, SYM("./l", "etc"),
                   {"./implied/", '5', .mode = 0750}, LINK("./etc/b", "./etc/a")));
    assert_tree(&s, "/@3,.wh.z:a file like "
                    "others,etc/(711),etc/a:same*2,etc/b:same*2,implied/(750),implied/x:x,l>etc");
    push_deb(&s, L(DIR_("./l"), FILE_("./l/c", "through")));
    assert_tree(&s, "/@3,.wh.z:a file like "
                    "others,etc/(711),etc/a:same*2,etc/b:same*2,etc/c:through,implied/(750),"
                    "implied/x:x,l>etc");
}

static void test_debian_conflicts(void **state)
{
    (void)state;
    const struct entry *base =
        L(DIR_("./d"), FILE_("./f", "one"), SYM("./s", "f"), {"./p", '6'}, FILE_("./i/x", ""));
    const struct entry *const over[] = {
        L(FILE_("./f", "two")), L(DIR_("./f")),
        L(SYM("./f", "d")),     L(FILE_("./d", "")),
        L(SYM("./d", "f")),     L(SYM("./s", "d")),
        L(DIR_("./s")),         L(FILE_("./s", "one")),
        L(FILE_("./p", "")),    L(FILE_("./d/x", ""), LINK("./f", "./d/x"))};
    for (size_t i = 0; i < sizeof(over) / sizeof(*over); i++) {
        AUTO_STACK s = STACK_INIT;
        push_deb(&s, base);
        push_deb(&s, over[i]);
        assert_refused(&s, "is in both 'L0' and 'L1', and not the same");
    }
    AUTO_STACK s = STACK_INIT;
    push_deb(&s, base);
    push_deb(&s, L(FILE_("./i", "")));
    assert_refused(&s, "other entries lie in");
}

static void test_merged(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    s.o.usr_merged = true;
    push_deb(&s, L(DIR_("./lib/"), DIR_("./lib/modules/"), FILE_("./lib/modules/m", "m"),
                   DIR_("./bin"), FILE_("./bin/sh", "sh"), LINK("./bin/ash", "./bin/sh"),
                   SYM("./bin/link", "sh"), FILE_("./libre/x", "not lib")));
    assert_tree(
        &s,
        "/@1000,bin>usr/bin@1000,lib>usr/lib@1000,libre/@1000,libre/x:not lib,usr/@1000,usr/bin/,"
        "usr/bin/ash:sh*2,usr/bin/link>sh,usr/bin/sh:sh*2,usr/lib/,usr/lib/modules/,usr/lib/"
        "modules/m:m");
    /* base-files brings the links itself. */
    push_deb(&s, L(SYM("./lib", "usr/lib"), {"./bin", '2', .link = "/usr/bin", .mtime = 9},
                   SYM("./sbin", "usr/sbin"), DIR_("./usr/"), DIR_("./usr/sbin/")));
    add_glob(&s.o.exclude, "usr/bin");
    assert_tree(
        &s,
        "/@1000,bin>/usr/bin@9,lib>usr/lib,libre/@1000,libre/x:not lib,sbin>usr/sbin,usr/,usr/lib/,"
        "usr/lib/modules/,usr/lib/modules/m:m,usr/sbin/");
    /* Two packages, one path by two names. */
    push_deb(&s, L(FILE_("./usr/lib/modules/m", "other")));
    assert_refused(&s, "not the same");
    AUTO_STACK odd = STACK_INIT;
    odd.o.usr_merged = true;
    push_deb(&odd, L(SYM("./lib", "elsewhere")));
    assert_refused(&odd, "neither a directory nor the link");
    AUTO_STACK none = STACK_INIT;
    none.o.usr_merged = true;
    push_deb(&none, L(FILE_("./lib/x", "x"), FILE_("./opt/y", "y")));
    add_glob(&none.o.include, "opt");
    assert_tree(&none, "/@1000,opt/@1000,opt/y:y");
    AUTO_STACK dir = STACK_INIT;
    dir.o.usr_merged = true;
    push(&dir, L(FILE_("lib/x", "x")));
    push_deb(&dir, L(FILE_("./lib/y", "y")));
    assert_refused(&dir, "does not lead to");
}

/* ---- many ---- */

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

/* ---- the step ---- */

static int run_step(const char *params, struct stack *s, struct step_output *out)
{
    AUTO_JSON json_t *doc = NULL;
    assert_int_equal(json_parse(params, strlen(params), "params", NULL, &doc, &e), 0);
    struct jcur c = jcur_root(doc, "params");
    struct step_input inputs[LAYERS_MAX] = {{0}};
    for (size_t i = 0; i < s->count; i++)
        inputs[i] = (struct step_input){.id = s->names[i], .digest = s->layers[i].blob};
    struct step_context context = {.cas = cas, .jobs = 2};
    int rc = step_tree_layers.check(&c, s->count, &e);
    return rc < 0 ? rc : step_tree_layers.run(&context, &c, inputs, s->count, out, &e);
}

#define REST "\"include\":[],\"exclude\":[],\"place\":[],\"usrMerged\":false,\"clamp\":0}"

static void test_step(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a", "1"), FILE_("x", "")));
    push_deb(&s, L(FILE_("./lib/b", "2")));
    struct step_output out = {0};
    assert_int_equal(
        run_step(
            "{\"layers\":[{\"form\":\"tar\",\"compression\":\"none\"},{\"form\":\"deb\"}],"
            "\"include\":[\"*\",\"usr/lib\"],\"exclude\":[\"x\"],\"usrMerged\":true,\"clamp\":-3,"
            "\"place\":[{\"match\":\"a*\",\"path\":\"z\"}]}",
            &s, &out),
        0);
    assert_int_equal(out.kind, VALUE_TREE);
    AUTO_BUF got = BUF_INIT(1 << 16);
    struct digest d;
    assert_int_equal(tree_digest(out.tree, &d, &e), 0);
    assert_true(digest_equal(&d, &out.digest));
    assert_int_equal(tree_walk(out.tree, say, &got, &e), 0);
    assert_string_equal(buf_str(&got), "/@-3,lib>usr/lib@-3,usr/@-3,usr/lib/@-3,usr/lib/b@-3,z@-3");
    assert_true(cas_has(cas, &out.locations, NULL));
    tree_free(out.tree);
}

static void test_step_refused(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a", "1")));
#define TAR "{\"form\":\"tar\",\"compression\":\"none\"}"
    static const char *const bad[] = {
        "{\"layers\":[]," REST,
        "{\"layers\":[" TAR "," TAR "]," REST,
        "{\"layers\":[{\"form\":\"tar\"}]," REST,
        "{\"layers\":[{\"form\":\"cpio\"}]," REST,
        "{\"layers\":[{\"form\":\"deb\",\"compression\":\"none\"}]," REST,
        "{\"layers\":[{\"form\":\"tar\",\"compression\":\"bzip2\"}]," REST,
        "{\"layers\":[{\"form\":\"tar\",\"compression\":\"none\",\"diffId\":\"sha256:0\"}]," REST,
        "{\"layers\":[{\"form\":\"tar\",\"compression\":\"none\",\"x\":1}]," REST,
        "{\"layers\":[" TAR "],\"more\":1," REST,
        "{\"layers\":[" TAR "],\"include\":[],\"exclude\":[],\"place\":[],\"usrMerged\":false}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[],\"place\":[],\"usrMerged\":0,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[\"\"],\"exclude\":[],\"place\":[],\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[\"[\"],\"place\":[],\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[],\"place\":[{\"match\":\"a\",\"path\":\"../b\"}],"
        "\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[],\"place\":[{\"match\":\"/a\",\"path\":\"b\"}],"
        "\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR "],\"include\":[],\"exclude\":[],\"place\":[{\"match\":\"a\"}],"
        "\"usrMerged\":false,\"clamp\":0}",
    };
    struct step_output out = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (run_step(bad[i], &s, &out) != -ERR_INPUT)
            fail_msg("accepted: %s", bad[i]);
}

static int setup(void **state)
{
    (void)state;
    return dir_make_temp("/tmp", "assay-test-layers-", &store_path, &e) < 0 ||
                   cas_open(store_path, CAS_CREATE, &cas, &e) < 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    cas_close(cas);
    int rc = dir_remove(store_path, &e);
    free(store_path);
    return rc;
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
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_links_to_filtered),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_debian),
        cmocka_unit_test(test_debian_conflicts),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_step_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
