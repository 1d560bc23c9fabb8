/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/graft.h"

#include <string.h>

struct graft {
    struct tree *to;
    const struct tree *from;
    graft_skip *skip;
    struct tree_node **moved;    /* links of `from` where `to` has a directory with contents */
    struct tree_node **moved_to; /* and that directory */
    size_t moved_count;
    size_t moved_cap;
    size_t moved_to_cap;
    struct tree_inode **links; /* by mark - 1: the copies of inodes with several names */
    size_t link_count;
    size_t link_cap;
    char path[TREE_PATH_MAX + 1];
};

static int copy_attributes(struct tree_inode *to, const struct tree_inode *from, struct err *e)
{
    to->mode = from->mode;
    to->uid = from->uid;
    to->gid = from->gid;
    to->mtime = from->mtime;
    for (size_t i = 0; i < from->xattr_count; i++) {
        const struct tree_xattr *x = &from->xattrs[i];
        int rc = tree_set_xattr(to, x->name, x->value, x->len, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int graft_inode(struct tree *to, const struct tree *from, const struct tree_inode *inode,
                struct tree_inode **out, struct err *e)
{
    struct tree_inode *copy = NULL;
    int rc = tree_inode_new(to, inode->type, &copy, e);
    if (rc < 0 || (rc = copy_attributes(copy, inode, e)) < 0)
        return rc;
    copy->major = inode->major;
    copy->minor = inode->minor;
    if (inode->target != NULL && (rc = str_copy(&copy->target, inode->target, e)) < 0)
        return rc;
    if (inode->type == TREE_FILE) {
        copy->content = inode->content;
        if (inode->content.size > 0 && (rc = tree_add_pack(to, tree_pack(from, inode->content.pack),
                                                           &copy->content.pack, e)) < 0)
            return rc;
    }
    *out = copy;
    return 0;
}

/* The copy of a leaf: the one that another name of the same inode made, or a new one. */
static int leaf_inode(struct graft *g, struct tree_inode *from, struct tree_inode **out,
                      struct err *e)
{
    /* Paths of one tree are unique, so a copy keeps its first name until the graft is done. */
    if (from->links > 1 && from->mark != 0 && from->mark <= g->link_count) {
        *out = g->links[from->mark - 1];
        return 0;
    }
    int rc = graft_inode(g->to, g->from, from, out, e);
    if (rc < 0 || from->links <= 1)
        return rc;
    if ((rc = array_grow(&g->links, &g->link_cap, g->link_count + 1, sizeof(*g->links), e)) < 0)
        return rc;
    g->links[g->link_count++] = *out;
    from->mark = (uint32_t)g->link_count;
    return 0;
}

static int graft_dir(struct graft *g, struct tree_node *to, const struct tree_node *from,
                     size_t path_len, struct err *e);

/* The path of an entry in g->path; its length, or 0 when it is too long (trees never are). */
static size_t push_name(struct graft *g, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    if (len + 1 + name_len > TREE_PATH_MAX)
        return 0;
    if (len > 0)
        g->path[len++] = '/';
    memcpy(g->path + len, name, name_len + 1);
    return len + name_len;
}

/* The directory of that name, for its children: the one that is there, or a new one. */
static int sub_directory(struct graft *g, struct tree_node *to, const struct tree_node *from,
                         struct tree_node **out, struct err *e)
{
    struct tree_node *there = tree_child(to, from->name);
    if (there != NULL && there->inode->type == TREE_DIR) {
        *out = there;
        return copy_attributes(there->inode, from->inode, e);
    }
    struct tree_inode *made = NULL;
    int rc = tree_inode_new(g->to, TREE_DIR, &made, e);
    if (rc < 0 || (rc = copy_attributes(made, from->inode, e)) < 0)
        return rc;
    return tree_link(g->to, to, from->name, made, out, e);
}

/* The directory that a link of `to` leads to; NULL: none. */
static int linked_directory(const struct graft *g, const struct tree_node *link,
                            struct tree_node **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    *out = NULL;
    if (link == NULL || link->inode->type != TREE_SYMLINK)
        return 0;
    int rc = tree_path(link, &path, e);
    struct tree_node *found = rc < 0 ? NULL : tree_find(g->to, path, true);
    if (found != NULL && found->inode->type == TREE_DIR)
        *out = found;
    return rc;
}

static int graft_directory(struct graft *g, struct tree_node *to, const struct tree_node *from,
                           size_t path_len, struct err *e)
{
    struct tree_node *below = NULL;
    int rc = linked_directory(g, tree_child(to, from->name), &below, e);
    if (rc == 0 && below == NULL)
        rc = sub_directory(g, to, from, &below, e);
    return rc < 0 ? rc : graft_dir(g, below, from, path_len, e);
}

static int remember_moved(struct graft *g, struct tree_node *link, struct tree_node *directory,
                          struct err *e)
{
    int rc = array_grow(&g->moved, &g->moved_cap, g->moved_count + 1, sizeof(*g->moved), e);
    if (rc == 0)
        rc =
            array_grow(&g->moved_to, &g->moved_to_cap, g->moved_count + 1, sizeof(*g->moved_to), e);
    if (rc < 0)
        return rc;
    g->moved[g->moved_count] = link;
    g->moved_to[g->moved_count++] = directory;
    return 0;
}

static int graft_leaf(struct graft *g, struct tree_node *to, struct tree_node *from, struct err *e)
{
    struct tree_node *there = tree_child(to, from->name);
    struct tree_inode *inode = NULL;
    if (there != NULL && there->inode->type == TREE_DIR && there->inode->child_count > 0) {
        if (from->inode->type == TREE_SYMLINK)
            return remember_moved(g, from, there, e);
        return err_set(e, ERR_INPUT, "'%s' would replace a directory that has contents", g->path);
    }
    int rc = leaf_inode(g, from->inode, &inode, e);
    return rc < 0 ? rc : tree_link(g->to, to, from->name, inode, NULL, e);
}

static int graft_entry(struct graft *g, struct tree_node *to, struct tree_node *from,
                       size_t path_len, struct err *e)
{
    size_t len = push_name(g, path_len, from->name);
    if (len == 0)
        return err_set(e, ERR_INPUT, "a path longer than %d bytes", (int)TREE_PATH_MAX);
    if (g->skip != NULL && g->skip(g->path))
        return 0;
    return from->inode->type == TREE_DIR ? graft_directory(g, to, from, len, e)
                                         : graft_leaf(g, to, from, e);
}

/* Recursion is as deep as the tree: TREE_DEPTH_MAX. */
static int graft_dir(struct graft *g, struct tree_node *to, const struct tree_node *from,
                     size_t path_len, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < from->inode->child_count; i++) {
        rc = graft_entry(g, to, from->inode->children[i], path_len, e);
        g->path[path_len] = '\0';
    }
    return rc;
}

/* ---- a link where a directory with contents was -------------------------------------------- */

static bool is_below(const struct tree_node *node, const struct tree_node *directory)
{
    for (; node != NULL; node = node->parent)
        if (node == directory)
            return true;
    return false;
}

/* The directory that the link will lead to, made when it is missing. */
static int target_directory(struct graft *g, const struct tree_node *directory, const char *target,
                            struct tree_node **out, struct err *e)
{
    AUTO_FREE char *parent = NULL;
    AUTO_BUF path = BUF_INIT(4 * TREE_PATH_MAX);
    int rc = tree_path(directory->parent, &parent, e);
    if (rc == 0 && target[0] != '/')
        rc = buf_addf(&path, e, "%s%s", parent, parent[0] == 0 ? "" : "/");
    if (rc < 0 || (rc = buf_add_str(&path, target + strspn(target, "/"), e)) < 0)
        return rc;
    *out = tree_find(g->to, buf_str(&path), true);
    if (*out == NULL && strstr(buf_str(&path), "..") == NULL)
        rc = tree_make_dirs(g->to, buf_str(&path), directory->inode->mtime, out, e);
    if (rc < 0 || *out == NULL || (*out)->inode->type != TREE_DIR || is_below(*out, directory))
        return err_set(e, ERR_INPUT,
                       "the link '%s' would replace a directory that has contents, and does not "
                       "lead to another one: '%s'",
                       directory->name, target);
    return 0;
}

static int merge(struct graft *g, struct tree_node *from, struct tree_node *to, struct err *e);

/* Where both have something, what the laid-over tree brought stays. */
static int merge_entry(struct graft *g, struct tree_node *child, struct tree_node *to,
                       struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct tree_node *there = tree_child(to, child->name);
    if (there == NULL)
        return tree_move(g->to, child, to, child->name, NULL, e);
    if (there->inode->type == TREE_DIR && child->inode->type == TREE_DIR)
        return merge(g, child, there, e);
    int rc = tree_path(there, &path, e);
    if (rc < 0)
        return rc;
    if (there->inode->type == TREE_DIR || child->inode->type == TREE_DIR ||
        tree_find(g->from, path, false) == NULL)
        return err_set(e, ERR_INPUT,
                       "'%s' and the '%s' of a directory that a link replaces would be one file",
                       path, child->name);
    return 0;
}

static int merge(struct graft *g, struct tree_node *from, struct tree_node *to, struct err *e)
{
    int rc = 0;
    /* Those that are moved leave the list. */
    for (size_t i = from->inode->child_count; rc == 0 && i > 0; i--)
        rc = merge_entry(g, from->inode->children[i - 1], to, e);
    return rc;
}

/* lib -> usr/lib where lib has contents: they go to where the link leads, as they would if the link
 * had been there before. */
static int place_moved(struct graft *g, struct tree_node *link, struct tree_node *directory,
                       struct err *e)
{
    struct tree_node *to = NULL;
    struct tree_inode *inode = NULL;
    struct tree_node *parent = directory->parent;
    int rc = target_directory(g, directory, link->inode->target, &to, e);
    if (rc < 0 || (rc = merge(g, directory, to, e)) < 0 ||
        (rc = leaf_inode(g, link->inode, &inode, e)) < 0)
        return rc;
    return tree_link(g->to, parent, link->name, inode, NULL, e);
}

static int place_all_moved(struct graft *g, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < g->moved_count; i++)
        rc = place_moved(g, g->moved[i], g->moved_to[i], e);
    return rc;
}

static int clear_mark(void *context, const char *path, struct tree_node *node, struct err *e)
{
    (void)context;
    (void)path;
    (void)e;
    node->inode->mark = 0;
    return 0;
}

int tree_graft_at(struct tree *to, struct tree_node *at, const struct tree *from, graft_skip *skip,
                  struct err *e)
{
    /* The marks of a shared tree are not ours: work on a copy. */
    AUTO_TREE struct tree *own = NULL;
    int rc = tree_copy(from, &own, e);
    if (rc < 0 || (rc = tree_walk(own, clear_mark, NULL, e)) < 0)
        return rc;
    struct tree_node *root = tree_root(own);
    if ((rc = copy_attributes(at->inode, root->inode, e)) < 0)
        return rc;
    struct graft *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return err_oom(e);
    g->to = to;
    g->from = own;
    g->skip = skip;
    rc = graft_dir(g, at, root, 0, e);
    if (rc == 0)
        rc = place_all_moved(g, e);
    free(g->moved);
    free(g->moved_to);
    free(g->links);
    free(g);
    return rc;
}

int tree_graft(struct tree *to, const struct tree *from, graft_skip *skip, struct err *e)
{
    return tree_graft_at(to, tree_root(to), from, skip, e);
}
