/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is: sizes of directories, places of inodes and of contents. */
#include "formats/erofs/erofs.h"

#include "formats/tree/same_content.h"
#include "formats/tree/xattr_index.h"

#include <inttypes.h>
#include <string.h>

enum {
    SLOTS_PER_BLOCK = EROFS_BLOCK / EROFS_SLOT,
    XATTR_VALUE_MAX = UINT16_MAX,
    XATTR_BYTES_MAX = EROFS_XATTR_HEADER + 4 * (UINT16_MAX - 1),
};

/* ---- directories ------------------------------------------------------------------ */

int erofs_entries(const struct view *v, uint32_t dir, erofs_entry *add, void *context,
                  struct err *e)
{
    static const char *const own[] = {".", ".."};
    const uint32_t inodes[] = {v->nodes[dir].inode, v->nodes[v->nodes[dir].parent].inode};
    size_t next = 0;
    int rc;

    for (uint32_t i = dir + 1; i < v->nodes[dir].end; i = v->nodes[i].end) {
        const char *name = v->nodes[i].node->name;
        for (; next < 2 && strcmp(own[next], name) < 0; next++) {
            if ((rc = add(context, own[next], inodes[next], e)) < 0)
                return rc;
        }
        if ((rc = add(context, name, v->nodes[i].inode, e)) < 0)
            return rc;
    }
    for (; next < 2; next++) {
        if ((rc = add(context, own[next], inodes[next], e)) < 0)
            return rc;
    }
    return 0;
}

struct dir_size {
    uint64_t full; /* blocks that are done */
    uint32_t used; /* of the one that is open */
};

static int measure_entry(void *context, const char *name, uint32_t inode, struct err *e)
{
    struct dir_size *d = context;
    uint32_t need = EROFS_DIRENT_SIZE + (uint32_t)strlen(name);

    (void)inode;
    (void)e;
    if (d->used + need > EROFS_BLOCK) {
        d->full++;
        d->used = 0;
    }
    d->used += need;
    return 0;
}

static int measure_dir(const struct view *v, uint32_t node, struct erofs_inode *out, struct err *e)
{
    struct dir_size d = {0};

    int rc = erofs_entries(v, node, measure_entry, &d, e);
    if (rc < 0)
        return rc;
    out->size = d.full * EROFS_BLOCK + d.used;
    out->links = 2;
    for (uint32_t i = node + 1; i < v->nodes[node].end; i = v->nodes[i].end)
        out->links += view_inode(v, i)->type == TREE_DIR;
    return 0;
}

/* ---- attributes ------------------------------------------------------------------- */

static int measure_xattrs(const struct tree_inode *inode, uint32_t *out, struct err *e)
{
    uint64_t bytes = EROFS_XATTR_HEADER;

    for (size_t i = 0; i < inode->xattr_count; i++) {
        const struct tree_xattr *x = &inode->xattrs[i];
        const char *rest = NULL;
        uint8_t index = 0;
        if (!xattr_index(x->name, &index, &rest))
            return err_set(e, ERR_INPUT, "EROFS has no place for its attribute '%s'", x->name);
        if (x->len > XATTR_VALUE_MAX)
            return err_set(e, ERR_INPUT, "its attribute '%s' has %zu bytes: EROFS has at most %d",
                           x->name, x->len, XATTR_VALUE_MAX);
        bytes += (EROFS_XATTR_ENTRY + strlen(rest) + x->len + 3) / 4 * 4;
    }
    if (bytes > XATTR_BYTES_MAX)
        return err_set(e, ERR_INPUT, "its attributes have %" PRIu64 " bytes: EROFS has at most %d",
                       bytes, XATTR_BYTES_MAX);
    *out = (uint32_t)bytes;
    return 0;
}

/* ---- inodes ----------------------------------------------------------------------- */

