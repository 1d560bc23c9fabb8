/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sectors of one directory: its records, none across a sector's end, and behind them the
 * continuation areas of those whose Rock Ridge entries do not fit a record.
 */
#include "formats/iso/iso.h"

#include <inttypes.h>
#include <string.h>

enum { RECORD_MAX = 254, RECORD_FIXED = 33, CE_SIZE = 28, ROCK_MAX = 16384 };

struct directory {
    const struct iso_layout *l;
    const struct iso_tree *t;
    uint32_t lba;     /* where it begins */
    uint32_t records; /* sectors of records, when that is known: where continuations begin */
    struct buf *out;
    struct buf areas;
    struct buf rock;
};

/* Zeros up to a whole sector. */
static int pad(struct buf *b, struct err *e)
{
    static const uint8_t zeros[ISO_SECTOR];
    size_t rest = b->len % ISO_SECTOR;

    return rest == 0 ? 0 : buf_add(b, zeros, ISO_SECTOR - rest, e);
}

/* How many bytes of entries, whole ones, fit `room`, with a CE behind them if there are more. */
static size_t fitting(const uint8_t *entries, size_t len, size_t room)
{
    size_t taken = 0;

    if (len <= room)
        return len;
    while (taken < len && taken + entries[taken + 2] + CE_SIZE <= room)
        taken += entries[taken + 2];
    return taken;
}

/* The entry that says where the rest is: `len` bytes at `at` of the areas. */
static void make_ce(const struct directory *d, size_t at, size_t len, uint8_t out[CE_SIZE])
{
    memcpy(out, "CE\x1c\x01", 4);
    iso_both(out + 4, d->lba + d->records + at / ISO_SECTOR, 4);
    iso_both(out + 12, at % ISO_SECTOR, 4);
    iso_both(out + 20, len, 4);
}

/* Puts entries into continuation areas and the first CE into `ce`. */
static int put_areas(struct directory *d, const uint8_t *entries, size_t len, uint8_t ce[CE_SIZE],
                     struct err *e)
{
    size_t link = SIZE_MAX; /* where the CE is that waits for the next area */

    while (len > 0) {
        size_t room = ISO_SECTOR - d->areas.len % ISO_SECTOR;
        size_t part = fitting(entries, len, room);
        int rc;
        if (part == 0) {
            if ((rc = pad(&d->areas, e)) < 0)
                return rc;
            continue;
        }
        bool last = part == len;
        uint8_t here[CE_SIZE] = {0};
        make_ce(d, d->areas.len, part + (last ? 0 : CE_SIZE), here);
        memcpy(link == SIZE_MAX ? ce : d->areas.data + link, here, CE_SIZE);
        if ((rc = buf_add(&d->areas, entries, part, e)) < 0)
            return rc;
        link = d->areas.len;
        if (!last && (rc = buf_add(&d->areas, here, CE_SIZE, e)) < 0)
            return rc;
        entries += part;
        len -= part;
    }
    return 0;
}

struct target {
    uint32_t lba;
    uint64_t size;
    bool dir;
};

static struct target target_of(const struct directory *d, uint32_t node, uint32_t child)
{
    if (child != UINT32_MAX)
        return (struct target){d->t->dirs[child].lba, d->t->dirs[child].size, true};
    uint32_t inode = d->l->v->nodes[node].inode;
    const struct tree_inode *i = d->l->v->inodes[inode].inode;
    return (struct target){d->l->lba[inode], i->type == TREE_FILE ? i->content.size : 0, false};
}

/* One record; `rock`: what is in d->rock goes with it. */
static int put_record(struct directory *d, const uint8_t *name, size_t name_len,
                      const struct target *to, int64_t mtime, struct err *e)
{
    uint8_t record[RECORD_MAX + 2] = {0};
    size_t base = RECORD_FIXED + name_len + (name_len % 2 == 0);
    size_t part = fitting(d->rock.data, d->rock.len, RECORD_MAX - base);
    size_t len = base + part;
    int rc;

    if (d->rock.len > 0)
        memcpy(record + base, d->rock.data, part);
    if (part < d->rock.len) {
        if ((rc = put_areas(d, d->rock.data + part, d->rock.len - part, record + len, e)) < 0)
            return rc;
        len += CE_SIZE;
    }
    len += len % 2;
    record[0] = (uint8_t)len;
    iso_both(record + 2, to->lba, 4);
    iso_both(record + 10, to->size, 4);
    if (!iso_time(mtime, record + 18))
        return err_set(e, ERR_INPUT, "its time %" PRId64 " is outside of the years 1900 to 2155",
                       mtime);
    record[25] = to->dir ? 2 : 0;
    iso_both(record + 28, 1, 2);
    record[32] = (uint8_t)name_len;
    memcpy(record + RECORD_FIXED, name, name_len);
    if (d->out->len % ISO_SECTOR + len > ISO_SECTOR && (rc = pad(d->out, e)) < 0)
        return rc;
    return buf_add(d->out, record, len, e);
}

