/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/cache_sparse.h"

#include "formats/machine/machine_state.h"

#include <string.h>

static const char file_name[] = "hash_tree.sht";
#define RANGE_LEFT UINT64_MAX

void cache_sparse_dispose(struct cache_sparse *c)
{
    free(c->nodes);
    c->nodes = NULL;
}

static bool is_range(const struct cache_node *node)
{
    return node->left == RANGE_LEFT;
}

/* ---- the shape that the ranges give ---- */

struct shape {
    struct cache_node *nodes;
    size_t count; /* so far */
    const struct snapshot *snapshot;
    size_t range; /* the next one that has no place yet */
};

/* The node of 2^log2 bytes at `start` below `parent`; 0 when no range lies there. */
static uint64_t add_nodes(struct shape *shape, uint64_t start, unsigned log2, uint64_t parent)
{
    const struct machine_range *range = &shape->snapshot->ranges[shape->range];
    uint64_t last = log2 == MACHINE_ROOT_LOG2 ? UINT64_MAX : start + (((uint64_t)1 << log2) - 1);
    if (shape->range == shape->snapshot->count || range->start > last)
        return 0;
    if (range->start == start && range->log2 == log2) {
        size_t index = shape->range++;
        shape->nodes[SHT_FIRST_RANGE + index] =
            (struct cache_node){.left = RANGE_LEFT, .right = index, .parent = parent, .log2 = log2};
        return SHT_FIRST_RANGE + index;
    }
    uint64_t i = parent == 0 ? 1 : shape->count++;
    struct cache_node *node = &shape->nodes[i];
    node->parent = parent;
    node->log2 = log2;
    node->left = add_nodes(shape, start, log2 - 1, i);
    node->right = add_nodes(shape, start + ((uint64_t)1 << (log2 - 1)), log2 - 1, i);
    return i;
}

static void build_shape(struct cache_sparse *c)
{
    struct shape shape = {
        .nodes = c->nodes, .count = SHT_FIRST_RANGE + c->snapshot->count, .snapshot = c->snapshot};
    (void)add_nodes(&shape, 0, MACHINE_ROOT_LOG2, 0);
}

/* ---- hashes ---- */

static const uint8_t *child_hash(const struct cache_sparse *c, uint64_t child, uint32_t log2)
{
    return child == 0 ? c->tree->pristine[log2] : c->nodes[child].hash;
}

static void join_children(const struct cache_sparse *c, const struct cache_node *node, uint8_t *out)
{
    uint8_t pair[2 * MACHINE_HASH_SIZE];
    memcpy(pair, child_hash(c, node->left, node->log2 - 1), MACHINE_HASH_SIZE);
    memcpy(pair + MACHINE_HASH_SIZE, child_hash(c, node->right, node->log2 - 1), MACHINE_HASH_SIZE);
    c->tree->hasher->pairs(pair, out, 1);
}

static bool joins_children(const struct cache_sparse *c, const struct cache_node *node)
{
    uint8_t hash[MACHINE_HASH_SIZE];
    join_children(c, node, hash);
    return memcmp(hash, node->hash, sizeof(hash)) == 0;
}

/* ---- loading ---- */

static int load_node(struct cache_sparse *c, size_t i, const uint8_t *bytes, struct findings *f,
                     struct err *e)
{
    struct cache_node *node = &c->nodes[i];
    uint64_t word = machine_word(bytes + SHT_LOG2, 0);
    node->marked = (uint32_t)(word >> 32);
    memcpy(node->hash, bytes + SHT_HASH, MACHINE_HASH_SIZE);
    if (machine_word(bytes + SHT_LEFT, 0) != node->left ||
        machine_word(bytes + SHT_RIGHT, 0) != node->right ||
        machine_word(bytes + SHT_PARENT, 0) != node->parent || (uint32_t)word != node->log2 ||
        node->marked > 1) {
        c->sound = false;
        return finding_add(f, e, "%s: node %zu is not where it belongs", file_name, i);
    }
    if (node->marked != 0)
        return finding_add(f, e, "%s: node %zu is marked, so it is never computed again", file_name,
                           i);
    return 0;
}

