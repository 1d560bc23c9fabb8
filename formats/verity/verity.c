/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/verity/verity.h"

#include "base/byte_order.h"
#include "base/file.h"
#include "base/workers.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    UNIT_BLOCKS = 32, /* hash blocks that one piece of work makes: of 16 MiB of data */
    NAME_SIZE = 32,
};

static const char signature[8] = "verity";
static const char algorithm[NAME_SIZE] = "sha256";

void verity_layout(uint64_t data_blocks, struct verity_layout *out)
{
    struct verity_layout l = {.data_blocks = data_blocks};
    uint64_t below = data_blocks;

    while (below > 1) {
        below = (below + VERITY_HASHES_PER_BLOCK - 1) / VERITY_HASHES_PER_BLOCK;
        l.blocks[l.levels++] = below;
    }
    for (unsigned i = l.levels; i-- > 0;) {
        l.start[i] = l.hash_blocks;
        l.hash_blocks += l.blocks[i];
    }
    *out = l;
}

/* ---- writing ---------------------------------------------------------------------- */

struct build {
    const uint8_t *data;
    uint64_t len;
    const struct verity_ids *ids;
    const struct verity_layout *layout;
    int fd;
    uint64_t tree; /* the byte where the topmost level starts */
    unsigned level;
};

static int hash_block(struct hasher *h, const struct verity_ids *ids, const uint8_t *block,
                      uint8_t *out, struct err *e)
{
    struct digest d;
    int rc;

    if ((rc = hasher_restart(h, e)) < 0 ||
        (rc = hasher_update(h, ids->salt, ids->salt_len, e)) < 0 ||
        (rc = hasher_update(h, block, VERITY_BLOCK, e)) < 0 || (rc = hasher_final(h, &d, e)) < 0)
        return rc;
    memcpy(out, d.bytes, DIGEST_SHA256_SIZE);
    return 0;
}

/* Block i of what the level is made of: the data, or the level below. */
static int source_block(const struct build *b, uint64_t i, uint8_t *scratch, const uint8_t **out,
                        struct err *e)
{
    uint64_t at = i * VERITY_BLOCK;

    *out = scratch;
    if (b->level > 0)
        return fd_pread_all(b->fd, scratch, VERITY_BLOCK,
                            b->tree + b->layout->start[b->level - 1] * VERITY_BLOCK + at,
                            "the hash tree", e);
    if (b->len - at >= VERITY_BLOCK) {
        *out = b->data + at;
        return 0;
    }
    memset(scratch, 0, VERITY_BLOCK);
    memcpy(scratch, b->data + at, (size_t)(b->len - at));
    return 0;
}

static int pwrite_all(int fd, const uint8_t *data, size_t len, uint64_t offset, struct err *e)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_os(e, errno, "cannot write the hash tree");
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int make_unit(void *context, size_t unit, struct err *e)
{
    const struct build *b = context;
    uint64_t sources = b->level > 0 ? b->layout->blocks[b->level - 1] : b->layout->data_blocks;
    uint64_t first = (uint64_t)unit * UNIT_BLOCKS;
    uint64_t left = b->layout->blocks[b->level] - first;
    size_t count = left < UNIT_BLOCKS ? (size_t)left : UNIT_BLOCKS;
    AUTO_HASHER struct hasher *h = NULL;
    AUTO_FREE uint8_t *out = calloc(count + 1, VERITY_BLOCK); /* the last one is scratch */
    uint64_t source = first * VERITY_HASHES_PER_BLOCK;

    if (out == NULL)
        return err_oom(e);
    int rc = hasher_new(DIGEST_SHA256, &h, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count * VERITY_HASHES_PER_BLOCK && source < sources; i++, source++) {
        const uint8_t *block = NULL;
        if ((rc = source_block(b, source, out + count * VERITY_BLOCK, &block, e)) < 0 ||
            (rc = hash_block(h, b->ids, block, out + i * DIGEST_SHA256_SIZE, e)) < 0)
            return rc;
    }
    return pwrite_all(b->fd, out, count * VERITY_BLOCK,
                      b->tree + (b->layout->start[b->level] + first) * VERITY_BLOCK, e);
}

/* struct verity_sb of cryptsetup and the kernel's documentation. */
static void superblock(const struct verity_ids *ids, uint64_t data_blocks,
                       uint8_t out[VERITY_SUPERBLOCK])
{
    memset(out, 0, VERITY_SUPERBLOCK);
    memcpy(out, signature, sizeof(signature));
    put_le32(out + 8, 1);  /* version of this header */
    put_le32(out + 12, 1); /* hash type: the salt goes before the block */
    memcpy(out + 16, ids->uuid, VERITY_UUID_SIZE);
    memcpy(out + 32, algorithm, NAME_SIZE);
    put_le32(out + 64, VERITY_BLOCK);
    put_le32(out + 68, VERITY_BLOCK);
    put_le64(out + 72, data_blocks);
    put_le16(out + 80, (uint32_t)ids->salt_len);
    memcpy(out + 88, ids->salt, ids->salt_len);
}

