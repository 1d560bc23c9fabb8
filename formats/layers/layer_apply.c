/* SPDX-License-Identifier: Apache-2.0 */
/* A layer onto the tree: whiteouts, links, and what each form means where paths meet. */
#include "formats/layers/layer.h"
#include "formats/tree/tree_internal.h"

#include <inttypes.h>
#include <string.h>

/* While layers are applied, tree_inode.mark holds 1 + the layer that said what the inode is; 0:
 * nobody did. */

/* Splits a path into what lies above (copied into `parent`) and its last name. */
static const char *split(const char *path, char *parent)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    memcpy(parent, path, len);
    parent[len] = 0;
    return slash != NULL ? slash + 1 : path;
}

/* ---- hidden entries ---- */

static void attic_name(size_t need, char *name, size_t size)
{
    snprintf(name, size, "%zu", need);
}

static struct tree_node *attic_find(const struct layer_stack *s, const char *path)
{
    size_t need = layer_need(s->needs, path);
    if (need == SIZE_MAX)
        return NULL;
    char name[32];
    attic_name(need, name, sizeof(name));
    return tree_child(s->attic, name);
}

static void attic_drop(struct layer_stack *s, const char *path)
{
    struct tree_node *node = attic_find(s, path);
    if (node != NULL)
        tree_unlink(s->tree, node);
}

/* What lies below a path that is no directory any more. The needs are sorted: those are neighbours.
 */
static void attic_drop_below(struct layer_stack *s, const char *path)
{
    size_t len = strlen(path);
    size_t lo = 0;
    size_t hi = s->needs->count;
    while (lo < hi) { /* the first that is not before "path/" */
        size_t mid = lo + (hi - lo) / 2;
        int order = strncmp(s->needs->paths[mid], path, len);
        if (order < 0 || (order == 0 && len > 0 && s->needs->paths[mid][len] < '/'))
            lo = mid + 1;
        else
            hi = mid;
    }
    for (size_t i = lo; i < s->needs->count; i++) {
        const char *p = s->needs->paths[i];
        if (strncmp(p, path, len) != 0 || (len > 0 && p[len] != '/'))
            break;
        attic_drop(s, p);
    }
}

/* ---- whiteouts ---- */

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The directories that the layer itself states, sorted; caller frees. */
static int list_dirs(const struct layer *l, const char ***out, size_t *count, struct err *e)
{
    const char **dirs = array_new(l->count, sizeof(*dirs));
    if (dirs == NULL)
        return err_oom(e);
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        if (l->entries[i].role == ROLE_ENTRY && l->entries[i].type == TREE_DIR)
            dirs[n++] = layer_path(l, &l->entries[i]);
    qsort(dirs, n, sizeof(*dirs), compare_text);
    *out = dirs;
    *count = n;
    return 0;
}

/*
 * The directory of the lower layers that a whiteout speaks of; NULL: it has
 * none. Symlinks are followed, except where this layer puts a directory of its
 * own in a link's place: what the link leads to is then not meant.
 */
static struct tree_node *lower_dir(const struct tree *t, const char *path, const char **dirs,
                                   size_t dir_count)
{
    struct tree_node *at = tree_root(t);
    char prefix[TREE_PATH_MAX + 1];
    for (const char *p = path; *p != 0;) {
        size_t len = strcspn(p, "/");
        char name[TREE_NAME_MAX + 1];
        memcpy(name, p, len);
        name[len] = 0;
        at = at->inode->type == TREE_DIR ? tree_child(at, name) : NULL;
        if (at == NULL)
            return NULL;
        if (at->inode->type == TREE_SYMLINK) {
            size_t upto = (size_t)(p - path) + len;
            memcpy(prefix, path, upto);
            prefix[upto] = 0;
            const char *key = prefix;
            if (bsearch(&key, dirs, dir_count, sizeof(*dirs), compare_text) != NULL)
                return NULL;
            at = tree_find(t, path, true);
            break;
        }
        p += len + (p[len] == '/');
    }
    return at != NULL && at->inode->type == TREE_DIR ? at : NULL;
}

static int apply_whiteout(struct layer_stack *s, const struct layer *l, const struct layer_entry *n,
                          const char **dirs, size_t dir_count, struct err *e)
{
    const char *path = layer_path(l, n);
    if (n->role == ROLE_OPAQUE) {
        attic_drop_below(s, path);
        struct tree_node *dir = lower_dir(s->tree, path, dirs, dir_count);
        return dir != NULL ? tree_doom_children(s->tree, dir, e) : 0;
    }
    attic_drop(s, path);
    attic_drop_below(s, path);
    char parent[TREE_PATH_MAX + 1];
    const char *name = split(path, parent);
    struct tree_node *dir = lower_dir(s->tree, parent, dirs, dir_count);
    struct tree_node *node = dir != NULL ? tree_child(dir, name) : NULL;
    return node != NULL ? tree_doom(s->tree, node, e) : 0;
}

