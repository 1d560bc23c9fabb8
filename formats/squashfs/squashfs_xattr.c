/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute tables. Our own, for libsquashfs 1.2.0's writer writes behind
 * its location list when the number of distinct sets is a multiple of 512, and
 * looks each set up in a list. Values are always stored in line.
 */
#include "formats/squashfs/squashfs.h"

#include <endian.h>
#include <sqfs/xattr.h>
#include <string.h>

enum { IDS_PER_BLOCK = SQFS_META_BLOCK_SIZE / sizeof(sqfs_xattr_id_t) };

void squashfs_xattrs_dispose(struct squashfs_xattrs *x)
{
    free((void *)x->sets);
    free(x->slots);
    *x = (struct squashfs_xattrs){0};
}

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h ^ len;
}

static uint64_t hash_set(const struct tree_inode *inode)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < inode->xattr_count; i++) {
        h = hash_bytes(h, inode->xattrs[i].name, strlen(inode->xattrs[i].name));
        h = hash_bytes(h, inode->xattrs[i].value, inode->xattrs[i].len);
    }
    return h ^ (h >> 29);
}

static bool same_set(const struct tree_inode *a, const struct tree_inode *b)
{
    if (a->xattr_count != b->xattr_count)
        return false;
    for (size_t i = 0; i < a->xattr_count; i++) {
        const struct tree_xattr *x = &a->xattrs[i];
        const struct tree_xattr *y = &b->xattrs[i];
        if (x->len != y->len || strcmp(x->name, y->name) != 0 ||
            (x->len != 0 && memcmp(x->value, y->value, x->len) != 0))
            return false;
    }
    return true;
}

static size_t find_slot(const struct squashfs_xattrs *x, const struct tree_inode *inode)
{
    size_t i = (size_t)hash_set(inode) & (x->slot_count - 1);

    while (x->slots[i] != UINT32_MAX && !same_set(x->sets[x->slots[i]], inode))
        i = (i + 1) & (x->slot_count - 1);
    return i;
}

static int grow_slots(struct squashfs_xattrs *x, struct err *e)
{
    if (x->count * 2 < x->slot_count)
        return 0;
    size_t count = x->slot_count == 0 ? 64 : x->slot_count * 2;
    uint32_t *slots = array_new(count, sizeof(*slots));
    if (slots == NULL)
        return err_oom(e);
    memset(slots, 0xff, count * sizeof(*slots));
    free(x->slots);
    x->slots = slots;
    x->slot_count = count;
    for (size_t i = 0; i < x->count; i++)
        x->slots[find_slot(x, x->sets[i])] = (uint32_t)i;
    return 0;
}

static int check_names(const struct tree_inode *inode, const char *path, struct err *e)
{
    for (size_t i = 0; i < inode->xattr_count; i++) {
        const char *name = inode->xattrs[i].name;
        const char *dot = strchr(name, '.');
        if (sqfs_get_xattr_prefix_id(name) < 0 || dot == NULL || dot[1] == '\0')
            return err_set(e, ERR_INPUT,
                           "cannot put '%s' into a squashfs: the format has user, trusted and "
                           "security attributes, not '%s'",
                           path, name);
        if (strlen(name) > UINT16_MAX || inode->xattrs[i].len > TREE_XATTR_VALUE_MAX)
            return err_set(e, ERR_INPUT,
                           "cannot put '%s' into a squashfs: its attribute '%s' is too long", path,
                           name);
    }
    return 0;
}

int squashfs_xattrs_add(struct squashfs_xattrs *x, const struct tree_inode *inode, const char *path,
                        uint32_t *index, struct err *e)
{
    int rc;

    *index = UINT32_MAX;
    if (inode->xattr_count == 0)
        return 0;
    if ((rc = check_names(inode, path, e)) < 0 || (rc = grow_slots(x, e)) < 0 ||
        (rc = array_grow(&x->sets, &x->cap, x->count + 1, sizeof(struct tree_inode *), e)) < 0)
        return rc;
    size_t slot = find_slot(x, inode);
    if (x->slots[slot] == UINT32_MAX) {
        x->slots[slot] = (uint32_t)x->count;
        x->sets[x->count++] = inode;
    }
    *index = x->slots[slot];
    return 0;
}

/* ---- writing ---------------------------------------------------------------- */

