/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel modules in depmod's order, and which of them need which. */
#include "base/byte_order.h"
#include "builder/debian/module_lists.h"

#include <string.h>

enum { NAME_BUCKETS = 512 };

void modules_dispose(struct modules *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].path);
        free(m->items[i].needs);
        kernel_module_dispose(&m->items[i].facts);
    }
    free(m->items);
    free(m->symbols);
}

/* Paul Hsieh's SuperFastHash, of little-endian halves. */
uint32_t module_hash(const char *text)
{
    size_t len = strlen(text);
    const uint8_t *p = (const uint8_t *)text;
    uint32_t hash = (uint32_t)len;
    for (; len >= 4; len -= 4, p += 4) {
        hash += get_le16(p);
        hash = (hash << 16) ^ ((uint32_t)get_le16(p + 2) << 11) ^ hash;
        hash += hash >> 11;
    }
    if (len >= 2) {
        hash += get_le16(p);
        hash ^= hash << (len == 3 ? 16 : 11);
        if (len == 3)
            hash ^= (uint32_t)p[2] << 18;
        hash += hash >> (len == 3 ? 11 : 17);
    } else if (len == 1) {
        hash += *p;
        hash ^= hash << 10;
        hash += hash >> 1;
    }
    hash ^= hash << 3;
    hash += hash >> 5;
    hash ^= hash << 4;
    hash += hash >> 17;
    hash ^= hash << 25;
    return hash + (hash >> 6);
}

/* ---- order ---- */

/* Without how they are compressed, as modules.order has them. */
static int compare_paths(const void *a, const void *b)
{
    const struct module *x = a;
    const struct module *y = b;
    size_t both = x->path_plain < y->path_plain ? x->path_plain : y->path_plain;
    int order = strncmp(x->path, y->path, both);
    return order != 0 ? order : x->path_plain < y->path_plain ? -1 : x->path_plain > y->path_plain;
}

/* Those of modules.order by their lines, then the others as they lie in a table of 512 buckets. */
static int compare_modules(const void *a, const void *b)
{
    const struct module *x = a;
    const struct module *y = b;
    if (x->line != y->line && x->line != 0 && y->line != 0)
        return x->line < y->line ? -1 : 1;
    if ((x->line == 0) != (y->line == 0))
        return x->line == 0 ? 1 : -1;
    uint32_t p = module_hash(x->name) % NAME_BUCKETS;
    uint32_t q = module_hash(y->name) % NAME_BUCKETS;
    return p != q ? (p < q ? -1 : 1) : strcmp(x->name, y->name);
}

int modules_sort(struct modules *m, const char *order, struct err *e)
{
    size_t line = 0;
    if (m->count < 2)
        return 0;
    qsort(m->items, m->count, sizeof(*m->items), compare_paths);
    for (const char *p = order; *p != 0 && strchr(p, '\n') != NULL;) {
        size_t len = strcspn(p, "\n");
        struct module key = {.path_plain = len};
        int rc = str_format(&key.path, e, "%.*s", (int)len, p);
        if (rc < 0)
            return rc;
        struct module *found = bsearch(&key, m->items, m->count, sizeof(key), compare_paths);
        free(key.path);
        line++;
        if (found != NULL)
            found->line = line;
        p += len + 1;
    }
    qsort(m->items, m->count, sizeof(*m->items), compare_modules);
    return 0;
}

/* ---- symbols ---- */

/* Of two with one name the later module's is the one that counts, and comes last here. */
static int compare_symbols(const void *a, const void *b)
{
    const struct module_symbol *x = a;
    const struct module_symbol *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : x->owner < y->owner ? -1 : x->owner > y->owner;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct module_symbol *)a)->name, ((const struct module_symbol *)b)->name);
}

static int collect_symbols(struct modules *m, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct buf *names = &m->items[i].facts.exports;
        for (size_t at = 0; at < names->len; at += strlen((const char *)names->data + at) + 1) {
            if (m->symbol_count == MODULE_SYMBOLS_MAX)
                return err_set(e, ERR_INPUT, "modules export more than %d symbols",
                               (int)MODULE_SYMBOLS_MAX);
            int rc = array_grow(&m->symbols, &m->symbol_cap, m->symbol_count + 1,
                                sizeof(*m->symbols), e);
            if (rc < 0)
                return rc;
            m->symbols[m->symbol_count++] =
                (struct module_symbol){.name = (const char *)names->data + at, .owner = i};
        }
    }
    if (m->symbol_count > 1)
        qsort(m->symbols, m->symbol_count, sizeof(*m->symbols), compare_symbols);
    for (size_t i = 0; i < m->symbol_count; i++) {
        if (i + 1 == m->symbol_count || compare_names(&m->symbols[i], &m->symbols[i + 1]) != 0)
            m->symbols[kept++] = m->symbols[i];
    }
    m->symbol_count = kept;
    return 0;
}

/* ---- needs ---- */

static int add_need(struct modules *m, size_t from, size_t to, struct err *e)
{
    struct module *x = &m->items[from];
    if (m->pairs == MODULE_NEEDS_MAX)
        return err_set(e, ERR_INPUT, "more than %d needs of modules", (int)MODULE_NEEDS_MAX);
    int rc = array_grow(&x->needs, &x->need_cap, x->need_count + 1, sizeof(*x->needs), e);
    if (rc < 0)
        return rc;
    x->needs[x->need_count++] = to;
    m->items[to].users++;
    m->pairs++;
    return 0;
}

/* In the order in which a module's symbols name them. */
static int find_needs(struct modules *m, struct err *e)
{
    AUTO_FREE size_t *seen_by = array_new(m->count + 1, sizeof(*seen_by)); /* its index + 1 */
    int rc = seen_by == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        const struct buf *names = &m->items[i].facts.needs;
        for (size_t at = 0; rc == 0 && at < names->len;) {
            const char *name = (const char *)names->data + at;
            const struct module_symbol key = {.name = name + (name[0] == '.')};
            const struct module_symbol *found =
                m->symbol_count == 0
                    ? NULL
                    : bsearch(&key, m->symbols, m->symbol_count, sizeof(key), compare_names);
            at += strlen(name) + 1;
            if (found == NULL || seen_by[found->owner] == i + 1)
                continue;
            seen_by[found->owner] = i + 1;
            rc = add_need(m, i, found->owner, e);
        }
    }
    return rc;
}

/* From what nobody needs to what needs nothing; of several the one that became free last. */
static int rank(struct modules *m, struct err *e)
{
    AUTO_FREE size_t *users = array_new(2 * m->count + 1, sizeof(*users));
    if (users == NULL)
        return err_oom(e);
    size_t *free_ones = users + m->count;
    size_t free_count = 0;
    size_t ranked = 0;
    for (size_t i = 0; i < m->count; i++)
        if ((users[i] = m->items[i].users) == 0)
            free_ones[free_count++] = i;
    while (free_count > 0) {
        struct module *x = &m->items[free_ones[--free_count]];
        x->rank = ranked++;
        for (size_t i = 0; i < x->need_count; i++)
            if (--users[x->needs[i]] == 0)
                free_ones[free_count++] = x->needs[i];
    }
    for (size_t i = 0; ranked < m->count && i < m->count; i++)
        if (users[i] > 0)
            return err_set(e, ERR_INPUT, "'%.200s' is in a circle of modules that need each other",
                           m->items[i].path);
    return 0;
}

int modules_resolve(struct modules *m, struct err *e)
{
    int rc = collect_symbols(m, e);
    if (rc == 0)
        rc = find_needs(m, e);
    return rc < 0 ? rc : rank(m, e);
}
