/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes, directories and tables around the contents. */
#include "formats/squashfs/squashfs.h"

#include <endian.h>
#include <inttypes.h>
#include <sqfs/dir.h>
#include <sqfs/dir_writer.h>
#include <sqfs/id_table.h>
#include <sqfs/table.h>
#include <string.h>

/* Bit 6 as mksquashfs and unsquashfs have it; the library's name for it (NO_DUPLICATES) says the
 * opposite. */
enum { DUPLICATES_REMOVED = SQFS_FLAG_NO_DUPLICATES };
enum { TARGET_MAX = 4095 };

struct image {
    const struct squashfs_input *in;
    const struct squashfs_params *params;
    const struct view *v;
    struct squashfs_file file;
    sqfs_super_t super;
    sqfs_compressor_t *cmp;
    sqfs_compressor_t *uncmp;
    struct squashfs_data *data;
    sqfs_id_table_t *ids;
    sqfs_meta_writer_t *inode_meta;
    sqfs_meta_writer_t *dir_meta;
    sqfs_dir_writer_t *dir_writer;
    struct squashfs_xattrs xattrs;
    uint32_t *numbers; /* by the view's inode, from 1 */
    uint32_t *order;   /* the view's inodes by number - 1 */
    uint32_t numbered;
    uint64_t
        *refs;    /* by number - 1, where the inode is; little-endian, as the export table has it */
    bool options; /* compressor options were written */
};

static int fail(const struct image *im, int code, const char *doing, struct err *e)
{
    return code == 0 ? 0 : squashfs_fail(&im->file, code, doing, e);
}

/* ---- numbering -------------------------------------------------------------- */

/*
 * What is below a directory's sub-directories first, then the directory's own
 * entries in one run; the root last. A directory's inode so follows those of
 * its entries, which its listing refers to, and a listing's inodes lie together.
 */
static void number_entries(struct image *im, uint32_t dir)
{
    const struct view *v = im->v;

    for (uint32_t i = dir + 1; i < v->nodes[dir].end; i = v->nodes[i].end) {
        if (view_inode(v, i)->type == TREE_DIR)
            number_entries(im, i);
    }
    for (uint32_t i = dir + 1; i < v->nodes[dir].end; i = v->nodes[i].end) {
        uint32_t inode = v->nodes[i].inode;
        if (im->numbers[inode] != 0)
            continue;
        im->order[im->numbered++] = inode;
        im->numbers[inode] = im->numbered;
    }
}

static int number_inodes(struct image *im, struct err *e)
{
    size_t count = im->v->inode_count;

    im->numbers = array_new(count, sizeof(*im->numbers));
    im->order = array_new(count, sizeof(*im->order));
    im->refs = array_new(count, sizeof(*im->refs));
    if (im->numbers == NULL || im->order == NULL || im->refs == NULL)
        return err_oom(e);
    number_entries(im, 0);
    im->order[im->numbered++] = 0;
    im->numbers[0] = im->numbered;
    return 0;
}

/* ---- inodes ----------------------------------------------------------------- */

static int new_inode(size_t payload, sqfs_inode_generic_t **out, struct err *e)
{
    *out = calloc(1, sizeof(**out) + payload);
    return *out == NULL ? err_oom(e) : 0;
}

static int file_inode(const struct image *im, uint32_t inode, sqfs_inode_generic_t **out,
                      struct err *e)
{
    const sqfs_inode_generic_t *data = squashfs_data_inode(im->data, inode);
    uint32_t links = im->v->inodes[inode].links;
    size_t payload = data == NULL ? 0 : data->payload_bytes_used;

    int rc = new_inode(payload, out, e);
    if (rc < 0)
        return rc;
    if (data != NULL) {
        memcpy(*out, data, sizeof(*data) + payload);
        (*out)->payload_bytes_available = (sqfs_u32)payload;
    } else {
        (*out)->base.type = SQFS_INODE_FILE;
        (void)sqfs_inode_set_frag_location(*out, UINT32_MAX, UINT32_MAX);
    }
    if (links > 1)
        (void)sqfs_inode_make_extended(*out);
    if ((*out)->base.type == SQFS_INODE_EXT_FILE)
        (*out)->data.file_ext.nlink = links;
    return 0;
}

static int link_inode(const struct tree_inode *inode, uint32_t links, sqfs_inode_generic_t **out,
                      struct err *e)
{
    size_t len = strlen(inode->target);

