/* SPDX-License-Identifier: Apache-2.0 */
/* What the caches claim against what the state says (docs/formats/machine.md, section 6). */
#include "base/byte_order.h"
#include "base/file.h"
#include "formats/machine/snapshot_check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BATCH = 64, /* pages, or nodes of a level, at once */
    SHT_NODE = 64,
    PHTC_START = 32, /* the head; entries follow, the last one without its last 8 bytes */
    PHTC_ENTRY = 12304,
    PHTC_HASHES = 16 + MACHINE_PAGE,
    PAGE_LEAVES = MACHINE_PAGE / 32,
};
#define PHTC_TAG ((uint64_t)0x50485443)

/* A cache file of the right size; -1 when it is missing or wrong (another check says so). */
static int open_cache(const struct snapshot *s, const char *name, uint64_t size)
{
    struct stat st;
    int fd = openat(s->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* ---- the dense tree of one range ---- */

struct dense {
    const struct machine_tree *tree;
    const struct machine_range *range;
    int data;
    int dht;
    int dpt;
    uint64_t leaves;
};

/* Hashes of `count` pages from page `first`; beyond the range's end they are zeros. */
static int page_hashes(const struct dense *d, uint64_t first, size_t count, uint8_t *pages,
                       uint8_t *out, struct err *e)
{
    uint64_t from = first * MACHINE_PAGE;
    size_t want = count * MACHINE_PAGE;
    uint64_t left = from < d->range->length ? d->range->length - from : 0;
    size_t have = left < want ? (size_t)left : want;
    memset(pages + have, 0, want - have);
    int rc = have > 0 ? fd_pread_all(d->data, pages, have, from, d->range->name, e) : 0;
    if (rc < 0)
        return rc;
    size_t n = count * PAGE_LEAVES;
    d->tree->hasher->leaves(pages, pages, n);
    for (n /= 2; n >= count; n /= 2)
        d->tree->hasher->pairs(pages, pages, n);
    memcpy(out, pages, count * MACHINE_HASH_SIZE);
    return 0;
}

/* Leaves: pages that are marked clean must have the hash that is stored. */
static int check_leaves(const struct dense *d, struct findings *f, struct err *e)
{
    uint8_t dirty[BATCH];
    uint8_t stored[BATCH * MACHINE_HASH_SIZE];
    uint8_t hashes[BATCH * MACHINE_HASH_SIZE];
    AUTO_FREE uint8_t *pages = malloc((size_t)BATCH * MACHINE_PAGE);
    int rc = pages == NULL ? err_oom(e) : 0;
    for (uint64_t first = 0; rc == 0 && first < d->leaves; first += BATCH) {
        size_t n = d->leaves - first < BATCH ? (size_t)(d->leaves - first) : (size_t)BATCH;
        uint64_t at = d->leaves + first;
        if ((rc = fd_pread_all(d->dpt, dirty, n, at, ".dpt", e)) < 0 ||
            (rc = fd_pread_all(d->dht, stored, n * MACHINE_HASH_SIZE, at * MACHINE_HASH_SIZE,
                               ".dht", e)) < 0 ||
            (rc = page_hashes(d, first, n, pages, hashes, e)) < 0)
            return rc;
        for (size_t i = 0; rc == 0 && i < n; i++)
            if (dirty[i] == 0 && memcmp(stored + i * MACHINE_HASH_SIZE,
                                        hashes + i * MACHINE_HASH_SIZE, MACHINE_HASH_SIZE) != 0)
                rc = finding_add(f, e,
                                 "cache of the %s: the hash of page 0x%" PRIx64
                                 " is not that of its bytes",
                                 d->range->name, d->range->start + (first + i) * MACHINE_PAGE);
    }
    return rc;
}

/* One level of inner nodes, `count` of them from index `count`: clean ones join their children. */
static int check_level(const struct dense *d, uint64_t count, struct findings *f, struct err *e)
{
    uint8_t dirty[BATCH];
    uint8_t below[2 * BATCH];
    uint8_t stored[BATCH * MACHINE_HASH_SIZE];
    uint8_t children[2 * BATCH * MACHINE_HASH_SIZE];
    int rc = 0;
    for (uint64_t first = 0; rc == 0 && first < count; first += BATCH) {
        size_t n = count - first < BATCH ? (size_t)(count - first) : (size_t)BATCH;
        uint64_t at = count + first;
        if ((rc = fd_pread_all(d->dpt, dirty, n, at, ".dpt", e)) < 0 ||
            (rc = fd_pread_all(d->dpt, below, 2 * n, 2 * at, ".dpt", e)) < 0 ||
            (rc = fd_pread_all(d->dht, stored, n * MACHINE_HASH_SIZE, at * MACHINE_HASH_SIZE,
                               ".dht", e)) < 0 ||
            (rc = fd_pread_all(d->dht, children, 2 * n * MACHINE_HASH_SIZE,
                               2 * at * MACHINE_HASH_SIZE, ".dht", e)) < 0)
            return rc;
        d->tree->hasher->pairs(children, children, n);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            bool wanted = below[2 * i] != 0 || below[2 * i + 1] != 0;
            if ((dirty[i] != 0) != wanted)
                rc = finding_add(f, e,
                                 "cache of the %s: node %" PRIu64
                                 " hides that a page below it is dirty, or invents one",
                                 d->range->name, at + i);
            else if (!wanted && memcmp(stored + i * MACHINE_HASH_SIZE,
                                       children + i * MACHINE_HASH_SIZE, MACHINE_HASH_SIZE) != 0)
                rc = finding_add(
                    f, e, "cache of the %s: node %" PRIu64 " is not the hash of its children",
                    d->range->name, at + i);
        }
    }
    return rc;
}

static int check_range(const struct snapshot *s, const struct machine_tree *tree, size_t i,
                       struct findings *f, struct err *e)
{
    char name[48];
    const struct machine_range *range = &s->ranges[i];
    uint8_t state = 0;
    AUTO_CLOSE int dht = open_cache(s, machine_range_file(range->start, range->length, "dht", name),
                                    machine_dht_size(range->length));
    AUTO_CLOSE int dpt = open_cache(s, machine_range_file(range->start, range->length, "dpt", name),
                                    machine_dpt_size(range->length));
    if (dht < 0 || dpt < 0)
        return 0;
    int rc = fd_pread_all(dpt, &state, 1, 0, name, e);
    if (rc < 0 || state == 0)
        return rc; /* uninitialised: the emulator computes everything */
    if (state != 1)
        return finding_add(f, e, "'%s' begins with %u", name, state);
    if (s->fds[i] < 0)
        return finding_note(f, e, "the cache of the %s is not checked: its file is not there",
                            range->name);
    struct dense d = {.tree = tree,
                      .range = range,
                      .data = s->fds[i],
                      .dht = dht,
                      .dpt = dpt,
                      .leaves = (uint64_t)1 << (range->log2 - MACHINE_PAGE_LOG2)};
    rc = check_leaves(&d, f, e);
    for (uint64_t count = d.leaves / 2; rc == 0 && count > 0; count /= 2)
        rc = check_level(&d, count, f, e);
    return rc;
}

/* ---- the sparse tree that joins the ranges ---- */

/* The stored hash of node `i`, or the pristine one of that level for 0. */
static const uint8_t *sht_hash(const struct machine_tree *tree, const uint8_t *nodes, int64_t i,
                               uint32_t log2)
{
    return i == 0 ? tree->pristine[log2] : nodes + (size_t)i * SHT_NODE + 32;
}

/* A child is a pristine tree, or a node one level below that names this one as its parent. */
static bool child_fits(const uint8_t *nodes, size_t count, size_t i, int64_t child, uint32_t log2)
{
    if (child < 0 || child >= (int64_t)count)
        return false;
    const uint8_t *node = nodes + (size_t)child * SHT_NODE;
    return child == 0 || (get_le64(node + 16) == i && (uint32_t)get_le64(node + 24) == log2 - 1);
}

static int check_sht_node(const struct machine_tree *tree, const uint8_t *nodes, size_t count,
                          size_t i, struct findings *f, struct err *e)
{
    const uint8_t *node = nodes + i * SHT_NODE;
    int64_t left = (int64_t)get_le64(node);
    int64_t right = (int64_t)get_le64(node + 8);
    uint32_t log2 = (uint32_t)get_le64(node + 24);
    uint32_t marked = (uint32_t)(get_le64(node + 24) >> 32);
    uint8_t wanted[MACHINE_HASH_SIZE];
    bool is_range = i >= 2 && i < 2 + tree->count;
    int rc = 0;
    if (is_range ? left != -1 || right != (int64_t)i - 2 || log2 != tree->ranges[i - 2].log2
                 : log2 <= MACHINE_PAGE_LOG2 || log2 > MACHINE_ROOT_LOG2 ||
                       (left == 0 && right == 0) || !child_fits(nodes, count, i, left, log2) ||
                       !child_fits(nodes, count, i, right, log2))
        return finding_add(f, e, "hash_tree.sht: node %zu is not where it belongs", i);
    if (marked != 0)
        return 0; /* to be computed again */
    if (is_range) {
        rc = machine_tree_node(tree, tree->ranges[i - 2].start, log2, wanted, e);
    } else {
        uint8_t pair[2 * MACHINE_HASH_SIZE];
        memcpy(pair, sht_hash(tree, nodes, left, log2 - 1), MACHINE_HASH_SIZE);
        memcpy(pair + MACHINE_HASH_SIZE, sht_hash(tree, nodes, right, log2 - 1), MACHINE_HASH_SIZE);
        tree->hasher->pairs(pair, wanted, 1);
    }
    if (rc == 0 && memcmp(wanted, node + 32, sizeof(wanted)) != 0)
        rc = is_range
                 ? finding_add(f, e, "hash_tree.sht: the hash of the %s is not that of its bytes",
                               tree->ranges[i - 2].name)
                 : finding_add(f, e, "hash_tree.sht: node %zu is not the hash of its children", i);
    return rc;
}

static int check_sht(const struct snapshot *s, const struct machine_tree *tree, struct findings *f,
                     struct err *e)
{
    uint64_t size = machine_sht_size(s->ranges, s->count); /* some KiB */
    AUTO_CLOSE int fd = open_cache(s, "hash_tree.sht", size);
    AUTO_FREE uint8_t *nodes = malloc((size_t)size);
    if (nodes == NULL)
        return err_oom(e);
    if (fd < 0)
        return 0;
    int rc = fd_pread_all(fd, nodes, (size_t)size, 0, "hash_tree.sht", e);
    if (rc < 0 || (uint32_t)get_le64(nodes + SHT_NODE + 24) == 0)
        return rc; /* uninitialised */
    if ((uint32_t)get_le64(nodes + SHT_NODE + 24) != MACHINE_ROOT_LOG2)
        return finding_add(f, e, "hash_tree.sht: the root is not of 2^64 bytes");
    for (size_t i = 1; rc == 0 && i < size / SHT_NODE; i++)
        rc = check_sht_node(tree, nodes, (size_t)(size / SHT_NODE), i, f, e);
    return rc;
}

/* ---- the cache of pages ---- */

/* An entry's hashes, heap order from 1, are those of the page that it holds; `lost` bytes of the
 * last one are not stored. */
static int check_entry(const struct machine_tree *tree, uint8_t *entry, size_t lost, uint64_t index,
                       struct findings *f, struct err *e)
{
    uint8_t *page = entry + 16;
    const uint8_t *hashes = entry + PHTC_HASHES;
    bool used = false;
    for (size_t i = 32; i < (size_t)MACHINE_HASH_SIZE * 2 * PAGE_LEAVES && !used; i++)
        used = hashes[i] != 0;
    if (!used)
        return 0;
    tree->hasher->leaves(page, page, PAGE_LEAVES);
    for (size_t n = PAGE_LEAVES; n > 0; n /= 2) {
        size_t len = n * MACHINE_HASH_SIZE - (n == PAGE_LEAVES ? lost : 0);
        if (memcmp(page, hashes + n * MACHINE_HASH_SIZE, len) != 0)
            return finding_add(f, e,
                               "hash_tree.phtc: entry %" PRIu64 " (page 0x%" PRIx64
                               ") has hashes that are not of its bytes",
                               index, get_le64(hashes));
        tree->hasher->pairs(page, page, n / 2);
    }
    return 0;
}

static int check_phtc(const struct snapshot *s, const struct machine_tree *tree, struct findings *f,
                      struct err *e)
{
    uint64_t size = machine_phtc_file_size(&s->config);
    AUTO_CLOSE int fd = open_cache(s, "hash_tree.phtc", size);
    AUTO_FREE uint8_t *entry = calloc(1, PHTC_ENTRY);
    uint8_t head[8];
    if (entry == NULL)
        return err_oom(e);
    if (fd < 0)
        return 0;
    int rc = fd_pread_all(fd, head, sizeof(head), 0, "hash_tree.phtc", e);
    if (rc < 0 || get_le64(head) == 0)
        return rc; /* uninitialised */
    if (get_le64(head) != PHTC_TAG)
        return finding_add(f, e, "hash_tree.phtc begins with an unknown tag");
    for (uint64_t i = 0; rc == 0 && i < s->config.phtc_size; i++) {
        uint64_t at = PHTC_START + i * PHTC_ENTRY;
        size_t len = size - at < PHTC_ENTRY ? (size_t)(size - at) : (size_t)PHTC_ENTRY;
        memset(entry, 0, PHTC_ENTRY);
        rc = fd_pread_all(fd, entry, len, at, "hash_tree.phtc", e);
        if (rc == 0)
            rc = check_entry(tree, entry, PHTC_ENTRY - len, i, f, e);
    }
    return rc;
}

int snapshot_check_caches(const struct snapshot *s, const struct machine_tree *tree,
                          struct findings *f, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->count; i++)
        rc = check_range(s, tree, i, f, e);
    if (rc == 0)
        rc = check_sht(s, tree, f, e);
    return rc < 0 ? rc : check_phtc(s, tree, f, e);
}
