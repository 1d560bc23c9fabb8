/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/tree.h"

#include "formats/tree/tree_internal.h"

#include <string.h>

/* SHA-256 of no bytes: what a new file holds. */
static const uint8_t sha256_empty[DIGEST_SHA256_SIZE] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

/* ---- making and freeing ---- */

void tree_xattrs_free(struct tree_xattr *xattrs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(xattrs[i].name);
        free(xattrs[i].value);
    }
    free(xattrs);
}

static void inode_free(struct tree_inode *inode)
{
    free(inode->target);
    tree_xattrs_free(inode->xattrs, inode->xattr_count);
    free(inode->children);
    free(inode);
}

static void nameless_add(struct tree *t, struct tree_inode *inode)
{
    inode->prev = NULL;
    inode->next = t->nameless;
    if (inode->next != NULL)
        inode->next->prev = inode;
    t->nameless = inode;
}

static void nameless_drop(struct tree *t, struct tree_inode *inode)
{
    if (inode->prev != NULL)
        inode->prev->next = inode->next;
    else
        t->nameless = inode->next;
    if (inode->next != NULL)
        inode->next->prev = inode->prev;
    inode->prev = NULL;
    inode->next = NULL;
}

int tree_inode_new(struct tree *t, enum tree_type type, struct tree_inode **out, struct err *e)
{
    struct tree_inode *inode = calloc(1, sizeof(*inode));
    if (inode == NULL)
        return err_oom(e);
    inode->type = type;
    if (type == TREE_FILE)
        memcpy(inode->content.sha256, sha256_empty, sizeof(sha256_empty));
    nameless_add(t, inode);
    *out = inode;
    return 0;
}

/* The name lives behind the node, in one allocation. */
static int node_new(const char *name, struct tree_inode *inode, struct tree_node *parent,
                    struct tree_node **out, struct err *e)
{
    size_t len = strlen(name) + 1;
    struct tree_node *node = calloc(1, sizeof(*node) + len);
    if (node == NULL)
        return err_oom(e);
    node->name = (char *)(node + 1);
    memcpy(node->name, name, len);
    node->inode = inode;
    node->parent = parent;
    *out = node;
    return 0;
}

static void node_free(struct tree *t, struct tree_node *node)
{
    if (--node->inode->links == 0)
        inode_free(node->inode);
    free(node);
    t->entries--;
}

void tree_free_detached(struct tree *t, struct tree_node *node)
{
    node->parent = NULL;
    while (node != NULL) {
        struct tree_inode *inode = node->inode;
        tree_dir_settle(t, inode);
        if (inode->child_count > 0) {
            node = inode->children[--inode->child_count];
            continue;
        }
        struct tree_node *parent = node->parent;
        node_free(t, node);
        node = parent;
    }
}

int tree_attic_new(struct tree *t, struct tree_node **out, struct err *e)
{
    struct tree_inode *inode = NULL;
    int rc = tree_inode_new(t, TREE_DIR, &inode, e);
    if (rc < 0)
        return rc;
    rc = node_new("", inode, NULL, out, e);
    if (rc < 0)
        return rc;
    nameless_drop(t, inode);
    inode->mode = 0755;
    inode->links = 1;
    t->entries++;
    return 0;
}

int tree_new(struct tree **out, struct err *e)
{
    AUTO_TREE struct tree *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return err_oom(e);
    int rc = tree_attic_new(t, &t->root, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&t);
    return 0;
}

void tree_free(struct tree *t)
{
    if (t == NULL)
        return;
    if (t->root != NULL)
        tree_free_detached(t, t->root);
    while (t->nameless != NULL) {
        struct tree_inode *inode = t->nameless;
        nameless_drop(t, inode);
        inode_free(inode);
    }
    free(t->doomed);
    free(t->packs);
    free(t->pack_order);
    free(t);
}

struct tree_node *tree_root(const struct tree *t)
{
    return t->root;
}

size_t tree_entry_count(const struct tree *t)
{
    return t->entries;
}

/* ---- packs ---- */

int tree_reserve_pack(struct tree *t, uint32_t *index, struct err *e)
{
    if (t->pack_count >= TREE_PACKS_MAX)
        return err_set(e, ERR_INPUT, "a tree has more than %d packs", (int)TREE_PACKS_MAX);
    int rc = array_grow(&t->packs, &t->pack_cap, t->pack_count + 1, sizeof(*t->packs), e);
    if (rc < 0)
        return rc;
    t->packs[t->pack_count] = (struct digest){0};
    *index = (uint32_t)t->pack_count++;
    return 0;
}

