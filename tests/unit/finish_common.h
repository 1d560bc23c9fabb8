/* SPDX-License-Identifier: Apache-2.0 */
/* Root file systems made by hand, and finished: shared by the tests of builder/debian's doings. */
#ifndef ASSAY_TESTS_UNIT_FINISH_COMMON_H
#define ASSAY_TESTS_UNIT_FINISH_COMMON_H

#include "tests/unit/encode_common.h"

#include "builder/debian/finish.h"

struct root {
    struct tree *tree;
    struct tree_packer *packer;
};

static inline struct root root_new(void)
{
    struct root r = {.tree = new_tree()};
    assert_int_equal(tree_packer_new(r.tree, store, &r.packer, &e), 0);
    return r;
}

static inline void put(struct root *r, const char *dir, const char *name, const void *data,
                       size_t len)
{
    struct tree_node *node = add(r->tree, dir, name, TREE_FILE, 0644);
    assert_int_equal(tree_packer_begin(r->packer, &e), 0);
    if (len > 0)
        assert_int_equal(tree_packer_write(r->packer, data, len, &e), 0);
    assert_int_equal(tree_packer_end(r->packer, node->inode, &e), 0);
}

static inline void put_text(struct root *r, const char *dir, const char *name, const char *text)
{
    put(r, dir, name, text, strlen(text));
}

static inline int finish(struct root *r, const struct finish_options *o)
{
    assert_int_equal(tree_packer_commit(r->packer, &e), 0);
    return finish_make(store, o, r->tree, &e);
}

static inline void read_file(const struct root *r, const char *path, struct buf *out)
{
    struct tree_reader *reader = NULL;
    const struct tree_node *node = tree_find(r->tree, path, true);
    assert_non_null(node);
    size_t len = (size_t)node->inode->content.size;
    assert_int_equal(buf_reserve(out, len + 1, &e), 0);
    assert_int_equal(tree_reader_new(r->tree, store, &reader, &e), 0);
    if (len > 0)
        assert_int_equal(tree_reader_read(reader, &node->inode->content, 0, out->data, len, &e), 0);
    out->len = len;
    tree_reader_free(reader);
}

static inline void root_free(struct root *r)
{
    tree_packer_free(r->packer);
    tree_free(r->tree);
}

#endif
