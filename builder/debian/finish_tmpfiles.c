/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packages declare in tmpfiles.d and lasts, made as systemd-tmpfiles --create makes it
 * (docs/formats/debian.md, "Finishing").
 */
#include "builder/debian/finishing.h"
#include "builder/debian/tmpfiles.h"

#include <fnmatch.h>
#include <string.h>

/* Entries that are looked at or copied in all. */
#define VISITS_MAX ((uint64_t)1 << 26)

struct making {
    struct rootfs_writer *w;
    struct tmpfiles lines;
    uint64_t visits;
};

static int visit(struct making *m, struct err *e)
{
    return ++m->visits <= VISITS_MAX ? 0 : err_set(e, ERR_INPUT, "too much is asked for");
}

/* ---- modes and owners ---- */

/* No more than anybody may do there, and on files no more than read, write and run. */
static uint32_t mask_mode(uint32_t mode, const struct tree_inode *inode)
{
    static const uint32_t parts[] = {0111, 0222, 0444};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if ((inode->mode & parts[i]) == 0)
            mode &= ~parts[i];
    return inode->type == TREE_DIR ? mode : mode & 0777;
}

static bool counts(const struct tmpfile_id *id, bool is_new)
{
    return id->set && (is_new || !id->only_new);
}

static void set_owner(struct tree_inode *inode, const struct tmpfile *f, bool is_new)
{
    if (counts(&f->mode, is_new) && inode->type != TREE_SYMLINK)
        inode->mode = (uint16_t)(f->masked ? mask_mode(f->mode.id, inode) : f->mode.id);
    if (counts(&f->user, is_new))
        inode->uid = f->user.id;
    if (counts(&f->group, is_new))
        inode->gid = f->group.id;
}

/* ---- what is made ---- */

static int fill_text(struct making *m, const struct tmpfile *f, struct tree_inode *inode,
                     struct err *e)
{
    size_t len = f->argument != NULL ? strlen(f->argument) : 0;
    int rc = tree_packer_begin(m->w->packer, e);
    if (rc == 0 && len > 0)
        rc = tree_packer_write(m->w->packer, f->argument, len, e);
    return rc < 0 ? rc : tree_packer_end(m->w->packer, inode, e);
}

static int fill_target(struct making *m, const struct tmpfile *f, struct tree_inode *inode,
                       struct err *e)
{
    (void)m;
    free(inode->target);
    inode->target = NULL;
    return str_copy(&inode->target, f->argument, e);
}

/* MAJOR:MINOR */
static int fill_device(struct making *m, const struct tmpfile *f, struct tree_inode *inode,
                       struct err *e)
{
    (void)m;
    const char *colon = f->argument != NULL ? strchr(f->argument, ':') : NULL;
    char *end = NULL;
    unsigned long major = colon != NULL ? strtoul(f->argument, &end, 10) : 0;
    bool good = colon != NULL && end == colon && f->argument[0] != ':';
    unsigned long minor = good ? strtoul(colon + 1, &end, 10) : 0;
    if (!good || end == colon + 1 || *end != 0 || major > 0xfff || minor > 0xfffff)
        return err_set(e, ERR_INPUT, "'%.40s' is no device",
                       f->argument != NULL ? f->argument : "");
    inode->major = (uint32_t)major;
    inode->minor = (uint32_t)minor;
    return 0;
}

typedef int filling(struct making *m, const struct tmpfile *f, struct tree_inode *inode,
                    struct err *e);
static const struct making_kind {
    filling *fill; /* NULL: nothing is in it */
    enum tree_type type;
    uint16_t mode;
    char name;
} made[] = {
    {NULL, TREE_DIR, 0755, 'd'},
    {fill_text, TREE_FILE, 0644, 'f'},
    {fill_target, TREE_SYMLINK, 0777, 'L'},
    {NULL, TREE_FIFO, 0644, 'p'},
    {fill_device, TREE_CHAR, 0644, 'c'},
    {fill_device, TREE_BLOCK, 0644, 'b'},
};

