/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: what an encoder writes of a tree. The nodes that its `exclude` globs
 * leave, in walk order, and their inodes with the names that are left to each.
 * The tree itself is shared between steps that run at once and is not touched
 * (tree_inode.mark is not used).
 */
#ifndef ASSAY_FORMATS_TREE_VIEW_H
#define ASSAY_FORMATS_TREE_VIEW_H

#include "formats/tree/glob.h"
#include "formats/tree/tree.h"

#include <stdint.h>

struct view_node {
    const struct tree_node *node;
    uint32_t inode;  /* index into view.inodes */
    uint32_t parent; /* index into view.nodes; the root's is its own, 0 */
    uint32_t
        end; /* one behind the last node of its subtree: children of i are i+1, nodes[i+1].end, … */
};

struct view_inode {
    const struct tree_inode *inode;
    uint32_t first; /* node that names it first in walk order */
    uint32_t last;
    uint32_t links; /* names in the view */
};

struct view {
    struct view_node *nodes; /* nodes[0] is the root */
    size_t node_count;
    size_t node_cap;
    struct view_inode *inodes; /* in the order of their first names */
    size_t inode_count;
    size_t inode_cap;
    uint32_t
        *slots; /* open addressing over inodes whose tree has them more than once; never iterated */
    size_t slot_count;
};

/*
 * The tree less what `exclude` covers (formats/tree/glob.h: a directory goes with all below it;
 * the root stays; NULL covers nothing). Borrows the tree.
 */
int view_build(const struct tree *t, const struct glob_list *exclude, struct view *v,
               struct err *e);
void view_dispose(struct view *v);
#define AUTO_VIEW AUTO(view_dispose) struct view

static inline const struct tree_inode *view_inode(const struct view *v, size_t node)
{
    return v->inodes[v->nodes[node].inode].inode;
}
static inline bool view_is_first(const struct view *v, size_t node)
{
    return v->inodes[v->nodes[node].inode].first == node;
}
/* A path without leading slash, "" for the root; caller frees. */
static inline int view_path(const struct view *v, size_t node, char **out, struct err *e)
{
    return tree_path(v->nodes[node].node, out, e);
}
/* Whether the root is as mkdir would make it (0755, 0:0, time 0, no attributes), so that leaving it
 * out loses nothing. */
bool view_root_is_plain(const struct view *v);
/* mode with the type's S_IF bits */
uint32_t view_mode(const struct tree_inode *inode);
/* A device's number as Linux has it in 32 bits: 12 bits of minor above 12 of major above 8 of
 * minor. */
uint32_t view_device(const struct tree_inode *inode);
/* ERR_INPUT for a device whose number does not go into those bits. */
int view_check_device(const struct tree_inode *inode, struct err *e);

#endif
