/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/ext4/ext4_reader.h"

#include "base/byte_order.h"
#include "formats/ext4/ext4_format.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { DIRECT = 12, LEVELS = 3, NAME_LENGTH_MAX = 255, BLOCK_SIZE_MAX = 65536 };

int ext4_damaged(const struct ext4_image *image, const char *what, uint64_t number, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the ext4 image is damaged: %s %" PRIu64, image->name, what,
                   number);
}

/* ---- the super block, and where inodes are -------------------------------------------------- */

static bool is_power(uint32_t n, uint32_t base)
{
    while (n % base == 0)
        n /= base;
    return n == 1;
}

/* Whether a group begins with a copy of the super block. */
static bool has_super(const struct ext4_image *image, uint32_t group)
{
    const uint8_t *s = image->super;
    if (get_le32(s + EXT4_S_COMPATIBLE) & EXT4_TWO_BACKUPS)
        return group == 0 || group == get_le32(s + EXT4_S_BACKUP_GROUPS) ||
               group == get_le32(s + EXT4_S_BACKUP_GROUPS + 4);
    if (!(get_le32(s + EXT4_S_READ_ONLY) & EXT4_FEW_BACKUPS) || group <= 1)
        return true;
    return is_power(group, 3) || is_power(group, 5) || is_power(group, 7);
}

/* With blocks of 1 KiB the boot sector has the first one, whether groups begin behind it or not. */
static uint64_t super_block(const struct ext4_image *image)
{
    return EXT4_SUPER / image->block_size;
}

/* The byte at which a group's descriptor stands. */
static uint64_t descriptor_at(const struct ext4_image *image, uint32_t group)
{
    uint32_t in_block = image->block_size / image->descriptor_size;
    uint32_t meta = group / in_block;
    uint64_t block = super_block(image) + 1 + meta;
    if ((image->incompatible & EXT4_META_GROUPS) &&
        meta >= get_le32(image->super + EXT4_S_FIRST_META_GROUP)) {
        uint32_t first = meta * in_block;
        block = image->first_block + (uint64_t)first * image->group_blocks +
                (has_super(image, first) ? 1U : 0U);
    }
    return block * image->block_size + (uint64_t)(group % in_block) * image->descriptor_size;
}

static int check_numbers(struct ext4_image *image, struct err *e)
{
    const uint8_t *s = image->super;
    bool old = get_le32(s + EXT4_S_REVISION) == 0;
    uint64_t groups = 0;
    image->inode_size = old ? EXT4_I_OLD : get_le16(s + EXT4_S_INODE_SIZE);
    image->descriptor_size = image->incompatible & EXT4_64BIT ? get_le16(s + EXT4_S_DESCRIPTOR_SIZE)
                                                              : EXT4_DESCRIPTOR_MIN;
    if (image->group_blocks == 0 || image->group_inodes == 0 || image->first_block >= image->blocks)
        return ext4_damaged(image, "its groups have no blocks or inodes, of blocks", image->blocks,
                            e);
    groups = (image->blocks - image->first_block + image->group_blocks - 1) / image->group_blocks;
    if (groups > UINT32_MAX || image->inodes > groups * image->group_inodes)
        return ext4_damaged(image, "the number of inodes is wrong:", image->inodes, e);
    image->groups = (uint32_t)groups;
    if (image->inode_size < EXT4_I_OLD || image->inode_size > EXT4_INODE_SIZE_MAX ||
        (image->inode_size & (image->inode_size - 1)) != 0)
        return ext4_damaged(image, "the size of an inode is", image->inode_size, e);
    if (image->descriptor_size < EXT4_DESCRIPTOR_MIN || image->descriptor_size > 1024 ||
        (image->descriptor_size & (image->descriptor_size - 1)) != 0)
        return ext4_damaged(image, "the size of a descriptor is", image->descriptor_size, e);
    if (image->blocks > image->bytes->size / image->block_size)
        return ext4_damaged(image, "it is cut short: it should have blocks:", image->blocks, e);
    image->visits = image->blocks;
    return 0;
}

