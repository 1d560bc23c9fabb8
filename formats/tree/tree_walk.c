/* SPDX-License-Identifier: Apache-2.0 */
/* Walks in the canonical order, paths of nodes, copies of whole trees. */
#include "formats/tree/tree_internal.h"

#include <string.h>

/* Where a walk is: the next child to visit in each directory on the way down. */
struct position {
    const struct tree_node *dir;
    size_t next;
    size_t path_len; /* of the directory's own path */
};

int tree_walk(const struct tree *t, tree_visit *visit, void *context, struct err *e)
{
    AUTO_FREE struct position *stack = array_new(TREE_DEPTH_MAX + 1, sizeof(*stack));
    AUTO_FREE char *path = array_new(TREE_PATH_MAX + 1, 1);
    if (stack == NULL || path == NULL)
        return err_oom(e);
    int rc = visit(context, path, t->root, e);
    if (rc != 0)
        return rc;
    size_t depth = 1;
    stack[0] = (struct position){.dir = t->root};
    while (depth > 0) {
        struct position *at = &stack[depth - 1];
        if (at->next == at->dir->inode->child_count) {
            depth--;
            continue;
        }
        struct tree_node *node = at->dir->inode->children[at->next++];
        /* tree_link keeps every path within TREE_PATH_MAX and every directory within
         * TREE_DEPTH_MAX. */
        size_t len = at->path_len;
        if (len > 0)
            path[len++] = '/';
        size_t name_len = strlen(node->name);
        memcpy(path + len, node->name, name_len + 1);
        rc = visit(context, path, node, e);
        if (rc != 0)
            return rc;
        if (node->inode->type == TREE_DIR)
            stack[depth++] = (struct position){.dir = node, .path_len = len + name_len};
    }
    return 0;
}

int tree_path(const struct tree_node *node, char **out, struct err *e)
{
    size_t size = 1;
    for (const struct tree_node *n = node; n->parent != NULL; n = n->parent)
        size += strlen(n->name) + (n->parent->parent != NULL);
    char *path = malloc(size);
    if (path == NULL)
        return err_oom(e);
    char *p = path + size - 1;
    *p = 0;
    for (const struct tree_node *n = node; n->parent != NULL; n = n->parent) {
        size_t len = strlen(n->name);
        p -= len;
        memcpy(p, n->name, len);
        if (n->parent->parent != NULL)
            *--p = '/';
    }
    *out = path;
    return 0;
}

/* ---- copying ---- */

struct copy {
    struct tree *to;
    struct tree_node *dirs[TREE_DEPTH_MAX + 1]; /* the copies of the directories on the way down */
    struct tree_map linked;                     /* inodes with several names -> their copies */
};

static int copy_inode(const struct tree_inode *from, struct tree_inode *inode, struct err *e)
{
    inode->mode = from->mode;
    inode->uid = from->uid;
    inode->gid = from->gid;
    inode->mtime = from->mtime;
    inode->major = from->major;
    inode->minor = from->minor;
    inode->content = from->content;
    if (from->target != NULL && (inode->target = strdup(from->target)) == NULL)
        return err_oom(e);
    for (size_t i = 0; i < from->xattr_count; i++) {
        const struct tree_xattr *x = &from->xattrs[i];
        int rc = tree_set_xattr(inode, x->name, x->value, x->len, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static size_t depth_of(const struct tree_node *node)
{
    size_t depth = 0;
    for (; node->parent != NULL; node = node->parent)
        depth++;
    return depth;
}

static int copy_visit(void *context, const char *path, struct tree_node *node, struct err *e)
{
    (void)path;
    struct copy *c = context;
    size_t depth = depth_of(node);
    if (depth == 0) {
        c->dirs[0] = c->to->root;
        return copy_inode(node->inode, c->to->root->inode, e);
    }
    struct tree_inode *inode =
        node->inode->links > 1 ? tree_map_get(&c->linked, node->inode) : NULL;
    int rc = 0;
    if (inode == NULL) {
        rc = tree_inode_new(c->to, node->inode->type, &inode, e);
        if (rc == 0)
            rc = copy_inode(node->inode, inode, e);
        if (rc == 0 && node->inode->links > 1)
            rc = tree_map_put(&c->linked, node->inode, inode, e);
    }
    struct tree_node *made;
    if (rc == 0)
        rc = tree_link(c->to, c->dirs[depth - 1], node->name, inode, &made, e);
    if (rc == 0 && inode->type == TREE_DIR)
        c->dirs[depth] = made;
    return rc;
}

int tree_copy(const struct tree *t, struct tree **out, struct err *e)
{
    AUTO_TREE struct tree *to = NULL;
    int rc = tree_new(&to, e);
    for (size_t i = 0; rc == 0 && i < t->pack_count; i++) {
        uint32_t index;
        rc = tree_reserve_pack(to, &index, e);
        if (rc == 0 && t->packs[i].alg != 0)
            rc = tree_set_pack(to, index, &t->packs[i], e);
    }
    if (rc < 0)
        return rc;
    AUTO_FREE struct copy *c = array_new(1, sizeof(*c));
    if (c == NULL)
        return err_oom(e);
    c->to = to;
    rc = tree_walk(t, copy_visit, c, e);
    tree_map_dispose(&c->linked);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&to);
    return 0;
}