static const struct making_kind *find_kind(char name)
{
    size_t i = 0;
    while (made[i].name != name)
        i++;
    return &made[i];
}

/* The directory that a path is to be in, which is made, and its last name. */
static int place(struct making *m, const char *path, struct tree_node **dir, const char **name,
                 struct err *e)
{
    AUTO_FREE char *parent = NULL;
    const char *slash = strrchr(path, '/');
    *name = slash != NULL ? slash + 1 : path;
    int rc = str_format(&parent, e, "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
    return rc < 0 ? rc : tree_make_dirs(m->w->tree, parent, m->w->time, dir, e);
}

/* Whether an entry of that name can be what the line wants; a link that says something else can
 * not. */
static bool is_one(const struct tmpfile *f, const struct tree_inode *inode, enum tree_type type)
{
    return inode->type == type && (f->type != 'L' || strcmp(inode->target, f->argument) == 0);
}

/* Takes what is in the way off, where the line says so; *stays is whether it is still there. */
static int clear(struct making *m, const struct tmpfile *f, struct tree_node *node, bool *stays,
                 struct err *e)
{
    bool removes = f->replace || (f->force && strchr("Lpcb", f->type) != NULL);
    *stays = !removes;
    if (removes)
        tree_unlink(m->w->tree, node);
    else if (f->type != 'L')
        return err_set(e, ERR_INPUT, "what is there is of another type");
    return 0;
}

static int make_new(struct making *m, const struct tmpfile *f, const struct making_kind *k,
                    struct tree_node *dir, const char *name, struct err *e)
{
    struct tree_inode *inode = NULL;
    int rc = tree_inode_new(m->w->tree, k->type, &inode, e);
    if (rc < 0)
        return rc;
    inode->mode = k->mode;
    inode->mtime = m->w->time;
    if (k->fill != NULL && (rc = k->fill(m, f, inode, e)) < 0)
        return rc;
    set_owner(inode, f, true);
    return tree_link(m->w->tree, dir, name, inode, NULL, e);
}

static int make(struct making *m, const struct tmpfile *f, struct err *e)
{
    const struct making_kind *k = find_kind(f->type);
    struct tree_node *dir = NULL;
    const char *name = NULL;
    bool stays = false;
    int rc = place(m, f->path, &dir, &name, e);
    struct tree_node *node = rc == 0 ? tree_child(dir, name) : NULL;
    if (node != NULL && !is_one(f, node->inode, k->type)) {
        rc = clear(m, f, node, &stays, e);
        node = NULL;
    }
    if (rc < 0 || stays)
        return rc;
    if (node == NULL)
        return make_new(m, f, k, dir, name, e);
    if (f->type == 'f' && f->force)
        rc = fill_text(m, f, node->inode, e);
    set_owner(node->inode, f, false);
    return rc;
}

/* ---- links whose target has to be there ---- */

static int target_exists(struct making *m, const struct tmpfile *f, bool *out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    const char *slash = strrchr(f->path, '/');
    int rc = f->argument[0] == '/'
                 ? str_copy(&path, f->argument, e)
                 : str_format(&path, e, "%.*s/%s", slash != NULL ? (int)(slash - f->path) : 0,
                              f->path, f->argument);
    if (rc == 0)
        *out = tree_find(m->w->tree, path, false) != NULL;
    return rc;
}

/* ---- copies ---- */

static int copy_into(struct making *m, const struct tmpfile *f, const struct tree_node *from,
                     struct tree_node *dir, const char *name, struct err *e);

static int copy_children(struct making *m, const struct tmpfile *f, const struct tree_node *from,
                         struct tree_node *to, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < from->inode->child_count; i++) {
        const struct tree_node *child = from->inode->children[i];
        rc = copy_into(m, f, child, to, child->name, e);
    }
    return rc;
}

