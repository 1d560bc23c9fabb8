/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_survey.h"

#include "base/file.h"

#include <string.h>

enum { ENTRIES_MAX = 4 << 20 };

struct entry {
    char *name; /* cleaned, a whiteout's with its prefix */
    char *link; /* of a hard link, cleaned; of a symbolic link, as it is */
    char type;
    bool cut; /* says a size, but has no content */
    size_t layer;
};

struct listing {
    struct entry *items;
    size_t count;
    size_t cap;
};

static void listing_dispose(struct listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].name);
        free(l->items[i].link);
    }
    free(l->items);
}

void compat_survey_dispose(struct compat_survey *s)
{
    json_decref(s->paths);
    json_decref(s->links);
    json_decref(s->ends);
    json_decref(s->back);
    json_decref(s->lost);
    json_decref(s->early);
    json_decref(s->dangling);
    json_decref(s->changed);
}

static int push(json_t *list, const char *path, struct err *e)
{
    return json_array_append_new(list, json_string(path)) < 0 ? err_oom(e) : 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reading {
    struct listing *list;
    size_t layer;
    bool cut; /* LinuxKit may have stopped before this, at a size without content */
};

static int take(void *context, struct go_tar_header *h, struct go_tar_reader *r, struct err *e)
{
    struct reading *reading = context;
    struct listing *l = reading->list;
    (void)r;
    if (l->count == ENTRIES_MAX)
        return err_set(e, ERR_INPUT, "an image with more than %d entries", ENTRIES_MAX);
    int rc = array_grow(&l->items, &l->cap, l->count + 1, sizeof(*l->items), e);
    if (rc < 0)
        return rc;
    const bool cut = !go_tar_has_content(h->type) && h->size > 0;
    reading->cut = reading->cut || cut;
    struct entry *entry = &l->items[l->count++];
    *entry = (struct entry){.type = h->type, .cut = cut, .layer = reading->layer};
    if ((rc = go_tar_path_clean(h->name, &entry->name, e)) < 0)
        return rc;
    if (h->type == '2')
        return str_copy(&entry->link, h->link, e);
    return h->type == '1' ? go_tar_path_clean(h->link, &entry->link, e) : 0;
}

/* ---- as the OCI image specification has it ----------------------------------------------------
 */

static bool below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    if (strcmp(dir, ".") == 0)
        return strcmp(path, ".") != 0;
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Takes away what lower layers have below `dir`, and `dir` itself. */
static void erase(json_t *tree, const char *dir, size_t layer, bool itself)
{
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    json_object_foreach_safe(tree, next, key, value)
    {
        if ((size_t)json_integer_value(value) / 256 >= layer)
            continue;
        if (below(key, dir) || (itself && strcmp(key, dir) == 0))
            (void)json_object_del(tree, key);
    }
}

static int dir_of(const char *path, char **out, struct err *e)
{
    const char *base = path_base(path);
    size_t len = (size_t)(base - path);
    return len == 0 ? str_copy(out, ".", e)
                    : str_format(out, e, "%.*s", (int)(len - (len > 1)), path);
}

static int apply_whiteout(json_t *tree, const struct entry *entry, struct err *e)
{
    AUTO_FREE char *dir = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *clean = NULL;
    const char *base = path_base(entry->name);
    int rc = dir_of(entry->name, &dir, e);
    if (rc < 0)
        return rc;
    if (strcmp(base, ".wh..wh..opq") == 0) {
        erase(tree, dir, entry->layer, false);
        return 0;
    }
    if ((rc = str_format(&path, e, "%s/%s", dir, base + 4)) < 0 ||
        (rc = go_tar_path_clean(path, &clean, e)) < 0)
        return rc;
    erase(tree, clean, entry->layer, true);
    return 0;
}

/* What is no directory gives way to an entry below it of a later layer; in one layer there can be
 * nothing below it, so that no reader has the entry. Links lead on. */
static int make_way(json_t *tree, const struct entry *entry, bool *possible, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_copy(&path, entry->name, e);
    *possible = true;
    for (char *slash = rc == 0 ? strchr(path, '/') : NULL; slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const json_int_t there = json_integer_value(json_object_get(tree, path));
        if (there != 0 && there % 256 != '5' && there % 256 != '2') {
            *possible = *possible && (size_t)there / 256 != entry->layer;
            if (*possible)
                (void)json_object_del(tree, path);
        }
        *slash = '/';
    }
    return rc;
}

static int apply_entry(json_t *tree, const struct entry *entry, struct err *e)
{
    bool possible = false;
    int rc = make_way(tree, entry, &possible, e);
    if (rc < 0 || !possible)
        return rc;
    /* Whether the directory has an entry of its own or not. */
    if (entry->type != '5' && entry->type != 'g')
        erase(tree, entry->name, entry->layer + 1, false);
    json_int_t value = (json_int_t)entry->layer * 256 + (unsigned char)entry->type;
    return json_object_set_new_nocheck(tree, entry->name, json_integer(value)) < 0 ? err_oom(e) : 0;
}

static bool is_whiteout(const struct entry *entry)
{
    return str_starts(path_base(entry->name), ".wh.");
}

/* Layer by layer from the bottom, whiteouts first. The listing has the top layer first. */
static int apply_layers(const struct listing *l, size_t layers, json_t *tree, struct err *e)
{
    int rc = 0;
    for (size_t layer = 0; layer < layers; layer++)
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; rc == 0 && i < l->count; i++) {
                const struct entry *entry = &l->items[i];
                if (entry->layer != layer || is_whiteout(entry) != (pass == 0))
                    continue;
                rc = pass == 0 ? apply_whiteout(tree, entry, e) : apply_entry(tree, entry, e);
            }
    return rc;
}

