/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_tree.h"

#include "base/file.h"
#include "base/sparse.h"
#include "base/workers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

enum {
    PAGE = 4096,
    PAGE_LOG2 = 12,
    BATCH_LOG2 = 18, /* read and hashed at once: 64 pages, which stay in the second-level cache */
    BATCH_PAGES = 1 << (BATCH_LOG2 - PAGE_LOG2),
    CHUNK_LOG2 = 22, /* one item of work for a thread */
    CHUNK_PAGES = 1 << (CHUNK_LOG2 - PAGE_LOG2),
    SPAN_LOG2 = 32, /* chunks whose hashes are held at once: 1024 x 32 bytes */
};

void machine_tree_init(struct machine_tree *t, const struct machine_hasher *hasher,
                       const struct tree_range *ranges, size_t count, unsigned jobs)
{
    uint8_t pair[2 * MACHINE_HASH_SIZE] = {0};
    memset(t, 0, sizeof(*t));
    t->hasher = hasher;
    t->ranges = ranges;
    t->count = count;
    t->jobs = jobs;
    hasher->leaves(pair, t->pristine[MACHINE_LEAF_LOG2], 1);
    for (unsigned k = MACHINE_LEAF_LOG2; k < MACHINE_ROOT_LOG2; k++) {
        memcpy(pair, t->pristine[k], MACHINE_HASH_SIZE);
        memcpy(pair + MACHINE_HASH_SIZE, t->pristine[k], MACHINE_HASH_SIZE);
        hasher->pairs(pair, t->pristine[k + 1], 1);
    }
}

static void join(const struct machine_tree *t, const uint8_t *left, const uint8_t *right,
                 uint8_t *out)
{
    uint8_t pair[2 * MACHINE_HASH_SIZE];
    memcpy(pair, left, MACHINE_HASH_SIZE);
    memcpy(pair + MACHINE_HASH_SIZE, right, MACHINE_HASH_SIZE);
    t->hasher->pairs(pair, out, 1);
}

/* Hashes side by side, 2^levels of them, become one at their place. */
static void reduce(const struct machine_hasher *hasher, uint8_t *hashes, unsigned levels)
{
    while (levels-- > 0)
        hasher->pairs(hashes, hashes, (size_t)1 << levels);
}

void machine_data_hash(const struct machine_hasher *hasher, uint8_t *data_spoiled, unsigned log2,
                       uint8_t out[MACHINE_HASH_SIZE])
{
    hasher->leaves(data_spoiled, data_spoiled, (size_t)1 << (log2 - MACHINE_LEAF_LOG2));
    reduce(hasher, data_spoiled, log2 - MACHINE_LEAF_LOG2);
    memcpy(out, data_spoiled, MACHINE_HASH_SIZE);
}

static uint64_t next_data(const struct tree_range *range, uint64_t offset)
{
    return sparse_next_data(range->fd, range->base + offset, range->base + range->length) -
           range->base;
}

/*
 * The pages that are not all zeros move to the front, in order; their indexes
 * go to `index`. Returns how many there are.
 */
static size_t pack_pages(uint8_t *pages, size_t count, size_t *index)
{
    static const uint8_t zeros[PAGE];
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(pages + i * PAGE, zeros, PAGE) == 0)
            continue;
        if (kept != i)
            memcpy(pages + kept * PAGE, pages + i * PAGE, PAGE);
        index[kept++] = i;
    }
    return kept;
}

/*
 * The hashes of `count` pages at `offset`, BATCH_PAGES at most; `pages` holds
 * 2^BATCH_LOG2 bytes to work in. *zeros: there was nothing else, `out` is as it was.
 */
