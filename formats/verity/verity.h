/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dm-verity hash trees, as `veritysetup format` writes them: version 1, sha256, data and hash
 * blocks of 4096 bytes, a superblock before the tree, the topmost level first
 * (docs/formats/verity.md).
 */
#ifndef ASSAY_FORMATS_VERITY_VERITY_H
#define ASSAY_FORMATS_VERITY_VERITY_H

#include "base/digest.h"

enum {
    VERITY_BLOCK = 4096,
    VERITY_SALT_MAX = 256,
    VERITY_UUID_SIZE = 16,
    VERITY_LEVELS_MAX = 8,
    VERITY_SUPERBLOCK = 512, /* in a block of its own */
    VERITY_HASHES_PER_BLOCK = VERITY_BLOCK / DIGEST_SHA256_SIZE,
};
/* What a file can be: 2^51 blocks. */
#define VERITY_DATA_BLOCKS_MAX (UINT64_C(1) << 51)

/* Where the levels are; level 0 has the hashes of data blocks. One data block has no levels. */
struct verity_layout {
    uint64_t data_blocks;
    unsigned levels;
    uint64_t start[VERITY_LEVELS_MAX];  /* blocks behind the superblock's */
    uint64_t blocks[VERITY_LEVELS_MAX]; /* of the level */
    uint64_t hash_blocks;               /* of all levels, without the superblock's */
};
/* data_blocks: 1 to VERITY_DATA_BLOCKS_MAX. */
void verity_layout(uint64_t data_blocks, struct verity_layout *out);

struct verity_ids {
    uint8_t uuid[VERITY_UUID_SIZE];
    uint8_t salt[VERITY_SALT_MAX];
    size_t salt_len;
};

/* Whether so many bytes can have a tree. */
int verity_check(uint64_t len, struct err *e);
/*
 * Writes superblock and tree of `len` bytes (at least one; what the last block lacks counts as
 * zeros) to `fd`, from the byte `offset`, a multiple of 4096. `fd` must be readable: the upper
 * levels are made of the lower ones as they were written. At most `jobs` threads; a few hundred
 * KiB each.
 */
int verity_write(const uint8_t *data, uint64_t len, const struct verity_ids *ids, int fd,
                 uint64_t offset, unsigned jobs, struct err *e);

/* What a superblock says, and the root hash. */
struct verity_facts {
    struct verity_ids ids;
    uint64_t data_blocks;
    uint64_t hash_offset; /* of the superblock, in bytes */
    uint8_t root[DIGEST_SHA256_SIZE];
};
/*
 * Reads a tree of its own (`data` NULL or the data it is of, needed when that is one block), or one
 * that is appended to its data (`appended`). The root hash is that of the topmost block; the tree
 * below is not checked. ERR_INPUT for anything that verity_write would not have written.
 */
int verity_read(const uint8_t *tree, uint64_t len, bool appended, const uint8_t *data,
                uint64_t data_len, struct verity_facts *out, struct err *e);

#endif
