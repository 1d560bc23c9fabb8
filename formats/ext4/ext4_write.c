/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes: groups one after the other, each with its tables, and between them the data of the
 * inodes in the view's order.
 */
#include "base/byte_order.h"
#include "formats/ext4/ext4.h"
#include "formats/tree/image_writer.h"

#include <string.h>

enum {
    SUPER_OFFSET = 1024,
    SUPER_SIZE = 1024,
    DESCRIPTOR = 32,
    BITMAPS = 2,
    COMPAT = 0x8 | 0x20,                       /* ext_attr, dir_index */
    INCOMPAT = 0x2 | 0x40,                     /* filetype, extents */
    RO_COMPAT = 0x1 | 0x2 | 0x8 | 0x20 | 0x40, /* sparse_super, large_file, huge_file, dir_nlink,
                                                   extra_isize */
};

struct writer {
    const struct ext4_layout *l;
    struct image_writer out;
};

/* The next block. */
static uint64_t block_at(const struct writer *w)
{
    return w->out.at / EXT4_BLOCK;
}

static int emit(struct writer *w, const uint8_t *data, size_t blocks, struct err *e)
{
    return image_put(&w->out, data, blocks * EXT4_BLOCK, e);
}

/* ---- what groups say of themselves -------------------------------------------------- */

/* Data blocks of a group that are used: all data are one run from the first group on. */
static uint32_t used_data(const struct ext4_layout *l, uint32_t group)
{
    const struct ext4_group *g = &l->groups[group];
    uint64_t room = (uint64_t)group * EXT4_GROUP_BLOCKS + g->blocks - g->start;

    if (l->data <= g->data)
        return 0;
    return l->data - g->data < room ? (uint32_t)(l->data - g->data) : (uint32_t)room;
}

static uint32_t used_blocks(const struct ext4_layout *l, uint32_t group)
{
    return l->groups[group].start - group * EXT4_GROUP_BLOCKS + used_data(l, group);
}

static uint32_t used_inodes(const struct ext4_layout *l, uint32_t group)
{
    uint64_t before = (uint64_t)group * l->group_inodes;
    uint64_t used = ext4_inodes_used(l);

    if (used <= before)
        return 0;
    return used - before < l->group_inodes ? (uint32_t)(used - before) : l->group_inodes;
}

static void put_super(const struct ext4_layout *l, uint32_t group, uint8_t *s)
{
    uint64_t free_blocks = 0;
    uint64_t inodes = (uint64_t)l->group_count * l->group_inodes;

    for (uint32_t i = 0; i < l->group_count; i++)
        free_blocks += l->groups[i].blocks - used_blocks(l, i);
    put_le32(s, (uint32_t)inodes);
    put_le32(s + 4, l->blocks);
    put_le32(s + 12, (uint32_t)free_blocks);
    put_le32(s + 16, (uint32_t)(inodes - ext4_inodes_used(l)));
    put_le32(s + 24, 2); /* blocks, and clusters, of 1024 << 2 bytes */
    put_le32(s + 28, 2);
    put_le32(s + 32, EXT4_GROUP_BLOCKS);
    put_le32(s + 36, EXT4_GROUP_BLOCKS);
    put_le32(s + 40, l->group_inodes);
    put_le32(s + 48, (uint32_t)l->params->time);
    put_le16(s + 54, 0xffff); /* no check after some number of mounts */
    put_le16(s + 56, 0xef53);
    put_le16(s + 58, 1); /* clean */
    put_le16(s + 60, 1); /* go on after errors */
    put_le32(s + 64, (uint32_t)l->params->time);
    put_le32(s + 76, 1); /* dynamic revision */
    put_le32(s + 84, EXT4_FIRST_INODE);
    put_le16(s + 88, EXT4_INODE);
    put_le16(s + 90, group);
    put_le32(s + 92, COMPAT);
    put_le32(s + 96, INCOMPAT);
    put_le32(s + 100, RO_COMPAT);
    memcpy(s + 104, l->params->uuid, 16);
    memcpy(s + 120, l->params->label, strlen(l->params->label));
    memcpy(s + 236, l->params->hash_seed, 16);
    s[252] = 1;                /* half MD4 */
    put_le32(s + 256, 0x000c); /* user_xattr, acl */
    put_le32(s + 264, (uint32_t)l->params->time);
    put_le16(s + 348, EXT4_EXTRA);
    put_le16(s + 350, EXT4_EXTRA);
    put_le32(s + 352, 1); /* hashes of names are of signed bytes, on every machine */
}

