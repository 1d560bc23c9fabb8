/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is: descriptors, path tables, directories, boot catalog, contents, in this
 * order. */
#include "formats/iso/iso.h"

#include "formats/tree/same_content.h"

#include <inttypes.h>
#include <string.h>

enum {
    DESCRIPTORS = 16, /* the first one's sector */
    DIRS_MAX = UINT16_MAX,
    PADDING = 150, /* sectors that drives may read ahead, as genisoimage has them */
    CYLINDER = 1024 * 1024,
    MBR_SECTOR = 512,
    NAMES_MAX = 1 << 30,
};

/* ---- directories ------------------------------------------------------------------ */

static int add_dir(struct iso_tree *t, uint32_t node, uint32_t parent, uint32_t entry,
                   struct err *e)
{
    if (t->dir_count >= DIRS_MAX)
        return err_set(e, ERR_INPUT, "the tree has more than %d directories", DIRS_MAX);
    int rc = array_grow(&t->dirs, &t->dir_cap, t->dir_count + 1, sizeof(*t->dirs), e);
    if (rc < 0)
        return rc;
    t->dirs[t->dir_count++] = (struct iso_dir){.node = node, .parent = parent, .entry = entry};
    return 0;
}

/* Breadth first, each directory's in the order of their names: the order of path tables. */
static int make_tree(struct iso_tree *t, const struct view *v, struct err *e)
{
    uint64_t table = 0;

    int rc = add_dir(t, 0, 0, UINT32_MAX, e);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < t->dir_count; i++) {
        if ((rc = iso_name_entries(t, v, i, e)) < 0)
            return rc;
        for (uint32_t k = t->dirs[i].first; k < t->dirs[i].first + t->dirs[i].count; k++) {
            if (view_inode(v, t->entries[k].node)->type != TREE_DIR)
                continue;
            t->entries[k].child = (uint32_t)t->dir_count;
            if ((rc = add_dir(t, t->entries[k].node, i, k, e)) < 0)
                return rc;
        }
        size_t len = i == 0 ? 1 : t->entries[t->dirs[i].entry].len;
        table += 8 + len + len % 2;
    }
    t->table_size = (uint32_t)table;
    return 0;
}

static void place_tables(struct iso_tree *t, uint32_t *next)
{
    t->table_lba = *next;
    *next += 2 * iso_sectors(t->table_size);
}

static int place_dirs(const struct iso_layout *l, struct iso_tree *t, uint32_t *next, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(UINT32_MAX);

    for (uint32_t i = 0; i < t->dir_count; i++) {
        struct iso_dir *d = &t->dirs[i];
        uint32_t size = 0;
        int rc = iso_directory(l, t, i, 0, &bytes, &size, e);
        if (rc < 0)
            return rc;
        d->size = size;
        d->sectors = (uint32_t)(bytes.len / ISO_SECTOR);
        d->lba = *next;
        if (__builtin_add_overflow(*next, d->sectors, next))
            return err_set(
                e, ERR_INPUT,
                "the directories are too large for an ISO image, which has less than 8 TiB");
    }
    return 0;
}

/* ---- contents --------------------------------------------------------------------- */

static const struct tree_content *content_of(const struct iso_layout *l, uint32_t inode)
{
    return &l->v->inodes[inode].inode->content;
}

static int place_content(struct iso_layout *l, uint32_t inode, uint32_t *next, struct err *e)
{
    const struct tree_content *c = content_of(l, inode);
    AUTO_FREE char *path = NULL;

    if (c->size > UINT32_MAX) {
        int rc = view_path(l->v, l->v->inodes[inode].first, &path, e);
        if (rc < 0)
            return rc;
        return err_set(e, ERR_INPUT,
                       "cannot put '%s' into an ISO image: it has %" PRIu64 " bytes, 4 GiB or more",
                       path, c->size);
    }
    l->lba[inode] = *next;
    l->order[l->order_count++] = inode;
    if (__builtin_add_overflow(*next, iso_sectors(c->size), next))
        return err_set(e, ERR_INPUT,
                       "the tree is too large for an ISO image, which has less than 8 TiB");
    return 0;
}

