/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes: behind the inode, in a block, or each in an inode of its own. */
#include "base/byte_order.h"
#include "formats/ext4/ext4_format.h"
#include "formats/ext4/ext4_reader.h"
#include "formats/tree/xattr_index.h"

#include <string.h>

enum { NAME_LENGTH_MAX = 255, ACL_MAX = 2 * EXT4_XATTR_VALUE_MAX };

typedef int found_xattr(void *context, const char *name, const void *value, size_t len,
                        struct err *e);

/* Where entries stand, and what their values' offsets count from. */
struct room {
    struct ext4_image *image;
    const struct ext4_inode *inode;
    ext4_used *used;
    const uint8_t *base;
    size_t size;
    bool inline_data; /* what is looked for: that alone, or all but that */
    found_xattr *found;
    void *context;
};

static const char *prefix_of(uint8_t index)
{
    static const char *const prefixes[] = {
        [0] = "",
        [XATTR_USER] = "user.",
        [XATTR_ACL_ACCESS] = "system.posix_acl_access",
        [XATTR_ACL_DEFAULT] = "system.posix_acl_default",
        [XATTR_TRUSTED] = "trusted.",
        [XATTR_SECURITY] = "security.",
        [EXT4_X_SYSTEM] = "system.",
        [8] = "system.richacl",
    };
    return index < sizeof(prefixes) / sizeof(prefixes[0]) ? prefixes[index] : NULL;
}

static int damaged(const struct room *r, const char *what, struct err *e)
{
    return ext4_damaged(r->image, what, r->inode->number, e);
}

/* From ext4's form, in which only users and groups have ids, to that of system calls. */
static int convert_acl(const struct room *r, const uint8_t *from, size_t len, struct buf *out,
                       struct err *e)
{
    enum { HEADER = 4, SHORT = 4, LONG = 8, USER = 2, GROUP = 8 };
    static const uint8_t version[HEADER] = {2, 0, 0, 0};
    static const uint8_t nobody[LONG - SHORT] = {0xff, 0xff, 0xff, 0xff};
    int rc = 0;
    if (len < HEADER || get_le32(from) != 1)
        return damaged(r, "an access control list is none, of inode", e);
    rc = buf_add(out, version, HEADER, e);
    for (size_t at = HEADER; rc == 0 && at < len;) {
        bool has_id = len - at >= SHORT && (from[at] == USER || from[at] == GROUP);
        size_t size = has_id ? LONG : SHORT;
        if (len - at < size)
            return damaged(r, "an access control list is cut short, of inode", e);
        rc = buf_add(out, from + at, size, e);
        if (rc == 0 && !has_id)
            rc = buf_add(out, nobody, sizeof(nobody), e);
        at += size;
    }
    return rc;
}

static int give(const struct room *r, uint8_t index, const char *name, const uint8_t *value,
                size_t len, struct err *e)
{
    AUTO_BUF acl = BUF_INIT(ACL_MAX);
    if (index != XATTR_ACL_ACCESS && index != XATTR_ACL_DEFAULT)
        return r->found(r->context, name, value, len, e);
    int rc = convert_acl(r, value, len, &acl, e);
    return rc < 0 ? rc : r->found(r->context, name, acl.data, acl.len, e);
}

/* The value in an inode of its own. */
static int give_inode(const struct room *r, uint32_t number, uint8_t index, const char *name,
                      size_t len, struct err *e)
{
    struct ext4_inode inode;
    AUTO_BYTES *content = NULL;
    AUTO_FREE uint8_t *value = malloc(len + 1);
    if (value == NULL)
        return err_oom(e);
    int rc = ext4_inode_read(r->image, number, &inode, e);
    if (rc < 0 || (rc = ext4_content(r->image, &inode, r->used, r->context, &content, e)) < 0 ||
        (rc = bytes_read(content, 0, value, len, e)) < 0)
        return rc;
    if (r->used != NULL && (rc = r->used(r->context, inode.position, r->image->inode_size, e)) < 0)
        return rc;
    return give(r, index, name, value, len, e);
}

