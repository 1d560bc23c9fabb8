/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of an image that is read. */
#include "formats/squashfs/squashfs_reader_internal.h"

#include <string.h>

enum { XATTR_OUT_OF_LINE = 0x100, XATTR_VALUE_MAX = 65536, XATTRS_MAX = 65536 };

static int read_value(struct drive_image *image, uint64_t base, struct drive_place *at, bool away,
                      uint8_t *value, uint32_t *len, struct err *e)
{
    uint8_t b[8];
    int rc = drive_take(image, at, b, 4, e);
    if (rc < 0)
        return rc;
    struct drive_place there = {0};
    struct drive_place *from = at;
    *len = get_le32(b);
    if (away) {
        if (*len != 8)
            return drive_broken(image, "an attribute's reference has another size", e);
        if ((rc = drive_take(image, at, b, 8, e)) < 0)
            return rc;
        there.offset = get_le64(b) & 0xffff;
        if (!add_u64(base, get_le64(b) >> 16, &there.block))
            return drive_broken(image, "it points beyond its end", e);
        if ((rc = drive_take(image, &there, b, 4, e)) < 0)
            return rc;
        *len = get_le32(b);
        from = &there;
    }
    if (*len > XATTR_VALUE_MAX)
        return drive_broken(image, "an attribute's value is too long", e);
    return drive_take(image, from, value, *len, e);
}

static int read_xattr(struct drive_image *image, uint64_t base, struct drive_place *at,
                      uint8_t *value, drive_xattr_fn *found, void *context, struct err *e)
{
    static const char *const prefixes[] = {"user.", "trusted.", "security."};
    char name[DRIVE_NAME_MAX + 16];
    uint8_t b[4];
    uint32_t len = 0;
    int rc = drive_take(image, at, b, sizeof(b), e);
    if (rc < 0)
        return rc;
    uint16_t type = get_le16(b);
    size_t size = get_le16(b + 2);
    if ((type & 0xff) > 2 || (type & ~(0xff | XATTR_OUT_OF_LINE)) != 0 || size == 0 ||
        size > DRIVE_NAME_MAX - 1)
        return drive_broken(image, "an attribute's name is none", e);
    size_t prefix = strlen(prefixes[type & 0xff]);
    memcpy(name, prefixes[type & 0xff], prefix);
    if ((rc = drive_take(image, at, name + prefix, size, e)) < 0)
        return rc;
    name[prefix + size] = 0;
    if (strlen(name) != prefix + size)
        return drive_broken(image, "an attribute's name is none", e);
    rc = read_value(image, base, at, (type & XATTR_OUT_OF_LINE) != 0, value, &len, e);
    return rc < 0 ? rc : found(context, name, value, len, e);
}

int drive_xattrs_read(struct drive_image *image, const struct drive_inode *inode,
                      drive_xattr_fn *found, void *context, struct err *e)
{
    uint8_t head[16];
    uint8_t id[16];
    struct drive_place at = {0};
    if (inode->xattrs == NO_XATTRS)
        return 0;
    if (image->xattr_table == NO_TABLE)
        return drive_broken(image, "an inode has attributes and the image has none", e);
    int rc = drive_read_at(image, image->xattr_table, head, sizeof(head), e);
    if (rc < 0)
        return rc;
    if (inode->xattrs >= get_le32(head + 8))
        return drive_broken(image, "an inode's attributes are not in their table", e);
    if ((rc = drive_table_entry(image, image->xattr_table + sizeof(head), inode->xattrs, id,
                                sizeof(id), e)) < 0)
        return rc;
    uint64_t base = get_le64(head);
    uint32_t count = get_le32(id + 8);
    at.offset = get_le64(id) & 0xffff;
    if (!add_u64(base, get_le64(id) >> 16, &at.block) || count > XATTRS_MAX)
        return drive_broken(image, "it points beyond its end", e);
    AUTO_FREE uint8_t *value = malloc(XATTR_VALUE_MAX);
    if (value == NULL)
        return err_oom(e);
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        rc = read_xattr(image, base, &at, value, found, context, e);
    return rc;
}