static size_t pack_position(const struct tree *t, const struct digest *blob, bool *hit)
{
    size_t lo = 0;
    size_t hi = t->order_count;
    *hit = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = digest_compare(&t->packs[t->pack_order[mid]], blob);
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

uint32_t tree_first_pack(const struct tree *t, uint32_t index)
{
    bool hit;
    size_t at = pack_position(t, &t->packs[index], &hit);
    return hit ? t->pack_order[at] : index;
}

int tree_set_pack(struct tree *t, uint32_t index, const struct digest *blob, struct err *e)
{
    int rc =
        array_grow(&t->pack_order, &t->order_cap, t->order_count + 1, sizeof(*t->pack_order), e);
    if (rc < 0)
        return rc;
    t->packs[index] = *blob;
    bool hit;
    size_t at = pack_position(t, blob, &hit);
    if (hit) /* the same bytes packed twice: both indices stay good */
        return 0;
    memmove(t->pack_order + at + 1, t->pack_order + at,
            (t->order_count - at) * sizeof(*t->pack_order));
    t->pack_order[at] = index;
    t->order_count++;
    return 0;
}

int tree_add_pack(struct tree *t, const struct digest *blob, uint32_t *index, struct err *e)
{
    bool hit;
    size_t at = pack_position(t, blob, &hit);
    if (hit) {
        *index = t->pack_order[at];
        return 0;
    }
    uint32_t fresh;
    int rc = tree_reserve_pack(t, &fresh, e);
    if (rc == 0)
        rc = tree_set_pack(t, fresh, blob, e);
    if (rc == 0)
        *index = fresh;
    return rc;
}

const struct digest *tree_pack(const struct tree *t, uint32_t index)
{
    return index < t->pack_count ? &t->packs[index] : NULL;
}

size_t tree_pack_count(const struct tree *t)
{
    return t->pack_count;
}

/* ---- naming ---- */

bool tree_name_valid(const char *name)
{
    size_t len = strnlen(name, TREE_NAME_MAX + 1);
    return len > 0 && len <= TREE_NAME_MAX && memchr(name, '/', len) == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

struct tree_node *tree_child(const struct tree_node *dir, const char *name)
{
    struct tree_node **slot = tree_dir_slot(dir->inode, name);
    return slot != NULL ? *slot : NULL;
}

/* How deep a directory lies (the root: 0) and how long its path is. */
static void node_place(const struct tree_node *node, size_t *depth, size_t *length)
{
    *depth = 0;
    *length = 0;
    for (; node->parent != NULL; node = node->parent) {
        (*depth)++;
        *length += strlen(node->name) + (*length > 0);
    }
}

static int check_new_name(const struct tree *t, const struct tree_node *dir, const char *name,
                          struct err *e)
{
    if (dir->inode->type != TREE_DIR)
        return err_set(e, ERR_INPUT, "cannot add '%.80s' to '%.80s': not a directory", name,
                       dir->name);
    if (!tree_name_valid(name))
        return err_set(e, ERR_INPUT, "'%.80s' is not a valid entry name", name);
    size_t depth;
    size_t length;
    node_place(dir, &depth, &length);
    if (depth + 1 > TREE_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "cannot add '%.80s': more than %d directories deep", name,
                       (int)TREE_DEPTH_MAX);
    if (length + 1 + strlen(name) > TREE_PATH_MAX)
        return err_set(e, ERR_INPUT, "cannot add '%.80s': its path is longer than %d bytes", name,
                       (int)TREE_PATH_MAX);
    if (t->entries >= TREE_ENTRIES_MAX)
        return err_set(e, ERR_INPUT, "a tree has more than %d entries", (int)TREE_ENTRIES_MAX);
    return 0;
}

int tree_link(struct tree *t, struct tree_node *dir, const char *name, struct tree_inode *inode,
              struct tree_node **out, struct err *e)
{
    int rc = check_new_name(t, dir, name, e);
    if (rc < 0)
        return rc;
    if (inode->type == TREE_DIR && inode->links > 0)
        return err_set(e, ERR_INPUT, "cannot link '%.80s': a directory has one name", name);
    struct tree_node *node;
    rc = node_new(name, inode, dir, &node, e);
    if (rc < 0)
        return rc;
    struct tree_node **slot = tree_dir_slot(dir->inode, name);
    if (slot == NULL) {
        rc = tree_dir_insert(t, dir->inode, node, e);
        if (rc < 0) {
            free(node);
            return rc;
        }
    }
    if (inode->links == 0)
        nameless_drop(t, inode);
    inode->links++;
    t->entries++;
    if (slot != NULL) {
        struct tree_node *old = *slot;
        *slot = node;
        tree_free_detached(t, old);
    }
    if (out != NULL)
        *out = node;
    return 0;
}

void tree_unlink(struct tree *t, struct tree_node *node)
{
    if (node->parent == NULL)
        return; /* the root stays */
    tree_dir_remove(t, node->parent->inode, node);
    tree_free_detached(t, node);
}

/* The depth and path length that the deepest and longest things below `node` add to its own. */
static int check_below(const struct tree_node *node, size_t depth, size_t length, struct err *e)
{
    if (depth > TREE_DEPTH_MAX || length > TREE_PATH_MAX)
        return err_set(e, ERR_INPUT, "cannot move '%.80s': its path would be too deep or too long",
                       node->name);
    for (size_t i = 0; i < node->inode->child_count; i++) {
        const struct tree_node *child = node->inode->children[i];
        int rc = check_below(child, depth + 1, length + 1 + strlen(child->name), e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int tree_move(struct tree *t, struct tree_node *node, struct tree_node *dir, const char *name,
              struct tree_node **out, struct err *e)
{
    int rc = check_new_name(t, dir, name, e);
    if (rc < 0)
        return rc;
    const struct tree_node *up = dir;
    while (up != node && up->parent != NULL)
        up = up->parent;
    if (up == node)
        return err_set(e, ERR_INPUT, "cannot move '%.80s' into itself", node->name);
    if (node->parent == NULL)
        return err_set(e, ERR_INPUT, "cannot move the root");
    if (tree_child(dir, name) != NULL)
        return err_set(e, ERR_INPUT, "cannot move '%.80s' to '%.80s': it exists already",
                       node->name, name);
    size_t depth;
    size_t length;
    node_place(dir, &depth, &length);
    rc = check_below(node, depth + 1, length + 1 + strlen(name), e);
    if (rc < 0)
        return rc;
    struct tree_node *moved;
    rc = node_new(name, node->inode, dir, &moved, e);
    if (rc < 0)
        return rc;
    rc = tree_dir_insert(t, dir->inode, moved, e);
    if (rc < 0) {
        free(moved);
        return rc;
    }
    tree_dir_remove(t, node->parent->inode, node);
    tree_dir_settle(t, moved->inode);
    for (size_t i = 0; i < moved->inode->child_count; i++)
        moved->inode->children[i]->parent = moved;
    free(node);
    if (out != NULL)
        *out = moved;
    return 0;
}

/* ---- looking up ---- */

/*
 * What is left to resolve: the path and, above it, the targets of the symlinks
 * met on the way. All borrowed, so a look-up allocates nothing.
 */
struct walk {
    const char *frame[TREE_LINKS_FOLLOWED_MAX + 1];
    size_t depth;
    size_t links;
};

/* The next component but "."; false at the end. Finished frames are dropped first. */
static bool walk_next(struct walk *w, const char **name, size_t *len)
{
    while (w->depth > 0) {
        const char *p = w->frame[w->depth - 1];
        p += strspn(p, "/");
        if (*p == 0) {
            w->depth--;
            continue;
        }
        *name = p;
        *len = strcspn(p, "/");
        w->frame[w->depth - 1] = p + *len;
        if (*len > 1 || *p != '.')
            return true;
    }
    return false;
}

static bool walk_done(struct walk *w)
{
    for (size_t i = 0; i < w->depth; i++)
        if (w->frame[i][strspn(w->frame[i], "/")] != 0)
            return false;
    return true;
}

/* One component from `at`: NULL when it is not there; symlinks are not followed here. */
static struct tree_node *step(const struct tree *t, struct tree_node *at, const char *name)
{
    if (strcmp(name, "..") == 0)
        return at->parent != NULL ? at->parent : t->root;
    return tree_child(at, name);
}

/* Follows a symlink that was found in `dir`: where to go on, or NULL after too many. */
static struct tree_node *follow_link(const struct tree *t, struct walk *w, struct tree_node *dir,
                                     const struct tree_node *link)
{
    const char *target = link->inode->target;
    if (target == NULL || ++w->links > TREE_LINKS_FOLLOWED_MAX)
        return NULL;
    w->frame[w->depth++] = target;
    return target[0] == '/' ? t->root : dir;
}

struct tree_node *tree_find(const struct tree *t, const char *path, bool follow)
{
    struct walk w = {.frame = {path}, .depth = 1};
    struct tree_node *at = t->root;
    const char *p;
    size_t len;
    while (walk_next(&w, &p, &len)) {
        char name[TREE_NAME_MAX + 1];
        if (at->inode->type != TREE_DIR || len > TREE_NAME_MAX)
            return NULL;
        memcpy(name, p, len);
        name[len] = 0;
        struct tree_node *next = step(t, at, name);
        if (next != NULL && next->inode->type == TREE_SYMLINK && (follow || !walk_done(&w)))
            next = follow_link(t, &w, at, next);
        if (next == NULL)
            return NULL;
        at = next;
    }
    return at;
}

static int make_dir(struct tree *t, struct tree_node *parent, const char *name, int64_t mtime,
                    struct tree_node **out, struct err *e)
{
    struct tree_inode *inode = NULL;
    int rc = tree_inode_new(t, TREE_DIR, &inode, e);
    if (rc < 0)
        return rc;
    inode->mode = 0755;
    inode->mtime = mtime;
    return tree_link(t, parent, name, inode, out, e);
}

int tree_make_dirs(struct tree *t, const char *path, int64_t mtime, struct tree_node **out,
                   struct err *e)
{
    struct walk w = {.frame = {path}, .depth = 1};
    struct tree_node *at = t->root;
    const char *p;
    size_t len;
    while (walk_next(&w, &p, &len)) {
        char name[TREE_NAME_MAX + 1];
        if (len > TREE_NAME_MAX)
            return err_set(e, ERR_INPUT, "cannot make '%.200s': a name is longer than %d bytes",
                           path, (int)TREE_NAME_MAX);
        memcpy(name, p, len);
        name[len] = 0;
        struct tree_node *next = step(t, at, name);
        if (next == NULL) {
            int rc = make_dir(t, at, name, mtime, &next, e);
            if (rc < 0)
                return rc;
        } else if (next->inode->type == TREE_SYMLINK) {
            next = follow_link(t, &w, at, next);
            if (next == NULL)
                return err_set(e, ERR_INPUT, "cannot make '%.200s': more than %d symbolic links",
                               path, (int)TREE_LINKS_FOLLOWED_MAX);
        } else if (next->inode->type != TREE_DIR) {
            return err_set(e, ERR_INPUT, "cannot make '%.200s': '%.80s' is not a directory", path,
                           name);
        }
        at = next;
    }
    if (out != NULL)
        *out = at;
    return 0;
}

/* ---- extended attributes ---- */

static size_t xattr_position(const struct tree_inode *inode, const char *name, bool *hit)
{
    size_t i = 0;
    *hit = false;
    while (i < inode->xattr_count) {
        int order = strcmp(inode->xattrs[i].name, name);
        *hit = order == 0;
        if (order >= 0)
            break;
        i++;
    }
    return i;
}

static int check_xattr(const struct tree_inode *inode, const char *name, size_t len, bool replaces,
                       size_t at, struct err *e)
{
    size_t name_len = strnlen(name, TREE_XATTR_NAME_MAX + 1);
    if (name_len == 0 || name_len > TREE_XATTR_NAME_MAX || len > TREE_XATTR_VALUE_MAX)
        return err_set(e, ERR_INPUT, "extended attribute '%.80s' is too long or has no name", name);
    size_t total = name_len + len;
    for (size_t i = 0; i < inode->xattr_count; i++)
        if (!replaces || i != at)
            total += strlen(inode->xattrs[i].name) + inode->xattrs[i].len;
    if (total > TREE_XATTR_BYTES_MAX || (!replaces && inode->xattr_count >= TREE_XATTRS_MAX))
        return err_set(e, ERR_INPUT, "more than %d extended attributes or %d bytes of them",
                       (int)TREE_XATTRS_MAX, (int)TREE_XATTR_BYTES_MAX);
    return 0;
}

int tree_set_xattr(struct tree_inode *inode, const char *name, const void *value, size_t len,
                   struct err *e)
{
    bool hit;
    size_t at = xattr_position(inode, name, &hit);
    int rc = check_xattr(inode, name, len, hit, at, e);
    if (rc < 0)
        return rc;
    AUTO_FREE uint8_t *copy = malloc(len > 0 ? len : 1);
    AUTO_FREE char *name_copy = strdup(name);
    if (copy == NULL || name_copy == NULL)
        return err_oom(e);
    if (len > 0)
        memcpy(copy, value, len);
    if (hit) {
        free(inode->xattrs[at].value);
    } else {
        struct tree_xattr *grown =
            reallocarray(inode->xattrs, inode->xattr_count + 1, sizeof(*grown));
        if (grown == NULL)
            return err_oom(e);
        inode->xattrs = grown;
        memmove(grown + at + 1, grown + at, (inode->xattr_count - at) * sizeof(*grown));
        inode->xattr_count++;
        grown[at].name = steal_ptr(&name_copy);
    }
    inode->xattrs[at].value = steal_ptr(&copy);
    inode->xattrs[at].len = len;
    return 0;
}