static int batch_hashes(const struct machine_tree *t, const struct tree_range *range,
                        uint64_t offset, size_t count, uint8_t *pages, uint8_t *out, bool *zeros,
                        struct err *e)
{
    size_t index[BATCH_PAGES];
    int rc = fd_pread_all(range->fd, pages, count * PAGE, range->base + offset, range->name, e);
    if (rc < 0)
        return rc;
    size_t kept = pack_pages(pages, count, index);
    *zeros = kept == 0;
    if (*zeros)
        return 0;
    /* Every level of all pages in one call: the processor's lanes stay full up to the top. */
    size_t hashes = kept * (PAGE / 32);
    t->hasher->leaves(pages, pages, hashes);
    for (unsigned level = MACHINE_LEAF_LOG2; level < PAGE_LOG2; level++) {
        hashes /= 2;
        t->hasher->pairs(pages, pages, hashes);
    }
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * MACHINE_HASH_SIZE, t->pristine[PAGE_LOG2], MACHINE_HASH_SIZE);
    for (size_t i = 0; i < kept; i++)
        memcpy(out + index[i] * MACHINE_HASH_SIZE, pages + i * MACHINE_HASH_SIZE,
               MACHINE_HASH_SIZE);
    return 0;
}

/* The node of one batch at `offset`. */
static int batch_node(const struct machine_tree *t, const struct tree_range *range, uint64_t offset,
                      uint8_t *pages, uint8_t *out, struct err *e)
{
    uint8_t hashes[BATCH_PAGES * MACHINE_HASH_SIZE];
    uint64_t left = (range->length - offset) / PAGE;
    size_t count = left < BATCH_PAGES ? (size_t)left : BATCH_PAGES;
    bool zeros = false;
    int rc = batch_hashes(t, range, offset, count, pages, hashes, &zeros, e);
    if (rc < 0)
        return rc;
    if (zeros) {
        memcpy(out, t->pristine[BATCH_LOG2], MACHINE_HASH_SIZE);
        return 0;
    }
    for (size_t i = count; i < BATCH_PAGES; i++)
        memcpy(hashes + i * MACHINE_HASH_SIZE, t->pristine[PAGE_LOG2], MACHINE_HASH_SIZE);
    reduce(t->hasher, hashes, BATCH_LOG2 - PAGE_LOG2);
    memcpy(out, hashes, MACHINE_HASH_SIZE);
    return 0;
}

/* What the threads share while they hash one span. */
struct span {
    const struct machine_tree *tree;
    const struct tree_range *range;
    uint64_t offset;
    unsigned chunk_log2;
    uint8_t *hashes; /* one per chunk */
};

static int chunk_node(void *context, size_t i, struct err *e)
{
    const struct span *s = context;
    const struct machine_tree *t = s->tree;
    uint8_t hashes[MACHINE_HASH_SIZE << (CHUNK_LOG2 - BATCH_LOG2)];
    AUTO_FREE uint8_t *pages = NULL;
    uint64_t offset = s->offset + ((uint64_t)i << s->chunk_log2);
    uint64_t data = next_data(s->range, offset);
    uint8_t *out = s->hashes + i * MACHINE_HASH_SIZE;
    memcpy(out, t->pristine[s->chunk_log2], MACHINE_HASH_SIZE);
    if (data >= s->range->length || data - offset >= (uint64_t)1 << s->chunk_log2)
        return 0;
    if (posix_memalign((void **)&pages, 64, (size_t)1 << BATCH_LOG2) != 0)
        return err_oom(e);
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < (size_t)1 << (s->chunk_log2 - BATCH_LOG2); k++) {
        uint64_t at = offset + ((uint64_t)k << BATCH_LOG2);
        if (at + ((uint64_t)1 << BATCH_LOG2) <= data || at >= s->range->length) {
            memcpy(hashes + k * MACHINE_HASH_SIZE, t->pristine[BATCH_LOG2], MACHINE_HASH_SIZE);
            continue;
        }
        rc = batch_node(t, s->range, at, pages, hashes + k * MACHINE_HASH_SIZE, e);
        if (rc == 0)
            data = next_data(s->range, at + ((uint64_t)1 << BATCH_LOG2));
    }
    if (rc < 0)
        return rc;
    reduce(t->hasher, hashes, s->chunk_log2 - BATCH_LOG2);
    memcpy(out, hashes, MACHINE_HASH_SIZE);
    return 0;
}