/* The emulator computes all nodes together, from the hashes that it puts into the ranges' nodes. */
static int check_join(const struct cache_sparse *c, size_t i, struct findings *f, struct err *e)
{
    struct cache_node *node = &c->nodes[i];
    int rc = finding_add(f, e, "%s: node %zu is not the hash of its children", file_name, i);
    node->reported = true;
    const uint64_t below[] = {node->left, node->right};
    for (size_t k = 0; rc == 0 && k < 2; k++)
        if (below[k] != 0 && is_range(&c->nodes[below[k]]))
            rc = finding_add(f, e, "%s: the hash of the %s is not the one that node %zu joins",
                             file_name, c->snapshot->ranges[c->nodes[below[k]].right].name, i);
    return rc;
}

static bool hash_is_zero(const struct cache_node *node)
{
    static const uint8_t zeros[MACHINE_HASH_SIZE];
    return memcmp(node->hash, zeros, sizeof(zeros)) == 0;
}

static int check_joins(const struct cache_sparse *c, struct findings *f, struct err *e)
{
    bool computed = false;
    int rc = 0;
    for (size_t i = 1; i < c->count; i++)
        computed = computed || !hash_is_zero(&c->nodes[i]);
    for (size_t i = 1; rc == 0 && computed && i < c->count; i++)
        if (!is_range(&c->nodes[i]) && !joins_children(c, &c->nodes[i]))
            rc = check_join(c, i, f, e);
    return rc;
}

int cache_sparse_load(struct cache_sparse *out, const struct snapshot *s,
                      const struct machine_tree *tree, struct findings *f, struct err *e)
{
    uint64_t size = machine_sht_size(s->ranges, s->count); /* some KiB */
    AUTO_CLOSE int fd = cache_open(s, file_name, size);
    AUTO_FREE uint8_t *bytes = calloc((size_t)size, 1);
    memset(out, 0, sizeof(*out));
    out->tree = tree;
    out->snapshot = s;
    out->count = (size_t)(size / SHT_NODE);
    out->sound = true;
    out->nodes = calloc(out->count, sizeof(*out->nodes));
    int rc = bytes == NULL || out->nodes == NULL ? err_oom(e)
                                                 : cache_read(fd, bytes, size, file_name, e);
    if (rc < 0)
        return rc;
    build_shape(out);
    if ((uint32_t)machine_word(bytes + SHT_NODE + SHT_LOG2, 0) == 0)
        return 0; /* not filled yet */
    for (size_t i = 0; rc == 0 && i < out->count; i++)
        rc = load_node(out, i, bytes + i * SHT_NODE, f, e);
    return rc == 0 && out->sound ? check_joins(out, f, e) : rc;
}

/* ---- the update ---- */

/* A parent that is marked is taken to be in the queue already. */
static void enqueue(struct cache_sparse *c, uint64_t i)
{
    if (i == 0 || c->nodes[i].marked != 0)
        return;
    c->nodes[i].marked = 1;
    c->nodes[i].pending = true;
}

void cache_sparse_update(struct cache_sparse *c, const struct cache_root *roots)
{
    for (size_t i = 0; i < c->snapshot->count; i++) {
        struct cache_node *node = &c->nodes[SHT_FIRST_RANGE + i];
        if (!roots[i].changed && memcmp(node->hash, roots[i].has, MACHINE_HASH_SIZE) == 0)
            continue;
        memcpy(node->hash, roots[i].has, MACHINE_HASH_SIZE);
        enqueue(c, node->parent);
    }
    for (unsigned log2 = MACHINE_PAGE_LOG2 + 1; log2 <= MACHINE_ROOT_LOG2; log2++)
        for (size_t i = 1; i < c->count; i++) {
            struct cache_node *node = &c->nodes[i];
            if (!node->pending || node->log2 != log2)
                continue;
            node->pending = false;
            node->marked = 0;
            join_children(c, node, node->hash);
            enqueue(c, node->parent);
        }
}

int cache_sparse_check(const struct cache_sparse *c, const struct cache_root *roots,
                       struct findings *f, struct err *e)
{
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < c->count; i++) {
        const struct cache_node *node = &c->nodes[i];
        if (is_range(node)) {
            if (memcmp(node->hash, roots[node->right].truth, MACHINE_HASH_SIZE) != 0)
                rc = finding_add(f, e, "%s: the hash of the %s is not that of its bytes", file_name,
                                 c->snapshot->ranges[node->right].name);
        } else if (!node->reported && !joins_children(c, node)) {
            rc = finding_add(f, e, "%s: node %zu is not the hash of its children", file_name, i);
        }
    }
    return rc;
}