    if (len > TARGET_MAX)
        return err_set(e, ERR_INPUT, "its target has %zu bytes: a squashfs has at most %d", len,
                       TARGET_MAX);
    int rc = new_inode(len, out, e);
    if (rc < 0)
        return rc;
    (*out)->base.type = SQFS_INODE_SLINK;
    (*out)->data.slink.nlink = links;
    (*out)->data.slink.target_size = (sqfs_u32)len;
    memcpy((*out)->extra, inode->target, len);
    return 0;
}

static int special_inode(const struct tree_inode *inode, uint32_t links, sqfs_inode_generic_t **out,
                         struct err *e)
{
    bool device = inode->type == TREE_CHAR || inode->type == TREE_BLOCK;

    int rc;
    if ((rc = view_check_device(inode, e)) < 0 || (rc = new_inode(0, out, e)) < 0)
        return rc;
    (*out)->base.type = inode->type == TREE_CHAR    ? SQFS_INODE_CDEV
                        : inode->type == TREE_BLOCK ? SQFS_INODE_BDEV
                        : inode->type == TREE_FIFO  ? SQFS_INODE_FIFO
                                                    : SQFS_INODE_SOCKET;
    if (device) {
        (*out)->data.dev.nlink = links;
        (*out)->data.dev.devno = view_device(inode);
    } else {
        (*out)->data.ipc.nlink = links;
    }
    return 0;
}

int squashfs_check_index(const sqfs_inode_generic_t *dir, struct err *e)
{
    const uint8_t *p = (const uint8_t *)dir->extra;
    size_t left = dir->payload_bytes_used;
    size_t count = 0;

    while (left >= sizeof(sqfs_dir_index_t)) {
        sqfs_dir_index_t entry;
        memcpy(&entry, p, sizeof(entry));
        size_t size = sizeof(entry) + entry.size + 1;
        if (size > left)
            break;
        p += size;
        left -= size;
        count++;
    }
    if (count > UINT16_MAX || left != 0)
        return err_set(e, ERR_INPUT,
                       "it has too many entries: the index of a squashfs directory has at most %d",
                       UINT16_MAX);
    return 0;
}

int squashfs_check_reference(uint64_t reference, const char *table, struct err *e)
{
    /* The upper 48 bits; listings and directories have 32 for them. */
    if (reference >> 16 > UINT32_MAX)
        return err_set(e, ERR_INPUT, "the table of %s of a squashfs has at most 4 GiB", table);
    return 0;
}

/* Writes the listing of a directory and makes its inode. */
static int dir_inode(struct image *im, uint32_t dir, uint32_t xattr, sqfs_inode_generic_t **out,
                     struct err *e)
{
    const struct view *v = im->v;
    uint32_t subdirs = 0;
    uint32_t parent =
        dir == 0 ? (uint32_t)v->inode_count + 1 : im->numbers[v->nodes[v->nodes[dir].parent].inode];

    sqfs_u64 block = 0;
    sqfs_u32 offset = 0;
    sqfs_meta_writer_get_position(im->dir_meta, &block, &offset);
    int rc = squashfs_check_reference(block << 16, "directories", e);
    if (rc < 0)
        return rc;
    rc = sqfs_dir_writer_begin(im->dir_writer, 0);
    for (uint32_t i = dir + 1; rc == 0 && i < v->nodes[dir].end; i = v->nodes[i].end) {
        uint32_t number = im->numbers[v->nodes[i].inode];
        const struct tree_inode *inode = view_inode(v, i);
        subdirs += inode->type == TREE_DIR;
        rc = sqfs_dir_writer_add_entry(im->dir_writer, v->nodes[i].node->name, number,
                                       le64toh(im->refs[number - 1]), (sqfs_u16)view_mode(inode));
    }
    if (rc == 0)
        rc = sqfs_dir_writer_end(im->dir_writer);
    if (rc != 0)
        return fail(im, rc, "cannot write a directory", e);
    *out = sqfs_dir_writer_create_inode(im->dir_writer, 0, xattr, parent);
    if (*out == NULL)
        return err_oom(e);
    if ((*out)->base.type == SQFS_INODE_DIR) {
        (*out)->data.dir.nlink = 2 + subdirs;
        return 0;
    }
    (*out)->data.dir_ext.nlink = 2 + subdirs;
    return squashfs_check_index(*out, e);
}

static int make_inode(struct image *im, uint32_t index, uint32_t xattr, sqfs_inode_generic_t **out,
                      struct err *e)
{
    const struct view_inode *shared = &im->v->inodes[index];