/* A node of at most SPAN_LOG2 and at least BATCH_LOG2: chunks in parallel. */
static int span_node(const struct machine_tree *t, const struct tree_range *range, uint64_t offset,
                     unsigned log2, uint8_t *out, struct err *e)
{
    unsigned chunk_log2 = log2 < CHUNK_LOG2 ? log2 : CHUNK_LOG2;
    size_t count = (size_t)1 << (log2 - chunk_log2);
    AUTO_FREE uint8_t *hashes = malloc(count * MACHINE_HASH_SIZE);
    struct span span = {
        .tree = t, .range = range, .offset = offset, .chunk_log2 = chunk_log2, .hashes = hashes};
    if (hashes == NULL)
        return err_oom(e);
    int rc = workers_run(t->jobs, count, chunk_node, &span, e);
    if (rc < 0)
        return rc;
    reduce(t->hasher, hashes, log2 - chunk_log2);
    memcpy(out, hashes, MACHINE_HASH_SIZE);
    return 0;
}

/* A node smaller than a batch: its bytes are few. */
static int small_node(const struct machine_tree *t, const struct tree_range *range, uint64_t offset,
                      unsigned log2, uint8_t *out, struct err *e)
{
    uint64_t left = range->length - offset;
    size_t size = (size_t)1 << log2;
    AUTO_FREE uint8_t *data = calloc(1, size);
    if (data == NULL)
        return err_oom(e);
    int rc = fd_pread_all(range->fd, data, left < size ? (size_t)left : size, range->base + offset,
                          range->name, e);
    if (rc == 0)
        machine_data_hash(t->hasher, data, log2, out);
    return rc;
}

/* A node within a range, at `offset` from its start. */
static int range_node(const struct machine_tree *t, const struct tree_range *range, uint64_t offset,
                      unsigned log2, uint8_t *out, struct err *e)
{
    if (range->fd < 0 && log2 == range->log2) {
        memcpy(out, range->known, MACHINE_HASH_SIZE);
        return 0;
    }
    if (range->fd < 0)
        return err_set(e, ERR_INPUT, "the bytes of the %s are needed and not there", range->name);
    uint64_t data = next_data(range, offset);
    if (data >= range->length || data - offset >= (uint64_t)1 << log2) {
        memcpy(out, t->pristine[log2], MACHINE_HASH_SIZE);
        return 0;
    }
    if (log2 < BATCH_LOG2)
        return small_node(t, range, offset, log2, out, e);
    if (log2 <= SPAN_LOG2)
        return span_node(t, range, offset, log2, out, e);
    uint8_t halves[2][MACHINE_HASH_SIZE];
    int rc = range_node(t, range, offset, log2 - 1, halves[0], e);
    if (rc == 0)
        rc = range_node(t, range, offset + ((uint64_t)1 << (log2 - 1)), log2 - 1, halves[1], e);
    if (rc == 0)
        join(t, halves[0], halves[1], out);
    return rc;
}

int machine_tree_node(const struct machine_tree *t, uint64_t address, unsigned log2,
                      uint8_t out[MACHINE_HASH_SIZE], struct err *e)
{
    uint64_t last = log2 == MACHINE_ROOT_LOG2 ? UINT64_MAX : address + (((uint64_t)1 << log2) - 1);
    size_t i = 0;
    while (i < t->count && t->ranges[i].start + (((uint64_t)1 << t->ranges[i].log2) - 1) < address)
        i++;
    if (i == t->count || t->ranges[i].start > last) {
        memcpy(out, t->pristine[log2], MACHINE_HASH_SIZE);
        return 0;
    }
    const struct tree_range *range = &t->ranges[i];
    if (log2 < MACHINE_ROOT_LOG2 && log2 <= range->log2)
        return range_node(t, range, address - range->start, log2, out, e);
    uint8_t halves[2][MACHINE_HASH_SIZE];
    int rc = machine_tree_node(t, address, log2 - 1, halves[0], e);
    if (rc == 0)
        rc = machine_tree_node(t, address + ((uint64_t)1 << (log2 - 1)), log2 - 1, halves[1], e);
    if (rc == 0)
        join(t, halves[0], halves[1], out);
    return rc;
}

