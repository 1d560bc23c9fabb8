/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which packages are unpacked: what a package depends on comes before it. */
#include "builder/debian/installed.h"

#include <string.h>

enum { EDGES_MAX = 4 * 1024 * 1024 };

/* A name that a package can be depended on by: its own, or one that it provides. */
struct provider {
    const char *name;
    size_t len;
    size_t package; /* its place in by_name */
};

struct ordering {
    const struct installed *set;
    struct provider *providers; /* by name, then by package */
    size_t provider_count;
    size_t provider_cap;
    size_t *edges; /* places in by_name */
    size_t edge_count;
    size_t edge_cap;
    size_t *first; /* of package i: edges[first[i]] to edges[first[i + 1]] */
};

static void ordering_dispose(struct ordering *o)
{
    free(o->providers);
    free(o->edges);
    free(o->first);
}

static const struct control *control_at(const struct ordering *o, size_t place)
{
    return &o->set->packages[o->set->by_name[place]].control;
}

static int compare_spans(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

static int compare_providers(const void *a, const void *b)
{
    const struct provider *x = a;
    const struct provider *y = b;
    int order = compare_spans(x->name, x->len, y->name, y->len);
    return order != 0 ? order : x->package < y->package ? -1 : x->package > y->package;
}

static int add_provider(struct ordering *o, const char *name, size_t len, size_t package,
                        struct err *e)
{
    if (o->provider_count == EDGES_MAX)
        return err_set(e, ERR_INPUT, "the packages provide more than %d names", (int)EDGES_MAX);
    int rc = array_grow(&o->providers, &o->provider_cap, o->provider_count + 1,
                        sizeof(*o->providers), e);
    if (rc == 0)
        o->providers[o->provider_count++] = (struct provider){name, len, package};
    return rc;
}

static int add_provided(struct ordering *o, size_t place, struct err *e)
{
    const struct control *c = control_at(o, place);
    const struct control_field *f = control_field(c, "Provides");
    int rc = add_provider(o, c->package, strlen(c->package), place, e);
    const char *cursor = f != NULL ? f->value : NULL;
    const char *end = f != NULL ? f->value + f->value_len : NULL;
    bool more = f != NULL;
    while (rc == 0 && more) {
        struct relation r;
        rc = relation_next(&cursor, end, &r, &more, e);
        if (rc < 0 || !more)
            break;
        rc = add_provider(o, r.at, strlen(r.name), place, e);
    }
    return rc < 0 ? err_wrap(e, "package '%s': Provides", c->package) : 0;
}

static int add_edges(struct ordering *o, const char *name, struct err *e)
{
    size_t len = strlen(name);
    size_t lo = 0;
    size_t hi = o->provider_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare_spans(o->providers[mid].name, o->providers[mid].len, name, len) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < o->provider_count; lo++) {
        const struct provider *p = &o->providers[lo];
        if (compare_spans(p->name, p->len, name, len) != 0)
            break;
        if (o->edge_count == EDGES_MAX)
            return err_set(e, ERR_INPUT, "more than %d dependencies", (int)EDGES_MAX);
        int rc = array_grow(&o->edges, &o->edge_cap, o->edge_count + 1, sizeof(*o->edges), e);
        if (rc < 0)
            return rc;
        o->edges[o->edge_count++] = p->package;
    }
    return 0;
}

static int add_dependencies(struct ordering *o, size_t place, const char *field, struct err *e)
{
    const struct control *c = control_at(o, place);
    const struct control_field *f = control_field(c, field);
    const char *cursor = f != NULL ? f->value : NULL;
    bool more = f != NULL;
    int rc = 0;
    while (rc == 0 && more) {
        struct relation r;
        rc = relation_next(&cursor, f->value + f->value_len, &r, &more, e);
        if (rc == 0 && more)
            rc = add_edges(o, r.name, e);
    }
    return rc < 0 ? err_wrap(e, "package '%s': %s", c->package, field) : 0;
}

static int make_graph(struct ordering *o, struct err *e)
{
    size_t count = o->set->count;
    int rc = 0;
    o->first = array_new(count + 1, sizeof(*o->first));
    if (o->first == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_provided(o, i, e);
    if (rc < 0)
        return rc;
    if (o->provider_count > 1)
        qsort(o->providers, o->provider_count, sizeof(*o->providers), compare_providers);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        o->first[i] = o->edge_count;
        rc = add_dependencies(o, i, "Pre-Depends", e);
        if (rc == 0)
            rc = add_dependencies(o, i, "Depends", e);
    }
    o->first[count] = o->edge_count;
    return rc;
}

struct frame {
    size_t place;
    size_t next; /* edge */
};

/* Depth first: a package comes after those that it depends on, unless they are on the way to it. */
static int walk_graph(const struct ordering *o, size_t *order, struct err *e)
{
    size_t count = o->set->count;
    AUTO_FREE bool *seen = array_new(count, sizeof(*seen));
    AUTO_FREE struct frame *stack = array_new(count, sizeof(*stack));
    size_t done = 0;
    if (seen == NULL || stack == NULL)
        return err_oom(e);
    for (size_t root = 0; root < count; root++) {
        size_t depth = 0;
        if (seen[root])
            continue;
        seen[root] = true;
        stack[depth++] = (struct frame){root, o->first[root]};
        while (depth > 0) {
            struct frame *f = &stack[depth - 1];
            if (f->next == o->first[f->place + 1]) {
                order[done++] = o->set->by_name[f->place];
                depth--;
                continue;
            }
            size_t to = o->edges[f->next++];
            if (seen[to])
                continue;
            seen[to] = true;
            stack[depth++] = (struct frame){to, o->first[to]};
        }
    }
    return 0;
}

int installed_order(const struct installed *s, size_t *order, struct err *e)
{
    AUTO(ordering_dispose) struct ordering o = {.set = s};
    int rc = make_graph(&o, e);
    return rc < 0 ? rc : walk_graph(&o, order, e);
}