    switch (shared->inode->type) {
    case TREE_DIR:
        return dir_inode(im, shared->first, xattr, out, e);
    case TREE_FILE:
        return file_inode(im, index, out, e);
    case TREE_SYMLINK:
        return link_inode(shared->inode, shared->links, out, e);
    default:
        return special_inode(shared->inode, shared->links, out, e);
    }
}

static int finish_inode(struct image *im, uint32_t index, uint32_t xattr, sqfs_inode_generic_t *out,
                        struct err *e)
{
    const struct tree_inode *inode = im->v->inodes[index].inode;
    uint32_t number = im->numbers[index];
    sqfs_u64 block = 0;
    sqfs_u32 offset = 0;

    out->base.mode = (sqfs_u16)view_mode(inode);
    out->base.mod_time = (sqfs_u32)inode->mtime;
    out->base.inode_number = number;
    int rc = inode->type == TREE_DIR ? 0 : sqfs_inode_set_xattr_index(out, xattr);
    if (rc == 0)
        rc = sqfs_id_table_id_to_index(im->ids, inode->uid, &out->base.uid_idx);
    if (rc == 0)
        rc = sqfs_id_table_id_to_index(im->ids, inode->gid, &out->base.gid_idx);
    /* The library has room for one more than the image's count can say. */
    if (rc == SQFS_ERROR_OVERFLOW || out->base.uid_idx == UINT16_MAX ||
        out->base.gid_idx == UINT16_MAX)
        return err_set(e, ERR_INPUT,
                       "more than %d different owners and groups, which squashfs cannot count",
                       UINT16_MAX);
    if (rc != 0)
        return fail(im, rc, "cannot write an inode", e);
    sqfs_meta_writer_get_position(im->inode_meta, &block, &offset);
    im->refs[number - 1] = htole64(block << 16 | offset);
    if ((rc = squashfs_check_reference(block << 16, "inodes", e)) < 0)
        return rc;
    rc = sqfs_meta_writer_write_inode(im->inode_meta, out);
    return fail(im, rc, "cannot write an inode", e);
}

static int write_inode(struct image *im, uint32_t index, struct err *e)
{
    const struct tree_inode *inode = im->v->inodes[index].inode;
    AUTO_FREE char *path = NULL;
    sqfs_inode_generic_t *out = NULL;
    uint32_t xattr = UINT32_MAX;
    int rc = 0;

    if ((rc = view_path(im->v, im->v->inodes[index].first, &path, e)) < 0)
        return rc;
    if (im->params->xattrs && (rc = squashfs_xattrs_add(&im->xattrs, inode, path, &xattr, e)) < 0)
        return rc;
    if (inode->mtime < 0 || inode->mtime > (int64_t)UINT32_MAX)
        rc = err_set(e, ERR_INPUT, "its time %" PRId64 " is outside of 0 to 2^32-1", inode->mtime);
    if (rc == 0)
        rc = make_inode(im, index, xattr, &out, e);
    if (rc == 0 && out != NULL)
        rc = finish_inode(im, index, xattr, out, e);
    sqfs_free(out);
    return rc == 0 ? 0 : err_wrap(e, "cannot put '%s' into a squashfs", *path == '\0' ? "." : path);
}

/* ---- tables ----------------------------------------------------------------- */

static int write_metadata(struct image *im, struct err *e)
{
    im->super.inode_table_start = im->file.size;
    for (uint32_t i = 0; i < im->numbered; i++) {
        int rc = write_inode(im, im->order[i], e);
        if (rc < 0)
            return rc;
    }
    im->super.inode_count = im->numbered;
    im->super.root_inode_ref = le64toh(im->refs[im->numbered - 1]);
    int rc = sqfs_meta_writer_flush(im->inode_meta);
    if (rc == 0)
        rc = sqfs_meta_writer_flush(im->dir_meta);
    im->super.directory_table_start = im->file.size;
    if (rc == 0)
        rc = sqfs_meta_write_write_to_file(im->dir_meta);
    return fail(im, rc, "cannot write the squashfs's inodes", e);
}

static int write_tables(struct image *im, struct err *e)
{
    int rc = 0;

    if ((rc = squashfs_data_write_fragments(im->data, &im->super, e)) < 0)
        return rc;
    im->super.export_table_start = UINT64_MAX;
    if (im->params->exports)
        rc = sqfs_write_table(&im->file.base, im->cmp, im->refs, im->numbered * sizeof(*im->refs),
                              &im->super.export_table_start);
    if (rc == 0)
        rc = sqfs_id_table_write(im->ids, &im->file.base, &im->super, im->cmp);
    if (rc != 0)
        return fail(im, rc, "cannot write the squashfs's tables", e);
    return squashfs_xattrs_write(&im->xattrs, &im->file, im->cmp, &im->super, e);
}