static uint32_t link_count(const struct view *v, uint32_t node)
{
    uint32_t count = 2;

    if (view_inode(v, node)->type != TREE_DIR)
        return v->inodes[v->nodes[node].inode].links;
    for (uint32_t i = node + 1; i < v->nodes[node].end; i = v->nodes[i].end)
        count += view_inode(v, i)->type == TREE_DIR;
    return count;
}

/* "." and "..": one byte, 0 and 1. */
static int put_own(struct directory *d, uint32_t dir, uint8_t which, struct err *e)
{
    const struct iso_dir *x = &d->t->dirs[which == 0 ? dir : d->t->dirs[dir].parent];
    const struct tree_inode *inode = view_inode(d->l->v, x->node);
    struct target to = {x->lba, x->size, true};
    int rc;

    d->rock.len = 0;
    if (d->t->flavour == ISO_PLAIN && (rc = iso_rock(inode, link_count(d->l->v, x->node), NULL,
                                                     dir == 0 && which == 0, &d->rock, e)) < 0)
        return rc;
    return put_record(d, &which, 1, &to, inode->mtime, e);
}

static int put_entry(struct directory *d, const struct iso_entry *x, struct err *e)
{
    const struct view *v = d->l->v;
    const struct tree_inode *inode = view_inode(v, x->node);
    struct target to = target_of(d, x->node, x->child);
    int rc;

    d->rock.len = 0;
    if (d->t->flavour == ISO_PLAIN &&
        (rc = iso_rock(inode, link_count(v, x->node), v->nodes[x->node].node->name, false, &d->rock,
                       e)) < 0)
        return rc;
    return put_record(d, d->t->names.data + x->name, x->len, &to, inode->mtime, e);
}

static int put_records(struct directory *d, uint32_t dir, struct err *e)
{
    const struct iso_dir *x = &d->t->dirs[dir];
    int rc;

    d->out->len = 0;
    d->areas.len = 0;
    if ((rc = put_own(d, dir, 0, e)) < 0 || (rc = put_own(d, dir, 1, e)) < 0)
        return rc;
    for (uint32_t i = 0; i < x->count; i++) {
        const struct iso_entry *entry = &d->t->entries[x->first + i];
        if (put_entry(d, entry, e) < 0) {
            AUTO_FREE char *path = NULL;
            struct err other = ERR_INIT;
            if (view_path(d->l->v, entry->node, &path, &other) < 0)
                return err_rc(e);
            return err_wrap(e, "cannot put '%s' into an ISO image", path);
        }
    }
    return pad(d->out, e);
}

int iso_directory(const struct iso_layout *l, const struct iso_tree *t, uint32_t dir, uint32_t lba,
                  struct buf *out, uint32_t *size, struct err *e)
{
    AUTO_BUF areas = BUF_INIT(UINT32_MAX);
    AUTO_BUF rock = BUF_INIT(ROCK_MAX);
    struct directory d = {.l = l, .t = t, .lba = lba, .out = out, .areas = areas, .rock = rock};

    d.records = t->dirs[dir].size / ISO_SECTOR;
    int rc = put_records(&d, dir, e);
    if (rc == 0 && d.out->len > UINT32_MAX)
        rc = err_set(e, ERR_INPUT, "a directory of an ISO image has less than 4 GiB of entries");
    if (rc == 0) {
        *size = (uint32_t)out->len;
        rc = buf_add(out, d.areas.data, d.areas.len, e);
    }
    if (rc == 0)
        rc = pad(out, e);
    areas = d.areas;
    rock = d.rock;
    return rc;
}
