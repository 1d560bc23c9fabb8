/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob as the blocks of a disk: which of them hold anything but zeros, and their bytes. The disk
 * may be longer than the blob; what is behind its end is zeros. For the containers that leave empty
 * blocks out.
 */
#ifndef ASSAY_FORMATS_STREAM_BLOCKS_H
#define ASSAY_FORMATS_STREAM_BLOCKS_H

#include "base/digest.h"
#include "store/cas/cas.h"

enum { BLOCKS_SECTOR = 512, BLOCKS_MIB = 1024 * 1024 };
#define BLOCKS_SIZE_MAX (UINT64_C(1) << 44) /* 16 TiB */

struct blocks {
    int fd;
    uint64_t blob_size;
    uint64_t size;  /* of the disk, in bytes */
    uint32_t block; /* bytes */
    uint64_t count;
    uint64_t used_count;
    uint8_t *used; /* a bit each */
};

/*
 * `blob_size`: what the plan says of the blob. `size`: bytes of the disk, 0 for that rounded up to
 * `unit`; else a multiple of that and no less than the blob (ERR_INPUT). Reads the whole blob once.
 */
int blocks_open(struct cas *cas, const struct digest *digest, uint64_t blob_size, uint64_t size,
                uint32_t unit, uint32_t block, struct blocks *out, struct err *e);
void blocks_dispose(struct blocks *b);
#define AUTO_BLOCKS AUTO(blocks_dispose) struct blocks

static inline bool blocks_used(const struct blocks *b, uint64_t i)
{
    return (b->used[i / 8] >> (i % 8) & 1) != 0;
}
/* `block` bytes, whatever the disk's size is. Several threads may. */
int blocks_read(const struct blocks *b, uint64_t i, uint8_t *data, struct err *e);

#endif