static int copy_inode(struct making *m, const struct tmpfile *f, const struct tree_inode *from,
                      struct tree_inode **out, struct err *e)
{
    int rc = tree_inode_new(m->w->tree, from->type, out, e);
    if (rc < 0)
        return rc;
    (*out)->mode = from->mode;
    (*out)->uid = f->user.set ? f->user.id : from->uid;
    (*out)->gid = f->group.set ? f->group.id : from->gid;
    (*out)->mtime = m->w->time;
    (*out)->major = from->major;
    (*out)->minor = from->minor;
    (*out)->content = from->content;
    return from->target == NULL ? 0 : str_copy(&(*out)->target, from->target, e);
}

/* What is there in a directory that is merged into stays. */
static int copy_into(struct making *m, const struct tmpfile *f, const struct tree_node *from,
                     struct tree_node *dir, const char *name, struct err *e)
{
    struct tree_inode *inode = NULL;
    struct tree_node *node = tree_child(dir, name);
    int rc = visit(m, e);
    if (rc == 0 && node == NULL) {
        rc = copy_inode(m, f, from->inode, &inode, e);
        if (rc == 0)
            rc = tree_link(m->w->tree, dir, name, inode, &node, e);
    }
    if (rc < 0 || node == NULL || node->inode->type != TREE_DIR || from->inode->type != TREE_DIR)
        return rc;
    return copy_children(m, f, from, node, e);
}

static bool is_within(const struct tree_node *node, const struct tree_node *top)
{
    while (node != NULL && node != top)
        node = node->parent;
    return node != NULL;
}

static int copy(struct making *m, const struct tmpfile *f, struct err *e)
{
    const struct tree_node *from = tree_find(m->w->tree, f->argument, false);
    struct tree_node *dir = NULL;
    const char *name = NULL;
    if (from == NULL)
        return 0;
    int rc = place(m, f->path, &dir, &name, e);
    if (rc < 0)
        return rc;
    if (is_within(dir, from))
        return err_set(e, ERR_INPUT, "'%.200s' would be copied into itself", f->argument);
    struct tree_node *node = tree_child(dir, name);
    if (node != NULL && node->inode->type != from->inode->type) {
        if (!f->replace)
            return 0;
        tree_unlink(m->w->tree, node);
        from = tree_find(m->w->tree, f->argument, false);
        if (from == NULL)
            return 0;
        node = NULL;
    }
    bool is_new = node == NULL;
    if (is_new || f->force || (node->inode->type == TREE_DIR && node->inode->child_count == 0))
        rc = copy_into(m, f, from, dir, name, e);
    if (rc == 0)
        set_owner(tree_child(dir, name)->inode, f, is_new);
    return rc;
}

static int create(struct making *m, const struct tmpfile *f, struct err *e)
{
    bool wanted = true;
    int rc = 0;
    if (f->type == 'C')
        return copy(m, f, e);
    if (f->type == 'L' && f->exists)
        rc = target_exists(m, f, &wanted, e);
    return rc < 0 || !wanted ? rc : make(m, f, e);
}

/* ---- what matches ---- */

static int set_below(struct making *m, const struct tmpfile *f, struct tree_node *node,
                     struct err *e)
{
    int rc = visit(m, e);
    if (rc < 0)
        return rc;
    if (f->type != 'e' || node->inode->type == TREE_DIR)
        set_owner(node->inode, f, false);
    if (f->type != 'Z' || node->inode->type != TREE_DIR)
        return 0;
    for (size_t i = 0; rc == 0 && i < node->inode->child_count; i++)
        rc = set_below(m, f, node->inode->children[i], e);
    return rc;
}

static int match(struct making *m, const struct tmpfile *f, const char *literal, const char *rest,
                 struct err *e);

/* Whose name fits the pattern up to the next slash of it. */
static int match_children(struct making *m, const struct tmpfile *f, const char *literal,
                          const char *pattern, struct err *e)
{
    AUTO_FREE char *one = NULL;
    const struct tree_node *dir = tree_find(m->w->tree, literal, true);
    size_t len = strcspn(pattern, "/");
    if (dir == NULL || dir->inode->type != TREE_DIR)
        return 0;
    int rc = str_format(&one, e, "%.*s", (int)len, pattern);
    for (size_t i = 0; rc == 0 && i < dir->inode->child_count; i++) {
        AUTO_FREE char *path = NULL;
        const char *name = dir->inode->children[i]->name;
        rc = visit(m, e);
        if (rc < 0 || fnmatch(one, name, FNM_PERIOD | FNM_NOESCAPE) != 0)
            continue;
        rc = str_format(&path, e, "%s%s%s", literal, literal[0] != 0 ? "/" : "", name);
        if (rc == 0)
            rc = match(m, f, path, pattern + len, e);
    }
    return rc;
}