static int place_contents(struct iso_layout *l, uint32_t *next, struct err *e)
{
    AUTO_SAME_CONTENT known = {0};
    const struct view *v = l->v;

    l->lba = array_new(v->inode_count, sizeof(*l->lba));
    l->order = array_new(v->inode_count, sizeof(*l->order));
    if (l->lba == NULL || l->order == NULL)
        return err_oom(e);
    int rc = same_content_init(&known, v, e);
    if (rc < 0)
        return rc;
    l->contents = *next;
    for (uint32_t i = 0; i < v->inode_count; i++) {
        uint32_t same = i;
        if (v->inodes[i].inode->type != TREE_FILE || content_of(l, i)->size == 0)
            continue;
        /* What a BIOS starts is changed on its way: nobody shares it. */
        if (i != l->bios)
            same = same_content_first(&known, i);
        if (same == i ? (rc = place_content(l, i, next, e)) < 0
                      : ((l->lba[i] = l->lba[same]), false))
            return rc;
    }
    return 0;
}

/* ---- boot images ------------------------------------------------------------------ */

static int find_image(const struct iso_layout *l, const struct tree *tree, const char *path,
                      uint32_t *out, struct err *e)
{
    const struct tree_node *node = path == NULL ? NULL : tree_find(tree, path, false);

    *out = UINT32_MAX;
    if (path == NULL)
        return 0;
    for (uint32_t i = 0; node != NULL && i < l->v->inode_count; i++) {
        const struct tree_inode *inode = l->v->inodes[i].inode;
        if (inode == node->inode && inode->type == TREE_FILE && inode->content.size > 0) {
            *out = i;
            return 0;
        }
    }
    return err_set(e, ERR_INPUT, "cannot boot '%s': the tree has no such file", path);
}

/* ---- the whole -------------------------------------------------------------------- */

static int place_all(struct iso_layout *l, struct err *e)
{
    bool boot = l->bios != UINT32_MAX || l->efi != UINT32_MAX;
    /* The primary descriptor and the terminator, and between them what there is. */
    uint32_t next = DESCRIPTORS + 2U + (boot ? 1U : 0U) + (l->params->joliet ? 1U : 0U);
    int rc;

    place_tables(&l->plain, &next);
    if (l->params->joliet)
        place_tables(&l->joliet, &next);
    /* Places of contents come later, but they do not change the size of a record. */
    l->lba = array_new(l->v->inode_count, sizeof(*l->lba));
    if (l->lba == NULL)
        return err_oom(e);
    if ((rc = place_dirs(l, &l->plain, &next, e)) < 0 ||
        (l->params->joliet && (rc = place_dirs(l, &l->joliet, &next, e)) < 0))
        return rc;
    free(steal_ptr(&l->lba));
    l->catalog = next;
    next += boot ? 1U : 0U;
    if ((rc = place_contents(l, &next, e)) < 0)
        return rc;
    if (__builtin_add_overflow(next, PADDING, &l->sectors))
        return err_set(e, ERR_INPUT,
                       "the tree is too large for an ISO image, which has less than 8 TiB");
    l->size = (uint64_t)l->sectors * ISO_SECTOR;
    if (l->params->mbr != NULL) {
        l->size = (l->size + CYLINDER - 1) / CYLINDER * CYLINDER;
        if (l->size / MBR_SECTOR > UINT32_MAX)
            return err_set(e, ERR_INPUT,
                           "the tree is too large for a hybrid ISO image, whose MBR describes less "
                           "than 2 TiB");
    }
    l->sectors = (uint32_t)(l->size / ISO_SECTOR);
    return 0;
}

int iso_layout(const struct view *v, const struct tree *tree, const struct iso_params *params,
               struct iso_layout *out, struct err *e)
{
    AUTO_ISO_LAYOUT l = {.v = v,
                         .params = params,
                         .plain = {.flavour = ISO_PLAIN, .names = BUF_INIT(NAMES_MAX)},
                         .joliet = {.flavour = ISO_JOLIET, .names = BUF_INIT(NAMES_MAX)}};
    int rc;

    if ((rc = find_image(&l, tree, params->bios, &l.bios, e)) < 0 ||
        (rc = find_image(&l, tree, params->efi, &l.efi, e)) < 0 ||
        (rc = make_tree(&l.plain, v, e)) < 0 ||
        (params->joliet && (rc = make_tree(&l.joliet, v, e)) < 0) || (rc = place_all(&l, e)) < 0)
        return rc;
    *out = l;
    l = (struct iso_layout){0};
    return 0;
}

static void tree_dispose(struct iso_tree *t)
{
    free(t->dirs);
    free(t->entries);
    buf_dispose(&t->names);
}

void iso_layout_dispose(struct iso_layout *l)
{
    tree_dispose(&l->plain);
    tree_dispose(&l->joliet);
    free(l->lba);
    free(l->order);
    *l = (struct iso_layout){0};
}
