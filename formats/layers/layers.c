/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/layers/layers.h"

#include "base/workers.h"
#include "formats/layers/layer.h"
#include "formats/tree/tree_internal.h"

#include <stdatomic.h>
#include <string.h>

/* Each round finds the targets of the links that the round before kept; archives need one or two.
 */
enum { ROUNDS_MAX = 8 };

struct flatten {
    struct cas *cas;
    const struct layer_input *inputs;
    size_t count;
    const struct layers_options *options;
    struct layer **layers;
    struct layer_needs needs;
    atomic_size_t done;
    atomic_size_t cost;
};

static void drop_layers(struct flatten *f)
{
    for (size_t i = 0; f->layers != NULL && i < f->count; i++) {
        layer_free(f->layers[i]);
        f->layers[i] = NULL;
    }
}

static void flatten_dispose(struct flatten *f)
{
    drop_layers(f);
    free(f->layers);
    for (size_t i = 0; i < f->needs.count; i++)
        free(f->needs.paths[i]);
    free(f->needs.paths);
}

/* ---- reading ---- */

static int decode_one(void *context, size_t i, struct err *e)
{
    struct flatten *f = context;
    /* Threads that layers leave over go into their decompressors. */
    unsigned threads = f->count < f->options->jobs ? f->options->jobs / (unsigned)f->count : 1;
    int rc = layer_decode(f->cas, &f->inputs[i], f->options, &f->needs, threads, &f->layers[i], e);
    progress_show(f->options->progress, "layers", atomic_fetch_add(&f->done, 1) + 1, f->count);
    return rc;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds what the layers want to the needs; *more tells whether anything was new. */
static int collect_wants(struct flatten *f, bool *more, struct err *e)
{
    size_t wants = 0;
    for (size_t i = 0; i < f->count; i++)
        wants += f->layers[i]->wanted_count;
    *more = wants > 0;
    if (wants == 0)
        return 0;
    char **grown = reallocarray(f->needs.paths, f->needs.count + wants, sizeof(*grown));
    if (grown == NULL)
        return err_oom(e);
    f->needs.paths = grown;
    for (size_t i = 0; i < f->count; i++) {
        const struct layer *l = f->layers[i];
        for (size_t k = 0; k < l->wanted_count; k++) {
            int rc = str_copy(&grown[f->needs.count], l->text + l->wanted[k], e);
            if (rc < 0)
                return rc;
            f->needs.count++;
        }
    }
    qsort(grown, f->needs.count, sizeof(*grown), compare_paths);
    size_t unique = 1;
    for (size_t i = 1; i < f->needs.count; i++) {
        if (strcmp(grown[i], grown[unique - 1]) == 0)
            free(grown[i]);
        else
            grown[unique++] = grown[i];
    }
    f->needs.count = unique;
    return 0;
}

/*
 * Reads all layers. A kept hard link may lead to an entry that the filter
 * dropped; then all are read once more, and those entries are held back too.
 */
static int decode_all(struct flatten *f, struct err *e)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool more = false;
        atomic_store(&f->done, 0);
        atomic_store(&f->cost, 0);
        int rc = workers_run(f->options->jobs, f->count, decode_one, f, e);
        /* Which layer came to the bound is a matter of threads: none is named. */
        if (rc < 0 && atomic_load(&f->cost) > LAYERS_COST_MAX)
            rc = err_set(e, ERR_INPUT,
                         "the layers have too many entries, or too much in their names and "
                         "attributes (%d MiB, docs/formats/tree.md)",
                         (int)(LAYERS_COST_MAX >> 20));
        if (rc == 0)
            rc = collect_wants(f, &more, e);
        if (rc < 0 || !more)
            return rc;
        drop_layers(f);
    }
    return err_set(e, ERR_INPUT, "hard links lead through more than %d filtered entries",
                   (int)ROUNDS_MAX);
}

/* ---- applying ---- */

/* The order in which the layers are applied; caller frees. */
static int layer_order(struct flatten *f, size_t **out, struct err *e)
{
    const struct layers_packages *k = f->options->packages;
    AUTO_FREE size_t *order = array_new(f->count, sizeof(*order));
    AUTO_FREE const struct deb_control **controls = array_new(f->count, sizeof(*controls));
    if (order == NULL || controls == NULL)
        return err_oom(e);
    for (size_t i = 0; i < f->count; i++) {
        order[i] = i;
        controls[i] = f->layers[i]->control;
    }
    int rc = k != NULL ? k->begin(k->context, controls, f->count, order, e) : 0;
    if (rc == 0)
        *out = steal_ptr(&order);
    return rc;
}