/* What does not fill a block goes behind the inode where there is room for it; not with holes. */
static int divide(uint64_t inode_bytes, struct erofs_inode *n, struct err *e)
{
    n->tail = (uint16_t)(n->size % EROFS_BLOCK);
    n->inline_tail = n->pieces == NULL && n->tail != 0 && inode_bytes + n->tail <= EROFS_BLOCK;
    uint64_t blocks = n->size / EROFS_BLOCK + (n->tail != 0 && !n->inline_tail);
    if (n->pieces != NULL)
        blocks = n->stored;
    if (!n->inline_tail)
        n->tail = 0;
    if (blocks > UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "its %" PRIu64 " bytes are too many: EROFS has less than 16 TiB", n->size);
    n->blocks = (uint32_t)blocks;
    return 0;
}

static uint64_t inode_bytes(const struct erofs_inode *n)
{
    return (n->compact ? EROFS_COMPACT_SIZE : EROFS_EXTENDED_SIZE) + (uint64_t)n->xattr_bytes;
}

static int measure(const struct erofs_layout *l, uint32_t index, struct tree_reader *reader,
                   struct erofs_inode *out, struct err *e)
{
    const struct view_inode *shared = &l->view->inodes[index];
    const struct tree_inode *inode = shared->inode;
    int rc;

    out->links = shared->links;
    if (inode->type == TREE_DIR && (rc = measure_dir(l->view, shared->first, out, e)) < 0)
        return rc;
    if (inode->type == TREE_FILE)
        out->size = inode->content.size;
    else if (inode->type == TREE_SYMLINK)
        out->size = strlen(inode->target);
    else if ((rc = view_check_device(inode, e)) < 0)
        return rc;
    if (l->xattrs && inode->xattr_count > 0 &&
        (rc = measure_xattrs(inode, &out->xattr_bytes, e)) < 0)
        return rc;
    out->compact = inode->mtime >= 0 && (uint64_t)inode->mtime == l->time &&
                   inode->uid <= UINT16_MAX && inode->gid <= UINT16_MAX &&
                   out->links <= UINT16_MAX && out->size <= UINT32_MAX;
    if (inode->type == TREE_FILE && (rc = erofs_find_holes(reader, &inode->content, out, e)) < 0)
        return rc;
    return divide(inode_bytes(out), out, e);
}

static int measure_all(struct erofs_layout *l, struct tree_reader *reader, struct err *e)
{
    for (size_t i = 0; i < l->view->inode_count; i++) {
        if (measure(l, (uint32_t)i, reader, &l->inodes[i], e) < 0) {
            AUTO_FREE char *path = NULL;
            struct err other = ERR_INIT;
            if (view_path(l->view, l->view->inodes[i].first, &path, &other) < 0)
                return err_rc(e);
            return err_wrap(e, "cannot put '%s' into an EROFS", *path == '\0' ? "." : path);
        }
    }
    return 0;
}

/* ---- places of inodes ------------------------------------------------------------- */

/*
 * Best fit: an inode with its tail goes into the open block that has the least room for it, the
 * latest of those; so no tail crosses a block, and little is wasted. Blocks with n free slots are a
 * stack: heads[n], linked through `below`.
 */
struct room {
    uint32_t heads[SLOTS_PER_BLOCK + 1]; /* UINT32_MAX: none */
    uint32_t *below;                     /* by metadata block */
    size_t cap;
    uint64_t blocks;
};

static int put_back(struct room *r, uint32_t block, uint64_t free_slots, struct err *e)
{
    if (free_slots == 0)
        return 0;
    int rc = array_grow(&r->below, &r->cap, (size_t)block + 1, sizeof(*r->below), e);
    if (rc < 0)
        return rc;
    r->below[block] = r->heads[free_slots];
    r->heads[free_slots] = block;
    return 0;
}

static int place(struct room *r, uint64_t bytes, uint64_t *nid, struct err *e)
{
    uint64_t slots = (bytes + EROFS_SLOT - 1) / EROFS_SLOT;
    uint64_t fit = slots;

    while (fit <= SLOTS_PER_BLOCK && r->heads[fit] == UINT32_MAX)
        fit++;
    if (fit <= SLOTS_PER_BLOCK && r->below != NULL) {
        uint32_t block = r->heads[fit];
        r->heads[fit] = r->below[block];
        *nid = (uint64_t)block * SLOTS_PER_BLOCK + SLOTS_PER_BLOCK - fit;
        return put_back(r, block, fit - slots, e);
    }
    uint64_t count = (slots + SLOTS_PER_BLOCK - 1) / SLOTS_PER_BLOCK;
    *nid = r->blocks * SLOTS_PER_BLOCK;
    r->blocks += count;
    if (r->blocks > UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "the tree is too large for an EROFS, which has less than 16 TiB");
    return put_back(r, (uint32_t)(r->blocks - 1), count * SLOTS_PER_BLOCK - slots, e);
}