/* Every flag from what is known here, rather than from what the library's parts leave behind. */
static sqfs_u16 super_flags(const struct image *im)
{
    unsigned flags = DUPLICATES_REMOVED;

    if (im->super.fragment_entry_count == 0)
        flags |= SQFS_FLAG_NO_FRAGMENTS;
    else
        flags |= SQFS_FLAG_ALWAYS_FRAGMENTS;
    if (im->params->exports)
        flags |= SQFS_FLAG_EXPORTABLE;
    if (im->xattrs.count == 0)
        flags |= SQFS_FLAG_NO_XATTRS;
    if (im->options)
        flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
    if (im->params->compressor == SQUASHFS_NONE)
        flags |= SQFS_FLAG_UNCOMPRESSED_INODES | SQFS_FLAG_UNCOMPRESSED_DATA |
                 SQFS_FLAG_UNCOMPRESSED_FRAGMENTS | SQFS_FLAG_UNCOMPRESSED_XATTRS |
                 SQFS_FLAG_UNCOMPRESSED_IDS;
    return (sqfs_u16)flags;
}

static int write_super(struct image *im, struct err *e)
{
    im->super.flags = super_flags(im);
    im->super.bytes_used = im->file.size;
    int rc = sqfs_super_write(&im->super, &im->file.base);
    if (rc != 0)
        return fail(im, rc, "cannot write the squashfs's super block", e);
    return squashfs_file_pad(&im->file, SQFS_DEVBLK_SIZE, e);
}

/* ---- the whole -------------------------------------------------------------- */

static int start(struct image *im, struct err *e)
{
    int rc;

    if ((rc = squashfs_compressor_new(im->params, false, &im->cmp, e)) < 0 ||
        (rc = squashfs_compressor_new(im->params, true, &im->uncmp, e)) < 0)
        return rc;
    rc = sqfs_super_init(&im->super, im->params->block_size, im->params->time,
                         squashfs_compressor_ids[im->params->compressor]);
    if (rc == 0)
        rc = sqfs_super_write(&im->super, &im->file.base);
    if (rc != 0)
        return fail(im, rc, "cannot begin the squashfs", e);
    rc = im->cmp->write_options(im->cmp, &im->file.base);
    if (rc < 0)
        return fail(im, rc, "cannot write the squashfs's compressor options", e);
    im->options = rc > 0;
    im->ids = sqfs_id_table_create(0);
    im->inode_meta = sqfs_meta_writer_create(&im->file.base, im->cmp, 0);
    im->dir_meta =
        sqfs_meta_writer_create(&im->file.base, im->cmp, SQFS_META_WRITER_KEEP_IN_MEMORY);
    im->dir_writer = im->dir_meta == NULL ? NULL : sqfs_dir_writer_create(im->dir_meta, 0);
    return im->ids == NULL || im->inode_meta == NULL || im->dir_writer == NULL ? err_oom(e) : 0;
}

static int write_image(struct image *im, struct err *e)
{
    int rc;

    if ((rc = start(im, e)) < 0 ||
        (rc = squashfs_data_new(im->in, im->params, &im->file, im->cmp, im->uncmp, &im->data, e)) <
            0 ||
        (rc = squashfs_data_write(im->data, e)) < 0 || (rc = number_inodes(im, e)) < 0 ||
        (rc = write_metadata(im, e)) < 0 || (rc = write_tables(im, e)) < 0)
        return rc;
    return write_super(im, e);
}

int squashfs_write(const struct squashfs_input *in, const struct squashfs_params *params, int fd,
                   struct err *e)
{
    struct image im = {.in = in, .params = params, .v = in->view};

    squashfs_file_init(&im.file, fd);
    int rc = write_image(&im, e);
    squashfs_data_free(im.data);
    squashfs_xattrs_dispose(&im.xattrs);
    sqfs_destroy(im.dir_writer);
    sqfs_destroy(im.dir_meta);
    sqfs_destroy(im.inode_meta);
    sqfs_destroy(im.ids);
    sqfs_destroy(im.uncmp);
    sqfs_destroy(im.cmp);
    free(im.numbers);
    free(im.order);
    free(im.refs);
    return rc;
}
