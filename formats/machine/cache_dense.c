/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/cache_dense.h"

#include <inttypes.h>
#include <string.h>

enum { BATCH = 64, NAME_SIZE = 48 };
#define NO_NODE UINT64_MAX

static const uint8_t zeros[MACHINE_HASH_SIZE];

void cache_dense_dispose(struct cache_dense *d)
{
    free(d->marks);
    free(d->hashes);
    free(d->truth);
    d->marks = NULL;
    d->hashes = NULL;
    d->truth = NULL;
}

static uint8_t *hash_at(uint8_t *hashes, uint64_t node)
{
    return hashes + node * MACHINE_HASH_SIZE;
}

/* The level of a node as the logarithm of its size. */
static unsigned node_log2(const struct cache_dense *d, uint64_t node)
{
    unsigned log2 = d->range->log2;
    for (; node > 1; node /= 2)
        log2--;
    return log2;
}

static const uint8_t *true_hash(const struct cache_dense *d, uint64_t node, unsigned log2)
{
    const uint8_t *hash = d->truth + node * MACHINE_HASH_SIZE;
    return memcmp(hash, zeros, sizeof(zeros)) == 0 ? d->tree->pristine[log2] : hash;
}

/* ---- the truth ---- */

/* `n` nodes from `first` join their children; both below are of size 2^log2. */
static void join_true(struct cache_dense *d, uint64_t first, size_t n, unsigned log2)
{
    uint8_t children[2 * BATCH * MACHINE_HASH_SIZE];
    bool zero[BATCH] = {false};
    for (size_t i = 0; i < 2 * n; i++)
        memcpy(children + i * MACHINE_HASH_SIZE, true_hash(d, 2 * first + i, log2),
               MACHINE_HASH_SIZE);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *pair = children + 2 * i * MACHINE_HASH_SIZE;
        zero[i] = memcmp(pair, d->tree->pristine[log2], MACHINE_HASH_SIZE) == 0 &&
                  memcmp(pair + MACHINE_HASH_SIZE, d->tree->pristine[log2], MACHINE_HASH_SIZE) == 0;
    }
    d->tree->hasher->pairs(children, children, n);
    for (size_t i = 0; i < n; i++)
        if (!zero[i])
            memcpy(hash_at(d->truth, first + i), children + i * MACHINE_HASH_SIZE,
                   MACHINE_HASH_SIZE);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static int compute_truth(struct cache_dense *d, size_t index, struct err *e)
{
    uint64_t pages = d->range->length / MACHINE_PAGE;
    d->truth = calloc((size_t)(2 * d->leaves), MACHINE_HASH_SIZE);
    if (d->truth == NULL)
        return err_oom(e);
    int rc = machine_tree_pages(d->tree, index, 0, (size_t)pages, hash_at(d->truth, d->leaves), e);
    unsigned log2 = MACHINE_PAGE_LOG2;
    for (uint64_t level = d->leaves / 2; rc == 0 && level > 0; level /= 2, log2++)
        for (uint64_t first = level; first < 2 * level; first += BATCH) {
            size_t n = 2 * level - first < BATCH ? (size_t)(2 * level - first) : (size_t)BATCH;
            if (!all_zero(hash_at(d->truth, 2 * first), 2 * n * MACHINE_HASH_SIZE))
                join_true(d, first, n, log2);
        }
    return rc;
}

/* ---- loading ---- */

/* The emulator's marks are 0 or 1, and an inner node's is that of its children together. */
static int check_marks(const struct cache_dense *d, const char *name, struct findings *f,
                       struct err *e)
{
    int rc = 0;
    if (d->marks[DPT_STATE] != DPT_DIRTY)
        rc = finding_add(f, e, "'%s' begins with %u", name, d->marks[DPT_STATE]);
    for (uint64_t i = 1; rc == 0 && i < 2 * d->leaves; i++) {
        if (d->marks[i] > DPT_DIRTY)
            rc = finding_add(f, e,
                             "cache of the %s: the mark of node %" PRIu64
                             " is %u, which is neither clean nor dirty",
                             d->range->name, i, d->marks[i]);
        bool wanted = i < d->leaves && (d->marks[2 * i] != 0 || d->marks[2 * i + 1] != 0);
        if (rc == 0 && i < d->leaves && (d->marks[i] != 0) != wanted)
            rc = finding_add(f, e,
                             "cache of the %s: node %" PRIu64
                             " hides that a page below it is dirty, or invents one",
                             d->range->name, i);
    }
    return rc;
}