static int place_inodes(struct erofs_layout *l, struct err *e)
{
    struct room r = {.blocks = 1};
    int rc = 0;

    memset(r.heads, 0xff, sizeof(r.heads));
    for (size_t i = 0; rc == 0 && i < l->view->inode_count; i++) {
        struct erofs_inode *n = &l->inodes[i];
        rc = place(&r, inode_bytes(n) + n->tail + erofs_map_bytes(n), &n->nid, e);
    }
    free(r.below);
    l->meta_blocks = r.blocks;
    return rc;
}

static int by_nid(const void *a, const void *b, void *context)
{
    const struct erofs_layout *l = context;
    uint64_t x = l->inodes[*(const uint32_t *)a].nid;
    uint64_t y = l->inodes[*(const uint32_t *)b].nid;

    return x < y ? -1 : x > y;
}

/* ---- places of contents ----------------------------------------------------------- */

/* One with its tail elsewhere has another number of blocks. */
static bool same_tail(const void *context, uint32_t inode, uint32_t first)
{
    const struct erofs_layout *l = context;
    return l->inodes[first].inline_tail == l->inodes[inode].inline_tail;
}

static int place_contents(struct erofs_layout *l, struct err *e)
{
    AUTO_SAME_CONTENT known = {0};
    uint64_t next = l->meta_blocks;
    int rc = same_content_init(&known, l->view, e);

    if (rc < 0)
        return rc;
    known.fits = same_tail;
    known.context = l;
    for (uint32_t i = 0; i < l->view->inode_count; i++) {
        struct erofs_inode *n = &l->inodes[i];
        uint32_t same = i;
        if (n->blocks == 0)
            continue;
        if (l->view->inodes[i].inode->type == TREE_FILE)
            same = same_content_first(&known, i);
        if (same != i) {
            n->block = l->inodes[same].block;
            n->blocks = 0;
            continue;
        }
        n->block = (uint32_t)next;
        next += n->blocks;
        if (next > UINT32_MAX)
            return err_set(e, ERR_INPUT,
                           "the tree is too large for an EROFS, which has less than 16 TiB");
    }
    uint64_t zeros = erofs_zeros_wanted(l);
    l->zeros = zeros > 0 ? (uint32_t)next : 0;
    l->blocks = next + zeros;
    if (l->blocks > UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "the tree is too large for an EROFS, which has less than 16 TiB");
    return 0;
}

/* ---- the whole -------------------------------------------------------------------- */

int erofs_layout(const struct view *view, uint64_t time, bool xattrs, struct tree_reader *reader,
                 struct erofs_layout *out, struct err *e)
{
    AUTO_EROFS_LAYOUT l = {.view = view, .time = time, .xattrs = xattrs};
    int rc;

    l.inodes = array_new(view->inode_count, sizeof(*l.inodes));
    l.order = array_new(view->inode_count, sizeof(*l.order));
    if (l.inodes == NULL || l.order == NULL)
        return err_oom(e);
    l.inode_count = view->inode_count;
    if ((rc = measure_all(&l, reader, e)) < 0 || (rc = place_inodes(&l, e)) < 0 ||
        (rc = place_contents(&l, e)) < 0)
        return rc;
    for (uint32_t i = 0; i < view->inode_count; i++)
        l.order[i] = i;
    qsort_r(l.order, view->inode_count, sizeof(*l.order), by_nid, &l);
    *out = l;
    l = (struct erofs_layout){0};
    return 0;
}

void erofs_layout_dispose(struct erofs_layout *l)
{
    for (size_t i = 0; i < l->inode_count; i++)
        if (l->inodes[i].pieces != NULL) {
            tree_pieces_dispose(l->inodes[i].pieces);
            free(l->inodes[i].pieces);
        }
    free(l->inodes);
    free(l->order);
    *l = (struct erofs_layout){0};
}
