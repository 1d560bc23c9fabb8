/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where blocks go in the file, and which run of blocks is there already. Our own
 * of libsquashfs's block writers, for its default one looks each file's blocks up
 * by a walk over all that were written. A file's blocks are compared, as one run,
 * with those of files that were written before: by a hash of their checksums and
 * sizes, then byte by byte.
 */
#include "formats/squashfs/squashfs.h"

#include <string.h>

enum { COMPARE_SIZE = 64 * 1024 };

struct run {
    uint64_t hash;
    uint64_t offset;
    uint64_t len;
};

struct blocks {
    sqfs_block_writer_t base;
    struct squashfs_file *file;
    struct squashfs_reuse *reuse;
    struct run current; /* of the file that is being written */
    bool open;          /* there is one */
    struct run *runs;   /* one for each file that has blocks of its own */
    size_t count;
    size_t cap;
    uint32_t *slots; /* open addressing over runs; equal hashes in the order of writing */
    size_t slot_count;
    uint64_t written;
    uint8_t compare[2][COMPARE_SIZE];
};

static uint64_t mix(uint64_t h, uint64_t value)
{
    h = (h ^ value) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ (h >> 32);
}

static int grow(struct blocks *b)
{
    struct err ignored = ERR_INIT;

    if (array_grow(&b->runs, &b->cap, b->count + 1, sizeof(*b->runs), &ignored) < 0)
        return SQFS_ERROR_ALLOC;
    if (2 * (b->count + 1) <= b->slot_count)
        return 0;
    size_t count = b->slot_count == 0 ? 1024 : 2 * b->slot_count;
    uint32_t *slots = array_new(count, sizeof(*slots));
    if (slots == NULL)
        return SQFS_ERROR_ALLOC;
    memset(slots, 0xff, count * sizeof(*slots));
    for (size_t i = 0; i < b->count; i++) {
        size_t slot = (size_t)b->runs[i].hash & (count - 1);
        while (slots[slot] != UINT32_MAX)
            slot = (slot + 1) & (count - 1);
        slots[slot] = (uint32_t)i;
    }
    free(b->slots);
    b->slots = slots;
    b->slot_count = count;
    return 0;
}

static int same_bytes(struct blocks *b, const struct run *other, bool *same)
{
    sqfs_file_t *f = &b->file->base;

    *same = true;
    for (uint64_t done = 0; *same && done < b->current.len;) {
        uint64_t left = b->current.len - done;
        size_t len = left < COMPARE_SIZE ? (size_t)left : COMPARE_SIZE;
        int rc = f->read_at(f, other->offset + done, b->compare[0], len);
        if (rc == 0)
            rc = f->read_at(f, b->current.offset + done, b->compare[1], len);
        if (rc != 0)
            return rc;
        *same = memcmp(b->compare[0], b->compare[1], len) == 0;
        done += len;
    }
    return 0;
}

/* The end of a file: keeps its run of blocks, or takes it back and gives the place of an equal one.
 */
static int end_run(struct blocks *b, sqfs_u64 *location)
{
    bool same = false;
    int rc = grow(b);
    size_t slot = 0;

    if (rc != 0)
        return rc;
    slot = (size_t)b->current.hash & (b->slot_count - 1);
    for (; b->slots[slot] != UINT32_MAX; slot = (slot + 1) & (b->slot_count - 1)) {
        const struct run *other = &b->runs[b->slots[slot]];
        if (other->hash != b->current.hash || other->len != b->current.len)
            continue;
        rc = same_bytes(b, other, &same);
        if (rc != 0)
            return rc;
        if (same) {
            *location = other->offset;
            return b->file->base.truncate(&b->file->base, b->current.offset);
        }
    }
    b->slots[slot] = (uint32_t)b->count;
    b->runs[b->count++] = b->current;
    *location = b->current.offset;
    return 0;
}

static int write_block(sqfs_block_writer_t *base, void *user, sqfs_u32 size, sqfs_u32 checksum,
                       sqfs_u32 flags, const sqfs_u8 *data, sqfs_u64 *location)
{
    struct blocks *b = (struct blocks *)base;
    sqfs_file_t *f = &b->file->base;

    (void)user;
    /* A run is in one piece: blocks of fragments come between files, never inside one. */
    if (b->open == ((flags & (SQFS_BLK_FIRST_BLOCK | SQFS_BLK_FRAGMENT_BLOCK)) != 0))
        return SQFS_ERROR_SEQUENCE;
    if (flags & SQFS_BLK_FIRST_BLOCK) {
        b->current = (struct run){.offset = b->file->size};
        b->open = true;
    }
    *location = b->file->size;
    if (size != 0 && !(flags & SQFS_BLK_IS_SPARSE)) {
        int rc = f->write_at(f, b->file->size, data, size);
        if (rc != 0)
            return rc;
        b->written++;
        if (b->reuse != NULL)
            squashfs_reuse_place(b->reuse, data, size, *location);
        b->current.hash = mix(b->current.hash, (uint64_t)size << 32 | checksum);
        b->current.hash = mix(b->current.hash, flags & SQFS_BLK_IS_COMPRESSED);
        b->current.len += size;
    }
    if (!(flags & SQFS_BLK_LAST_BLOCK))
        return 0;
    b->open = false;
    if (b->current.len != 0)
        return end_run(b, location);
    *location = 0; /* nothing but holes */
    return 0;
}

static sqfs_u64 block_count(const sqfs_block_writer_t *base)
{
    return ((const struct blocks *)base)->written;
}

static void blocks_destroy(sqfs_object_t *object)
{
    struct blocks *b = (struct blocks *)object;

    free(b->runs);
    free(b->slots);
    free(b);
}

sqfs_block_writer_t *squashfs_blocks_new(struct squashfs_file *f, struct squashfs_reuse *reuse)
{
    struct blocks *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->file = f;
    b->reuse = reuse;
    b->base.base.destroy = blocks_destroy;
    b->base.write_data_block = write_block;
    b->base.get_block_count = block_count;
    return &b->base;
}
