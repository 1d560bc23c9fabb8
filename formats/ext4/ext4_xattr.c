/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes: behind the inode where they fit, else in a block of its own. */
#include "base/byte_order.h"
#include "formats/ext4/ext4.h"
#include "formats/tree/xattr_index.h"

#include <string.h>

enum {
    ENTRY = 16,
    BLOCK_HEADER = 32,
    INODE_HEADER = 4,
    END = 4, /* zeros behind the last entry */
    ACL_MAX = 4096,
    INDEX_MAX = 8,
};
#define MAGIC UINT32_C(0xea020000)

/* ---- ACLs: ext4 has a form of its own ------------------------------------------------ */

/*
 * The value of a system.posix_acl_* attribute as ext4 stores it: version 1, and ids only where an
 * entry has one. At most as long as it was; false when it is no ACL.
 */
static bool convert_acl(const uint8_t *from, size_t len, uint8_t out[ACL_MAX], size_t *out_len)
{
    enum { USER = 2, GROUP = 8, HEADER = 4, LONG = 8, SHORT = 4 };
    static const uint8_t xattr_version[] = {2, 0, 0, 0};
    size_t at = HEADER;

    if (len < HEADER || (len - HEADER) % LONG != 0 || len > ACL_MAX ||
        memcmp(from, xattr_version, sizeof(xattr_version)) != 0)
        return false;
    put_le32(out, 1);
    for (size_t i = HEADER; i < len; i += LONG) {
        bool has_id = (from[i] == USER || from[i] == GROUP) && from[i + 1] == 0;
        size_t size = has_id ? LONG : SHORT;
        memcpy(out + at, from + i, size);
        at += size;
    }
    *out_len = at;
    return true;
}

struct value {
    const uint8_t *bytes;
    size_t len;
    uint8_t acl[ACL_MAX];
};

static int value_of(const struct tree_xattr *x, uint8_t index, struct value *out, struct err *e)
{
    out->bytes = x->value;
    out->len = x->len;
    if (index != XATTR_ACL_ACCESS && index != XATTR_ACL_DEFAULT)
        return 0;
    if (!convert_acl(x->value, x->len, out->acl, &out->len))
        return err_set(e, ERR_INPUT, "its attribute '%s' is no access control list", x->name);
    out->bytes = out->acl;
    return 0;
}

/* ---- measuring --------------------------------------------------------------------- */

static size_t padded(size_t len)
{
    return (len + 3) / 4 * 4;
}

int ext4_xattr_measure(const struct tree_inode *inode, struct ext4_node *out, struct err *e)
{
    size_t bytes = END;

    for (size_t i = 0; i < inode->xattr_count; i++) {
        const struct tree_xattr *x = &inode->xattrs[i];
        const char *rest = NULL;
        uint8_t index = 0;
        struct value value;
        if (!xattr_index(x->name, &index, &rest))
            return err_set(e, ERR_INPUT, "ext4 has no place for its attribute '%s'", x->name);
        int rc = value_of(x, index, &value, e);
        if (rc < 0)
            return rc;
        bytes += ENTRY + padded(strlen(rest)) + padded(value.len);
    }
    out->xattr_inode = INODE_HEADER + bytes <= EXT4_INODE_XATTRS;
    out->xattr_block = !out->xattr_inode;
    if (out->xattr_block && BLOCK_HEADER + bytes > EXT4_BLOCK)
        return err_set(e, ERR_INPUT, "its attributes have %zu bytes: a block of ext4 holds %d",
                       bytes, EXT4_BLOCK - BLOCK_HEADER);
    return 0;
}

/* ---- writing ----------------------------------------------------------------------- */

static uint32_t hash_entry(const char *name, size_t len, const uint8_t *value, size_t value_len)
{
    uint32_t h = 0;

    for (size_t i = 0; i < len; i++)
        h = (h << 5) ^ (h >> 27) ^ (uint8_t)name[i];
    for (size_t i = 0; i < value_len; i += 4) {
        uint32_t word = 0;
        for (size_t k = 0; k < 4 && i + k < value_len; k++)
            word |= (uint32_t)value[i + k] << (8 * k);
        h = (h << 16) ^ (h >> 16) ^ word;
    }
    return h;
}

/* By index, length and name: the order that blocks must have. */
static int compare(const void *a, const void *b)
{
    const struct tree_xattr *x = *(const struct tree_xattr *const *)a;
    const struct tree_xattr *y = *(const struct tree_xattr *const *)b;
    const char *p = NULL;
    const char *q = NULL;
    uint8_t i = 0;
    uint8_t k = 0;

    (void)xattr_index(x->name, &i, &p);
    (void)xattr_index(y->name, &k, &q);
    if (i != k)
        return i < k ? -1 : 1;
    size_t m = p == NULL ? 0 : strlen(p);
    size_t n = q == NULL ? 0 : strlen(q);
    if (m != n)
        return m < n ? -1 : 1;
    return m == 0 ? 0 : memcmp(p, q, m);
}

struct table {
    uint8_t *bytes;
    size_t base; /* values are counted from here */
    size_t at;   /* the next entry */
    size_t end;  /* the last value */
    uint32_t hash;
};

static int put(struct table *t, const struct tree_xattr *x, bool block, struct err *e)
{
    const char *rest = NULL;
    uint8_t index = 0;
    struct value value;
    uint8_t *p = t->bytes + t->at;

    if (!xattr_index(x->name, &index, &rest) || value_of(x, index, &value, e) < 0)
        return err_set(e, ERR_INPUT, "ext4 has no place for the attribute '%s'", x->name);
    size_t len = strlen(rest);
    uint32_t hash = hash_entry(rest, len, value.bytes, value.len);
    t->end -= padded(value.len);
    p[0] = (uint8_t)len;
    p[1] = index;
    put_le16(p + 2, value.len == 0 ? 0 : (uint32_t)(t->end - t->base));
    put_le32(p + 8, (uint32_t)value.len);
    put_le32(p + 12, block ? hash : 0);
    memcpy(p + ENTRY, rest, len);
    if (value.len > 0)
        memcpy(t->bytes + t->end, value.bytes, value.len);
    t->hash = (t->hash << 16) ^ (t->hash >> 16) ^ hash;
    t->at += ENTRY + padded(len);
    return 0;
}

int ext4_xattr_write(const struct tree_inode *inode, bool block, uint8_t *out, struct err *e)
{
    size_t header = block ? BLOCK_HEADER : INODE_HEADER;
    size_t size = block ? EXT4_BLOCK : EXT4_INODE_XATTRS;
    struct table t = {.bytes = out, .base = block ? 0 : header, .at = header, .end = size};
    AUTO_FREE const struct tree_xattr **sorted =
        array_new(inode->xattr_count, sizeof(const struct tree_xattr *));

    if (sorted == NULL)
        return err_oom(e);
    memset(out, 0, size);
    for (size_t i = 0; i < inode->xattr_count; i++)
        sorted[i] = &inode->xattrs[i];
    qsort(sorted, inode->xattr_count, sizeof(const struct tree_xattr *), compare);
    for (size_t i = 0; i < inode->xattr_count; i++) {
        int rc = put(&t, sorted[i], block, e);
        if (rc < 0)
            return rc;
    }
    put_le32(out, MAGIC);
    if (block) {
        put_le32(out + 4, 1);
        put_le32(out + 8, 1);
        put_le32(out + 12, t.hash);
    }
    return 0;
}
