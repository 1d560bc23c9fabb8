/* SPDX-License-Identifier: Apache-2.0 */
/* The sorted entries of directories, also while very many come and go. */
#include "formats/tree/tree_internal.h"

#include <string.h>

/* The first index whose name is not less than `name`; *hit when it is equal. */
static size_t lower_bound(struct tree_node *const *nodes, size_t count, const char *name, bool *hit)
{
    size_t lo = 0;
    size_t hi = count;
    *hit = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(nodes[mid]->name, name);
        if (order == 0) {
            *hit = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct tree_node **tree_dir_slot(const struct tree_inode *dir, const char *name)
{
    bool hit;
    size_t i = lower_bound(dir->children, dir->child_count, name, &hit);
    if (hit)
        return &dir->children[i];
    if (dir->recent == NULL)
        return NULL;
    i = lower_bound(dir->recent->nodes, dir->recent->count, name, &hit);
    return hit ? &dir->recent->nodes[i] : NULL;
}

static void insert_at(struct tree_node **nodes, size_t *count, size_t at, struct tree_node *node)
{
    memmove(nodes + at + 1, nodes + at, (*count - at) * sizeof(*nodes));
    nodes[at] = node;
    (*count)++;
}

static int insert_recent(struct tree *t, struct tree_inode *dir, struct tree_node *node,
                         struct err *e)
{
    if (dir->recent != NULL && dir->recent->count == TREE_BULK_DIR)
        tree_dir_settle(t, dir);
    if (dir->recent == NULL) {
        struct tree_recent *r = malloc(sizeof(*r));
        if (r == NULL)
            return err_oom(e);
        r->dir = dir;
        r->count = 0;
        r->prev = NULL;
        r->next = t->recents;
        if (r->next != NULL)
            r->next->prev = r;
        t->recents = r;
        dir->recent = r;
    }
    bool hit;
    size_t at = lower_bound(dir->recent->nodes, dir->recent->count, node->name, &hit);
    insert_at(dir->recent->nodes, &dir->recent->count, at, node);
    return 0;
}

int tree_dir_insert(struct tree *t, struct tree_inode *dir, struct tree_node *node, struct err *e)
{
    /* Room for the recent ones too, so that settling cannot fail. */
    size_t recent = dir->recent != NULL ? dir->recent->count : 0;
    int rc = array_grow(&dir->children, &dir->child_cap, dir->child_count + recent + 1,
                        sizeof(struct tree_node *), e);
    if (rc < 0)
        return rc;
    bool hit;
    size_t at = lower_bound(dir->children, dir->child_count, node->name, &hit);
    if (!t->bulk || at == dir->child_count || dir->child_count < TREE_BULK_DIR)
        insert_at(dir->children, &dir->child_count, at, node);
    else
        rc = insert_recent(t, dir, node, e);
    return rc;
}

static void drop_recent(struct tree *t, struct tree_inode *dir)
{
    struct tree_recent *r = dir->recent;
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        t->recents = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    dir->recent = NULL;
    free(r);
}

void tree_dir_settle(struct tree *t, struct tree_inode *dir)
{
    if (dir->recent == NULL)
        return;
    /* Merged from the back, in place (insertion kept the room), a stretch between two new ones at a
     * time. */
    struct tree_node **to = dir->children;
    size_t a = dir->child_count;
    size_t b = dir->recent->count;
    dir->child_count = a + b;
    for (; b > 0; b--) {
        struct tree_node *node = dir->recent->nodes[b - 1];
        bool hit;
        size_t at = lower_bound(to, a, node->name, &hit);
        memmove(to + at + b, to + at, (a - at) * sizeof(*to));
        to[at + b - 1] = node;
        a = at;
    }
    drop_recent(t, dir);
}

void tree_dir_remove(struct tree *t, struct tree_inode *dir, struct tree_node *node)
{
    tree_dir_settle(t, dir);
    bool hit;
    size_t at = lower_bound(dir->children, dir->child_count, node->name, &hit);
    if (!hit)
        return;
    dir->child_count--;
    memmove(dir->children + at, dir->children + at + 1,
            (dir->child_count - at) * sizeof(*dir->children));
}

void tree_bulk_begin(struct tree *t)
{
    t->bulk = true;
}

void tree_bulk_end(struct tree *t)
{
    while (t->recents != NULL)
        tree_dir_settle(t, t->recents->dir);
    t->bulk = false;
}

int tree_doom(struct tree *t, struct tree_node *node, struct err *e)
{
    if (node->doomed)
        return 0;
    int rc =
        array_grow(&t->doomed, &t->doomed_cap, t->doomed_count + 1, sizeof(struct tree_node *), e);
    if (rc < 0)
        return rc;
    node->doomed = true;
    t->doomed[t->doomed_count++] = node;
    return 0;
}

int tree_doom_children(struct tree *t, struct tree_node *dir, struct err *e)
{
    tree_dir_settle(t, dir->inode);
    for (size_t i = 0; i < dir->inode->child_count; i++) {
        int rc = tree_doom(t, dir->inode->children[i], e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Takes the doomed out of a directory; they keep `doomed` but lose their parent. */
static void detach_doomed(struct tree *t, struct tree_inode *dir)
{
    tree_dir_settle(t, dir);
    size_t kept = 0;
    for (size_t i = 0; i < dir->child_count; i++) {
        if (dir->children[i]->doomed)
            dir->children[i]->parent = NULL;
        else
            dir->children[kept++] = dir->children[i];
    }
    dir->child_count = kept;
}

void tree_reap(struct tree *t)
{
    /* All are detached first: afterwards they are the tops of separate trees, whatever was below
     * what. */
    for (size_t i = 0; i < t->doomed_count; i++)
        if (t->doomed[i]->parent != NULL)
            detach_doomed(t, t->doomed[i]->parent->inode);
    for (size_t i = 0; i < t->doomed_count; i++)
        tree_free_detached(t, t->doomed[i]);
    free(t->doomed);
    t->doomed = NULL;
    t->doomed_count = 0;
    t->doomed_cap = 0;
}
