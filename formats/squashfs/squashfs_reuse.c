/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of an earlier image. Compressing is nearly all of the work, and most blocks of an image
 * are those of the one before. A compressor around the real one looks each block up by a hash; what
 * it finds is unpacked and compared with the block byte for byte, and only then taken over: the
 * same bytes with the same options are what the compressor would give. So a collision changes
 * nothing, and whatever the index says, files have their right bytes. That a block stands there as
 * it is since it does not shrink is believed, as the action cache is.
 */
#include "base/byte_order.h"
#include "formats/squashfs/squashfs.h"

#include "base/file.h"

#include <pthread.h>
#include <string.h>

enum {
    INDEX_HEAD = 16,
    INDEX_ENTRY = 24,
    ENTRIES_MAX = 1 << 20, /* of larger images the rest is compressed again */
    CANDIDATES_MAX = 8,    /* with one hash */
};
#define INDEX_MAX (INDEX_HEAD + (size_t)ENTRIES_MAX * INDEX_ENTRY)

static const char index_magic[INDEX_HEAD] = "assay-blocks/1\n";

/* A block as it stands in an image: `stored` bytes, compressed unless there are `size` of them. */
struct entry {
    uint64_t hash; /* of the block's bytes before compression */
    uint64_t offset;
    uint32_t size;
    uint32_t stored;
};

/* A block of the image that is being written. Its place is known later than its hash, and by
 * somebody who has the stored bytes only. */
struct made {
    struct entry entry;
    uint64_t stored_hash;
    bool placed;
};

struct squashfs_reuse {
    uint32_t block_size;
    int fd; /* the earlier image; -1: there is none */
    struct entry *entries;
    size_t count;
    pthread_mutex_t mutex; /* for all below */
    struct made *made;
    size_t made_count;
    size_t made_cap;
    uint32_t *slots; /* open addressing over made, by the stored bytes' hash */
    size_t slot_count;
};

static uint64_t hash_bytes(const uint8_t *p, size_t len)
{
    uint64_t h = len;
    uint64_t word = 0;

    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, p, len);
    h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ (h >> 32);
}

/* ---- the index of an image ---------------------------------------------------- */

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return 0;
}

int squashfs_reuse_parse(struct squashfs_reuse *r, const void *data, size_t len,
                         uint64_t image_size, struct err *e)
{
    struct reader in = {.p = data, .end = (const uint8_t *)data + len};
    const uint8_t *head = NULL;

    if (!reader_take(&in, INDEX_HEAD, &head) || memcmp(head, index_magic, INDEX_HEAD) != 0 ||
        reader_left(&in) % INDEX_ENTRY != 0 || reader_left(&in) / INDEX_ENTRY > ENTRIES_MAX)
        return err_set(e, ERR_INPUT, "no index of an image's blocks");
    size_t count = reader_left(&in) / INDEX_ENTRY;
    AUTO_FREE struct entry *entries = array_new(count + 1, sizeof(*entries));
    if (entries == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct entry *n = &entries[i];
        uint64_t end = 0;
        if (!reader_le64(&in, &n->hash) || !reader_le64(&in, &n->offset) ||
            !reader_le32(&in, &n->size) || !reader_le32(&in, &n->stored) || n->size == 0 ||
            n->size > r->block_size || n->stored == 0 || n->stored > n->size ||
            !add_u64(n->offset, n->stored, &end) || end > image_size ||
            (i > 0 && compare_entries(&entries[i - 1], n) >= 0))
            return err_set(e, ERR_INPUT, "entry %zu of an index of blocks is wrong", i);
    }
    free(r->entries);
    r->entries = steal_ptr(&entries);
    r->count = count;
    return 0;
}

int squashfs_reuse_format(struct squashfs_reuse *r, struct buf *out, struct err *e)
{
    AUTO_FREE struct entry *entries = array_new(r->made_count + 1, sizeof(*entries));
    size_t count = 0;
    int rc = entries == NULL ? err_oom(e) : buf_add(out, index_magic, INDEX_HEAD, e);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < r->made_count; i++)
        if (r->made[i].placed)
            entries[count++] = r->made[i].entry;
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint8_t bytes[INDEX_ENTRY];
        if (i > 0 && compare_entries(&entries[i - 1], &entries[i]) == 0)
            continue;
        put_le64(bytes, entries[i].hash);
        put_le64(bytes + 8, entries[i].offset);
        put_le32(bytes + 16, entries[i].size);
        put_le32(bytes + 20, entries[i].stored);
        rc = buf_add(out, bytes, sizeof(bytes), e);
    }
    return rc;
}

