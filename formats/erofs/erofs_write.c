/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes: super block, inodes with their attributes and tails, contents. */
#include "formats/erofs/erofs.h"

#include "base/byte_order.h"
#include "formats/tree/xattr_index.h"

#include <string.h>

enum {
    SUPER_OFFSET = 1024,
    SUPER_SIZE = 128,
    MAGIC = (int)0xE0F5E1E2,
    COMPAT_CHECKSUM = 1,
    COMPAT_MTIME = 2,
    INCOMPAT_CHUNKED = 4,
    LAYOUT_PLAIN = 0,
    LAYOUT_INLINE = 2,
    LAYOUT_CHUNKED = 4,
    BLOCK_BITS = 12,
};

struct writer {
    const struct erofs_layout *l;
    struct image_writer out;
    /* The directory that is being written. */
    uint8_t block[EROFS_BLOCK];
    const char *names[EROFS_BLOCK / EROFS_DIRENT_SIZE];
    uint32_t inodes[EROFS_BLOCK / EROFS_DIRENT_SIZE];
    size_t entries;
    uint32_t used;
    bool tail_only;
};

/* ---- super block ------------------------------------------------------------------ */

/* CRC-32C (Castagnoli) as the kernel's crc32c(): bits reflected, no final inversion. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
    }
    return crc;
}

static int write_super(struct writer *w, const uint8_t uuid[16], struct err *e)
{
    uint8_t block[EROFS_BLOCK] = {0};
    uint8_t *s = block + SUPER_OFFSET;

    put_le32(s, (uint32_t)MAGIC);
    put_le32(s + 8, COMPAT_CHECKSUM | COMPAT_MTIME);
    s[12] = BLOCK_BITS;
    put_le16(s + 14, EROFS_ROOT_NID);
    put_le64(s + 16, w->l->view->inode_count);
    put_le64(s + 24, w->l->time);
    put_le32(s + 36, (uint32_t)w->l->blocks);
    memcpy(s + 48, uuid, 16);
    put_le32(s + 80, w->l->zeros != 0 ? INCOMPAT_CHUNKED : 0);
    put_le32(s + 4, crc32c(UINT32_MAX, s, EROFS_BLOCK - SUPER_OFFSET));
    return image_put(&w->out, block, sizeof(block), e);
}

/* ---- directories ------------------------------------------------------------------ */

static uint8_t file_type(enum tree_type type)
{
    static const uint8_t types[] = {
        [TREE_FILE] = 1, [TREE_DIR] = 2,    [TREE_CHAR] = 3,    [TREE_BLOCK] = 4,
        [TREE_FIFO] = 5, [TREE_SOCKET] = 6, [TREE_SYMLINK] = 7,
    };

    return types[type];
}

/* Makes the open block of its entries: their table, then their names. */
static void make_block(struct writer *w)
{
    size_t at = w->entries * EROFS_DIRENT_SIZE;

    memset(w->block, 0, sizeof(w->block));
    for (size_t i = 0; i < w->entries; i++) {
        uint8_t *d = w->block + i * EROFS_DIRENT_SIZE;
        size_t len = strlen(w->names[i]);
        put_le64(d, w->l->inodes[w->inodes[i]].nid);
        put_le16(d + 8, (uint32_t)at);
        d[10] = file_type(w->l->view->inodes[w->inodes[i]].inode->type);
        memcpy(w->block + at, w->names[i], len);
        at += len;
    }
    w->entries = 0;
    w->used = 0;
}

static int add_entry(void *context, const char *name, uint32_t inode, struct err *e)
{
    struct writer *w = context;
    uint32_t need = EROFS_DIRENT_SIZE + (uint32_t)strlen(name);

    if (w->used + need > EROFS_BLOCK) {
        bool skip = w->tail_only;
        int rc;
        make_block(w);
        if (!skip && (rc = image_put(&w->out, w->block, sizeof(w->block), e)) < 0)
            return rc;
    }
    w->names[w->entries] = name;
    w->inodes[w->entries++] = inode;
    w->used += need;
    return 0;
}

/* The last block is left in w->block. */
static int make_dir(struct writer *w, uint32_t inode, bool tail_only, struct err *e)
{
    w->tail_only = tail_only;
    int rc = erofs_entries(w->l->view, w->l->view->inodes[inode].first, add_entry, w, e);
    if (rc < 0)
        return rc;
    make_block(w);
    return 0;
}

/* ---- inodes ----------------------------------------------------------------------- */

static size_t make_inode(const struct erofs_layout *l, uint32_t index, uint8_t out[])
{
    const struct erofs_inode *n = &l->inodes[index];
    const struct tree_inode *inode = l->view->inodes[index].inode;
    unsigned layout = n->pieces != NULL ? LAYOUT_CHUNKED
                      : n->inline_tail  ? LAYOUT_INLINE
                                        : LAYOUT_PLAIN;
    unsigned format = (n->compact ? 0U : 1U) | layout << 1;
    bool special = inode->type == TREE_CHAR || inode->type == TREE_BLOCK;

    memset(out, 0, EROFS_EXTENDED_SIZE);
    put_le16(out, format);
    if (n->xattr_bytes > 0)
        put_le16(out + 2, (n->xattr_bytes - EROFS_XATTR_HEADER) / 4 + 1);
    put_le16(out + 4, view_mode(inode));
    put_le32(out + 16, special             ? view_device(inode)
                       : n->pieces != NULL ? erofs_chunk_format(n)
                                           : n->block);
    put_le32(out + 20, index + 1);
    if (n->compact) {
        put_le16(out + 6, n->links);
        put_le32(out + 8, (uint32_t)n->size);
        put_le16(out + 24, inode->uid);
        put_le16(out + 26, inode->gid);
        return EROFS_COMPACT_SIZE;
    }
    put_le64(out + 8, n->size);
    put_le32(out + 24, inode->uid);
    put_le32(out + 28, inode->gid);
    put_le64(out + 32, (uint64_t)inode->mtime);
    put_le32(out + 44, n->links);
    return EROFS_EXTENDED_SIZE;
}