static void put_descriptor(const struct ext4_layout *l, uint32_t group, uint8_t *d)
{
    const struct ext4_group *g = &l->groups[group];
    uint32_t table = g->start - l->group_inodes / EXT4_INODES_PER_BLOCK;

    put_le32(d, table - BITMAPS);
    put_le32(d + 4, table - BITMAPS + 1);
    put_le32(d + 8, table);
    put_le16(d + 12, g->blocks - used_blocks(l, group));
    put_le16(d + 14, l->group_inodes - used_inodes(l, group));
    put_le16(d + 16, g->dirs);
}

/* ---- tables ----------------------------------------------------------------------- */

static int write_backup(struct writer *w, uint32_t group, struct err *e)
{
    const struct ext4_layout *l = w->l;
    uint8_t block[EXT4_BLOCK] = {0};
    uint32_t at = 0;

    /* The first one has room for a boot sector before it; the copies begin with their block. */
    put_super(l, group, block + (group == 0 ? SUPER_OFFSET : 0));
    int rc = emit(w, block, 1, e);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < l->table_blocks; i++) {
        memset(block, 0, sizeof(block));
        for (size_t k = 0; k < EXT4_BLOCK / DESCRIPTOR && at < l->group_count; k++, at++)
            put_descriptor(l, at, block + k * DESCRIPTOR);
        if ((rc = emit(w, block, 1, e)) < 0)
            return rc;
    }
    return 0;
}

/* The first `used` bits, and those that stand for nothing, from `count` on. */
static int write_bitmap(struct writer *w, uint32_t used, uint32_t count, struct err *e)
{
    uint8_t block[EXT4_BLOCK] = {0};

    for (uint32_t i = 0; i < EXT4_GROUP_BLOCKS; i++) {
        if (i < used || i >= count)
            block[i / 8] |= (uint8_t)(1U << (i % 8));
    }
    return emit(w, block, 1, e);
}