static int apply_all(struct flatten *f, struct layer_stack *s, struct err *e)
{
    AUTO_FREE size_t *order = NULL;
    int rc = layer_order(f, &order, e);
    if (rc == 0)
        rc = tree_attic_new(s->tree, &s->attic, e);
    if (rc < 0)
        return rc;
    tree_bulk_begin(s->tree);
    for (size_t i = 0; rc == 0 && i < f->count; i++) {
        rc = layer_apply(s, f->layers[order[i]], order[i], e);
        layer_free(f->layers[order[i]]);
        f->layers[order[i]] = NULL;
    }
    tree_free_detached(s->tree, s->attic);
    tree_bulk_end(s->tree);
    return rc < 0 ? rc : layers_make_merged_links(s, e);
}

struct search {
    const struct glob *glob;
    const char *pattern;
    struct tree_node *found;
    char *found_path;
};

static int search_visit(void *context, const char *path, struct tree_node *node, struct err *e)
{
    struct search *s = context;
    if (path[0] == 0 || !glob_match(s->glob, path))
        return 0;
    if (s->found != NULL)
        return err_set(e, ERR_INPUT, "'%.200s' matches more than one path: '%.200s' and '%.200s'",
                       s->pattern, s->found_path, path);
    s->found = node;
    return str_copy(&s->found_path, path, e);
}

static int place_one(struct tree *t, const struct layer_place *place, int64_t clamp, struct err *e)
{
    struct search s = {.glob = place->match, .pattern = place->pattern};
    int rc = tree_walk(t, search_visit, &s, e);
    AUTO_FREE char *found_path = s.found_path;
    if (rc == 0 && s.found == NULL)
        rc = err_set(e, ERR_INPUT, "'%.200s' matches no path", place->pattern);
    if (rc < 0 || strcmp(found_path, place->path) == 0)
        return rc;
    AUTO_FREE char *parent = NULL;
    rc = str_copy(&parent, place->path, e);
    if (rc < 0)
        return rc;
    char *slash = strrchr(parent, '/');
    const char *name = slash != NULL ? slash + 1 : parent;
    if (slash != NULL)
        *slash = 0;
    struct tree_node *dir = NULL;
    rc = tree_make_dirs(t, slash != NULL ? parent : "", clamp, &dir, e);
    return rc < 0 ? rc : tree_move(t, s.found, dir, name, NULL, e);
}

static int clear_mark(void *context, const char *path, struct tree_node *node, struct err *e)
{
    (void)context;
    (void)path;
    (void)e;
    node->inode->mark = 0;
    return 0;
}

/* What was asked for and is not there is an error, not less of an artifact. */
static int check_chosen(const struct layers_options *o, const struct tree *t, struct err *e)
{
    const char *pattern = glob_list_unmatched(o->include);
    if (pattern != NULL)
        return err_set(e, ERR_INPUT, "the pattern '%.200s' of include matches nothing", pattern);
    bool chooses = (o->include != NULL && glob_list_count(o->include) > 0) ||
                   (o->exclude != NULL && glob_list_count(o->exclude) > 0);
    if (chooses && tree_entry_count(t) <= 1)
        return err_set(e, ERR_INPUT, "include and exclude leave nothing");
    return 0;
}

int layers_flatten(struct cas *cas, const struct layer_input *layers, size_t count,
                   const struct layers_options *options, struct tree **out, struct err *e)
{
    AUTO_TREE struct tree *t = NULL;
    AUTO(flatten_dispose)
    struct flatten f = {.cas = cas, .inputs = layers, .count = count, .options = options};
    f.layers = array_new(count, sizeof(struct layer *));
    if (f.layers == NULL)
        return err_oom(e);
    f.needs.cost = &f.cost;
    int rc = tree_new(&t, e);
    if (rc == 0)
        rc = decode_all(&f, e);
    if (rc < 0)
        return rc;
    tree_root(t)->inode->mtime = options->clamp;
    struct layer_stack s = {.tree = t, .options = options, .needs = &f.needs, .inputs = layers};
    rc = apply_all(&f, &s, e);
    if (rc == 0)
        rc = check_chosen(options, t, e);
    for (size_t i = 0; rc == 0 && i < options->place_count; i++) {
        rc = place_one(t, &options->places[i], options->clamp, e);
        if (rc < 0)
            err_wrap(e, "cannot place a path at '%.200s'", options->places[i].path);
    }
    if (rc == 0)
        rc = tree_walk(t, clear_mark, NULL, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&t);
    return 0;
}
