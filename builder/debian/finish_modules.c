/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What depmod makes of the kernel modules below usr/lib/modules/VERSION: modules.dep and its like,
 * without which no program finds a module (docs/formats/debian.md, "Finishing").
 */
#include "builder/debian/finishing.h"
#include "builder/debian/module_lists.h"

#include <string.h>

enum { DEPTH_MAX = 32, TEXT_MAX = 16 << 20 };

static const char modules_dir[] = "usr/lib/modules";

static const struct output {
    const char *name;
    module_list *make;
    const char *of;  /* the text that it is of; NULL: none */
    bool when_empty; /* the file is there though nothing is in it */
} outputs[] = {
    {"modules.dep", modules_dep, NULL, true},
    {"modules.dep.bin", modules_dep_bin, NULL, true},
    {"modules.alias", modules_alias, NULL, true},
    {"modules.alias.bin", modules_alias_bin, NULL, true},
    {"modules.softdep", modules_softdep, NULL, true},
    {"modules.weakdep", modules_weakdep, NULL, false},
    {"modules.symbols", modules_symbols, NULL, true},
    {"modules.symbols.bin", modules_symbols_bin, NULL, true},
    {"modules.builtin.bin", modules_builtin_bin, "modules.builtin", true},
    {"modules.builtin.alias.bin", modules_builtin_alias_bin, "modules.builtin.modinfo", true},
    {"modules.devname", modules_devname, NULL, true},
};

struct version {
    struct rootfs_writer *w;
    const struct tree_node *dir;
    uint16_t machine;
    struct modules modules;
};

static void version_dispose(struct version *v)
{
    modules_dispose(&v->modules);
}

/* ---- which modules ---- */

static int add_module(struct version *v, const char *path, struct err *e)
{
    struct modules *m = &v->modules;
    struct module x = {.facts = KERNEL_MODULE_INIT};
    if (!kernel_module_is(path, &x.path_plain))
        return 0;
    if (!kernel_module_name(path, x.name))
        return err_set(e, ERR_INPUT, "'%.200s' is no name of a module", path);
    if (m->count == MODULES_MAX)
        return err_set(e, ERR_INPUT, "more than %d modules", (int)MODULES_MAX);
    int rc = array_grow(&m->items, &m->cap, m->count + 1, sizeof(*m->items), e);
    if (rc == 0)
        rc = str_copy(&x.path, path, e);
    if (rc == 0)
        m->items[m->count++] = x;
    return rc;
}

/* Links count for nothing, nor do the two names under which sources lie. */
static int collect(struct version *v, const struct tree_node *dir, const char *path, unsigned depth,
                   struct err *e)
{
    int rc = 0;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "'%.200s' is more than %d directories deep", path,
                       (int)DEPTH_MAX);
    for (size_t i = 0; rc == 0 && i < dir->inode->child_count; i++) {
        const struct tree_node *child = dir->inode->children[i];
        AUTO_FREE char *below = NULL;
        if (strcmp(child->name, "build") == 0 || strcmp(child->name, "source") == 0)
            continue;
        rc = str_format(&below, e, "%s%s%s", path, path[0] != 0 ? "/" : "", child->name);
        if (rc == 0 && child->inode->type == TREE_DIR)
            rc = collect(v, child, below, depth + 1, e);
        else if (rc == 0 && child->inode->type == TREE_FILE)
            rc = add_module(v, below, e);
    }
    return rc;
}

static bool is_update(const struct module *x)
{
    return str_starts(x->path, "updates");
}

static int compare_duplicates(const void *a, const void *b)
{
    const struct module *x = a;
    const struct module *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0 && is_update(x) != is_update(y))
        return is_update(x) ? -1 : 1;
    return order != 0 ? order : strcmp(x->path, y->path);
}

/* Of several with one name one counts: that of updates/, else the first by its path. */
static void drop_duplicates(struct modules *m)
{
    size_t kept = 0;
    if (m->count > 1)
        qsort(m->items, m->count, sizeof(*m->items), compare_duplicates);
    for (size_t i = 0; i < m->count; i++) {
        if (kept > 0 && strcmp(m->items[kept - 1].name, m->items[i].name) == 0)
            free(m->items[i].path);
        else
            m->items[kept++] = m->items[i];
    }
    m->count = kept;
}