static int write_inodes(struct writer *w, uint32_t group, struct err *e)
{
    const struct ext4_layout *l = w->l;
    uint64_t number = (uint64_t)group * l->group_inodes + 1;

    for (uint32_t i = 0; i < l->group_inodes / EXT4_INODES_PER_BLOCK; i++) {
        uint8_t block[EXT4_BLOCK] = {0};
        for (uint32_t k = 0; k < EXT4_INODES_PER_BLOCK; k++, number++) {
            uint32_t inode = ext4_inode_of(l, number);
            if (inode == UINT32_MAX || ext4_inode_write(l, inode, block + k * EXT4_INODE, e) == 0)
                continue;
            AUTO_FREE char *path = NULL;
            struct err other = ERR_INIT;
            if (view_path(l->v, l->v->inodes[inode].first, &path, &other) < 0)
                return err_rc(e);
            return err_wrap(e, "cannot put '%s' into an ext4", *path == '\0' ? "." : path);
        }
        int rc = emit(w, block, 1, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_tables(struct writer *w, uint32_t group, struct err *e)
{
    const struct ext4_layout *l = w->l;
    int rc;

    if ((l->groups[group].backup && (rc = write_backup(w, group, e)) < 0) ||
        (rc = write_bitmap(w, used_blocks(l, group), l->groups[group].blocks, e)) < 0 ||
        (rc = write_bitmap(w, used_inodes(l, group), l->group_inodes, e)) < 0)
        return rc;
    return write_inodes(w, group, e);
}

/* ---- data ------------------------------------------------------------------------- */

/* Blocks of data; the tables of a group come when its first block is reached. */
static int put_data(struct writer *w, const uint8_t *data, size_t blocks, struct err *e)
{
    while (blocks > 0) {
        uint32_t group = (uint32_t)(block_at(w) / EXT4_GROUP_BLOCKS);
        uint64_t left = (uint64_t)(group + 1) * EXT4_GROUP_BLOCKS - block_at(w);
        int rc;
        if (block_at(w) % EXT4_GROUP_BLOCKS == 0) {
            if ((rc = write_tables(w, group, e)) < 0)
                return rc;
            continue;
        }
        size_t part = blocks < left ? blocks : (size_t)left;
        if ((rc = emit(w, data, part, e)) < 0)
            return rc;
        data += part * EXT4_BLOCK;
        blocks -= part;
    }
    return 0;
}

static int put_block(void *context, const uint8_t block[EXT4_BLOCK], struct err *e)
{
    return put_data(context, block, 1, e);
}

static int put_piece(struct writer *w, const struct tree_content *c, uint64_t at, uint64_t end,
                     struct err *e)
{
    while (at < end) {
        size_t len = end - at < IMAGE_CHUNK ? (size_t)(end - at) : IMAGE_CHUNK;
        size_t blocks = (len + EXT4_BLOCK - 1) / EXT4_BLOCK;
        int rc = tree_reader_read(w->out.reader, c, at, w->out.chunk, len, e);
        if (rc < 0)
            return rc;
        memset(w->out.chunk + len, 0, blocks * EXT4_BLOCK - len);
        if ((rc = put_data(w, w->out.chunk, blocks, e)) < 0)
            return rc;
        at += len;
        progress_show(w->out.progress, "ext4", block_at(w), w->l->blocks);
    }
    return 0;
}

static int put_file(struct writer *w, const struct ext4_node *n, const struct tree_content *c,
                    struct err *e)
{
    struct tree_piece whole;
    const struct tree_piece *pieces;
    size_t count = ext4_pieces(n, &whole, &pieces);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t end = pieces[i].offset + pieces[i].len;
        rc = put_piece(w, c, pieces[i].offset, end < c->size ? end : c->size, e);
    }
    return rc;
}

static int put_contents(struct writer *w, uint32_t index, struct err *e)
{
    const struct ext4_layout *l = w->l;
    const struct tree_inode *inode = l->v->inodes[index].inode;
    uint8_t block[EXT4_BLOCK] = {0};

    if (l->nodes[index].blocks == 0)
        return 0;
    if (inode->type == TREE_FILE)
        return put_file(w, &l->nodes[index], &inode->content, e);
    if (inode->type == TREE_DIR)
        return ext4_directory(l->v, l->v->inodes[index].first, put_block, w, e);
    memcpy(block, inode->target, (size_t)l->nodes[index].size);
    return put_data(w, block, 1, e);
}

static int write_inode_data(struct writer *w, uint32_t index, struct err *e)
{
    const struct ext4_layout *l = w->l;
    const struct ext4_node *n = &l->nodes[index];
    uint8_t block[EXT4_BLOCK];
    int rc;

    if (n->xattr_block && ((rc = ext4_xattr_write(l->v->inodes[index].inode, true, block, e)) < 0 ||
                           (rc = put_data(w, block, 1, e)) < 0))
        return rc;
    if (n->leaves > 0) {
        ext4_leaf_write(l, index, block);
        if ((rc = put_data(w, block, 1, e)) < 0)
            return rc;
    }
    return put_contents(w, index, e);
}

static int write_all(struct writer *w, struct err *e)
{
    const struct ext4_layout *l = w->l;
    int rc;

    for (uint32_t i = 0; i < l->v->inode_count; i++) {
        if ((rc = write_inode_data(w, i, e)) < 0)
            return rc;
    }
    while (block_at(w) < l->blocks) {
        uint32_t group = (uint32_t)(block_at(w) / EXT4_GROUP_BLOCKS);
        if (block_at(w) % EXT4_GROUP_BLOCKS == 0 && (rc = write_tables(w, group, e)) < 0)
            return rc;
        uint64_t end = (uint64_t)group * EXT4_GROUP_BLOCKS + l->groups[group].blocks;
        if ((rc = image_zeros_to(&w->out, end * EXT4_BLOCK, e)) < 0)
            return rc;
    }
    return 0;
}

int ext4_write(const struct ext4_layout *l, const struct tree *tree, struct cas *cas,
               struct progress *progress, struct sink sink, struct err *e)
{
    struct writer w = {.l = l};

    int rc = image_writer_open(&w.out, tree, cas, sink, e);
    w.out.progress = progress;
    if (rc == 0)
        rc = write_all(&w, e);
    image_writer_dispose(&w.out);
    return rc;
}
