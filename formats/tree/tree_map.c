/* SPDX-License-Identifier: Apache-2.0 */
/* A map keyed by inode. */
#include "formats/tree/tree_internal.h"

#include <string.h>

void tree_map_dispose(struct tree_map *m)
{
    free(m->slots);
    *m = (struct tree_map){0};
}

static size_t slot_of(const struct tree_map *m, const struct tree_inode *key)
{
    uint64_t h = (uint64_t)(uintptr_t)key;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdU;
    h ^= h >> 33;
    size_t i = (size_t)h & (m->cap - 1);
    while (m->slots[i].key != NULL && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *tree_map_get(const struct tree_map *m, const struct tree_inode *key)
{
    return m->cap > 0 ? m->slots[slot_of(m, key)].value : NULL;
}

static int grow(struct tree_map *m, struct err *e)
{
    size_t cap = m->cap > 0 ? m->cap * 2 : 64;
    struct tree_map bigger = {.slots = array_new(cap, sizeof(*bigger.slots)), .cap = cap};
    if (bigger.slots == NULL)
        return err_oom(e);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key != NULL)
            bigger.slots[slot_of(&bigger, m->slots[i].key)] = m->slots[i];
    bigger.count = m->count;
    free(m->slots);
    *m = bigger;
    return 0;
}

int tree_map_put(struct tree_map *m, const struct tree_inode *key, void *value, struct err *e)
{
    if (m->count * 2 >= m->cap) {
        int rc = grow(m, e);
        if (rc < 0)
            return rc;
    }
    struct tree_map_slot *slot = &m->slots[slot_of(m, key)];
    m->count += slot->key == NULL;
    *slot = (struct tree_map_slot){.key = key, .value = value};
    return 0;
}
