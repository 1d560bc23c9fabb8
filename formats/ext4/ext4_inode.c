/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes, their extents, and directories. */
#include "base/byte_order.h"
#include "formats/ext4/ext4.h"

#include <inttypes.h>
#include <string.h>

enum {
    EXTENT = 12,
    EXTENT_HEADER = 12,
    FLAG_EXTENTS = 0x80000,
    I_BLOCK = 40,
    SECTORS = EXT4_BLOCK / 512,
};
#define EXTENT_MAGIC 0xf30a
/* 34 bits of seconds, from 1901. */
#define TIME_MIN (-(INT64_C(1) << 31))
#define TIME_MAX ((INT64_C(1) << 34) - (INT64_C(1) << 31) - 1)

/* ---- extents ---------------------------------------------------------------------- */

static void extent_header(uint8_t *p, uint32_t entries, uint32_t max, uint32_t depth)
{
    put_le16(p, EXTENT_MAGIC);
    put_le16(p + 2, entries);
    put_le16(p + 4, max);
    put_le16(p + 6, depth);
}

static uint64_t contents_of(const struct ext4_node *n)
{
    return n->start + (n->xattr_block ? 1U : 0U) + n->leaves;
}

/* The extents of the contents, behind a header; returns how many there are. */
static uint32_t put_extents(const struct ext4_layout *l, const struct ext4_node *n, uint8_t *out)
{
    struct tree_piece whole;
    const struct tree_piece *pieces;
    size_t piece_count = ext4_pieces(n, &whole, &pieces);
    uint64_t start = contents_of(n);
    uint32_t count = 0;

    for (size_t i = 0; i < piece_count; i++) {
        uint32_t first = (uint32_t)(pieces[i].offset / EXT4_BLOCK);
        uint32_t blocks = ext4_blocks(pieces[i].len);
        for (uint32_t done = 0; done < blocks; count++) {
            struct ext4_run run = ext4_place(l, start + done, blocks - done);
            uint8_t *p = out + EXTENT_HEADER + (size_t)count * EXTENT;
            put_le32(p, first + done);
            put_le16(p + 4, run.count);
            put_le32(p + 8, run.block);
            done += run.count;
        }
        start += blocks;
    }
    return count;
}

void ext4_leaf_write(const struct ext4_layout *l, uint32_t inode, uint8_t out[EXT4_BLOCK])
{
    memset(out, 0, EXT4_BLOCK);
    extent_header(out, put_extents(l, &l->nodes[inode], out), EXT4_BLOCK_EXTENTS, 0);
}

/* The root of the tree of extents, in the inode. */
static void put_root(const struct ext4_layout *l, const struct ext4_node *n, uint8_t *out)
{
    if (n->leaves == 0) {
        extent_header(out, put_extents(l, n, out), EXT4_INODE_EXTENTS, 0);
        return;
    }
    struct ext4_run leaf = ext4_place(l, n->start + (n->xattr_block ? 1U : 0U), 1);
    extent_header(out, 1, EXT4_INODE_EXTENTS, 1);
    put_le32(out + EXTENT_HEADER + 4, leaf.block);
}

/* ---- inodes ----------------------------------------------------------------------- */

static void put_device(const struct tree_inode *inode, uint8_t *out)
{
    if (inode->major < 256 && inode->minor < 256)
        put_le32(out, inode->major << 8 | inode->minor);
    else
        put_le32(out + 4, view_device(inode));
}

static int put_times(const struct tree_inode *inode, uint8_t *out, struct err *e)
{
    static const uint16_t fields[][2] = {{8, 140}, {12, 132}, {16, 136}, {144, 148}};

    if (inode->mtime < TIME_MIN || inode->mtime > TIME_MAX)
        return err_set(e, ERR_INPUT, "its time %" PRId64 " is outside of the years 1901 to 2446",
                       inode->mtime);
    uint32_t low = (uint32_t)((uint64_t)inode->mtime & UINT32_MAX);
    /* What low, as a signed number, is too small by, in units of 2^32. */
    uint32_t epoch = (uint32_t)((inode->mtime - (int32_t)low) / (INT64_C(1) << 32)) & 3;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        put_le32(out + fields[i][0], low);
        put_le32(out + fields[i][1], epoch);
    }
    return 0;
}