/* They speak of lower layers only, so they come first, wherever they stand in the archive. */
static int apply_whiteouts(struct layer_stack *s, const struct layer *l, struct err *e)
{
    size_t first = 0;
    while (first < l->count && l->entries[first].role == ROLE_ENTRY)
        first++;
    if (first == l->count)
        return 0;
    const char **dirs = NULL;
    size_t dir_count = 0;
    int rc = list_dirs(l, &dirs, &dir_count, e);
    for (size_t i = first; rc == 0 && i < l->count; i++)
        if (l->entries[i].role != ROLE_ENTRY)
            rc = apply_whiteout(s, l, &l->entries[i], dirs, dir_count, e);
    free(dirs);
    tree_reap(s->tree);
    return rc;
}

/* ---- entries ---- */

struct placing {
    struct layer_stack *stack;
    struct layer *layer;
    struct layer_entry *entry;
    const char *path;
    uint32_t pack;
    uint32_t mark;
    bool debian;
    const struct layers_packages *packages; /* NULL: packages are archives and nothing else */
    bool stays;                             /* another package's entry stays where this one's is */
};

static void set_metadata(struct tree_inode *inode, struct placing *p)
{
    struct layer_entry *n = p->entry;
    inode->mode = n->mode;
    inode->uid = n->uid;
    inode->gid = n->gid;
    inode->mtime = n->mtime;
    inode->mark = p->mark;
    tree_xattrs_free(inode->xattrs, inode->xattr_count);
    inode->xattrs = steal_ptr(&n->xattrs);
    inode->xattr_count = n->xattr_count;
    n->xattr_count = 0;
}

static int make_inode(struct placing *p, struct tree_inode **out, struct err *e)
{
    const struct layer_entry *n = p->entry;
    struct tree_inode *inode = NULL;
    int rc = tree_inode_new(p->stack->tree, n->type, &inode, e);
    if (rc < 0)
        return rc;
    set_metadata(inode, p);
    inode->major = n->major;
    inode->minor = n->minor;
    if (n->type == TREE_SYMLINK)
        rc = str_copy(&inode->target, layer_link(p->layer, n), e);
    if (n->type == TREE_FILE) {
        inode->content = n->content;
        inode->content.pack = n->content.size > 0 ? p->pack : 0;
    }
    *out = inode;
    return rc;
}

static const char *diverted(const struct placing *p, const char *path)
{
    const char *other =
        p->packages != NULL ? p->packages->divert(p->packages->context, p->mark - 1, path) : NULL;
    return other != NULL ? other : path;
}

static int find_target(const struct placing *p, struct tree_inode **out, struct err *e)
{
    const char *link = diverted(p, layer_link(p->layer, p->entry));
    const struct tree_node *target = attic_find(p->stack, link);
    if (target == NULL)
        target = tree_find(p->stack->tree, link, false);
    if (target == NULL)
        return err_set(e, ERR_INPUT, "'%.200s' is a hard link to '%.200s', which is not there",
                       p->path, link);
    if (target->inode->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "'%.200s' is a hard link to '%.200s', which is a directory",
                       p->path, link);
    *out = target->inode;
    return 0;
}

static int inode_for(struct placing *p, struct tree_inode **out, struct err *e)
{
    return p->entry->hard_link ? find_target(p, out, e) : make_inode(p, out, e);
}

/* ---- Debian packages: nothing is replaced ---- */

static bool same_value(const struct tree_inode *a, const struct tree_inode *b)
{
    if (a == b)
        return true;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case TREE_FILE:
        return a->content.size == b->content.size &&
               memcmp(a->content.sha256, b->content.sha256, DIGEST_SHA256_SIZE) == 0;
    case TREE_SYMLINK:
        return strcmp(a->target, b->target) == 0;
    case TREE_CHAR:
    case TREE_BLOCK:
        return a->major == b->major && a->minor == b->minor;
    case TREE_DIR:
    case TREE_FIFO:
    case TREE_SOCKET:
        break;
    }
    return true;
}

static int conflict(const struct placing *p, const struct tree_node *old, struct err *e)
{
    const struct layer_input *inputs = p->stack->inputs;
    if (old->inode->mark == 0)
        return err_set(e, ERR_INPUT, "'%.200s' of '%s' is a directory that other entries lie in",
                       p->path, inputs[p->mark - 1].name);
    return err_set(e, ERR_INPUT, "'%.200s' is in both '%s' and '%s', and not the same", p->path,
                   inputs[old->inode->mark - 1].name, inputs[p->mark - 1].name);
}

