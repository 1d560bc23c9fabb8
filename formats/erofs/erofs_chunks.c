/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with holes: chunk-based inodes, whose map of blocks says of each chunk where it is. Those
 * of zeros are all at one place, where zeros are: the format could say that a chunk is nowhere, but
 * what fsck.erofs 1.5 unpacks then lacks its bytes.
 */
#include "formats/erofs/erofs.h"

#include "base/byte_order.h"

enum {
    HOLE = 64 * 1024, /* the least chunk, so the least hole */
    MAP_UNIT = 4,
};

/* A file has holes when so much is left out: Linux reads them since 5.15, plain files since 5.4. */
#define HOLES_LEAST (UINT64_C(1) << 20)
/* Larger files have larger chunks: a map has at most 4 MiB. */
#define CHUNKS_MAX (UINT64_C(1) << 20)

static uint64_t blocks_of(uint64_t bytes)
{
    return bytes / EROFS_BLOCK + (bytes % EROFS_BLOCK != 0);
}

uint64_t erofs_map_bytes(const struct erofs_inode *n)
{
    if (n->pieces == NULL)
        return 0;
    return (n->size / n->pieces->unit + (n->size % n->pieces->unit != 0)) * MAP_UNIT;
}

uint64_t erofs_zeros_wanted(const struct erofs_layout *l)
{
    uint64_t most = 0;
    for (size_t i = 0; i < l->inode_count; i++)
        if (l->inodes[i].pieces != NULL && l->inodes[i].pieces->unit > most)
            most = l->inodes[i].pieces->unit;
    return most / EROFS_BLOCK;
}

uint16_t erofs_chunk_format(const struct erofs_inode *n)
{
    uint16_t bits = 0;
    while ((uint64_t)EROFS_BLOCK << bits < n->pieces->unit)
        bits++;
    return bits;
}

int erofs_find_holes(struct tree_reader *reader, const struct tree_content *c,
                     struct erofs_inode *out, struct err *e)
{
    AUTO(tree_pieces_dispose) struct tree_pieces pieces = {0};
    uint64_t unit = HOLE;
    uint64_t stored = 0;
    uint64_t data = 0;

    if (reader == NULL || c->size < HOLES_LEAST)
        return 0;
    while (c->size / unit >= CHUNKS_MAX)
        unit *= 2;
    int rc = tree_pieces_find(reader, c, unit, CHUNKS_MAX, &pieces, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < pieces.count; i++) {
        data += pieces.items[i].len;
        stored += blocks_of(pieces.items[i].len);
    }
    if (c->size - data < HOLES_LEAST)
        return 0;
    out->pieces = array_new(1, sizeof(*out->pieces));
    if (out->pieces == NULL)
        return err_oom(e);
    *out->pieces = pieces;
    pieces = (struct tree_pieces){0};
    out->stored = stored;
    return 0;
}

int erofs_map_write(const struct erofs_inode *n, uint32_t zeros, struct image_writer *out,
                    struct err *e)
{
    const struct tree_pieces *p = n->pieces;
    uint8_t entries[1024 * MAP_UNIT];
    uint64_t block = n->block; /* of the next chunk that is there */
    size_t next = 0;           /* the piece that has it */
    size_t len = 0;
    int rc = 0;

    for (uint64_t at = 0; rc == 0 && at < n->size; at += p->unit) {
        bool there = next < p->count && p->items[next].offset <= at;
        put_le32(entries + len, there ? (uint32_t)block : zeros);
        len += MAP_UNIT;
        if (there) {
            uint64_t end = p->items[next].offset + p->items[next].len;
            block += blocks_of(end - at < p->unit ? end - at : p->unit);
            next += end - at <= p->unit;
        }
        if (len == sizeof(entries) || n->size - at <= p->unit) {
            rc = image_put(out, entries, len, e);
            len = 0;
        }
    }
    return rc;
}

int erofs_pieces_write(const struct erofs_inode *n, const struct tree_content *c,
                       struct image_writer *out, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->pieces->count; i++) {
        const struct tree_piece *piece = &n->pieces->items[i];
        rc = image_content(out, c, piece->offset, piece->offset + piece->len, e);
    }
    return rc;
}