int ext4_image_open(struct bytes *bytes, const char *name, struct ext4_image *out, struct err *e)
{
    *out = (struct ext4_image){.bytes = bytes, .name = name};
    uint8_t *s = out->super;
    int rc = bytes_read(bytes, EXT4_SUPER, s, sizeof(out->super), e);
    if (rc < 0)
        return rc;
    uint32_t log = get_le32(s + EXT4_S_LOG_BLOCK);
    if (get_le16(s + EXT4_S_MAGIC) != EXT4_MAGIC || log > 6)
        return ext4_damaged(out, "its super block is none, of block size 2 to the power of 10 plus",
                            log, e);
    out->block_size = 1024U << log;
    out->incompatible = get_le32(s + EXT4_S_REVISION) == 0 ? 0 : get_le32(s + EXT4_S_INCOMPATIBLE);
    if (out->incompatible & ~(uint32_t)EXT4_INCOMPATIBLE_KNOWN)
        return err_set(e, ERR_INPUT, "%s: the ext4 image has features that are not read: 0x%x",
                       name, out->incompatible & ~(uint32_t)EXT4_INCOMPATIBLE_KNOWN);
    out->blocks = get_le32(s + EXT4_S_BLOCKS);
    if (out->incompatible & EXT4_64BIT)
        out->blocks |= (uint64_t)get_le32(s + EXT4_S_BLOCKS_HIGH) << 32;
    out->first_block = get_le32(s + EXT4_S_FIRST_DATA_BLOCK);
    out->group_blocks = get_le32(s + EXT4_S_GROUP_BLOCKS);
    out->group_inodes = get_le32(s + EXT4_S_GROUP_INODES);
    out->inodes = get_le32(s + EXT4_S_INODES);
    return check_numbers(out, e);
}

static void take_numbers(struct ext4_inode *out)
{
    const uint8_t *p = out->raw;
    out->mode = get_le16(p + EXT4_I_MODE);
    out->uid = get_le16(p + EXT4_I_UID) | (uint32_t)get_le16(p + EXT4_I_UID_HIGH) << 16;
    out->gid = get_le16(p + EXT4_I_GID) | (uint32_t)get_le16(p + EXT4_I_GID_HIGH) << 16;
    out->links = get_le16(p + EXT4_I_LINKS);
    out->flags = get_le32(p + EXT4_I_FLAGS);
    out->size = get_le32(p + EXT4_I_SIZE) | (uint64_t)get_le32(p + EXT4_I_SIZE_HIGH) << 32;
    out->xattr_block = get_le32(p + EXT4_I_XATTR) | (uint64_t)get_le16(p + EXT4_I_XATTR_HIGH) << 32;
}

static uint64_t block_number(const uint8_t *descriptor, size_t low, size_t high)
{
    return get_le32(descriptor + low) | (uint64_t)get_le32(descriptor + high) << 32;
}

static int read_descriptor(const struct ext4_image *image, uint32_t group,
                           uint8_t out[EXT4_DESCRIPTOR_64BIT], struct err *e)
{
    size_t len = image->descriptor_size < EXT4_DESCRIPTOR_64BIT ? image->descriptor_size
                                                                : EXT4_DESCRIPTOR_64BIT;
    memset(out, 0, EXT4_DESCRIPTOR_64BIT);
    return bytes_read(image->bytes, descriptor_at(image, group), out, len, e);
}

/* Copies of the super block and of the descriptors, at a group's beginning. */
static int group_head(const struct ext4_image *image, uint32_t group, ext4_used *used,
                      void *context, struct err *e)
{
    uint64_t size = image->block_size;
    uint64_t start = (group == 0 ? super_block(image)
                                 : image->first_block + (uint64_t)group * image->group_blocks) *
                     size;
    uint32_t in_block = image->block_size / image->descriptor_size;
    uint64_t first_meta = get_le32(image->super + EXT4_S_FIRST_META_GROUP);
    bool meta = (image->incompatible & EXT4_META_GROUPS) && group / in_block >= first_meta;
    uint64_t tables = (image->groups + in_block - 1) / in_block;
    if ((image->incompatible & EXT4_META_GROUPS) && first_meta < tables)
        tables = first_meta;
    uint64_t super = has_super(image, group) ? 1 : 0;
    int rc = 0;
    if (super != 0) /* the first one has a boot sector before it */
        rc = group == 0 ? used(context, EXT4_SUPER, sizeof(image->super), e)
                        : used(context, start, size, e);
    uint32_t nth = group % in_block;
    if (rc == 0 && meta && (nth <= 1 || nth == in_block - 1))
        rc = used(context, start + super * size, size, e);
    if (rc == 0 && !meta && super != 0)
        rc = used(context, start + size, tables * size, e);
    return rc;
}