static int take(const struct room *r, const uint8_t *entry, struct err *e)
{
    char name[64 + NAME_LENGTH_MAX];
    uint8_t index = entry[EXT4_X_INDEX];
    size_t name_len = entry[EXT4_X_NAME_LENGTH];
    size_t offset = get_le16(entry + EXT4_X_OFFSET);
    uint32_t size = get_le32(entry + EXT4_X_SIZE);
    uint32_t inode = get_le32(entry + EXT4_X_INODE);
    const char *prefix = prefix_of(index);
    if (prefix == NULL || size > EXT4_XATTR_VALUE_MAX ||
        memchr(entry + EXT4_X_NAME, 0, name_len) != NULL)
        return damaged(r, "an attribute is none, of inode", e);
    size_t len = strlen(prefix);
    memcpy(name, prefix, len);
    memcpy(name + len, entry + EXT4_X_NAME, name_len);
    name[len + name_len] = '\0';
    bool data = (r->inode->flags & EXT4_FLAG_INLINE) && strcmp(name, "system.data") == 0;
    if (data != r->inline_data)
        return 0;
    if (inode != 0)
        return give_inode(r, inode, index, name, size, e);
    if (size > 0 && (offset > r->size || size > r->size - offset))
        return damaged(r, "an attribute's value lies elsewhere, of inode", e);
    return give(r, index, name, r->base + (size == 0 ? 0 : offset), size, e);
}

/* Entries from `at` up to four zeros, or to the end. */
static int take_all(const struct room *r, size_t at, struct err *e)
{
    int rc = 0;
    while (rc == 0 && r->size - at >= 4 && get_le32(r->base + at) != 0) {
        size_t len =
            r->size - at < EXT4_X_NAME ? 0 : (EXT4_X_NAME + (size_t)r->base[at] + 3) / 4 * 4;
        if (len == 0 || len > r->size - at)
            return damaged(r, "the list of attributes has no end, of inode", e);
        rc = take(r, r->base + at, e);
        at += len;
    }
    return rc;
}

static int read_behind(struct room *r, struct err *e)
{
    size_t start = EXT4_I_OLD + r->inode->extra + 4;
    if (r->image->inode_size <= EXT4_I_OLD || r->inode->extra == 0 ||
        start > r->image->inode_size || get_le32(r->inode->raw + start - 4) != EXT4_XATTR_MAGIC)
        return 0;
    r->base = r->inode->raw + start;
    r->size = r->image->inode_size - start;
    return take_all(r, 0, e);
}

static int read_block(struct room *r, struct err *e)
{
    const struct ext4_image *image = r->image;
    AUTO_FREE uint8_t *block = NULL;
    uint64_t at = r->inode->xattr_block;
    if (at == 0)
        return 0;
    if (at >= image->blocks)
        return damaged(r, "the attributes lie outside of it, of inode", e);
    block = malloc(image->block_size);
    if (block == NULL)
        return err_oom(e);
    int rc = bytes_read(image->bytes, at * image->block_size, block, image->block_size, e);
    if (rc < 0 || (r->used != NULL &&
                   (rc = r->used(r->context, at * image->block_size, image->block_size, e)) < 0))
        return rc;
    if (get_le32(block) != EXT4_XATTR_MAGIC)
        return damaged(r, "the block of attributes is none, of inode", e);
    r->base = block;
    r->size = image->block_size;
    rc = take_all(r, EXT4_X_BLOCK_HEADER, e);
    r->base = NULL;
    return rc;
}

static int read_both(struct room *r, struct err *e)
{
    int rc = read_behind(r, e);
    return rc < 0 ? rc : read_block(r, e);
}

int ext4_xattrs_read(struct ext4_image *image, const struct ext4_inode *inode, ext4_used *used,
                     found_xattr *found, void *context, struct err *e)
{
    struct room r = {
        .image = image, .inode = inode, .used = used, .found = found, .context = context};
    return read_both(&r, e);
}

static int keep(void *context, const char *name, const void *value, size_t len, struct err *e)
{
    (void)name;
    return buf_add(context, value, len, e);
}

int ext4_inline_rest(struct ext4_image *image, const struct ext4_inode *inode, struct buf *out,
                     struct err *e)
{
    struct room r = {
        .image = image, .inode = inode, .inline_data = true, .found = keep, .context = out};
    return read_both(&r, e);
}