static int load_marks(struct cache_dense *d, const struct snapshot *s, struct findings *f,
                      struct err *e)
{
    char name[NAME_SIZE];
    uint64_t size = machine_dpt_size(d->range->length);
    AUTO_CLOSE int fd =
        cache_open(s, machine_range_file(d->range->start, d->range->length, "dpt", name), size);
    d->marks = calloc((size_t)size, 1);
    int rc = d->marks == NULL ? err_oom(e) : cache_read(fd, d->marks, size, name, e);
    if (rc < 0)
        return rc;
    if (d->marks[DPT_STATE] != 0)
        return check_marks(d, name, f, e);
    /* Every page, and every place beyond the last one, is dirty. */
    memset(d->marks, DPT_DIRTY, (size_t)size);
    d->empty = true;
    return 0;
}

static int load_hashes(struct cache_dense *d, const struct snapshot *s, struct err *e)
{
    char name[NAME_SIZE];
    uint64_t size = machine_dht_size(d->range->length);
    AUTO_CLOSE int fd =
        cache_open(s, machine_range_file(d->range->start, d->range->length, "dht", name), size);
    d->hashes = calloc((size_t)size, 1);
    int rc = d->hashes == NULL ? err_oom(e) : cache_read(fd, d->hashes, size, name, e);
    if (rc == 0 && d->empty && all_zero(d->hashes, (size_t)size)) {
        free(d->hashes); /* the large drives of a machine that has not been hashed */
        d->hashes = NULL;
    }
    return rc;
}

int cache_dense_load(struct cache_dense *out, const struct snapshot *s, size_t range,
                     const struct machine_tree *tree, struct findings *f, struct err *e)
{
    *out =
        (struct cache_dense){.tree = tree,
                             .range = &s->ranges[range],
                             .data = s->fds[range],
                             .leaves = (uint64_t)1 << (s->ranges[range].log2 - MACHINE_PAGE_LOG2)};
    int rc = load_marks(out, s, f, e);
    if (rc < 0 || (rc = load_hashes(out, s, e)) < 0)
        return rc;
    return compute_truth(out, range, e);
}

/* ---- marks ---- */

void cache_dense_mark(struct cache_dense *d, uint64_t page)
{
    /* A page that is marked already is left alone, with all that stands above it. */
    for (uint64_t node = d->leaves + page; node != 1; node /= 2) {
        if (d->marks[node] == DPT_DIRTY)
            return;
        d->marks[node] = DPT_DIRTY;
    }
    d->marks[1] = DPT_DIRTY;
}

static void clean(struct cache_dense *d, uint64_t node)
{
    for (; node != 1; node /= 2) {
        d->marks[node] = DPT_CLEAN;
        if (d->marks[node ^ 1] == DPT_DIRTY)
            return;
    }
    d->marks[1] = DPT_CLEAN;
}

/*
 * The next dirty node of the level that begins with number `level`: up to the
 * first right neighbour that is dirty, then down along dirty nodes. What no
 * dirty parent announces is never found.
 */
static uint64_t next_dirty(const struct cache_dense *d, uint64_t node, uint64_t level)
{
    while (node != 1 && (node % 2 != 0 || d->marks[node + 1] != DPT_DIRTY))
        node /= 2;
    if (node == 1)
        return NO_NODE;
    node++;
    while (node < level) {
        node *= 2;
        if (d->marks[node] != DPT_DIRTY && d->marks[++node] != DPT_DIRTY)
            return NO_NODE;
    }
    return node;
}

/* Only the first node of a level is looked at without its parents. */
static uint64_t first_dirty(const struct cache_dense *d, uint64_t level)
{
    return d->marks[level] == DPT_DIRTY ? level : next_dirty(d, level, level);
}

/* ---- the update ---- */

static int update_page(struct cache_dense *d, struct cache_pages *pages, uint64_t node,
                       struct err *e)
{
    uint8_t hash[MACHINE_HASH_SIZE];
    uint64_t offset = (node - d->leaves) * MACHINE_PAGE;
    uint8_t *has = hash_at(d->hashes, node);
    if (offset >= d->range->length) {
        memcpy(has, d->tree->pristine[MACHINE_PAGE_LOG2], MACHINE_HASH_SIZE);
        return 0;
    }
    struct cache_page page = {.address = d->range->start + offset,
                              .fd = d->data,
                              .offset = offset,
                              .truth = true_hash(d, node, MACHINE_PAGE_LOG2)};
    int rc = cache_pages_hash(pages, &page, hash, e);
    if (rc < 0)
        return rc;
    if (memcmp(hash, has, sizeof(hash)) == 0) {
        clean(d, node);
    } else {
        memcpy(has, hash, sizeof(hash));
        d->changed = true;
    }
    return 0;
}