/* One key and value in line; *size grows by what they take. */
static int append_pair(sqfs_meta_writer_t *m, const struct tree_xattr *x, uint32_t *size)
{
    const char *suffix = strchr(x->name, '.') + 1;
    size_t suffix_len = strlen(suffix);
    uint16_t entry[2] = {htole16((uint16_t)sqfs_get_xattr_prefix_id(x->name)),
                         htole16((uint16_t)suffix_len)};
    uint32_t value_len = htole32((uint32_t)x->len);

    int rc = sqfs_meta_writer_append(m, entry, sizeof(entry));
    if (rc == 0)
        rc = sqfs_meta_writer_append(m, suffix, suffix_len);
    if (rc == 0)
        rc = sqfs_meta_writer_append(m, &value_len, sizeof(value_len));
    if (rc == 0 && x->len != 0)
        rc = sqfs_meta_writer_append(m, x->value, x->len);
    *size += (uint32_t)(sizeof(entry) + suffix_len + sizeof(value_len) + x->len);
    return rc;
}

static int write_pairs(const struct squashfs_xattrs *x, sqfs_meta_writer_t *m, sqfs_xattr_id_t *ids)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < x->count; i++) {
        sqfs_u64 block = 0;
        sqfs_u32 offset = 0;
        uint32_t size = 0;

        sqfs_meta_writer_get_position(m, &block, &offset);
        for (size_t k = 0; rc == 0 && k < x->sets[i]->xattr_count; k++)
            rc = append_pair(m, &x->sets[i]->xattrs[k], &size);
        ids[i].xattr = htole64(block << 16 | offset);
        ids[i].count = htole32((uint32_t)x->sets[i]->xattr_count);
        ids[i].size = htole32(size);
    }
    return rc == 0 ? sqfs_meta_writer_flush(m) : rc;
}

/* The descriptors, and where each block of them begins relative to the first. */
static int write_ids(const sqfs_xattr_id_t *ids, size_t count, sqfs_meta_writer_t *m,
                     uint64_t first, uint64_t *locations)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (i % IDS_PER_BLOCK == 0) {
            sqfs_u64 block = 0;
            sqfs_u32 offset = 0;
            sqfs_meta_writer_get_position(m, &block, &offset);
            locations[i / IDS_PER_BLOCK] = htole64(first + block);
        }
        rc = sqfs_meta_writer_append(m, &ids[i], sizeof(ids[i]));
    }
    return rc == 0 ? sqfs_meta_writer_flush(m) : rc;
}

static int write_tables(const struct squashfs_xattrs *x, struct squashfs_file *f,
                        sqfs_meta_writer_t *m, sqfs_xattr_id_t *ids, uint64_t *locations,
                        sqfs_super_t *super)
{
    size_t blocks = (x->count + IDS_PER_BLOCK - 1) / IDS_PER_BLOCK;
    sqfs_xattr_id_table_t table = {.xattr_table_start = htole64(f->size),
                                   .xattr_ids = htole32((uint32_t)x->count)};

    int rc = write_pairs(x, m, ids);
    sqfs_meta_writer_reset(m);
    if (rc == 0)
        rc = write_ids(ids, x->count, m, f->size, locations);
    if (rc != 0)
        return rc;
    super->xattr_id_table_start = f->size;
    rc = f->base.write_at(&f->base, f->size, &table, sizeof(table));
    return rc == 0 ? f->base.write_at(&f->base, f->size, locations, blocks * sizeof(*locations))
                   : rc;
}

int squashfs_xattrs_write(const struct squashfs_xattrs *x, struct squashfs_file *f,
                          sqfs_compressor_t *cmp, sqfs_super_t *super, struct err *e)
{
    AUTO_FREE sqfs_xattr_id_t *ids = array_new(x->count + 1, sizeof(*ids));
    AUTO_FREE uint64_t *locations = array_new(x->count / IDS_PER_BLOCK + 1, sizeof(*locations));

    super->xattr_id_table_start = UINT64_MAX;
    if (x->count == 0)
        return 0;
    sqfs_meta_writer_t *m = sqfs_meta_writer_create(&f->base, cmp, 0);
    if (m == NULL || ids == NULL || locations == NULL) {
        sqfs_destroy(m);
        return err_oom(e);
    }
    int rc = write_tables(x, f, m, ids, locations, super);
    sqfs_destroy(m);
    return rc == 0 ? 0 : squashfs_fail(f, rc, "cannot write the squashfs's attributes", e);
}