/* `rest` begins with the slash behind `literal`, which is what has been found already. */
static int match(struct making *m, const struct tmpfile *f, const char *literal, const char *rest,
                 struct err *e)
{
    AUTO_FREE char *path = NULL;
    size_t len = strcspn(rest, "*?[");
    bool all = rest[len] == 0;
    while (!all && len > 0 && rest[len] != '/')
        len--;
    int rc = str_format(&path, e, "%s%.*s", literal, (int)len, rest);
    if (rc < 0)
        return rc;
    if (!all)
        return match_children(m, f, path, rest + len + (rest[len] == '/'), e);
    struct tree_node *node = tree_find(m->w->tree, path, false);
    return node == NULL ? 0 : set_below(m, f, node, e);
}

/* ---- order ---- */

static bool is_above(const char *dir, const char *path)
{
    size_t len = strlen(dir);
    return strncmp(dir, path, len) == 0 && path[len] == '/';
}

/* Those of directories above it come first. */
static int create_in_order(struct making *m, struct tmpfile *f, struct err *e)
{
    int rc = 0;
    if (f->done)
        return 0;
    f->done = true;
    for (size_t i = 0; rc == 0 && i < m->lines.count; i++) {
        struct tmpfile *other = &m->lines.items[i];
        if (!other->done && !tmpfile_is_pattern(other) && is_above(other->path, f->path))
            rc = create_in_order(m, other, e);
    }
    if (rc < 0)
        return rc;
    rc = create(m, f, e);
    return rc < 0 ? err_wrap(e, "'/%.200s'", f->path) : 0;
}

/* All lines with this one's pattern: e, Z, z. */
static int adjust_in_order(struct making *m, const struct tmpfile *first, struct err *e)
{
    int rc = 0;
    for (const char *type = "eZz"; rc == 0 && *type != 0; type++) {
        for (size_t i = 0; rc == 0 && i < m->lines.count; i++) {
            struct tmpfile *f = &m->lines.items[i];
            if (f->done || f->type != *type || strcmp(f->path, first->path) != 0)
                continue;
            f->done = true;
            rc = match(m, f, "", f->path, e);
        }
    }
    return rc < 0 ? err_wrap(e, "'/%.200s'", first->path) : 0;
}

/* Links and copies without an argument are of what a distribution keeps for them. */
static int name_factory(struct tmpfile *f, struct err *e)
{
    if (strchr("LC", f->type) == NULL)
        return 0;
    if (f->argument != NULL)
        return strlen(f->argument) <= TREE_PATH_MAX
                   ? 0
                   : err_set(e, ERR_INPUT, "'/%.200s' has a target that is too long", f->path);
    return str_format(&f->argument, e, "/usr/share/factory/%s", f->path);
}

static int make_all(struct making *m, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->lines.count; i++)
        rc = name_factory(&m->lines.items[i], e);
    for (size_t i = 0; rc == 0 && i < m->lines.count; i++)
        if (!tmpfile_is_pattern(&m->lines.items[i]))
            rc = create_in_order(m, &m->lines.items[i], e);
    for (size_t i = 0; rc == 0 && i < m->lines.count; i++)
        if (!m->lines.items[i].done)
            rc = adjust_in_order(m, &m->lines.items[i], e);
    return rc;
}

int finish_tmpfiles(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    struct making m = {.w = w};
    int rc = tmpfiles_read(w, o->arch, &m.lines, e);
    if (rc == 0)
        rc = make_all(&m, e);
    tmpfiles_dispose(&m.lines);
    return rc;
}