static void join_nodes(struct cache_dense *d, const uint64_t *nodes, size_t n)
{
    uint8_t children[2 * BATCH * MACHINE_HASH_SIZE] = {0};
    for (size_t i = 0; i < n; i++)
        memcpy(children + 2 * i * MACHINE_HASH_SIZE, hash_at(d->hashes, 2 * nodes[i]),
               (size_t)2 * MACHINE_HASH_SIZE);
    d->tree->hasher->pairs(children, children, n);
    for (size_t i = 0; i < n; i++)
        memcpy(hash_at(d->hashes, nodes[i]), children + i * MACHINE_HASH_SIZE, MACHINE_HASH_SIZE);
}

static void update_level(struct cache_dense *d, uint64_t level)
{
    uint64_t nodes[BATCH];
    size_t n = 0;
    for (uint64_t node = first_dirty(d, level); node != NO_NODE;
         node = next_dirty(d, node, level)) {
        nodes[n++] = node;
        if (n == BATCH) {
            join_nodes(d, nodes, n);
            n = 0;
        }
    }
    join_nodes(d, nodes, n);
}

/* Every page has another hash than 32 zeros, so that all of the tree is computed. */
static int update_empty(struct cache_dense *d, struct cache_pages *pages)
{
    for (uint64_t offset = 0; offset < d->range->length; offset += MACHINE_PAGE)
        cache_pages_pass(pages, d->range->start + offset);
    d->changed = true;
    return 0;
}

int cache_dense_update(struct cache_dense *d, struct cache_pages *pages, struct err *e)
{
    if (d->hashes == NULL && pages->literals == 0)
        return update_empty(d, pages);
    if (d->hashes == NULL)
        d->hashes = calloc((size_t)(2 * d->leaves), MACHINE_HASH_SIZE);
    int rc = d->hashes == NULL ? err_oom(e) : 0;
    for (uint64_t node = first_dirty(d, d->leaves); rc == 0 && node != NO_NODE;) {
        uint64_t next = next_dirty(d, node, d->leaves);
        rc = update_page(d, pages, node, e);
        node = next;
    }
    /* A range of which no page changed keeps what it has. */
    for (uint64_t level = d->leaves / 2; rc == 0 && d->changed && level > 0; level /= 2)
        update_level(d, level);
    return rc;
}

/* ---- afterwards ---- */

static bool is_true(const struct cache_dense *d, uint64_t node, unsigned log2)
{
    return memcmp(d->hashes + node * MACHINE_HASH_SIZE, true_hash(d, node, log2),
                  MACHINE_HASH_SIZE) == 0;
}

int cache_dense_check(const struct cache_dense *d, struct findings *f, struct err *e)
{
    int rc = 0;
    for (uint64_t node = 2 * d->leaves - 1; rc == 0 && d->hashes != NULL && node > 0; node--) {
        unsigned log2 = node_log2(d, node);
        if (is_true(d, node, log2))
            continue;
        if (node >= d->leaves)
            rc = finding_add(
                f, e, "cache of the %s: the hash of page 0x%" PRIx64 " is not that of its bytes",
                d->range->name, d->range->start + (node - d->leaves) * MACHINE_PAGE);
        else if (is_true(d, 2 * node, log2 - 1) && is_true(d, 2 * node + 1, log2 - 1))
            rc = finding_add(f, e,
                             "cache of the %s: node %" PRIu64 " is not the hash of its children",
                             d->range->name, node);
    }
    return rc;
}

void cache_dense_roots(const struct cache_dense *d, uint8_t has[MACHINE_HASH_SIZE],
                       uint8_t truth[MACHINE_HASH_SIZE])
{
    memcpy(truth, true_hash(d, 1, d->range->log2), MACHINE_HASH_SIZE);
    memcpy(has, d->hashes == NULL ? truth : d->hashes + MACHINE_HASH_SIZE, MACHINE_HASH_SIZE);
}
