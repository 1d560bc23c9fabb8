/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/debian/rootfs.h"

#include "builder/debian/installed.h"

#include <string.h>

enum { LIST_MAX = 256 << 20 };

static void free_texts(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void installed_dispose(struct installed *s)
{
    for (size_t i = 0; s->packages != NULL && i < s->count; i++) {
        control_dispose(&s->packages[i].control);
        deb_control_free(s->packages[i].files);
        buf_dispose(&s->packages[i].list);
        free_texts(s->packages[i].lost, s->packages[i].lost_count);
        free_texts(s->packages[i].conffiles, s->packages[i].conffile_count);
        free(s->packages[i].conffiles_sorted);
        free(s->packages[i].replaces);
    }
    free(s->packages);
    for (size_t i = 0; s->diverts != NULL && i < s->options->divert_count; i++) {
        free(s->diverts[i].from);
        free(s->diverts[i].to);
    }
    free(s->diverts);
    free(s->by_name);
}

const struct installed_package *installed_find(const struct installed *s, const char *name,
                                               size_t *index)
{
    size_t lo = 0;
    size_t hi = s->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct installed_package *p = &s->packages[s->by_name[mid]];
        int order = strcmp(p->control.package, name);
        if (order == 0) {
            if (index != NULL)
                *index = s->by_name[mid];
            return p;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* ---- what layers ask ------------------------------------------------------------ */

static int compare_names(const void *a, const void *b, void *context)
{
    const struct installed *s = context;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int order = strcmp(s->packages[x].control.package, s->packages[y].control.package);
    return order != 0 ? order : x < y ? -1 : x > y;
}

static int compare_indices(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Which packages it replaces: asked once for each, not for each path. */
static int read_replaces(struct installed *s, struct installed_package *p, struct err *e)
{
    const struct control_field *f = control_field(&p->control, "Replaces");
    const char *cursor = f != NULL ? f->value : NULL;
    bool more = f != NULL;
    int rc = 0;
    while (rc == 0 && more) {
        struct relation r;
        size_t index = 0;
        rc = relation_next(&cursor, f->value + f->value_len, &r, &more, e);
        if (rc < 0 || !more)
            break;
        const struct installed_package *older = installed_find(s, r.name, &index);
        if (older == NULL || !relation_satisfied(&r, older->control.version))
            continue;
        rc = array_grow(&p->replaces, &p->replace_cap, p->replace_count + 1, sizeof(*p->replaces),
                        e);
        if (rc == 0)
            p->replaces[p->replace_count++] = index;
    }
    if (p->replace_count > 1)
        qsort(p->replaces, p->replace_count, sizeof(*p->replaces), compare_indices);
    return rc < 0 ? err_wrap(e, "package '%s': Replaces", p->control.package) : 0;
}

/* Sorted, to be looked up; in their own order, to be written. */
static int sort_conffiles(struct installed_package *p, struct err *e)
{
    size_t count = p->conffile_count;
    p->conffiles_sorted = array_new(count + 1, sizeof(*p->conffiles_sorted));
    if (p->conffiles_sorted == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        p->conffiles_sorted[i] = p->conffiles[i];
    if (count > 1)
        qsort(p->conffiles_sorted, count, sizeof(*p->conffiles_sorted), compare_texts);
    for (size_t i = 1; i < count; i++)
        if (strcmp(p->conffiles_sorted[i - 1], p->conffiles_sorted[i]) == 0)
            return err_set(e, ERR_INPUT, "its conffiles: '%.200s' twice", p->conffiles_sorted[i]);
    return 0;
}

static int read_conffiles(struct installed_package *p, const char *text, struct err *e)
{
    const char *path = NULL;
    size_t len = text != NULL;
    size_t cap = 0;
    int rc = 0;
    while (rc == 0 && len > 0) {
        rc = conffiles_next(&text, &path, &len, e);
        if (rc < 0 || len == 0)
            break;
        rc = array_grow(&p->conffiles, &cap, p->conffile_count + 1, sizeof(*p->conffiles), e);
        if (rc == 0)
            rc = str_format(&p->conffiles[p->conffile_count], e, "%.*s", (int)len, path);
        p->conffile_count += rc == 0;
    }
    if (rc == 0)
        rc = sort_conffiles(p, e);
    return rc < 0 ? err_wrap(e, "package '%s'", p->control.package) : 0;
}

static int read_control(struct installed *s, size_t i, const struct deb_control *c, struct err *e)
{
    struct installed_package *p = &s->packages[i];
    int rc = control_parse(c->text[DEB_CONTROL], c->len[DEB_CONTROL], &p->control, e);
    if (rc == 0 && strcmp(p->control.arch, "all") != 0 &&
        strcmp(p->control.arch, s->options->arch) != 0)
        rc = err_set(e, ERR_INPUT, "it is for '%s', not for '%s'", p->control.arch,
                     s->options->arch);
    if (rc == 0)
        rc = read_conffiles(p, c->text[DEB_CONFFILES], e);
    return rc < 0 ? err_wrap(e, "layer '%s'", p->input) : 0;
}

static int begin(void *context, const struct deb_control *const *controls, size_t count,
                 size_t *order, struct err *e)
{
    struct installed *s = context;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = read_control(s, i, controls[i], e);
        s->by_name[i] = i;
    }
    if (rc < 0)
        return rc;
    qsort_r(s->by_name, count, sizeof(*s->by_name), compare_names, s);
    for (size_t i = 1; i < count; i++) {
        const struct installed_package *a = &s->packages[s->by_name[i - 1]];
        const struct installed_package *b = &s->packages[s->by_name[i]];
        if (strcmp(a->control.package, b->control.package) == 0)
            return err_set(e, ERR_INPUT, "'%s' and '%s' are both the package '%s'", a->input,
                           b->input, a->control.package);
    }
    for (size_t i = 0; i < count; i++)
        if ((rc = read_replaces(s, &s->packages[i], e)) < 0)
            return rc;
    return installed_order(s, order, e);
}

/* "/bin/sh", as recipes and archives have it -> "usr/bin/sh", as the tree has it. */
static int path_in_tree(const char *path, char **out, struct err *e)
{
    path += path[0] == '/';
    return str_format(out, e, "%s%s", layers_merged_prefix(path), path);
}

static int compare_diverts(const void *a, const void *b)
{
    const struct installed_divert *x = a;
    const struct installed_divert *y = b;
    return strcmp(x->from, y->from);
}

static int read_diversions(struct installed *s, struct err *e)
{
    size_t count = s->options->divert_count;
    int rc = 0;
    s->diverts = array_new(count + 1, sizeof(*s->diverts));
    if (s->diverts == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        s->diverts[i].by = s->options->diverts[i].by;
        rc = path_in_tree(s->options->diverts[i].path, &s->diverts[i].from, e);
        if (rc == 0)
            rc = path_in_tree(s->options->diverts[i].to, &s->diverts[i].to, e);
    }
    if (rc == 0 && count > 1)
        qsort(s->diverts, count, sizeof(*s->diverts), compare_diverts);
    for (size_t i = 1; rc == 0 && i < count; i++)
        if (compare_diverts(&s->diverts[i - 1], &s->diverts[i]) == 0)
            rc = err_set(e, ERR_INPUT, "'%.200s' is diverted twice", s->diverts[i].from);
    return rc;
}

static const char *divert(void *context, size_t layer, const char *path)
{
    const struct installed *s = context;
    size_t lo = 0;
    size_t hi = s->options->divert_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct installed_divert *d = &s->diverts[mid];
        int order = strcmp(d->from, path);
        if (order == 0) {
            bool own = d->by != NULL && strcmp(d->by, s->packages[layer].control.package) == 0;
            return own ? NULL : d->to;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static bool replaces(const struct installed *s, size_t newer, size_t older)
{
    const struct installed_package *p = &s->packages[newer];
    return p->replace_count > 0 && bsearch(&older, p->replaces, p->replace_count,
                                           sizeof(*p->replaces), compare_indices) != NULL;
}

static enum layers_meeting meet(void *context, size_t older, size_t newer)
{
    const struct installed *s = context;
    if (replaces(s, newer, older))
        return LAYERS_NEWER_WINS;
    return replaces(s, older, newer) ? LAYERS_OLDER_STAYS : LAYERS_CLASH;
}

static int lost(void *context, size_t older, const char *path, struct err *e)
{
    struct installed *s = context;
    struct installed_package *p = &s->packages[older];
    int rc = array_grow(&p->lost, &p->lost_cap, p->lost_count + 1, sizeof(*p->lost), e);
    if (rc == 0)
        rc = str_copy(&p->lost[p->lost_count], path, e);
    p->lost_count += rc == 0;
    return rc;
}

int installed_drop_lost(const struct installed *s, struct installed_package *p, struct err *e)
{
    size_t kept = 0;
    if (p->lost_count == 0 || p->list.len == 0)
        return 0;
    qsort(p->lost, p->lost_count, sizeof(*p->lost), compare_texts);
    for (size_t at = 0; at < p->list.len;) {
        AUTO_FREE char *own = NULL;
        char *line = (char *)p->list.data + at;
        size_t len = strcspn(line, "\n");
        line[len] = 0;
        int rc = path_in_tree(line, &own, e);
        line[len] = '\n';
        if (rc < 0)
            return rc;
        const char *other = divert((void *)(uintptr_t)s, (size_t)(p - s->packages), own);
        const char *key = other != NULL ? other : own;
        if (bsearch(&key, p->lost, p->lost_count, sizeof(*p->lost), compare_texts) == NULL) {
            memmove(p->list.data + kept, line, len + 1);
            kept += len + 1;
        }
        at += len + 1;
    }
    p->list.len = kept;
    p->list.data[kept] = 0;
    return 0;
}

static int placed(void *context, size_t layer, const char *shipped, struct err *e)
{
    struct installed *s = context;
    if (strchr(shipped, '\n') != NULL)
        return err_set(e, ERR_INPUT, "'%.200s' cannot be in dpkg's lists: it has a newline",
                       shipped);
    return buf_addf(&s->packages[layer].list, e, "/%s\n", shipped[0] != 0 ? shipped : ".");
}

static int applied(void *context, size_t layer, struct deb_control *control_taken, struct err *e)
{
    struct installed *s = context;
    (void)e;
    s->packages[layer].files = control_taken;
    return 0;
}

/* ---- all of it --------------------------------------------------------------------- */

static void scope_packer(struct tree_packer **p)
{
    tree_packer_free(*p);
}

static int write_all(struct cas *cas, struct installed *s, struct tree *t, struct err *e)
{
    AUTO(scope_packer) struct tree_packer *packer = NULL;
    AUTO_TREE_READER struct tree_reader *reader = NULL;
    int rc = tree_packer_new(t, cas, &packer, e);
    if (rc == 0)
        rc = tree_reader_new(t, cas, &reader, e);
    if (rc < 0)
        return rc;
    struct rootfs_writer w = {
        .tree = t, .packer = packer, .reader = reader, .time = s->options->layers.clamp};
    rc = database_write(&w, s, e);
    if (rc == 0)
        rc = triggers_write(&w, s, e);
    if (rc == 0)
        rc = accounts_write(&w, s->options, e);
    if (rc == 0)
        rc = alternatives_write(&w, s->options, e);
    return rc < 0 ? rc : tree_packer_commit(packer, e);
}

int rootfs_make(struct cas *cas, const struct layer_input *packages, size_t count,
                const struct rootfs_options *options, struct tree **out, struct err *e)
{
    AUTO(installed_dispose) struct installed s = {.options = options, .count = count};
    AUTO_FREE struct layer_input *inputs = array_new(count, sizeof(*inputs));
    AUTO_TREE struct tree *t = NULL;
    const struct layers_packages hooks = {.context = &s,
                                          .begin = begin,
                                          .divert = divert,
                                          .meet = meet,
                                          .lost = lost,
                                          .placed = placed,
                                          .applied = applied};
    s.packages = array_new(count, sizeof(*s.packages));
    s.by_name = array_new(count, sizeof(*s.by_name));
    if (inputs == NULL || s.packages == NULL || s.by_name == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = packages[i];
        inputs[i].form = LAYER_DEB;
        s.packages[i].input = packages[i].name;
        s.packages[i].list = (struct buf)BUF_INIT(LIST_MAX);
    }
    struct layers_options o = options->layers;
    o.packages = &hooks;
    o.usr_merged = true;
    o.places = NULL;
    o.place_count = 0;
    int rc = read_diversions(&s, e);
    if (rc == 0)
        rc = layers_flatten(cas, inputs, count, &o, &t, e);
    if (rc == 0)
        rc = write_all(cas, &s, t, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&t);
    return 0;
}
