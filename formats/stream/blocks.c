/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/blocks.h"

#include "base/sparse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int blocks_read(const struct blocks *b, uint64_t i, uint8_t *data, struct err *e)
{
    uint64_t offset = i * b->block;
    size_t want = b->block;
    size_t have = 0;

    if (offset >= b->blob_size)
        want = 0;
    else if (b->blob_size - offset < want)
        want = (size_t)(b->blob_size - offset);
    while (have < want) {
        ssize_t n = pread(b->fd, data + have, want - have, (off_t)(offset + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(e, errno, "cannot read a disk");
        if (n == 0)
            return err_set(e, ERR_HOST, "cannot read a disk: it became shorter");
        have += (size_t)n;
    }
    memset(data + have, 0, b->block - have);
    return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static int find_used(struct blocks *b, struct err *e)
{
    AUTO_FREE uint8_t *data = malloc(b->block);
    uint64_t in_blob = (b->blob_size + b->block - 1) / b->block;

    if (data == NULL)
        return err_oom(e);
    for (uint64_t i = 0; i < in_blob; i++) {
        i = sparse_next_data(b->fd, i * b->block, b->blob_size) / b->block;
        if (i >= in_blob)
            break;
        int rc = blocks_read(b, i, data, e);
        if (rc < 0)
            return rc;
        if (all_zero(data, b->block))
            continue;
        b->used[i / 8] |= (uint8_t)(1 << i % 8);
        b->used_count++;
    }
    return 0;
}

int blocks_open(struct cas *cas, const struct digest *digest, uint64_t blob_size, uint64_t size,
                uint32_t unit, uint32_t block, struct blocks *out, struct err *e)
{
    AUTO_BLOCKS b = {.fd = -1, .block = block, .size = size};

    if (blob_size == 0 || blob_size > BLOCKS_SIZE_MAX)
        return err_set(e, ERR_INPUT,
                       "a disk of %" PRIu64
                       " bytes cannot be put in a container: it has 1 byte to 16 TiB",
                       blob_size);
    if (size == 0)
        b.size = (blob_size + unit - 1) / unit * unit;
    else if (size < blob_size)
        return err_set(e, ERR_INPUT, "a disk of %" PRIu64 " bytes is too small for %" PRIu64, size,
                       blob_size);
    int rc = cas_open_blob(cas, digest, &b.fd, &b.blob_size, e);
    if (rc < 0)
        return rc;
    b.count = (b.size + block - 1) / block;
    b.used = array_new((size_t)(b.count / 8 + 1), 1);
    if (b.used == NULL)
        return err_oom(e);
    if ((rc = find_used(&b, e)) < 0)
        return rc;
    *out = b;
    b = (struct blocks){.fd = -1};
    return 0;
}

void blocks_dispose(struct blocks *b)
{
    scope_close(&b->fd);
    free(b->used);
    *b = (struct blocks){.fd = -1};
}