int ext4_metadata(const struct ext4_image *image, ext4_used *used, void *context, struct err *e)
{
    uint8_t d[EXT4_DESCRIPTOR_64BIT];
    uint64_t size = image->block_size;
    uint64_t protection = get_le64(image->super + EXT4_S_PROTECTION_BLOCK);
    int rc = 0;
    for (uint32_t group = 0; rc == 0 && group < image->groups; group++)
        if ((rc = group_head(image, group, used, context, e)) == 0 &&
            (rc = read_descriptor(image, group, d, e)) == 0 &&
            (rc = used(context, block_number(d, EXT4_D_BLOCK_MAP, EXT4_D_BLOCK_MAP_HIGH) * size,
                       size, e)) == 0)
            rc = used(context, block_number(d, EXT4_D_INODE_MAP, EXT4_D_INODE_MAP_HIGH) * size,
                      size, e);
    if (rc == 0 && (image->incompatible & EXT4_PROTECTION) && protection < image->blocks)
        rc = used(context, protection * size, size, e);
    return rc;
}

int ext4_inode_read(const struct ext4_image *image, uint32_t number, struct ext4_inode *out,
                    struct err *e)
{
    uint8_t d[EXT4_DESCRIPTOR_64BIT];
    if (number == 0 || number > image->inodes)
        return ext4_damaged(image, "there is no inode", number, e);
    uint32_t group = (number - 1) / image->group_inodes;
    int rc = read_descriptor(image, group, d, e);
    if (rc < 0)
        return rc;
    uint64_t table = block_number(d, EXT4_D_INODE_TABLE, EXT4_D_INODE_TABLE_HIGH);
    if (table >= image->blocks)
        return ext4_damaged(image, "the inodes lie outside of it, in group", group, e);
    *out = (struct ext4_inode){.number = number};
    out->position = table * image->block_size +
                    (uint64_t)((number - 1) % image->group_inodes) * image->inode_size;
    if ((rc = bytes_read(image->bytes, out->position, out->raw, image->inode_size, e)) < 0)
        return rc;
    take_numbers(out);
    if (image->inode_size > EXT4_I_OLD)
        out->extra = get_le16(out->raw + EXT4_I_EXTRA);
    if (out->extra > image->inode_size - EXT4_I_OLD || out->extra % 4 != 0)
        return ext4_damaged(image, "more is said to be used than it has, in inode", number, e);
    return 0;
}

struct ext4_time ext4_time_read(const struct ext4_inode *inode, size_t field, size_t extra)
{
    struct ext4_time t = {.seconds = (int32_t)get_le32(inode->raw + field)};
    if (extra + 4 > EXT4_I_OLD + inode->extra)
        return t;
    uint32_t more = get_le32(inode->raw + extra);
    t.seconds += (int64_t)(more & 3) << 32;
    t.ns = more >> 2;
    return t;
}

/* ---- where contents are ------------------------------------------------------------------ */

struct map {
    struct ext4_image *image;
    const struct ext4_inode *inode;
    struct runs runs;
    ext4_used *used;
    void *context;
};

static int use(const struct map *m, uint64_t start, uint64_t len, struct err *e)
{
    return m->used == NULL ? 0 : m->used(m->context, start, len, e);
}

static int add_blocks(struct map *m, uint64_t at, uint64_t block, uint64_t count, struct err *e)
{
    struct ext4_image *image = m->image;
    uint64_t size = image->block_size;
    if (block == 0 || block > image->blocks || count > image->blocks - block)
        return ext4_damaged(image, "contents lie outside of it, of inode", m->inode->number, e);
    if (m->runs.count > image->blocks)
        return ext4_damaged(image, "more blocks than there are has inode", m->inode->number, e);
    const struct run run = {.at = at * size, .len = count * size, .from = block * size};
    return runs_add(&m->runs, &run, image->name, e);
}

static int visit(struct map *m, uint64_t block, uint8_t *out, struct err *e)
{
    struct ext4_image *image = m->image;
    if (block == 0 || block >= image->blocks || image->visits == 0)
        return ext4_damaged(image, "a map of blocks is wrong, of inode", m->inode->number, e);
    image->visits--;
    int rc = use(m, block * image->block_size, image->block_size, e);
    return rc < 0 ? rc
                  : bytes_read(image->bytes, block * image->block_size, out, image->block_size, e);
}

static int extents(struct map *m, const uint8_t *node, size_t size, unsigned depth, struct err *e);

static int extent_child(struct map *m, const uint8_t *entry, unsigned depth, struct err *e)
{
    AUTO_FREE uint8_t *block = malloc(m->image->block_size);
    if (block == NULL)
        return err_oom(e);
    uint64_t at = get_le32(entry + EXT4_E_CHILD) | (uint64_t)get_le16(entry + EXT4_E_CHILD_HIGH)
                                                       << 32;
    int rc = visit(m, at, block, e);
    if (rc == 0 && get_le16(block + EXT4_E_DEPTH) != depth)
        return ext4_damaged(m->image, "the depth of a map is wrong, of inode", m->inode->number, e);
    return rc < 0 ? rc : extents(m, block, m->image->block_size, depth, e);
}

