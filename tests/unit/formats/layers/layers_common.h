/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of small archives, flattened and told in one line: shared by the tests of layers. */
#ifndef ASSAY_TESTS_UNIT_FORMATS_LAYERS_LAYERS_COMMON_H
#define ASSAY_TESTS_UNIT_FORMATS_LAYERS_LAYERS_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "formats/layers/layers.h"
#include "tests/unit/formats/tar/archive.h"

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

static inline void stack_dispose(struct stack *s)
{
    glob_list_free(s->o.include);
    glob_list_free(s->o.exclude);
}
#define AUTO_STACK AUTO(stack_dispose) struct stack

static inline void push_bytes(struct stack *s, enum layer_form form, enum compression kind,
                              const struct buf *bytes)
{
    struct layer_input *l = &s->layers[s->count];
    *l = (struct layer_input){.form = form, .compression = kind, .name = s->names[s->count]};
    (void)snprintf(s->names[s->count], sizeof(s->names[0]), "L%u", (unsigned)s->count & 7);
    assert_int_equal(cas_put(cas, bytes->data, bytes->len, &l->blob, &e), 0);
    s->count++;
}

static inline void push(struct stack *s, const struct entry *entries)
{
    AUTO_BUF tar = BUF_INIT(1 << 24);
    archive_make(&tar, entries);
    push_bytes(s, LAYER_TAR, COMPRESSION_NONE, &tar);
}

static inline void push_deb(struct stack *s, const struct entry *entries)
{
    AUTO_BUF tar = BUF_INIT(1 << 24);
    AUTO_BUF deb = BUF_INIT(1 << 24);
    archive_make(&tar, entries);
    archive_deb(&deb, "data.tar", &tar);
    push_bytes(s, LAYER_DEB, COMPRESSION_NONE, &deb);
}

static inline void add_glob(struct glob_list **l, const char *pattern)
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
static inline int say(void *context, const char *path, struct tree_node *node, struct err *err)
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

static inline int say_all(void *context, const char *path, struct tree_node *node, struct err *err)
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

static inline int flatten(struct stack *s, struct buf *out)
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

static inline void assert_tree(struct stack *s, const char *want)
{
    AUTO_BUF got = BUF_INIT(1 << 20);
    int rc = flatten(s, &got);
    char line[1024];
    if (rc < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_string_equal(buf_str(&got), want);
}

static inline void assert_refused(struct stack *s, const char *why)
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

#endif