static void put_contents(const struct ext4_layout *l, uint32_t index, uint8_t *out)
{
    const struct ext4_node *n = &l->nodes[index];
    const struct tree_inode *inode = l->v->inodes[index].inode;

    if (inode->type == TREE_CHAR || inode->type == TREE_BLOCK) {
        put_device(inode, out + I_BLOCK);
    } else if (inode->type == TREE_SYMLINK && n->blocks == 0) {
        memcpy(out + I_BLOCK, inode->target, (size_t)n->size);
    } else if (inode->type == TREE_FILE || inode->type == TREE_DIR || inode->type == TREE_SYMLINK) {
        put_le32(out + 32, FLAG_EXTENTS);
        put_root(l, n, out + I_BLOCK);
    }
}

int ext4_inode_write(const struct ext4_layout *l, uint32_t index, uint8_t *out, struct err *e)
{
    const struct ext4_node *n = &l->nodes[index];
    const struct tree_inode *inode = l->v->inodes[index].inode;
    uint64_t sectors =
        ((n->xattr_block ? 1U : 0U) + (uint64_t)n->leaves + n->blocks) * (uint64_t)SECTORS;

    memset(out, 0, EXT4_INODE);
    put_le16(out, view_mode(inode));
    put_le16(out + 2, inode->uid & 0xffff);
    put_le32(out + 4, (uint32_t)(n->size & UINT32_MAX));
    put_le16(out + 24, inode->gid & 0xffff);
    put_le16(out + 26, n->links);
    put_le32(out + 28, (uint32_t)(sectors & UINT32_MAX));
    if (n->xattr_block)
        put_le32(out + 104, ext4_place(l, n->start, 1).block);
    put_le32(out + 108, (uint32_t)(n->size >> 32));
    put_le16(out + 116, (uint32_t)(sectors >> 32));
    put_le16(out + 120, inode->uid >> 16);
    put_le16(out + 122, inode->gid >> 16);
    put_le16(out + 128, EXT4_EXTRA);
    put_contents(l, index, out);
    int rc = put_times(inode, out, e);
    if (rc < 0)
        return rc;
    return n->xattr_inode ? ext4_xattr_write(inode, false, out + 128 + EXT4_EXTRA, e) : 0;
}

/* ---- directories ------------------------------------------------------------------ */

struct directory {
    ext4_emit *emit;
    void *context;
    uint8_t block[EXT4_BLOCK];
    size_t used;
    size_t last; /* the entry that takes what is left of the block */
};

static int finish_block(struct directory *d, struct err *e)
{
    put_le16(d->block + d->last + 4, (uint32_t)(EXT4_BLOCK - d->last));
    int rc = d->emit(d->context, d->block, e);
    memset(d->block, 0, sizeof(d->block));
    d->used = 0;
    return rc;
}

static int add_entry(struct directory *d, const struct view *v, const char *name, uint32_t inode,
                     struct err *e)
{
    static const uint8_t types[] = {
        [TREE_FILE] = 1, [TREE_DIR] = 2,    [TREE_CHAR] = 3,    [TREE_BLOCK] = 4,
        [TREE_FIFO] = 5, [TREE_SOCKET] = 6, [TREE_SYMLINK] = 7,
    };
    size_t len = strlen(name);
    size_t size = 8 + (len + 3) / 4 * 4;
    int rc;

    if (d->used + size > EXT4_BLOCK && (rc = finish_block(d, e)) < 0)
        return rc;
    uint8_t *p = d->block + d->used;
    put_le32(p, ext4_number(inode));
    put_le16(p + 4, (uint32_t)size);
    p[6] = (uint8_t)len;
    p[7] = types[v->inodes[inode].inode->type];
    memcpy(p + 8, name, len);
    d->last = d->used;
    d->used += size;
    return 0;
}

int ext4_directory(const struct view *v, uint32_t dir, ext4_emit *emit, void *context,
                   struct err *e)
{
    struct directory d = {.emit = emit, .context = context};
    int rc;

    if ((rc = add_entry(&d, v, ".", v->nodes[dir].inode, e)) < 0 ||
        (rc = add_entry(&d, v, "..", v->nodes[v->nodes[dir].parent].inode, e)) < 0)
        return rc;
    for (uint32_t i = dir + 1; i < v->nodes[dir].end; i = v->nodes[i].end) {
        if ((rc = add_entry(&d, v, v->nodes[i].node->name, v->nodes[i].inode, e)) < 0)
            return rc;
    }
    return finish_block(&d, e);
}
