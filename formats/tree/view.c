/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/view.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_CAP = TREE_DEPTH_MAX + 2 };

/* ---- building --------------------------------------------------------------- */

struct build {
    struct view *v;
    const struct glob_list *exclude;
    uint32_t open[DEPTH_CAP]; /* directories from the root to here */
    size_t depth;
};

/* The slot of an inode, or the free one it belongs in. Only lookups depend on addresses, never an
 * order. */
static size_t find_slot(const struct view *v, const struct tree_inode *inode)
{
    uint64_t h = (uint64_t)(uintptr_t)inode * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 20) & (v->slot_count - 1);

    while (v->slots[i] != UINT32_MAX && v->inodes[v->slots[i]].inode != inode)
        i = (i + 1) & (v->slot_count - 1);
    return i;
}

static int grow_slots(struct view *v, struct err *e)
{
    if (v->inode_count * 2 < v->slot_count)
        return 0;
    size_t count = v->slot_count == 0 ? 1024 : v->slot_count * 2;
    uint32_t *slots = array_new(count, sizeof(*slots));
    if (slots == NULL)
        return err_oom(e);
    memset(slots, 0xff, count * sizeof(*slots));
    free(v->slots);
    v->slots = slots;
    v->slot_count = count;
    for (size_t i = 0; i < v->inode_count; i++) {
        if (v->inodes[i].inode->links > 1)
            v->slots[find_slot(v, v->inodes[i].inode)] = (uint32_t)i;
    }
    return 0;
}

static int name_inode(struct view *v, const struct tree_inode *inode, uint32_t node, uint32_t *out,
                      struct err *e)
{
    size_t slot = 0;
    int rc;

    if (inode->links > 1) {
        if ((rc = grow_slots(v, e)) < 0)
            return rc;
        slot = find_slot(v, inode);
        if (v->slots[slot] != UINT32_MAX) {
            *out = v->slots[slot];
            v->inodes[*out].links++;
            v->inodes[*out].last = node;
            return 0;
        }
    }
    if ((rc = array_grow(&v->inodes, &v->inode_cap, v->inode_count + 1, sizeof(*v->inodes), e)) < 0)
        return rc;
    *out = (uint32_t)v->inode_count++;
    v->inodes[*out] = (struct view_inode){.inode = inode, .first = node, .last = node, .links = 1};
    if (inode->links > 1)
        v->slots[slot] = *out;
    return 0;
}

static int visit(void *context, const char *path, struct tree_node *node, struct err *e)
{
    struct build *b = context;
    struct view *v = b->v;

    if (glob_list_covers(b->exclude, path))
        return 0;
    if (v->node_count >= TREE_ENTRIES_MAX)
        return err_set(e, ERR_INPUT, "the tree has more than %d entries", TREE_ENTRIES_MAX);
    int rc = array_grow(&v->nodes, &v->node_cap, v->node_count + 1, sizeof(*v->nodes), e);
    if (rc < 0)
        return rc;
    uint32_t index = (uint32_t)v->node_count;
    while (b->depth > 0 && v->nodes[b->open[b->depth - 1]].node != node->parent)
        v->nodes[b->open[--b->depth]].end = index;
    struct view_node *n = &v->nodes[index];
    *n = (struct view_node){.node = node, .end = index + 1};
    n->parent = b->depth > 0 ? b->open[b->depth - 1] : 0;
    if ((rc = name_inode(v, node->inode, index, &n->inode, e)) < 0)
        return rc;
    v->node_count++;
    if (node->inode->type == TREE_DIR) {
        if (b->depth == DEPTH_CAP)
            return err_set(e, ERR_INPUT, "the tree is too deep at '%s'", path);
        b->open[b->depth++] = index;
    }
    return 0;
}

int view_build(const struct tree *t, const struct glob_list *exclude, struct view *v, struct err *e)
{
    AUTO_VIEW fresh = {0};
    struct build b = {.v = &fresh, .exclude = exclude};

    int rc = tree_walk(t, visit, &b, e);
    if (rc < 0)
        return rc;
    while (b.depth > 0)
        fresh.nodes[b.open[--b.depth]].end = (uint32_t)fresh.node_count;
    *v = fresh;
    fresh = (struct view){0};
    return 0;
}

void view_dispose(struct view *v)
{
    free(v->nodes);
    free(v->inodes);
    free(v->slots);
    *v = (struct view){0};
}

bool view_root_is_plain(const struct view *v)
{
    const struct tree_inode *root = v->inodes[0].inode;

    return root->mode == 0755 && root->uid == 0 && root->gid == 0 && root->mtime == 0 &&
           root->xattr_count == 0;
}

uint32_t view_mode(const struct tree_inode *inode)
{
    static const uint32_t types[] = {
        [TREE_DIR] = S_IFDIR,     [TREE_FILE] = S_IFREG,  [TREE_SYMLINK] = S_IFLNK,
        [TREE_CHAR] = S_IFCHR,    [TREE_BLOCK] = S_IFBLK, [TREE_FIFO] = S_IFIFO,
        [TREE_SOCKET] = S_IFSOCK,
    };

    return types[inode->type] | (inode->mode & 07777U);
}

int view_check_device(const struct tree_inode *inode, struct err *e)
{
    enum { MAJOR_MAX = 0xfff, MINOR_MAX = 0xfffff };
    bool device = inode->type == TREE_CHAR || inode->type == TREE_BLOCK;

    if (device && (inode->major > MAJOR_MAX || inode->minor > MINOR_MAX))
        return err_set(e, ERR_INPUT,
                       "its device number %" PRIu32 ":%" PRIu32
                       " is too large: Linux has up to %d:%d",
                       inode->major, inode->minor, MAJOR_MAX, MINOR_MAX);
    return 0;
}

uint32_t view_device(const struct tree_inode *inode)
{
    return (inode->minor & 0xff) | inode->major << 8 | (inode->minor & ~UINT32_C(0xff)) << 12;
}
