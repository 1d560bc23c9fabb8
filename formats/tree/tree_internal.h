/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of formats/tree share about struct tree and nobody else sees:
 * children arrays while many entries are being added or removed, and maps keyed
 * by inode.
 *
 * Children are one sorted array. Adding to a huge one in no order would move
 * memory quadratically, and a hostile layer may hold millions of names; so in
 * "bulk" (layers.c) a directory beyond TREE_BULK_DIR children collects new ones
 * in a small sorted array beside it, merged when that is full. Look-ups see
 * both. Outside bulk `children` alone is always complete.
 */
#ifndef ASSAY_FORMATS_TREE_TREE_INTERNAL_H
#define ASSAY_FORMATS_TREE_TREE_INTERNAL_H

#include "formats/tree/tree.h"

enum { TREE_BULK_DIR = 4096 };

struct tree_recent {
    struct tree_inode *dir;
    struct tree_recent *prev, *next; /* among the tree's */
    size_t count;
    struct tree_node *nodes[TREE_BULK_DIR];
};

struct tree {
    struct tree_node *root;
    size_t entries;
    bool bulk;
    struct tree_recent *recents;
    struct tree_inode *nameless; /* inodes without a name */
    struct tree_node **doomed;
    size_t doomed_count;
    size_t doomed_cap;
    struct digest *packs;
    size_t pack_count;
    size_t pack_cap;
    uint32_t *pack_order; /* the same packs sorted by digest */
    size_t order_count;
    size_t order_cap;
};

/* ---- tree_dir.c: one directory's children ---- */

/* Where the child of that name is referred to from; NULL when there is none. */
struct tree_node **tree_dir_slot(const struct tree_inode *dir, const char *name);
/* The name must be free. Does not touch links or counts. */
int tree_dir_insert(struct tree *t, struct tree_inode *dir, struct tree_node *node, struct err *e);
void tree_dir_remove(struct tree *t, struct tree_inode *dir, struct tree_node *node);
/* Makes `children` complete. Cannot fail. */
void tree_dir_settle(struct tree *t, struct tree_inode *dir);

void tree_bulk_begin(struct tree *t);
void tree_bulk_end(struct tree *t);

/*
 * Removing many: doom marks a node (once), reap removes all doomed ones with one
 * pass over each directory. Between the two only look-ups are allowed; they still see the doomed.
 */
int tree_doom(struct tree *t, struct tree_node *node, struct err *e);
int tree_doom_children(struct tree *t, struct tree_node *dir, struct err *e);
void tree_reap(struct tree *t);

/* ---- tree.c ---- */

/* Frees a node that is in no directory any more, and what is below it. */
void tree_free_detached(struct tree *t, struct tree_node *node);
/* A detached directory of the tree, to keep inodes in; the caller frees it with tree_free_detached.
 */
int tree_attic_new(struct tree *t, struct tree_node **out, struct err *e);
/* Registers a pack whose digest comes later (tree_set_pack). */
int tree_reserve_pack(struct tree *t, uint32_t *index, struct err *e);
int tree_set_pack(struct tree *t, uint32_t index, const struct digest *blob, struct err *e);
/* The first index registered for the same digest: reserved packs may turn out to be equal. */
uint32_t tree_first_pack(const struct tree *t, uint32_t index);
void tree_xattrs_free(struct tree_xattr *xattrs, size_t count);

/* ---- tree_map.c: inode -> pointer; never iterated ---- */

struct tree_map {
    struct tree_map_slot {
        const struct tree_inode *key;
        void *value;
    } * slots;
    size_t count;
    size_t cap;
};
#define AUTO_TREE_MAP AUTO(tree_map_dispose) struct tree_map
void tree_map_dispose(struct tree_map *m);
void *tree_map_get(const struct tree_map *m, const struct tree_inode *key);
int tree_map_put(struct tree_map *m, const struct tree_inode *key, void *value, struct err *e);

#endif