int verity_check(uint64_t len, struct err *e)
{
    if (len == 0)
        return err_set(e, ERR_INPUT, "cannot make a hash tree of no data: dm-verity has none");
    if (len > VERITY_DATA_BLOCKS_MAX * VERITY_BLOCK)
        return err_set(e, ERR_INPUT,
                       "%" PRIu64 " bytes are too many for a hash tree: it is of up to %" PRIu64,
                       len, VERITY_DATA_BLOCKS_MAX * VERITY_BLOCK);
    return 0;
}

int verity_write(const uint8_t *data, uint64_t len, const struct verity_ids *ids, int fd,
                 uint64_t offset, unsigned jobs, struct err *e)
{
    struct verity_layout layout;
    uint8_t block[VERITY_BLOCK] = {0};

    int rc = verity_check(len, e);
    if (rc < 0)
        return rc;
    verity_layout((len - 1) / VERITY_BLOCK + 1, &layout);
    superblock(ids, layout.data_blocks, block);
    if ((rc = pwrite_all(fd, block, sizeof(block), offset, e)) < 0)
        return rc;
    struct build b = {.data = data,
                      .len = len,
                      .ids = ids,
                      .layout = &layout,
                      .fd = fd,
                      .tree = offset + VERITY_BLOCK};
    for (; b.level < layout.levels; b.level++) {
        uint64_t units = (layout.blocks[b.level] - 1) / UNIT_BLOCKS + 1;
        if ((rc = workers_run(jobs, (size_t)units, make_unit, &b, e)) < 0)
            return rc;
    }
    return 0;
}

/* ---- reading ---------------------------------------------------------------------- */

/* How many data blocks a file of `blocks` blocks has before its superblock and tree. */
static bool split(uint64_t blocks, uint64_t *data_blocks)
{
    struct verity_layout l;
    uint64_t low = 1;
    uint64_t high = blocks;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        verity_layout(middle, &l);
        if (middle + 1 + l.hash_blocks < blocks)
            low = middle + 1;
        else
            high = middle;
    }
    verity_layout(low, &l);
    *data_blocks = low;
    return low + 1 + l.hash_blocks == blocks;
}

static int read_superblock(const uint8_t *p, struct verity_facts *f, struct err *e)
{
    struct reader r = {p + 72, p + VERITY_SUPERBLOCK};
    uint8_t expected[VERITY_SUPERBLOCK];
    uint16_t salt_len = 0;

    (void)reader_le64(&r, &f->data_blocks);
    (void)reader_le16(&r, &salt_len);
    if (salt_len > VERITY_SALT_MAX)
        return err_set(e, ERR_INPUT, "the verity superblock has a salt of %u bytes", salt_len);
    memcpy(f->ids.uuid, p + 16, VERITY_UUID_SIZE);
    memcpy(f->ids.salt, p + 88, salt_len);
    f->ids.salt_len = salt_len;
    superblock(&f->ids, f->data_blocks, expected);
    if (memcmp(p, expected, sizeof(expected)) != 0)
        return err_set(e, ERR_INPUT,
                       "it has no verity superblock of version 1, sha256, blocks of 4096 bytes");
    return 0;
}

int verity_read(const uint8_t *tree, uint64_t len, bool appended, const uint8_t *data,
                uint64_t data_len, struct verity_facts *out, struct err *e)
{
    struct verity_facts f = {0};
    struct verity_layout l;
    AUTO_HASHER struct hasher *h = NULL;
    uint64_t before = 0;

    if (len < VERITY_BLOCK || len % VERITY_BLOCK != 0 || len / VERITY_BLOCK > INT64_MAX ||
        (appended && !split(len / VERITY_BLOCK, &before)))
        return err_set(e, ERR_INPUT, "%" PRIu64 " bytes are no verity hash tree%s", len,
                       appended ? " behind its data" : "");
    f.hash_offset = before * VERITY_BLOCK;
    int rc = read_superblock(tree + f.hash_offset, &f, e);
    if (rc < 0)
        return rc;
    if (f.data_blocks == 0 || f.data_blocks > VERITY_DATA_BLOCKS_MAX ||
        (appended && f.data_blocks != before))
        return err_set(e, ERR_INPUT, "the verity superblock says %" PRIu64 " data blocks",
                       f.data_blocks);
    verity_layout(f.data_blocks, &l);
    if ((before + 1 + l.hash_blocks) * VERITY_BLOCK != len)
        return err_set(e, ERR_INPUT, "a hash tree of %" PRIu64 " blocks is not %" PRIu64 " bytes",
                       f.data_blocks, len);
    const uint8_t *top = tree + f.hash_offset + VERITY_BLOCK;
    if (l.levels == 0 && appended)
        top = tree;
    else if (l.levels == 0 && data != NULL && data_len == VERITY_BLOCK)
        top = data;
    else if (l.levels == 0)
        return err_set(e, ERR_INPUT, "the root hash of one block needs that block");
    if ((rc = hasher_new(DIGEST_SHA256, &h, e)) < 0 ||
        (rc = hash_block(h, &f.ids, top, f.root, e)) < 0)
        return rc;
    *out = f;
    return 0;
}
