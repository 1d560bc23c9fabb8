/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of files into packs, and out of them. */
#include "base/file.h"
#include "base/sparse.h"
#include "formats/tree/pack.h"
#include "formats/tree/tree_internal.h"

#include <string.h>

/* ---- packer ---- */

struct tree_packer {
    struct tree *tree;
    struct pack_writer *pack;
    bool reserved;
    uint32_t index;
};

int tree_packer_new(struct tree *t, struct cas *cas, struct tree_packer **out, struct err *e)
{
    struct tree_packer *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return err_oom(e);
    p->tree = t;
    int rc = pack_writer_new(cas, &p->pack, e);
    if (rc < 0) {
        free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void tree_packer_free(struct tree_packer *p)
{
    if (p == NULL)
        return;
    pack_writer_free(p->pack);
    free(p);
}

int tree_packer_begin(struct tree_packer *p, struct err *e)
{
    return pack_writer_begin(p->pack, e);
}

int tree_packer_write(struct tree_packer *p, const void *data, size_t len, struct err *e)
{
    return pack_writer_write(p->pack, data, len, e);
}

int tree_packer_zeros(struct tree_packer *p, uint64_t len, struct err *e)
{
    return pack_writer_zeros(p->pack, len, e);
}

int tree_packer_end(struct tree_packer *p, struct tree_inode *file, struct err *e)
{
    struct tree_content c = {0};
    int rc = pack_writer_end(p->pack, &c, e);
    if (rc == 0 && c.size > 0 && !p->reserved) {
        rc = tree_reserve_pack(p->tree, &p->index, e);
        p->reserved = rc == 0;
    }
    if (rc < 0)
        return rc;
    c.pack = c.size > 0 ? p->index : 0;
    file->content = c;
    return 0;
}

int tree_packer_commit(struct tree_packer *p, struct err *e)
{
    bool used;
    struct digest blob;
    int rc = pack_writer_commit(p->pack, &used, &blob, e);
    if (rc == 0 && used)
        rc = tree_set_pack(p->tree, p->index, &blob, e);
    return rc;
}

/* ---- reader ---- */

/* Descriptors are few and packs may be many: those used last stay open. */
enum { OPEN_MAX = 64 };

struct open_pack {
    uint32_t index;
    int fd;
    uint64_t size;
    uint64_t used;      /* when: a count of reads */
    uint64_t data_from; /* from here to data_end there is no hole: so much is known */
    uint64_t data_end;
};

struct tree_reader {
    const struct tree *tree;
    struct cas *cas;
    struct open_pack open[OPEN_MAX];
    size_t count;
    size_t last; /* the one used last */
    uint64_t reads;
};

int tree_reader_new(const struct tree *t, struct cas *cas, struct tree_reader **out, struct err *e)
{
    struct tree_reader *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    r->tree = t;
    r->cas = cas;
    *out = r;
    return 0;
}

void tree_reader_free(struct tree_reader *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        close(r->open[i].fd);
    free(r);
}

static int open_pack(struct tree_reader *r, uint32_t index, struct open_pack **out, struct err *e)
{
    if (r->last < r->count && r->open[r->last].index == index) {
        *out = &r->open[r->last];
        return 0;
    }
    size_t oldest = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->open[i].index == index) {
            r->last = i;
            *out = &r->open[i];
            return 0;
        }
        if (r->open[i].used < r->open[oldest].used)
            oldest = i;
    }
    const struct digest *blob = tree_pack(r->tree, index);
    if (blob == NULL || blob->alg == 0)
        return err_set(e, ERR_INPUT, "a file's content was never committed to the store");
    struct open_pack fresh = {.index = index, .fd = -1};
    int rc = cas_open_blob(r->cas, blob, &fresh.fd, &fresh.size, e);
    if (rc < 0)
        return rc;
    size_t at = oldest;
    if (r->count < OPEN_MAX)
        at = r->count++;
    else
        close(r->open[oldest].fd);
    r->open[at] = fresh;
    r->last = at;
    *out = &r->open[at];
    return 0;
}

int tree_reader_read(struct tree_reader *r, const struct tree_content *c, uint64_t offset,
                     void *data, size_t len, struct err *e)
{
    if (offset > c->size || len > c->size - offset)
        return err_set(e, ERR_INPUT, "reading beyond the end of a file");
    if (len == 0)
        return 0;
    struct open_pack *pack = NULL;
    int rc = open_pack(r, c->pack, &pack, e);
    if (rc < 0)
        return rc;
    if (c->offset > pack->size || c->size > pack->size - c->offset)
        return err_set(e, ERR_INPUT, "a file lies outside of its pack");
    pack->used = ++r->reads;
    return fd_pread_all(pack->fd, data, len, c->offset + offset, "file contents", e);
}

uint64_t tree_reader_next_data(struct tree_reader *r, const struct tree_content *c, uint64_t offset)
{
    struct open_pack *pack = NULL;
    struct err ignored = ERR_INIT; /* who reads there is told */
    if (offset >= c->size || open_pack(r, c->pack, &pack, &ignored) < 0 || c->offset > pack->size ||
        c->size > pack->size - c->offset)
        return offset;
    uint64_t at = c->offset + offset;
    if (at >= pack->data_from && at < pack->data_end)
        return offset;
    uint64_t data = sparse_next_data(pack->fd, at, pack->size);
    pack->data_from = data;
    pack->data_end = sparse_next_hole(pack->fd, data, pack->size);
    return data < c->offset + c->size ? data - c->offset : c->size;
}
