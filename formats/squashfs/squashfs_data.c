/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents: every distinct file once, in walk order, through libsquashfs's block
 * processor. Files are told apart by their digests, so a copy is neither read
 * nor compressed; equal tails and runs of blocks of different files are found by
 * the library, byte for byte.
 */
#include "formats/squashfs/squashfs.h"

#include <inttypes.h>
#include <sqfs/block_processor.h>
#include <sqfs/frag_table.h>
#include <string.h>

enum {
    BACKLOG_BYTES = 16 * 1024 * 1024,
    WORKERS_MAX = 64,
    BACKLOG_PER_JOB = 64,
    FILE_BLOCKS_MAX = 1 << 29, /* the library has sizes of blocks in a power of two below 4 GiB */
};

struct squashfs_data {
    const struct squashfs_input *in;
    const struct squashfs_params *params;
    struct squashfs_file *file;
    sqfs_compressor_t *cmp;
    sqfs_compressor_t *reusing; /* around it, where an earlier image may be used; else NULL */
    struct tree_reader *reader;
    uint8_t *block;
    sqfs_frag_table_t *fragments;
    sqfs_block_writer_t *writer;
    sqfs_block_processor_t *processor;
    sqfs_inode_generic_t **files; /* by the view's inode; the processor keeps pointers into it */
    uint32_t *same;    /* by the view's inode: the one that has the bytes; itself when first */
    uint32_t *slots;   /* open addressing by digest */
    size_t slot_count; /* a power of two, at least twice the inodes */
    uint64_t done;
    uint64_t total;
};

static int create_processor(struct squashfs_data *d, sqfs_compressor_t *uncmp, struct err *e)
{
    unsigned jobs = d->in->jobs < 1 ? 1 : d->in->jobs > WORKERS_MAX ? WORKERS_MAX : d->in->jobs;
    uint32_t backlog = BACKLOG_PER_JOB * jobs;

    if (backlog > BACKLOG_BYTES / d->params->block_size)
        backlog = BACKLOG_BYTES / d->params->block_size;
    if (backlog < 2 * jobs + 3)
        backlog = 2 * jobs + 3;
    d->fragments = sqfs_frag_table_create(0);
    d->writer = squashfs_blocks_new(d->file, d->in->reuse);
    if (d->in->reuse != NULL)
        d->reusing = squashfs_reuse_compressor(d->in->reuse, d->cmp, uncmp);
    if (d->fragments == NULL || d->writer == NULL || (d->in->reuse != NULL && d->reusing == NULL))
        return err_oom(e);
    /* file and uncmp: candidates for sharing a tail are compared byte by byte. */
    sqfs_block_processor_desc_t desc = {.size = sizeof(desc),
                                        .max_block_size = d->params->block_size,
                                        .num_workers = jobs,
                                        .max_backlog = backlog,
                                        .cmp = d->reusing != NULL ? d->reusing : d->cmp,
                                        .wr = d->writer,
                                        .tbl = d->fragments,
                                        .file = &d->file->base,
                                        .uncmp = uncmp};
    int rc = sqfs_block_processor_create_ex(&desc, &d->processor);
    return rc == 0 ? 0 : squashfs_fail(d->file, rc, "cannot start compressing", e);
}

static int allocate(struct squashfs_data *d, struct err *e)
{
    size_t count = d->in->view->inode_count;

    d->slot_count = 1024;
    while (d->slot_count < 2 * count)
        d->slot_count *= 2;
    d->files = array_new(count, sizeof(sqfs_inode_generic_t *));
    d->same = array_new(count, sizeof(*d->same));
    d->slots = array_new(d->slot_count, sizeof(*d->slots));
    d->block = malloc(d->params->block_size);
    if (d->files == NULL || d->same == NULL || d->slots == NULL || d->block == NULL)
        return err_oom(e);
    memset(d->slots, 0xff, d->slot_count * sizeof(*d->slots));
    return tree_reader_new(d->in->tree, d->in->cas, &d->reader, e);
}

int squashfs_data_new(const struct squashfs_input *in, const struct squashfs_params *params,
                      struct squashfs_file *f, sqfs_compressor_t *cmp, sqfs_compressor_t *uncmp,
                      struct squashfs_data **out, struct err *e)
{
    struct squashfs_data *d = calloc(1, sizeof(*d));
    int rc;

    if (d == NULL)
        return err_oom(e);
    d->in = in;
    d->params = params;
    d->file = f;
    d->cmp = cmp;
    if ((rc = allocate(d, e)) < 0 || (rc = create_processor(d, uncmp, e)) < 0) {
        squashfs_data_free(d);
        return rc;
    }
    *out = d;
    return 0;
}

void squashfs_data_free(struct squashfs_data *d)
{
    if (d == NULL)
        return;
    sqfs_destroy(d->processor); /* joins the threads: first */
    sqfs_destroy(d->writer);
    sqfs_destroy(d->fragments);
    sqfs_destroy(d->reusing);
    for (size_t i = 0; d->files != NULL && i < d->in->view->inode_count; i++)
        sqfs_free(d->files[i]);
    tree_reader_free(d->reader);
    free(d->files);
    free(d->same);
    free(d->slots);
    free(d->block);
    free(d);
}