/* ---- what is made, and where it comes to stand -------------------------------- */

static bool grow(struct squashfs_reuse *r)
{
    struct err ignored = ERR_INIT;

    if (r->made_count == ENTRIES_MAX ||
        array_grow(&r->made, &r->made_cap, r->made_count + 1, sizeof(*r->made), &ignored) < 0)
        return false;
    if (2 * (r->made_count + 1) <= r->slot_count)
        return true;
    size_t count = r->slot_count == 0 ? 1024 : 2 * r->slot_count;
    uint32_t *slots = array_new(count, sizeof(*slots));
    if (slots == NULL)
        return false;
    memset(slots, 0xff, count * sizeof(*slots));
    for (size_t i = 0; i < r->made_count; i++) {
        size_t slot = (size_t)r->made[i].stored_hash & (count - 1);
        while (slots[slot] != UINT32_MAX)
            slot = (slot + 1) & (count - 1);
        slots[slot] = (uint32_t)i;
    }
    free(r->slots);
    r->slots = slots;
    r->slot_count = count;
    return true;
}

/* The first block with these stored bytes; where it would be in `slots` when there is none. */
static struct made *find_made(const struct squashfs_reuse *r, uint64_t stored_hash, uint32_t stored,
                              size_t *at)
{
    size_t slot = (size_t)stored_hash & (r->slot_count - 1);

    for (; r->slots[slot] != UINT32_MAX; slot = (slot + 1) & (r->slot_count - 1)) {
        struct made *m = &r->made[r->slots[slot]];
        if (m->stored_hash == stored_hash && m->entry.stored == stored)
            return m;
    }
    *at = slot;
    return NULL;
}

static void note_made(struct squashfs_reuse *r, const struct entry *n, uint64_t stored_hash)
{
    size_t slot = 0;

    (void)pthread_mutex_lock(&r->mutex);
    if (grow(r) && find_made(r, stored_hash, n->stored, &slot) == NULL) {
        r->slots[slot] = (uint32_t)r->made_count;
        r->made[r->made_count++] = (struct made){.entry = *n, .stored_hash = stored_hash};
    }
    (void)pthread_mutex_unlock(&r->mutex);
}

void squashfs_reuse_place(struct squashfs_reuse *r, const void *data, uint32_t len, uint64_t offset)
{
    size_t slot = 0;
    uint64_t hash = hash_bytes(data, len);

    (void)pthread_mutex_lock(&r->mutex);
    struct made *m = r->slot_count == 0 ? NULL : find_made(r, hash, len, &slot);
    /* The first place stays: a later one is taken back when the whole run stands there already. */
    if (m != NULL && !m->placed) {
        m->placed = true;
        m->entry.offset = offset;
    }
    (void)pthread_mutex_unlock(&r->mutex);
}

/* ---- the compressor ------------------------------------------------------------ */

struct reusing {
    struct squashfs_wrapper base;
    struct squashfs_reuse *reuse;
    sqfs_compressor_t *unpack;
    uint8_t *plain; /* a block */
};

/* Whether the earlier image has the block there; its stored bytes are in `out` then. */
static bool take(struct reusing *c, const struct entry *n, const uint8_t *in, uint8_t *out,
                 uint32_t outsize)
{
    struct err ignored = ERR_INIT;

    if (n->stored > outsize ||
        fd_pread_all(c->reuse->fd, out, n->stored, n->offset, "an image", &ignored) < 0)
        return false;
    if (n->stored == n->size)
        return memcmp(out, in, n->size) == 0;
    sqfs_s32 len = c->unpack->do_block(c->unpack, out, n->stored, c->plain, c->reuse->block_size);
    return len >= 0 && (uint32_t)len == n->size && memcmp(c->plain, in, n->size) == 0;
}