static int extent_leaf(struct map *m, const uint8_t *entry, struct err *e)
{
    uint32_t len = get_le16(entry + EXT4_E_LEN);
    uint64_t block = get_le32(entry + EXT4_E_START) | (uint64_t)get_le16(entry + EXT4_E_START_HIGH)
                                                          << 32;
    if (len == 0)
        return ext4_damaged(m->image, "an empty extent has inode", m->inode->number, e);
    /* Room that was never written to reads as zeros; what lies there belongs to nothing. */
    return len > EXT4_E_LEN_MAX ? 0 : add_blocks(m, get_le32(entry + EXT4_E_AT), block, len, e);
}

static int extents(struct map *m, const uint8_t *node, size_t size, unsigned depth, struct err *e)
{
    uint32_t count = get_le16(node + EXT4_E_ENTRIES);
    int rc = 0;
    if (get_le16(node + EXT4_E_MAGIC) != EXT4_EXTENT_MAGIC ||
        count > (size - EXT4_E_HEADER) / EXT4_E_HEADER)
        return ext4_damaged(m->image, "a map of extents is none, of inode", m->inode->number, e);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        const uint8_t *entry = node + EXT4_E_HEADER + (size_t)i * EXT4_E_HEADER;
        rc = depth > 0 ? extent_child(m, entry, depth - 1, e) : extent_leaf(m, entry, e);
    }
    return rc;
}

/* A tree of block numbers: `span` blocks are below each of its entries. */
static int indirect(struct map *m, uint64_t block, uint64_t at, uint64_t span, struct err *e)
{
    uint32_t entries = m->image->block_size / 4;
    uint64_t end = m->inode->size / m->image->block_size + 1;
    if (block == 0 || at > end)
        return 0;
    if (span == 0)
        return add_blocks(m, at, block, 1, e);
    AUTO_FREE uint8_t *node = malloc(m->image->block_size);
    if (node == NULL)
        return err_oom(e);
    int rc = visit(m, block, node, e);
    for (uint32_t i = 0; rc == 0 && i < entries; i++)
        rc = indirect(m, get_le32(node + (size_t)i * 4), at + i * span,
                      span == 1 ? 0 : span / entries, e);
    return rc;
}

static int map_blocks(struct map *m, struct err *e)
{
    const uint8_t *table = m->inode->raw + EXT4_I_BLOCK;
    uint64_t entries = m->image->block_size / 4;
    uint64_t at = 0;
    uint64_t span = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < DIRECT; i++, at++)
        rc = indirect(m, get_le32(table + i * 4), at, 0, e);
    for (size_t i = 0; rc == 0 && i < LEVELS; i++) {
        span = span == 0 ? 1 : span * entries;
        rc = indirect(m, get_le32(table + (DIRECT + i) * 4), at, span, e);
        at += span * entries;
    }
    return rc;
}

static int inline_content(struct ext4_image *image, const struct ext4_inode *inode,
                          struct bytes **out, struct err *e)
{
    AUTO_BUF content = BUF_INIT(EXT4_XATTR_VALUE_MAX + EXT4_I_BLOCK_SIZE);
    size_t head = inode->size < EXT4_I_BLOCK_SIZE ? (size_t)inode->size : EXT4_I_BLOCK_SIZE;
    int rc = buf_add(&content, inode->raw + EXT4_I_BLOCK, head, e);
    if (rc == 0)
        rc = ext4_inline_rest(image, inode, &content, e);
    if (rc == 0 && (content.len < inode->size || content.len > inode->size + 3))
        rc = ext4_damaged(image, "the inline content has another size than it says, of inode",
                          inode->number, e);
    if (rc < 0)
        return rc;
    size_t size = (size_t)inode->size;
    return bytes_of_memory(buf_steal(&content), size, image->name, out, e);
}

