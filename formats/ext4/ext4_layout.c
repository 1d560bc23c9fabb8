/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is: how many groups there are, and which data blocks each inode has. */
#include "formats/ext4/ext4.h"

#include <inttypes.h>
#include <string.h>

enum {
    DESCRIPTOR = 32,
    DESCRIPTORS_PER_BLOCK = EXT4_BLOCK / DESCRIPTOR,
    BITMAPS = 2,
    GROUPS_MAX = 131072,     /* 16 TiB */
    BYTES_PER_INODE = 16384, /* as mke2fs, where a size is given */
};

/* ---- inodes ----------------------------------------------------------------------- */

static int count_block(void *context, const uint8_t block[EXT4_BLOCK], struct err *e)
{
    (void)block;
    (void)e;
    ++*(uint64_t *)context;
    return 0;
}

int ext4_check_directory(uint64_t size, struct err *e)
{
    if (size > UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "its list of names has %" PRIu64
                       " bytes: a directory of ext4 has less than 4 GiB",
                       size);
    return 0;
}

static int measure_dir(const struct view *v, uint32_t node, struct ext4_node *out, struct err *e)
{
    uint64_t blocks = 0;

    int rc = ext4_directory(v, node, count_block, &blocks, e);
    if (rc < 0)
        return rc;
    if ((rc = ext4_check_directory(blocks * EXT4_BLOCK, e)) < 0)
        return rc;
    out->size = blocks * EXT4_BLOCK;
    out->links = 2;
    for (uint32_t i = node + 1; i < v->nodes[node].end; i = v->nodes[i].end)
        out->links += view_inode(v, i)->type == TREE_DIR;
    /* "dir_nlink": a directory that has more says 1. */
    if (out->links >= EXT4_LINKS_MAX)
        out->links = 1;
    return 0;
}

/* What an inode's extents may be: one ends with its group, and more than half of a group are data.
 */
static uint64_t extents_most(uint64_t blocks, size_t pieces)
{
    return blocks / (EXT4_GROUP_BLOCKS / 2) + 1 + pieces;
}

/* A file that has whole units of zeros leaves them out, in no more pieces than there is room for.
 */
static int find_holes(struct tree_reader *reader, const struct tree_content *c,
                      struct ext4_node *out, struct err *e)
{
    enum { PIECES = EXT4_BLOCK_EXTENTS / 2 };
    uint64_t dense = extents_most(out->blocks, 0);
    size_t max = dense < EXT4_BLOCK_EXTENTS - PIECES || dense >= EXT4_BLOCK_EXTENTS
                     ? PIECES
                     : (size_t)(EXT4_BLOCK_EXTENTS - dense);
    struct tree_pieces pieces = {0};
    if (c->size <= EXT4_HOLE)
        return 0;
    int rc = tree_pieces_find(reader, c, EXT4_HOLE, max, &pieces, e);
    if (rc < 0)
        return rc;
    uint64_t stored = 0;
    for (size_t i = 0; i < pieces.count; i++)
        stored += ext4_blocks(pieces.items[i].len);
    out->pieces = stored < out->blocks ? array_new(1, sizeof(*out->pieces)) : NULL;
    if (out->pieces == NULL) {
        tree_pieces_dispose(&pieces);
        return stored < out->blocks ? err_oom(e) : 0;
    }
    *out->pieces = pieces;
    out->blocks = (uint32_t)stored;
    return 0;
}

static int measure(const struct ext4_layout *l, uint32_t index, struct tree_reader *reader,
                   struct ext4_node *out, struct err *e)
{
    const struct view_inode *shared = &l->v->inodes[index];
    const struct tree_inode *inode = shared->inode;
    int rc;

    out->links = shared->links;
    if (inode->type == TREE_DIR && (rc = measure_dir(l->v, shared->first, out, e)) < 0)
        return rc;
    if (inode->type == TREE_FILE)
        out->size = inode->content.size;
    if (inode->type == TREE_SYMLINK)
        out->size = strlen(inode->target);
    if ((rc = view_check_device(inode, e)) < 0)
        return rc;
    if (inode->type != TREE_DIR && out->links > EXT4_LINKS_MAX)
        return err_set(e, ERR_INPUT, "it has more than %d names", EXT4_LINKS_MAX);
    if (inode->type == TREE_SYMLINK && out->size >= EXT4_BLOCK)
        return err_set(e, ERR_INPUT, "its target has %" PRIu64 " bytes: ext4 has at most %d",
                       out->size, EXT4_BLOCK - 1);
    if (l->params->xattrs && inode->xattr_count > 0 && (rc = ext4_xattr_measure(inode, out, e)) < 0)
        return rc;
    uint64_t blocks = (out->size + EXT4_BLOCK - 1) / EXT4_BLOCK;
    if (inode->type == TREE_SYMLINK && out->size < EXT4_FAST_LINK)
        blocks = 0;
    if (blocks > UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "its %" PRIu64 " bytes are too many: ext4 has less than 16 TiB", out->size);
    out->blocks = (uint32_t)blocks;
    return inode->type == TREE_FILE ? find_holes(reader, &inode->content, out, e) : 0;
}

