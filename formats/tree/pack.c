/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/pack.h"

#include <string.h>

/* Files are mostly small; the store gets them in pieces of this size. */
enum { PIECE = 256 * 1024 };

struct pack_writer {
    struct cas *cas;
    struct cas_writer *blob; /* made with the first byte */
    struct hasher *hasher;   /* of the current file */
    uint64_t start;
    uint64_t end;
    bool in_file;
    bool committed;
    size_t pending;
    uint8_t piece[PIECE];
};

int pack_writer_new(struct cas *cas, struct pack_writer **out, struct err *e)
{
    AUTO_PACK_WRITER struct pack_writer *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return err_oom(e);
    p->cas = cas;
    int rc = hasher_new(DIGEST_SHA256, &p->hasher, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&p);
    return 0;
}

void pack_writer_free(struct pack_writer *p)
{
    if (p == NULL)
        return;
    cas_writer_free(p->blob);
    hasher_free(p->hasher);
    free(p);
}

int pack_writer_begin(struct pack_writer *p, struct err *e)
{
    if (p->in_file || p->committed)
        return err_set(e, ERR_HOST, "a pack takes one file at a time, until it is committed");
    int rc = hasher_restart(p->hasher, e);
    if (rc < 0)
        return rc;
    p->in_file = true;
    p->start = p->end;
    return 0;
}

static int make_blob(struct pack_writer *p, struct err *e)
{
    if (p->blob != NULL)
        return 0;
    int rc = cas_writer_new(p->cas, NULL, CAS_SIZE_UNKNOWN, &p->blob, e);
    if (rc == 0)
        cas_writer_set_passing(p->blob);
    return rc;
}

static int flush(struct pack_writer *p, struct err *e)
{
    size_t len = p->pending;
    p->pending = 0;
    if (len == 0)
        return 0;
    int rc = make_blob(p, e);
    return rc < 0 ? rc : cas_writer_write(p->blob, p->piece, len, e);
}

static int extend(struct pack_writer *p, uint64_t len, struct err *e)
{
    if (!p->in_file)
        return err_set(e, ERR_HOST, "no file of this pack is being written");
    if (!add_u64(p->end, len, &p->end) || p->end > INT64_MAX)
        return err_set(e, ERR_INPUT, "file contents are larger than a file can be");
    return 0;
}

int pack_writer_zeros(struct pack_writer *p, uint64_t len, struct err *e)
{
    int rc = extend(p, len, e);
    if (rc == 0)
        rc = hasher_zeros(p->hasher, len, e);
    if (rc < 0 || (rc = flush(p, e)) < 0 || (rc = make_blob(p, e)) < 0)
        return rc;
    return cas_writer_zeros(p->blob, len, e);
}

int pack_writer_write(struct pack_writer *p, const void *data, size_t len, struct err *e)
{
    int rc = extend(p, len, e);
    if (rc == 0)
        rc = hasher_update(p->hasher, data, len, e);
    const uint8_t *from = data;
    while (rc == 0 && len > 0) {
        size_t part = len < PIECE - p->pending ? len : PIECE - p->pending;
        memcpy(p->piece + p->pending, from, part);
        p->pending += part;
        from += part;
        len -= part;
        if (p->pending == PIECE)
            rc = flush(p, e);
    }
    return rc;
}

int pack_writer_end(struct pack_writer *p, struct tree_content *content, struct err *e)
{
    struct digest d;
    int rc = hasher_final(p->hasher, &d, e);
    if (rc < 0)
        return rc;
    p->in_file = false;
    memcpy(content->sha256, d.bytes, DIGEST_SHA256_SIZE);
    content->size = p->end - p->start;
    content->offset = content->size > 0 ? p->start : 0;
    return 0;
}

int pack_writer_commit(struct pack_writer *p, bool *used, struct digest *blob, struct err *e)
{
    if (p->in_file || p->committed)
        return err_set(e, ERR_HOST, "a pack is committed once, and not in the middle of a file");
    int rc = flush(p, e);
    if (rc < 0)
        return rc;
    if (p->blob != NULL) {
        uint64_t size;
        rc = cas_writer_commit(p->blob, blob, &size, e);
        if (rc < 0)
            return rc;
    }
    p->committed = true;
    *used = p->blob != NULL;
    return 0;
}