/* What the threads share while they hash pages. */
struct pages {
    const struct machine_tree *tree;
    const struct tree_range *range;
    uint64_t first;
    size_t count;
    uint8_t *out;
};

static int chunk_pages(void *context, size_t i, struct err *e)
{
    const struct pages *p = context;
    AUTO_FREE uint8_t *work = NULL;
    size_t at = i * CHUNK_PAGES;
    size_t end = p->count - at < CHUNK_PAGES ? p->count : at + CHUNK_PAGES;
    int rc = 0;
    for (size_t n; rc == 0 && at < end; at += n) {
        bool zeros;
        uint64_t offset = (p->first + at) * PAGE;
        n = end - at < BATCH_PAGES ? end - at : BATCH_PAGES;
        if (next_data(p->range, offset) >= offset + n * PAGE)
            continue;
        if (work == NULL && posix_memalign((void **)&work, 64, (size_t)1 << BATCH_LOG2) != 0)
            return err_oom(e);
        rc = batch_hashes(p->tree, p->range, offset, n, work, p->out + at * MACHINE_HASH_SIZE,
                          &zeros, e);
    }
    return rc;
}

int machine_tree_pages(const struct machine_tree *t, size_t range, uint64_t first, size_t count,
                       uint8_t *out, struct err *e)
{
    struct pages pages = {
        .tree = t, .range = &t->ranges[range], .first = first, .count = count, .out = out};
    return workers_run(t->jobs, (count + CHUNK_PAGES - 1) / CHUNK_PAGES, chunk_pages, &pages, e);
}

int machine_tree_prove(const struct machine_tree *t, uint64_t address, unsigned log2,
                       struct machine_proof *out, struct err *e)
{
    if (log2 < MACHINE_LEAF_LOG2 || log2 > MACHINE_ROOT_LOG2)
        return err_set(e, ERR_USAGE, "the size 2^%u is not between 2^%d and 2^%d", log2,
                       MACHINE_LEAF_LOG2, MACHINE_ROOT_LOG2);
    if (log2 == MACHINE_ROOT_LOG2 ? address != 0 : (address & (((uint64_t)1 << log2) - 1)) != 0)
        return err_set(e, ERR_USAGE, "the address 0x%" PRIx64 " is not a multiple of 2^%u", address,
                       log2);
    out->address = address;
    out->log2 = log2;
    out->count = MACHINE_ROOT_LOG2 - log2;
    int rc = machine_tree_node(t, address, log2, out->target, e);
    for (unsigned level = log2; rc == 0 && level < MACHINE_ROOT_LOG2; level++) {
        uint64_t bit = (uint64_t)1 << level;
        rc = machine_tree_node(t, (address & ~(bit - 1)) ^ bit, level, out->siblings[level - log2],
                               e);
    }
    if (rc < 0)
        return rc;
    machine_proof_root(out, out->root);
    return 0;
}

void machine_proof_root(const struct machine_proof *p, uint8_t out[MACHINE_HASH_SIZE])
{
    const struct machine_hasher *hasher = machine_hasher_best(p->function);
    uint8_t node[MACHINE_HASH_SIZE];
    memcpy(node, p->target, sizeof(node));
    for (size_t i = 0; i < p->count; i++) {
        uint8_t pair[2 * MACHINE_HASH_SIZE];
        bool right = (p->address >> (p->log2 + i) & 1) != 0;
        memcpy(pair + (right ? MACHINE_HASH_SIZE : 0), node, sizeof(node));
        memcpy(pair + (right ? 0 : MACHINE_HASH_SIZE), p->siblings[i], sizeof(node));
        hasher->pairs(pair, node, 1);
    }
    memcpy(out, node, sizeof(node));
}