/* A directory that is there: a symbolic link to one is as good. */
static int meet_directory(struct placing *p, struct tree_node *old, struct err *e)
{
    const struct tree_node *real = tree_find(p->stack->tree, p->path, true);
    if (real == NULL || real->inode->type != TREE_DIR)
        return conflict(p, old, e);
    if (old->inode->type == TREE_DIR && (old->inode->mark == 0 || p->packages != NULL))
        set_metadata(old->inode, p);
    return 0;
}

/* Whose entry it is from now on; *take: this layer's replaces the older. */
static int decide(struct placing *p, struct tree_node *old, struct tree_inode *inode, bool *take,
                  struct err *e)
{
    const struct layers_packages *k = p->packages;
    uint32_t older = old->inode->mark;
    enum layers_meeting meeting = LAYERS_CLASH;
    *take = false;
    if (k != NULL && old->inode->type != TREE_DIR && older != 0 && older != p->mark)
        meeting = k->meet(k->context, older - 1, p->mark - 1);
    p->stays = meeting == LAYERS_OLDER_STAYS;
    if (p->stays)
        return 0;
    if (meeting == LAYERS_NEWER_WINS) {
        *take = true;
        return k->lost(k->context, older - 1, p->path, e);
    }
    return same_value(old->inode, inode) ? 0 : conflict(p, old, e);
}

/*
 * The name is taken in `dir`: the same thing again is fine, and the first keeps
 * its metadata.
 */
static int meet(struct placing *p, struct tree_node *dir, struct tree_node *old, struct err *e)
{
    struct tree_inode *inode = NULL;
    bool take = false;
    if (p->entry->type == TREE_DIR && !p->entry->hard_link)
        return meet_directory(p, old, e);
    int rc = inode_for(p, &inode, e); /* without a name, it goes with the tree */
    if (rc == 0)
        rc = decide(p, old, inode, &take, e);
    return rc < 0 || !take ? rc : tree_link(p->stack->tree, dir, old->name, inode, NULL, e);
}

/* ---- both ---- */

static int place_entry(struct placing *p, struct err *e)
{
    struct tree *t = p->stack->tree;
    const struct layer_entry *n = p->entry;
    char parent_path[TREE_PATH_MAX + 1];
    struct tree_node *parent;
    const char *name = split(p->path, parent_path);
    int rc = tree_make_dirs(t, parent_path, p->stack->options->clamp, &parent, e);
    if (rc < 0)
        return err_wrap(e, "'%.200s'", p->path);
    struct tree_node *old = tree_child(parent, name);
    if (old != NULL && p->debian)
        return meet(p, parent, old, e);
    if (n->type == TREE_DIR && old != NULL && old->inode->type == TREE_DIR) {
        set_metadata(old->inode, p);
        return 0;
    }
    struct tree_inode *inode = NULL;
    rc = inode_for(p, &inode, e);
    if (rc == 0 && old != NULL && n->hard_link && old->inode == inode &&
        strcmp(layer_link(p->layer, n), p->path) == 0)
        rc = err_set(e, ERR_INPUT, "'%.200s' is a hard link to itself", p->path);
    if (rc == 0)
        rc = tree_link(t, parent, name, inode, NULL, e);
    if (rc == 0 && n->type != TREE_DIR)
        attic_drop_below(p->stack, p->path);
    return rc;
}

static int place_hidden(struct placing *p, struct err *e)
{
    struct tree_inode *inode = NULL;
    char name[32];
    if (p->entry->type == TREE_DIR)
        return 0; /* no hard link can lead to it */
    attic_name(layer_need(p->stack->needs, p->path), name, sizeof(name));
    if (p->debian && tree_child(p->stack->attic, name) != NULL)
        return meet(p, p->stack->attic, tree_child(p->stack->attic, name), e);
    int rc = inode_for(p, &inode, e);
    return rc < 0 ? rc : tree_link(p->stack->tree, p->stack->attic, name, inode, NULL, e);
}

static int place_root(struct placing *p)
{
    struct tree_inode *root = tree_root(p->stack->tree)->inode;
    if (!p->debian || root->mark == 0 || p->packages != NULL)
        set_metadata(root, p);
    return 0;
}

/* lib, where it is a link to usr/lib: what the archive says of it is nothing's metadata. */
static bool is_merged_name(const struct placing *p)
{
    return p->packages != NULL && p->entry->moved && strchr(p->path + strlen("usr/"), '/') == NULL;
}