static int measure_all(struct ext4_layout *l, struct tree_reader *reader, struct err *e)
{
    for (uint32_t i = 0; i < l->v->inode_count; i++) {
        if (measure(l, i, reader, &l->nodes[i], e) < 0) {
            AUTO_FREE char *path = NULL;
            struct err other = ERR_INIT;
            if (view_path(l->v, l->v->inodes[i].first, &path, &other) < 0)
                return err_rc(e);
            return err_wrap(e, "cannot put '%s' into an ext4", *path == '\0' ? "." : path);
        }
    }
    return 0;
}

/* ---- groups ----------------------------------------------------------------------- */

/* "sparse_super": groups 0, 1 and the powers of 3, 5 and 7. */
static bool has_backup(uint32_t group)
{
    static const uint32_t bases[] = {3, 5, 7};

    if (group <= 1)
        return true;
    for (size_t i = 0; i < 3; i++) {
        uint64_t power = bases[i];
        while (power < group)
            power *= bases[i];
        if (power == group)
            return true;
    }
    return false;
}

static uint32_t overhead(const struct ext4_layout *l, uint32_t group)
{
    return (has_backup(group) ? 1 + l->table_blocks : 0) + BITMAPS +
           l->group_inodes / EXT4_INODES_PER_BLOCK;
}

/* With `count` groups of full size: data blocks that there are. */
static uint64_t capacity(const struct ext4_layout *l, uint32_t count)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += EXT4_GROUP_BLOCKS - overhead(l, i);
    return sum;
}

/* Tables for so many groups and at least so many inodes; false when the groups cannot have them. */
static bool divide(struct ext4_layout *l, uint32_t count, uint64_t inodes)
{
    uint64_t each = (inodes + count - 1) / count;

    each = (each + EXT4_INODES_PER_BLOCK - 1) / EXT4_INODES_PER_BLOCK * EXT4_INODES_PER_BLOCK;
    l->group_count = count;
    l->table_blocks = (count + DESCRIPTORS_PER_BLOCK - 1) / DESCRIPTORS_PER_BLOCK;
    l->group_inodes = each > EXT4_GROUP_BLOCKS ? 0 : (uint32_t)each;
    return each <= EXT4_GROUP_BLOCKS && count * each <= UINT32_MAX &&
           overhead(l, 1) < EXT4_GROUP_BLOCKS;
}

/* The smallest file system: as many groups as the data need, the last as short as it can be. */
static int size_to_fit(struct ext4_layout *l, struct err *e)
{
    for (uint32_t count = 1; count <= GROUPS_MAX; count++) {
        if (!divide(l, count, ext4_inodes_used(l)))
            continue;
        uint64_t all = capacity(l, count);
        if (all < l->data) {
            /* Far away: the groups that are missing at least. */
            uint64_t missing = (l->data - all) / EXT4_GROUP_BLOCKS;
            count += missing > GROUPS_MAX ? GROUPS_MAX : (uint32_t)missing;
            continue;
        }
        uint64_t before = capacity(l, count - 1);
        uint64_t rest = l->data > before ? l->data - before : 0;
        uint64_t blocks = (uint64_t)(count - 1) * EXT4_GROUP_BLOCKS + overhead(l, count - 1) + rest;
        if (blocks > UINT32_MAX)
            break;
        l->blocks = (uint32_t)blocks;
        return 0;
    }
    return err_set(e, ERR_INPUT,
                   "the tree is too large for an ext4, which has less than 16 TiB and 2^32 inodes");
}

static int size_as_given(struct ext4_layout *l, struct err *e)
{
    uint64_t blocks = l->params->size / EXT4_BLOCK;
    uint64_t inodes = l->params->size / BYTES_PER_INODE;
    uint64_t count = (blocks + EXT4_GROUP_BLOCKS - 1) / EXT4_GROUP_BLOCKS;

    if (inodes < ext4_inodes_used(l))
        inodes = ext4_inodes_used(l);
    if (count == 0 || count > GROUPS_MAX || blocks > UINT32_MAX ||
        !divide(l, (uint32_t)count, inodes))
        return err_set(e, ERR_INPUT,
                       "an ext4 of %" PRIu64 " bytes cannot have the tree: it has less than 16 TiB "
                       "and 2^32 inodes, 32,768 of them for each 128 MiB",
                       l->params->size);
    l->blocks = (uint32_t)blocks;
    /* A last group without room for its own tables is left out. */
    uint32_t last = (uint32_t)(blocks - (count - 1) * EXT4_GROUP_BLOCKS);
    if (last <= overhead(l, l->group_count - 1)) {
        l->blocks -= last;
        if (count == 1 || !divide(l, (uint32_t)count - 1, inodes))
            return err_set(e, ERR_INPUT, "an ext4 of %" PRIu64 " bytes cannot have the tree",
                           l->params->size);
    }
    return 0;
}