static const struct tree_content *content_of(const struct squashfs_data *d, size_t inode)
{
    return &d->in->view->inodes[inode].inode->content;
}

/* The first inode with these bytes: this one, when there is none yet. */
static uint32_t find_same(struct squashfs_data *d, uint32_t inode)
{
    const struct tree_content *c = content_of(d, inode);
    uint64_t h = 0;

    memcpy(&h, c->sha256, sizeof(h));
    for (size_t i = (size_t)h & (d->slot_count - 1);; i = (i + 1) & (d->slot_count - 1)) {
        if (d->slots[i] == UINT32_MAX) {
            d->slots[i] = inode;
            return inode;
        }
        const struct tree_content *other = content_of(d, d->slots[i]);
        if (other->size == c->size && memcmp(other->sha256, c->sha256, DIGEST_SHA256_SIZE) == 0)
            return d->slots[i];
    }
}

static int feed(struct squashfs_data *d, const struct tree_content *c, struct err *e)
{
    for (uint64_t offset = 0; offset < c->size;) {
        uint64_t left = c->size - offset;
        size_t len = left < d->params->block_size ? (size_t)left : d->params->block_size;

        int rc = 0;
        if (tree_reader_next_data(d->reader, c, offset) >= offset + len)
            memset(d->block, 0, len);
        else
            rc = tree_reader_read(d->reader, c, offset, d->block, len, e);
        if (rc < 0)
            return rc;
        rc = sqfs_block_processor_append(d->processor, d->block, len);
        if (rc != 0)
            return squashfs_fail(d->file, rc, "cannot compress", e);
        offset += len;
        d->done += len;
        progress_show(d->in->progress, "squashfs", d->done, d->total);
    }
    return 0;
}

int squashfs_check_blocks(uint64_t size, uint32_t block_size, struct err *e)
{
    if (size / block_size > FILE_BLOCKS_MAX - 1)
        return err_set(e, ERR_INPUT,
                       "it has %" PRIu64 " bytes: with blocks of %" PRIu32
                       " a file of a squashfs has less than %" PRIu64,
                       size, block_size, (uint64_t)FILE_BLOCKS_MAX * block_size);
    return 0;
}

static int write_file(struct squashfs_data *d, uint32_t inode, struct err *e)
{
    sqfs_u32 flags = d->params->fragments ? 0 : SQFS_BLK_DONT_FRAGMENT;
    const struct tree_content *c = content_of(d, inode);

    /* A file without bytes must not reach the processor: it crashes on an append of nothing. */
    d->same[inode] = c->size == 0 ? inode : find_same(d, inode);
    if (c->size == 0 || d->same[inode] != inode) {
        d->done += c->size;
        return 0;
    }
    int rc = squashfs_check_blocks(c->size, d->params->block_size, e);
    if (rc < 0)
        return rc;
    rc = sqfs_block_processor_begin_file(d->processor, &d->files[inode], NULL, flags);
    if (rc != 0)
        return squashfs_fail(d->file, rc, "cannot begin a file", e);
    if ((rc = feed(d, c, e)) < 0)
        return rc;
    rc = sqfs_block_processor_end_file(d->processor);
    return rc == 0 ? 0 : squashfs_fail(d->file, rc, "cannot end a file", e);
}

int squashfs_data_write(struct squashfs_data *d, struct err *e)
{
    const struct view *v = d->in->view;
    AUTO_FREE char *path = NULL;

    for (size_t i = 0; i < v->inode_count; i++) {
        if (v->inodes[i].inode->type == TREE_FILE)
            d->total += content_of(d, i)->size;
    }
    /* Inodes stand in the order of their first names: walk order. */
    for (size_t i = 0; i < v->inode_count; i++) {
        if (v->inodes[i].inode->type != TREE_FILE || write_file(d, (uint32_t)i, e) == 0)
            continue;
        struct err ignored = ERR_INIT;
        if (view_path(v, v->inodes[i].first, &path, &ignored) < 0)
            return err_rc(e);
        return err_wrap(e, "cannot put '%s' into the squashfs", path);
    }
    int rc = sqfs_block_processor_finish(d->processor);
    return rc == 0 ? 0 : squashfs_fail(d->file, rc, "cannot write the squashfs's contents", e);
}

const sqfs_inode_generic_t *squashfs_data_inode(const struct squashfs_data *d, size_t inode)
{
    return d->files[d->same[inode]];
}

int squashfs_data_write_fragments(struct squashfs_data *d, sqfs_super_t *super, struct err *e)
{
    int rc = sqfs_frag_table_write(d->fragments, &d->file->base, super, d->cmp);

    return rc == 0 ? 0
                   : squashfs_fail(d->file, rc, "cannot write the squashfs's fragment table", e);
}