/* Puts the entry where it goes, and says so. */
static int apply_entry(struct placing *p, struct err *e)
{
    const struct layers_packages *k = p->packages;
    const char *own_path = layer_path(p->layer, p->entry);
    int rc = 0;
    p->stays = false;
    p->path = diverted(p, own_path);
    if (p->path != own_path && p->entry->type == TREE_DIR)
        rc = err_set(e, ERR_INPUT, "'%.200s' is diverted, but is a directory", own_path);
    else if (p->path[0] == 0)
        rc = place_root(p);
    else if (is_merged_name(p))
        rc = tree_make_dirs(p->stack->tree, p->path, p->stack->options->clamp, NULL, e);
    else if (p->entry->hidden)
        return place_hidden(p, e);
    else
        rc = place_entry(p, e);
    if (rc < 0 || k == NULL || p->stays)
        return rc;
    return k->placed(k->context, p->mark - 1, own_path + (p->entry->moved ? strlen("usr/") : 0), e);
}

/* Hands over what control.tar had, now that its pack has a place in the tree. */
static int hand_over(struct placing *p, struct err *e)
{
    struct deb_control *c = steal_ptr(&p->layer->control);
    if (p->packages == NULL || c == NULL)
        return 0;
    for (size_t i = 0; i < c->count; i++)
        c->files[i].content.pack = p->pack;
    return p->packages->applied(p->packages->context, p->mark - 1, c, e);
}

static int apply_entries(struct layer_stack *s, struct layer *l, size_t index, struct err *e)
{
    struct placing p = {.stack = s,
                        .layer = l,
                        .mark = (uint32_t)index + 1,
                        .debian = s->inputs[index].form == LAYER_DEB,
                        .packages = s->options->packages};
    int rc = l->has_pack ? tree_add_pack(s->tree, &l->pack, &p.pack, e) : 0;
    for (size_t i = 0; rc == 0 && i < l->count; i++) {
        p.entry = &l->entries[i];
        if (p.entry->role == ROLE_ENTRY)
            rc = apply_entry(&p, e);
    }
    return rc < 0 ? rc : hand_over(&p, e);
}

int layer_apply(struct layer_stack *s, struct layer *l, size_t index, struct err *e)
{
    int rc = apply_whiteouts(s, l, e);
    if (rc == 0)
        rc = apply_entries(s, l, index, e);
    for (size_t i = 0; i < MERGED_COUNT; i++)
        s->merged[i] = s->merged[i] || l->merged[i];
    return rc < 0 ? err_wrap(e, "layer '%s'", s->inputs[index].name) : 0;
}

static int make_merged_link(struct layer_stack *s, const char *name, struct err *e)
{
    struct tree_node *root = tree_root(s->tree);
    struct tree_inode *inode = NULL;
    char target[32];
    (void)snprintf(target, sizeof(target), "usr/%s", name);
    const struct tree_node *old = tree_child(root, name);
    if (old != NULL) {
        const struct tree_node *real = tree_find(s->tree, target, true);
        if (real != NULL && tree_find(s->tree, name, true) == real)
            return 0;
        if (old->inode->type == TREE_SYMLINK &&
            strcmp(old->inode->target + strspn(old->inode->target, "/"), target) == 0)
            return 0;
        return err_set(e, ERR_INPUT, "'%s' is there and does not lead to '%s'", name, target);
    }
    int rc = tree_inode_new(s->tree, TREE_SYMLINK, &inode, e);
    if (rc < 0 || inode == NULL)
        return rc;
    inode->mode = 0777;
    inode->mtime = s->options->clamp;
    rc = str_copy(&inode->target, target, e);
    return rc < 0 ? rc : tree_link(s->tree, root, name, inode, NULL, e);
}

/* The names that a merged system has whatever its packages hold. */
static bool always_merged(const char *name)
{
    return strcmp(name, "bin") == 0 || strcmp(name, "sbin") == 0 || strcmp(name, "lib") == 0;
}

int layers_make_merged_links(struct layer_stack *s, struct err *e)
{
    int rc = 0;
    bool all = s->options->packages != NULL;
    for (size_t i = 0; rc == 0 && i < MERGED_COUNT; i++) {
        const char *name = merged_names[i];
        if (!(s->merged[i] || (all && always_merged(name))) ||
            glob_list_covers(s->options->exclude, name))
            continue;
        if (all) {
            char target[32];
            (void)snprintf(target, sizeof(target), "usr/%s", name);
            rc = tree_make_dirs(s->tree, target, s->options->clamp, NULL, e);
        }
        if (rc == 0)
            rc = make_merged_link(s, name, e);
    }
    return rc;
}
