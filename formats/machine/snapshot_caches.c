/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the emulator would make of a machine's caches: they are loaded and updated
 * as it does, and the root hash that comes out is compared with the true one
 * (docs/formats/machine.md).
 */
#include "formats/machine/cache_dense.h"
#include "formats/machine/cache_pages.h"
#include "formats/machine/cache_sparse.h"
#include "formats/machine/machine_state.h"
#include "formats/machine/proof.h"
#include "formats/machine/snapshot_check.h"

#include <string.h>

enum { TLB_SLOTS = 256, TLB_WRITE_SET = 2 };

/* ---- pages that are dirty whatever the files say ---- */

struct dirty_page {
    uint64_t address;
    bool is;
};

/* The page of a slot of the write TLB, if the emulator would believe the slot. */
static struct dirty_page slot_page(const uint8_t *slot, const struct machine_pma *pmas,
                                   size_t count)
{
    struct dirty_page none = {0};
    uint64_t virtual_page = machine_word(slot, 0);
    uint64_t page = virtual_page + machine_word(slot, 1);
    uint64_t pma = machine_word(slot, 2);
    if (virtual_page % MACHINE_PAGE != 0 || page % MACHINE_PAGE != 0 ||
        machine_word(slot, 3) != 0 || pma >= count || (pmas[pma].istart & MACHINE_PMA_MEMORY) == 0)
        return none;
    uint64_t start = pmas[pma].istart / MACHINE_PAGE * MACHINE_PAGE;
    if (page < start || page - start > pmas[pma].length - MACHINE_PAGE)
        return none;
    return (struct dirty_page){.address = page, .is = true};
}

static void mark_address(struct cache_dense *d, uint64_t address)
{
    if (address >= d->range->start && address - d->range->start < d->range->length)
        cache_dense_mark(d, (address - d->range->start) / MACHINE_PAGE);
}

/* Pages that the processor may be writing to; then the registers, the TLB and the uarch state. */
static void mark_pages(struct cache_dense *d, const struct snapshot *s, const uint8_t *state)
{
    struct machine_pma pmas[MACHINE_PMAS_MAX];
    size_t count = machine_pmas(&s->config, pmas);
    const uint8_t *set =
        state + MACHINE_TLB_START + (size_t)TLB_WRITE_SET * TLB_SLOTS * MACHINE_TLB_SLOT;
    for (size_t i = 0; i < TLB_SLOTS; i++) {
        struct dirty_page page = slot_page(set + i * MACHINE_TLB_SLOT, pmas, count);
        if (page.is)
            mark_address(d, page.address);
    }
    if (d->range->kind == MACHINE_UARCH_STATE)
        cache_dense_mark(d, 0);
    for (uint64_t page = 0;
         d->range->kind == MACHINE_STATE && page < MACHINE_TLB_END / MACHINE_PAGE; page++)
        cache_dense_mark(d, page);
}

/* ---- one range after the other ---- */

struct model {
    const struct snapshot *snapshot;
    const struct machine_tree *tree;
    const uint8_t *state; /* the shadow state */
    struct cache_pages *pages;
    struct cache_root roots[MACHINE_RANGES_MAX];
};

static int run_range(struct model *m, size_t i, struct findings *f, struct err *e)
{
    AUTO_CACHE_DENSE dense = {0};
    const struct machine_range *range = &m->snapshot->ranges[i];
    struct cache_root *root = &m->roots[i];
    if (m->snapshot->fds[i] < 0) {
        memcpy(root->truth, m->snapshot->uarch_node, MACHINE_HASH_SIZE);
        memcpy(root->has, root->truth, MACHINE_HASH_SIZE);
        return finding_note(f, e, "the cache of the %s is not checked: its file is not there",
                            range->name);
    }
    int rc = cache_dense_load(&dense, m->snapshot, i, m->tree, f, e);
    if (rc < 0)
        return rc;
    mark_pages(&dense, m->snapshot, m->state);
    if (m->pages->sound && (rc = cache_dense_update(&dense, m->pages, e)) == 0)
        rc = cache_dense_check(&dense, f, e);
    if (rc < 0)
        return rc;
    root->changed = dense.changed;
    cache_dense_roots(&dense, root->has, root->truth);
    return 0;
}

/* The root of what the ranges hold. */
static int true_root(const struct model *m, uint8_t out[MACHINE_HASH_SIZE], struct err *e)
{
    struct tree_range ranges[MACHINE_RANGES_MAX];
    struct machine_tree tree = *m->tree;
    for (size_t i = 0; i < m->snapshot->count; i++) {
        ranges[i] = m->tree->ranges[i];
        ranges[i].fd = -1;
        ranges[i].known = m->roots[i].truth;
    }
    tree.ranges = ranges;
    return machine_tree_node(&tree, 0, MACHINE_ROOT_LOG2, out, e);
}

static int check_sparse(struct model *m, const uint8_t root[MACHINE_HASH_SIZE], struct findings *f,
                        struct err *e)
{
    char text[80];
    AUTO_CACHE_SPARSE sparse = {0};
    int rc = cache_sparse_load(&sparse, m->snapshot, m->tree, f, e);
    if (rc < 0 || !sparse.sound || !m->pages->sound)
        return rc;
    cache_sparse_update(&sparse, m->roots);
    if ((rc = cache_sparse_check(&sparse, m->roots, f, e)) < 0 ||
        memcmp(sparse.nodes[1].hash, root, MACHINE_HASH_SIZE) == 0)
        return rc;
    machine_hash_text(m->snapshot->config.hash, sparse.nodes[1].hash, text);
    return finding_add(f, e, "with these caches the emulator's root hash is %s", text);
}

int snapshot_check_caches(const struct snapshot *s, const struct machine_tree *tree,
                          uint8_t root[MACHINE_HASH_SIZE], struct findings *f, struct err *e)
{
    AUTO_CACHE_PAGES pages = {.fd = -1};
    AUTO_FREE uint8_t *state = NULL;
    struct model m = {.snapshot = s, .tree = tree, .pages = &pages};
    int rc = 0;
    if (!s->config.version->whole) {
        rc = finding_note(f, e,
                          "the caches are not judged: what emulator %s makes of them is not known",
                          s->config.version->name);
        return rc < 0 ? rc : machine_tree_node(tree, 0, MACHINE_ROOT_LOG2, root, e);
    }
    rc = snapshot_read(s, MACHINE_STATE, &state, e);
    if (rc < 0 || (rc = cache_pages_load(&pages, s, tree, f, e)) < 0)
        return rc;
    m.state = state;
    for (size_t i = 0; rc == 0 && i < s->count; i++)
        rc = run_range(&m, i, f, e);
    if (rc < 0 || (rc = true_root(&m, root, e)) < 0 || (rc = check_sparse(&m, root, f, e)) < 0)
        return rc;
    return pages.sound ? cache_pages_check(&pages, s, f, e) : 0;
}
