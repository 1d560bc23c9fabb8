#include "builder/debian/rootfs.h"

#include "builder/debian/installed.h"

#include <string.h>

enum { LIST_MAX = 256 << 20 };

void installed_dispose(struct installed *s)
{
    for (size_t i = 0; s->packages != NULL && i < s->count; i++) {
        control_dispose(&s->packages[i].control);
        deb_control_free(s->packages[i].files);
        buf_dispose(&s->packages[i].list);
    }
    free(s->packages);
    for (size_t i = 0; i < s->options->divert_count; i++) {
        free(s->divert_from != NULL ? s->divert_from[i] : NULL);
        free(s->divert_to != NULL ? s->divert_to[i] : NULL);
    }
    free(s->divert_from);
    free(s->divert_to);
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

/* Replaces is asked of where nothing can be said of it: that it can be read is seen to first. */
static int check_replaces(const struct control *c, struct err *e)
{
    const struct control_field *f = control_field(c, "Replaces");
    const char *cursor = f != NULL ? f->value : NULL;
    bool more = f != NULL;
    int rc = 0;
    while (rc == 0 && more) {
        struct relation r;
        rc = relation_next(&cursor, f->value + f->value_len, &r, &more, e);
    }
    return rc < 0 ? err_wrap(e, "package '%s': Replaces", c->package) : 0;
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
        rc = check_replaces(&p->control, e);
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
    return installed_order(s, order, e);
}

/* "/bin/sh", as recipes and archives have it -> "usr/bin/sh", as the tree has it. */
static int path_in_tree(const char *path, char **out, struct err *e)
{
    path += path[0] == '/';
    return str_format(out, e, "%s%s", layers_merged_prefix(path), path);
}

static int read_diversions(struct installed *s, struct err *e)
{
    size_t count = s->options->divert_count;
    s->divert_from = array_new(count + 1, sizeof(*s->divert_from));
    s->divert_to = array_new(count + 1, sizeof(*s->divert_to));
    int rc = s->divert_from == NULL || s->divert_to == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = path_in_tree(s->options->diverts[i].path, &s->divert_from[i], e);
        if (rc == 0)
            rc = path_in_tree(s->options->diverts[i].to, &s->divert_to[i], e);
    }
    return rc;
}

static const char *divert(void *context, size_t layer, const char *path)
{
    const struct installed *s = context;
    for (size_t i = 0; i < s->options->divert_count; i++) {
        const char *by = s->options->diverts[i].by;
        if (strcmp(s->divert_from[i], path) == 0 &&
            (by == NULL || strcmp(by, s->packages[layer].control.package) != 0))
            return s->divert_to[i];
    }
    return NULL;
}

static bool replaces(const struct installed_package *newer, const struct installed_package *older)
{
    struct err ignored = ERR_INIT;
    const struct control_field *f = control_field(&newer->control, "Replaces");
    const char *cursor = f != NULL ? f->value : NULL;
    bool more = f != NULL;
    while (more) {
        struct relation r;
        if (relation_next(&cursor, f->value + f->value_len, &r, &more, &ignored) < 0)
            return false; /* check_replaces saw to it */
        if (more && strcmp(r.name, older->control.package) == 0 &&
            relation_satisfied(&r, older->control.version))
            return true;
    }
    return false;
}

static enum layers_meeting meet(void *context, size_t older, size_t newer)
{
    const struct installed *s = context;
    if (replaces(&s->packages[newer], &s->packages[older]))
        return LAYERS_NEWER_WINS;
    return replaces(&s->packages[older], &s->packages[newer]) ? LAYERS_OLDER_STAYS : LAYERS_CLASH;
}

/* Takes the line of a path out of the older package's list. */
static int lost(void *context, size_t older, const char *path, struct err *e)
{
    struct installed *s = context;
    struct buf *list = &s->packages[older].list;
    for (size_t at = 0; at < list->len;) {
        AUTO_FREE char *own = NULL;
        char *line = (char *)list->data + at;
        size_t len = strcspn(line, "\n");
        line[len] = 0;
        int rc = path_in_tree(line, &own, e);
        line[len] = '\n';
        if (rc < 0)
            return rc;
        const char *other = divert(context, older, own);
        if (strcmp(other != NULL ? other : own, path) == 0) {
            memmove(line, line + len + 1, list->len - at - len); /* with the NUL */
            list->len -= len + 1;
            return 0;
        }
        at += len + 1;
    }
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

static void scope_reader(struct tree_reader **r)
{
    tree_reader_free(*r);
}

static int write_all(struct cas *cas, struct installed *s, struct tree *t, struct err *e)
{
    AUTO(scope_packer) struct tree_packer *packer = NULL;
    AUTO(scope_reader) struct tree_reader *reader = NULL;
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