int ext4_content(struct ext4_image *image, const struct ext4_inode *inode, ext4_used *used,
                 void *context, struct bytes **out, struct err *e)
{
    if (inode->flags & EXT4_FLAG_INLINE)
        return inline_content(image, inode, out, e);
    struct map m = {.image = image, .inode = inode, .used = used, .context = context};
    const uint8_t *root = inode->raw + EXT4_I_BLOCK;
    unsigned depth = get_le16(root + EXT4_E_DEPTH);
    int rc = 0;
    if (!(inode->flags & EXT4_FLAG_EXTENTS))
        rc = map_blocks(&m, e);
    else if (depth > EXT4_E_DEPTH_MAX)
        rc = ext4_damaged(image, "the depth of a map is wrong, of inode", inode->number, e);
    else
        rc = extents(&m, root, EXT4_I_BLOCK_SIZE, depth, e);
    for (size_t i = 0; rc == 0 && i < m.runs.count; i++) {
        const struct run *r = &m.runs.list[i];
        uint64_t left = r->at < inode->size ? inode->size - r->at : 0;
        if (left > 0)
            rc = use(&m, r->from, left < r->len ? left : r->len, e);
    }
    if (rc < 0) {
        runs_dispose(&m.runs);
        return rc;
    }
    return bytes_of_runs(image->bytes, &m.runs, inode->size, image->name, out, e);
}

/* ---- directories ------------------------------------------------------------------------- */

struct listing {
    const struct ext4_image *image;
    uint32_t number;
    int (*entry)(void *context, const char *name, uint32_t number, struct err *e);
    void *context;
};

static int take_entry(const struct listing *l, const uint8_t *p, size_t left, size_t *length,
                      struct err *e)
{
    char name[NAME_LENGTH_MAX + 1];
    size_t len = left < EXT4_N_NAME ? 0 : get_le16(p + EXT4_N_LENGTH);
    if (left == BLOCK_SIZE_MAX && (len == 0 || len == UINT16_MAX))
        len = left;
    if (len < EXT4_N_NAME || len % 4 != 0 || len > left)
        return ext4_damaged(l->image, "a directory's entry is none, in inode", l->number, e);
    *length = len;
    uint32_t inode = get_le32(p + EXT4_N_INODE);
    size_t name_len = p[EXT4_N_NAME_LENGTH];
    if (inode == 0)
        return 0;
    memcpy(name, p + EXT4_N_NAME, name_len <= len - EXT4_N_NAME ? name_len : 0);
    name[name_len] = '\0';
    if (name_len == 0 || name_len > len - EXT4_N_NAME || memchr(name, 0, name_len) != NULL ||
        memchr(name, '/', name_len) != NULL)
        return ext4_damaged(l->image, "a name is none, in the directory of inode", l->number, e);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    return l->entry(l->context, name, inode, e);
}

static int take_block(const struct listing *l, const uint8_t *block, size_t size, struct err *e)
{
    int rc = 0;
    for (size_t at = 0, length = 0; rc == 0 && at < size; at += length)
        rc = take_entry(l, block + at, size - at, &length, e);
    return rc;
}

/* Inline: the parent's number, entries to the end of the inode's part, and entries in the rest. */
static int take_inline(const struct listing *l, const struct bytes *content, struct err *e)
{
    enum { PARENT = 4 };
    size_t size = (size_t)content->size;
    size_t head = size < EXT4_I_BLOCK_SIZE ? size : EXT4_I_BLOCK_SIZE;
    AUTO_FREE uint8_t *room = malloc(size + 1);
    if (room == NULL)
        return err_oom(e);
    if (size < PARENT)
        return ext4_damaged(l->image, "a directory is too short, of inode", l->number, e);
    int rc = bytes_read(content, 0, room, size, e);
    if (rc == 0)
        rc = take_block(l, room + PARENT, head - PARENT, e);
    return rc < 0 ? rc : take_block(l, room + head, size - head, e);
}

int ext4_directory_read(struct ext4_image *image, const struct ext4_inode *inode, ext4_used *used,
                        void *used_context,
                        int (*entry)(void *context, const char *name, uint32_t number,
                                     struct err *e),
                        void *context, struct err *e)
{
    AUTO_BYTES *content = NULL;
    const struct listing l = {image, inode->number, entry, context};
    int rc = ext4_content(image, inode, used, used_context, &content, e);
    if (rc < 0)
        return rc;
    if (inode->flags & EXT4_FLAG_INLINE)
        return take_inline(&l, content, e);
    AUTO_FREE uint8_t *block = malloc(image->block_size);
    if (block == NULL)
        return err_oom(e);
    if (content->size % image->block_size != 0)
        return ext4_damaged(image, "a directory ends within a block, of inode", inode->number, e);
    for (uint64_t at = 0; rc == 0 && at < content->size; at += image->block_size)
        if ((rc = bytes_read(content, at, block, image->block_size, e)) == 0)
            rc = take_block(&l, block, image->block_size, e);
    return rc;
}