static int write_xattrs(struct writer *w, const struct tree_inode *inode, struct err *e)
{
    static const uint8_t header[EROFS_XATTR_HEADER];

    int rc = image_put(&w->out, header, sizeof(header), e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < inode->xattr_count; i++) {
        const struct tree_xattr *x = &inode->xattrs[i];
        uint8_t entry[EROFS_XATTR_ENTRY];
        const char *rest = NULL;
        uint8_t prefix = 0;
        if (!xattr_index(x->name, &prefix, &rest))
            return err_set(e, ERR_INPUT, "EROFS has no place for the attribute '%s'", x->name);
        entry[0] = (uint8_t)strlen(rest);
        entry[1] = prefix;
        put_le16(entry + 2, (uint32_t)x->len);
        if ((rc = image_put(&w->out, entry, sizeof(entry), e)) < 0 ||
            (rc = image_put(&w->out, rest, entry[0], e)) < 0 ||
            (rc = image_put(&w->out, x->value, x->len, e)) < 0 ||
            (rc = image_align(&w->out, 4, e)) < 0)
            return rc;
    }
    return 0;
}

/* What does not fill a block, behind its inode. */
static int write_tail(struct writer *w, uint32_t index, struct err *e)
{
    const struct erofs_inode *n = &w->l->inodes[index];
    const struct tree_inode *inode = w->l->view->inodes[index].inode;
    const void *from = w->block;
    int rc;

    if (inode->type == TREE_DIR && (rc = make_dir(w, index, true, e)) < 0)
        return rc;
    if (inode->type == TREE_FILE &&
        (rc = tree_reader_read(w->out.reader, &inode->content, n->size - n->tail, w->block, n->tail,
                               e)) < 0)
        return rc;
    if (inode->type == TREE_SYMLINK)
        from = inode->target + (n->size - n->tail);
    return image_put(&w->out, from, n->tail, e);
}

static int write_inodes(struct writer *w, struct err *e)
{
    for (size_t i = 0; i < w->l->view->inode_count; i++) {
        uint32_t index = w->l->order[i];
        const struct erofs_inode *n = &w->l->inodes[index];
        uint8_t inode[EROFS_EXTENDED_SIZE];
        size_t len = make_inode(w->l, index, inode);
        int rc;
        if ((rc = image_zeros_to(&w->out, n->nid * EROFS_SLOT, e)) < 0 ||
            (rc = image_put(&w->out, inode, len, e)) < 0 ||
            (n->xattr_bytes > 0 &&
             (rc = write_xattrs(w, w->l->view->inodes[index].inode, e)) < 0) ||
            (n->tail > 0 && (rc = write_tail(w, index, e)) < 0) ||
            (n->pieces != NULL && (rc = erofs_map_write(n, w->l->zeros, &w->out, e)) < 0))
            return rc;
    }
    return image_zeros_to(&w->out, w->l->meta_blocks * EROFS_BLOCK, e);
}

/* ---- contents --------------------------------------------------------------------- */

static int write_contents(struct writer *w, struct err *e)
{
    for (uint32_t i = 0; i < w->l->view->inode_count; i++) {
        const struct erofs_inode *n = &w->l->inodes[i];
        const struct tree_inode *inode = w->l->view->inodes[i].inode;
        uint64_t len = n->size - n->tail;
        int rc = 0;
        if (n->blocks == 0)
            continue;
        if (n->pieces != NULL)
            rc = erofs_pieces_write(n, &inode->content, &w->out, e);
        else if (inode->type == TREE_FILE)
            rc = image_content(&w->out, &inode->content, 0, len, e);
        else if (inode->type == TREE_SYMLINK)
            rc = image_put(&w->out, inode->target, (size_t)len, e);
        else if ((rc = make_dir(w, i, false, e)) == 0 && !n->inline_tail)
            rc = image_put(&w->out, w->block, sizeof(w->block), e);
        if (rc < 0 ||
            (rc = image_zeros_to(&w->out, ((uint64_t)n->block + n->blocks) * EROFS_BLOCK, e)) < 0)
            return rc;
    }
    return image_zeros_to(&w->out, w->l->blocks * EROFS_BLOCK, e);
}

int erofs_write(const struct erofs_layout *l, const struct tree *tree, struct cas *cas,
                struct progress *progress, const uint8_t uuid[16], struct sink sink, struct err *e)
{
    struct writer *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return err_oom(e);
    w->l = l;
    int rc = image_writer_open(&w->out, tree, cas, sink, e);
    w->out.progress = progress;
    w->out.what = "erofs";
    w->out.total = l->blocks * EROFS_BLOCK;
    if (rc == 0 && ((rc = write_super(w, uuid, e)) == 0) && (rc = write_inodes(w, e)) == 0)
        rc = write_contents(w, e);
    image_writer_dispose(&w->out);
    free(w);
    return rc;
}