static int read_modules(struct version *v, struct err *e)
{
    struct modules *m = &v->modules;
    for (size_t i = 0; i < m->count; i++) {
        struct module *x = &m->items[i];
        AUTO_FREE char *path = NULL;
        int rc = str_format(&path, e, "%s/%s/%s", modules_dir, v->dir->name, x->path);
        if (rc < 0)
            return rc;
        const struct tree_node *node = tree_find(v->w->tree, path, false);
        if (node == NULL)
            return err_set(e, ERR_INPUT, "'%.200s' is not there", path);
        rc =
            kernel_module_read(v->w->reader, &node->inode->content, path, v->machine, &x->facts, e);
        if (rc < 0)
            return rc;
        m->text_bytes += x->facts.info.len + x->facts.exports.len + x->facts.needs.len;
        if (m->text_bytes > MODULES_TEXT_MAX)
            return err_set(e, ERR_INPUT, "modules say more than %d MiB of themselves",
                           (int)(MODULES_TEXT_MAX >> 20));
    }
    return 0;
}

/* ---- one version ---- */

/* A file beside the modules, whatever is in it; none is as good as an empty one. */
static int read_beside(const struct version *v, const char *name, struct buf *out, struct err *e)
{
    const struct tree_node *node = tree_child(v->dir, name);
    if (node == NULL)
        return 0;
    if (node->inode->type != TREE_FILE || node->inode->content.size > TEXT_MAX)
        return err_set(e, ERR_INPUT, "'%.200s' is no file of at most %d MiB", name,
                       (int)(TEXT_MAX >> 20));
    size_t len = (size_t)node->inode->content.size;
    int rc = buf_reserve(out, len + 1, e);
    if (rc < 0 || len == 0)
        return rc;
    rc = tree_reader_read(v->w->reader, &node->inode->content, 0, out->data, len, e);
    out->len = rc == 0 ? len : 0;
    return rc;
}

static int put_output(const struct version *v, const struct output *o, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX + 1);
    AUTO_BUF bytes = BUF_INIT(MODULE_LIST_MAX);
    AUTO_FREE char *path = NULL;
    int rc = o->of != NULL ? read_beside(v, o->of, &text, e) : 0;
    if (rc == 0)
        rc = o->make(&v->modules, &text, &bytes, e);
    if (rc == 0)
        rc = str_format(&path, e, "%s/%s/%s", modules_dir, v->dir->name, o->name);
    if (rc < 0 || (bytes.len == 0 && !o->when_empty))
        return rc;
    return rootfs_put(v->w, path, 0644, 0, bytes.data, bytes.len, e);
}

static int make_version(struct version *v, struct err *e)
{
    AUTO_BUF order = BUF_INIT(TEXT_MAX + 1);
    int rc = collect(v, v->dir, "", 0, e);
    if (rc < 0)
        return rc;
    drop_duplicates(&v->modules);
    rc = read_modules(v, e);
    if (rc == 0)
        rc = read_beside(v, "modules.order", &order, e);
    if (rc == 0)
        rc = modules_sort(&v->modules, buf_str(&order), e);
    if (rc == 0)
        rc = modules_resolve(&v->modules, e);
    for (size_t i = 0; rc == 0 && i < sizeof(outputs) / sizeof(outputs[0]); i++)
        rc = put_output(v, &outputs[i], e);
    return rc;
}

/* ---- all of them ---- */

/* depmod's settings choose between modules in ways that are not known here. */
static int refuse_settings(struct rootfs_writer *w, struct err *e)
{
    static const char *const dirs[] = {"etc/depmod.d", "run/depmod.d", "usr/local/lib/depmod.d",
                                       "usr/lib/depmod.d"};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        const struct tree_node *dir = tree_find(w->tree, dirs[i], true);
        for (size_t k = 0; dir != NULL && k < dir->inode->child_count; k++) {
            const char *name = dir->inode->children[k]->name;
            if (str_ends(name, ".conf"))
                return err_set(e, ERR_INPUT,
                               "'%s/%.200s' has settings of depmod, which are not known here: "
                               "exclude it, or set 'modules: false'",
                               dirs[i], name);
        }
    }
    return 0;
}

static bool is_version(const struct tree_node *node)
{
    return node->inode->type == TREE_DIR && node->name[0] >= '0' && node->name[0] <= '9' &&
           tree_child(node, "modules.dep") == NULL;
}

int finish_modules(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    const struct tree_node *dir = tree_find(w->tree, modules_dir, true);
    uint16_t machine = 0;
    int rc = 0;
    if (dir == NULL || dir->inode->type != TREE_DIR)
        return 0;
    rc = finish_machine(o->arch, &machine, e);
    if (rc == 0)
        rc = refuse_settings(w, e);
    for (size_t i = 0; rc == 0 && i < dir->inode->child_count; i++) {
        AUTO(version_dispose)
        struct version v = {.w = w, .dir = dir->inode->children[i], .machine = machine};
        if (is_version(v.dir))
            rc = make_version(&v, e);
    }
    return rc;
}
