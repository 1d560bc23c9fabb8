/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that have one count of everything, and a sink that keeps little: for test_widths.c. */
#ifndef ASSAY_TESTS_UNIT_BUILDER_STEPS_WIDTHS_TREES_H
#define ASSAY_TESTS_UNIT_BUILDER_STEPS_WIDTHS_TREES_H

#include "tests/unit/encode_common.h"

#include "formats/stream/sink.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- trees ------------------------------------------------------------------------------------
 */

/* What of a tree the count is. */
enum field { MTIME, MAJOR, MINOR, TARGET, LINKS, SIZE, XATTR, XATTRS, NAME, UID, DIRS };

static void add_attribute(struct tree_inode *inode, const char *name, uint64_t len)
{
    AUTO_FREE uint8_t *value = calloc(1, (size_t)len + 1);
    assert_non_null(value);
    assert_int_equal(tree_set_xattr(inode, name, value, (size_t)len, &e), 0);
}

static void add_text(struct tree *t, enum field field, uint64_t len)
{
    char text[8192];
    assert_true(len < sizeof(text));
    memset(text, 'x', (size_t)len);
    text[len] = '\0';
    if (field == TARGET)
        (void)add_symlink(t, "", "l", text);
    else
        (void)add(t, "", text, TREE_FILE, 0644);
}

/* So many directories, the root among them, at most 256 in each. */
static void add_dirs(struct tree *t, uint64_t count)
{
    char parent[32] = "";
    char name[32];
    for (uint64_t i = 1; i < count; i++) {
        bool outer = i % 256 == 1;
        (void)snprintf(name, sizeof(name), "%" PRIu64, i);
        (void)add(t, outer ? "" : parent, name, TREE_DIR, 0755);
        if (outer)
            memcpy(parent, name, sizeof(parent));
    }
}

static void set_number(struct tree_inode *inode, enum field field, uint64_t value)
{
    if (field == MTIME)
        inode->mtime = (int64_t)value;
    else if (field == MAJOR)
        inode->major = (uint32_t)value;
    else if (field == MINOR)
        inode->minor = (uint32_t)value;
    else if (field == SIZE)
        inode->content.size = value;
    else if (field == UID)
        inode->uid = (uint32_t)value;
}

static struct tree *tree_with(enum field field, uint64_t value)
{
    bool device = field == MAJOR || field == MINOR;
    struct tree *t = new_tree();
    char name[32];

    if (field == TARGET || field == NAME) {
        add_text(t, field, value);
        return t;
    }
    if (field == DIRS) {
        add_dirs(t, value);
        return t;
    }
    struct tree_node *node = add(t, "", "n", device ? TREE_CHAR : TREE_FILE, 0644);
    set_number(node->inode, field, value);
    if (field == XATTR || field == XATTRS)
        add_attribute(node->inode, "user.a", value);
    for (unsigned i = 0; field == XATTRS && i < 3; i++) {
        (void)snprintf(name, sizeof(name), "user.%u", i);
        add_attribute(node->inode, name, UINT16_MAX - 4); /* 65536 with what stands before it */
    }
    for (uint64_t i = 1; field == LINKS && i < value; i++) {
        (void)snprintf(name, sizeof(name), "n%" PRIu64, i);
        (void)add_link(t, "", name, node);
    }
    return t;
}

/* ---- where the bytes go -----------------------------------------------------------------------
 */

/* The first bytes, and how many there were. */
struct kept {
    uint8_t data[1 << 16];
    uint64_t len;
};

static int keep(void *context, const void *data, size_t len, struct err *err)
{
    struct kept *k = context;
    (void)err;
    if (k->len < sizeof(k->data)) {
        size_t room = sizeof(k->data) - (size_t)k->len;
        memcpy(k->data + k->len, data, len < room ? len : room);
    }
    k->len += len;
    return 0;
}

#endif