int ext4_size(struct ext4_layout *l, struct err *e)
{
    return l->params->size == 0 ? size_to_fit(l, e) : size_as_given(l, e);
}

static int make_groups(struct ext4_layout *l, struct err *e)
{
    uint64_t data = 0;

    l->groups = array_new(l->group_count, sizeof(*l->groups));
    if (l->groups == NULL)
        return err_oom(e);
    for (uint32_t i = 0; i < l->group_count; i++) {
        struct ext4_group *g = &l->groups[i];
        uint32_t first = i * EXT4_GROUP_BLOCKS;
        g->backup = has_backup(i);
        g->data = data;
        g->start = first + overhead(l, i);
        g->blocks = l->blocks - first < EXT4_GROUP_BLOCKS ? l->blocks - first : EXT4_GROUP_BLOCKS;
        data += g->blocks - overhead(l, i);
    }
    for (uint32_t i = 0; i < l->v->inode_count; i++) {
        if (l->v->inodes[i].inode->type == TREE_DIR)
            l->groups[(ext4_number(i) - 1) / l->group_inodes].dirs++;
    }
    if (data < l->data)
        return err_set(e, ERR_INPUT,
                       "an ext4 of %" PRIu64 " bytes is too small: the tree needs %" PRIu64
                       " blocks of %d bytes, and it has %" PRIu64,
                       l->params->size, l->data, EXT4_BLOCK, data);
    return 0;
}

/* ---- data blocks ------------------------------------------------------------------ */

struct ext4_run ext4_place(const struct ext4_layout *l, uint64_t start, uint64_t count)
{
    uint32_t low = 0;
    uint32_t high = l->group_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (l->groups[middle].data <= start)
            low = middle;
        else
            high = middle;
    }
    const struct ext4_group *g = &l->groups[low];
    uint32_t at = g->start + (uint32_t)(start - g->data);
    uint64_t room = (uint64_t)low * EXT4_GROUP_BLOCKS + g->blocks - at;
    if (count > room)
        count = room;
    return (struct ext4_run){at, count > EXT4_EXTENT_MAX ? EXT4_EXTENT_MAX : (uint32_t)count};
}

/* Whether contents may need more extents than an inode has. One block of extents will do for 21
 * GiB. */
int ext4_check_extents(struct ext4_node *n, struct err *e)
{
    uint64_t most = extents_most(n->blocks, n->pieces != NULL ? n->pieces->count : 1);

    n->leaves = most > EXT4_INODE_EXTENTS;
    if (most > EXT4_BLOCK_EXTENTS)
        return err_set(e, ERR_INPUT,
                       "a file with %" PRIu64 " bytes of data is too large for this ext4: there is "
                       "room for %d runs of blocks, which is 21 GiB",
                       (uint64_t)n->blocks * EXT4_BLOCK, EXT4_BLOCK_EXTENTS);
    return 0;
}

static int place_data(struct ext4_layout *l, struct err *e)
{
    for (uint32_t i = 0; i < l->v->inode_count; i++) {
        struct ext4_node *n = &l->nodes[i];
        int rc = ext4_check_extents(n, e);
        if (rc < 0)
            return rc;
        n->start = l->data;
        l->data += (n->xattr_block ? 1U : 0U) + n->leaves + (uint64_t)n->blocks;
    }
    return 0;
}

int ext4_layout(const struct view *v, const struct ext4_params *params, struct tree_reader *reader,
                struct ext4_layout *out, struct err *e)
{
    AUTO_EXT4_LAYOUT l = {.v = v, .params = params};
    int rc;

    l.nodes = array_new(v->inode_count, sizeof(*l.nodes));
    if (l.nodes == NULL)
        return err_oom(e);
    l.node_count = (uint32_t)v->inode_count;
    if ((rc = measure_all(&l, reader, e)) < 0 || (rc = place_data(&l, e)) < 0 ||
        (rc = ext4_size(&l, e)) < 0 || (rc = make_groups(&l, e)) < 0)
        return rc;
    *out = l;
    l = (struct ext4_layout){0};
    return 0;
}

void ext4_layout_dispose(struct ext4_layout *l)
{
    for (uint32_t i = 0; i < l->node_count; i++)
        if (l->nodes[i].pieces != NULL) {
            tree_pieces_dispose(l->nodes[i].pieces);
            free(l->nodes[i].pieces);
        }
    free(l->nodes);
    free(l->groups);
    *l = (struct ext4_layout){0};
}