/* ---- comparing --------------------------------------------------------------------------------
 */

static bool of_docker(const char *path)
{
    static const char *const names[] = {".",       ".dockerenv", "Dockerfile",  "dev/console",
                                        "dev/pts", "dev/shm",    "etc/hostname"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], path) == 0)
            return true;
    return false;
}

static int compare_link(const struct entry *entry, size_t order, const json_t *emitted,
                        const struct listing *l, struct compat_survey *out, struct err *e)
{
    const json_t *target = json_object_get(emitted, entry->link);
    if (target == NULL)
        return push(out->dangling, entry->name, e);
    size_t at = (size_t)json_integer_value(target);
    if (l->items[at].layer != entry->layer && l->items[at].layer > entry->layer)
        return push(out->changed, entry->name, e);
    return at > order ? push(out->early, entry->name, e) : 0;
}

static int compare(const struct listing *l, const json_t *emitted, json_t *tree,
                   struct compat_survey *out, struct err *e)
{
    const char *key = NULL;
    json_t *value = NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < l->count; i++) {
        const struct entry *entry = &l->items[i];
        const json_t *order = json_object_get(emitted, entry->name);
        if (order == NULL || (size_t)json_integer_value(order) != i)
            continue;
        if (entry->type != 'g' &&
            json_object_set_new_nocheck(out->paths, entry->name,
                                        json_integer((unsigned char)entry->type)) < 0)
            return err_oom(e);
        if (!of_docker(entry->name) && json_object_get(tree, entry->name) == NULL)
            rc = push(out->back, entry->name, e);
        if (rc == 0 && entry->type == '2' &&
            json_object_set_new_nocheck(out->links, entry->name, json_string(entry->link)) < 0)
            return err_oom(e);
        if (rc == 0 && entry->type == '1')
            rc = compare_link(entry, i, emitted, l, out, e);
    }
    /* What comes after the end is not lost to anything of its own. */
    json_object_foreach(tree, key, value)
    {
        if (rc == 0 && json_array_size(out->ends) == 0 && !of_docker(key) &&
            json_object_get(emitted, key) == NULL)
            rc = push(out->lost, key, e);
    }
    return rc;
}

/* What LinuxKit emits → where in the listing. */
static int emit(const struct listing *l, json_t *emitted, json_t *ends, struct err *e)
{
    AUTO_JSON json_t *seen = json_object();
    int rc = seen == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < l->count; i++) {
        AUTO_LK_HEADER h = {.type = l->items[i].type};
        bool shown = false;
        if ((rc = go_tar_header_rename(&h.name, l->items[i].name, e)) == 0 &&
            (rc = compat_admit(&h, seen, &shown, e)) == 0 && shown &&
            json_object_set_new_nocheck(emitted, h.name, json_integer((json_int_t)i)) < 0)
            rc = err_oom(e);
        if (rc == 0 && shown && l->items[i].cut)
            return push(ends, h.name, e);
    }
    return rc;
}

int compat_survey_layers(struct cas *cas, const struct compat_layer *layers, size_t count,
                         struct compat_survey *out, struct err *e)
{
    AUTO(listing_dispose) struct listing l = {0};
    AUTO_JSON json_t *emitted = json_object();
    AUTO_JSON json_t *tree = json_object();
    *out = (struct compat_survey){json_object(), json_object(), json_array(), json_array(),
                                  json_array(),  json_array(),  json_array(), json_array()};
    if (emitted == NULL || tree == NULL || out->paths == NULL || out->links == NULL ||
        out->ends == NULL || out->back == NULL || out->lost == NULL || out->early == NULL ||
        out->dangling == NULL || out->changed == NULL)
        return err_oom(e);
    struct reading reading = {.list = &l};
    struct err failure = ERR_INIT;
    int rc = 0;
    for (size_t i = count; rc == 0 && i > 0; i--) {
        reading.layer = i - 1;
        rc = compat_read_layer(cas, &layers[i - 1], take, &reading, &failure);
    }
    if (rc < 0 && !(rc == -ERR_INPUT && reading.cut)) {
        *e = failure;
        return rc;
    }
    if ((rc = emit(&l, emitted, out->ends, e)) < 0 || (rc = apply_layers(&l, count, tree, e)) < 0)
        return rc;
    return compare(&l, emitted, tree, out, e);
}