static const struct entry *find_entry(struct reusing *c, uint64_t hash, const uint8_t *in,
                                      uint32_t size, uint8_t *out, uint32_t outsize)
{
    const struct squashfs_reuse *r = c->reuse;
    size_t lo = 0;
    size_t hi = r->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->entries[mid].hash < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (size_t i = lo; i < r->count && i < lo + CANDIDATES_MAX; i++) {
        if (r->entries[i].hash != hash)
            break;
        if (r->entries[i].size == size && take(c, &r->entries[i], in, out, outsize))
            return &r->entries[i];
    }
    return NULL;
}

static sqfs_s32 reusing_block(sqfs_compressor_t *cmp, const sqfs_u8 *in, sqfs_u32 size,
                              sqfs_u8 *out, sqfs_u32 outsize)
{
    struct reusing *c = (struct reusing *)cmp;
    struct entry n = {.hash = hash_bytes(in, size), .size = size};
    const struct entry *found = find_entry(c, n.hash, in, size, out, outsize);
    sqfs_s32 len = 0;

    if (found != NULL)
        len = found->stored == size ? 0 : (sqfs_s32)found->stored;
    else
        len = c->base.inner->do_block(c->base.inner, in, size, out, outsize);
    if (len < 0)
        return len;
    n.stored = len == 0 ? size : (uint32_t)len;
    note_made(c->reuse, &n, len == 0 ? n.hash : hash_bytes(out, n.stored));
    return len;
}

static void reusing_destroy(sqfs_object_t *object)
{
    struct reusing *c = (struct reusing *)object;

    sqfs_destroy(c->base.inner);
    sqfs_destroy(c->unpack);
    free(c->plain);
    free(c);
}

static sqfs_object_t *reusing_copy(const sqfs_object_t *object)
{
    const struct reusing *c = (const struct reusing *)object;

    return (sqfs_object_t *)squashfs_reuse_compressor(c->reuse, c->base.inner, c->unpack);
}

sqfs_compressor_t *squashfs_reuse_compressor(struct squashfs_reuse *r, const sqfs_compressor_t *cmp,
                                             const sqfs_compressor_t *uncmp)
{
    struct reusing *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->reuse = r;
    squashfs_wrapper_init(&c->base, sqfs_copy(cmp));
    c->base.base.base.destroy = reusing_destroy;
    c->base.base.base.copy = reusing_copy;
    c->base.base.do_block = reusing_block;
    c->unpack = sqfs_copy(uncmp);
    c->plain = malloc(r->block_size);
    if (c->base.inner == NULL || c->unpack == NULL || c->plain == NULL) {
        reusing_destroy(&c->base.base.base);
        return NULL;
    }
    return &c->base.base;
}

/* ---- the whole ------------------------------------------------------------------ */

int squashfs_reuse_new(uint32_t block_size, struct squashfs_reuse **out, struct err *e)
{
    struct squashfs_reuse *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return err_oom(e);
    r->block_size = block_size;
    r->fd = -1;
    (void)pthread_mutex_init(&r->mutex, NULL);
    *out = r;
    return 0;
}

void squashfs_reuse_free(struct squashfs_reuse *r)
{
    if (r == NULL)
        return;
    scope_close(&r->fd);
    (void)pthread_mutex_destroy(&r->mutex);
    free(r->entries);
    free(r->made);
    free(r->slots);
    free(r);
}

int squashfs_reuse_load(struct squashfs_reuse *r, struct cas *cas, const struct digest *image,
                        const struct digest *index, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(INDEX_MAX);
    uint64_t size = 0;
    AUTO_CLOSE int fd = -1;
    int rc = cas_open_blob(cas, image, &fd, &size, e);

    if (rc < 0 || (rc = cas_get(cas, index, &bytes, e)) < 0 ||
        (rc = squashfs_reuse_parse(r, bytes.data, bytes.len, size, e)) < 0)
        return rc;
    scope_close(&r->fd);
    r->fd = steal_fd(&fd);
    return 0;
}

int squashfs_reuse_store(struct squashfs_reuse *r, struct cas *cas, struct digest *index,
                         struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(INDEX_MAX);
    int rc = squashfs_reuse_format(r, &bytes, e);

    return rc < 0 ? rc : cas_put(cas, bytes.data, bytes.len, index, e);
}
