/* SPDX-License-Identifier: Apache-2.0 */
/* encode.vhd: a disk as a VHD, of fixed size as Azure wants it, or dynamic (docs/formats/disk.md;
 * Microsoft, Virtual Hard Disk Image Format Specification, 2006). */
#include "base/byte_order.h"
#include "builder/steps/disk_container.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <inttypes.h>
#include <string.h>

enum {
    FOOTER = 512,
    HEADER = 1024,
    TABLE_AT = FOOTER + HEADER,
    BLOCK = 2 * 1024 * 1024,
    BITMAP = BLOCK / BLOCKS_SECTOR / 8, /* bytes, a sector: one bit for each of the block's */
    TYPE_FIXED = 2,
    TYPE_DYNAMIC = 3,
    CHECKSUM_AT = 64, /* in the footer */
};
#define NOWHERE UINT64_C(0xffffffffffffffff)
#define SIZE_MAX_VHD (UINT64_C(2040) << 30)
#define EPOCH_2000 INT64_C(946684800) /* VHD's times count from 2000 */

struct params {
    size_t type; /* into types */
    uint64_t size;
    int64_t time;
};
enum { FIXED, DYNAMIC };
static const char *const types[] = {"fixed", "dynamic", NULL};

/* ---- the footer ------------------------------------------------------------------------------ */

/* Cylinders, heads and sectors as the specification's appendix computes them. */
static void put_geometry(uint8_t *p, uint64_t sectors)
{
    uint32_t total = sectors > 65535U * 16 * 255 ? 65535U * 16 * 255 : (uint32_t)sectors;
    uint32_t track = 255;
    uint32_t heads = 16;
    uint32_t cylinders_heads = total / track;

    if (total < 65535U * 16 * 63) {
        track = 17;
        cylinders_heads = total / track;
        heads = (cylinders_heads + 1023) / 1024;
        if (heads < 4)
            heads = 4;
        if (cylinders_heads >= heads * 1024 || heads > 16) {
            track = 31;
            heads = 16;
            cylinders_heads = total / track;
        }
        if (cylinders_heads >= heads * 1024) {
            track = 63;
            heads = 16;
            cylinders_heads = total / track;
        }
    }
    put_be16(p, cylinders_heads / heads);
    p[2] = (uint8_t)heads;
    p[3] = (uint8_t)track;
}

static uint32_t checksum(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += p[i];
    return ~sum;
}

static int make_footer(const struct params *p, const struct step_input *input, uint64_t size,
                       uint8_t *f, struct err *e)
{
    uint8_t uuid[UUID_SIZE];
    int64_t since = p->time < EPOCH_2000 ? 0 : p->time - EPOCH_2000;

    int rc = id_derive_uuid(&input->digest, "encode.vhd uuid", uuid, e);
    if (rc < 0)
        return rc;
    memset(f, 0, FOOTER);
    memcpy(f, "conectix", 8);
    put_be32(f + 8, 2); /* always set */
    put_be32(f + 12, 0x00010000);
    put_be64(f + 16, p->type == DYNAMIC ? FOOTER : NOWHERE);
    put_be32(f + 24, since > UINT32_MAX ? UINT32_MAX : (uint32_t)since);
    /* This creator's images are read by their size, not by the geometry, which is rounded down. */
    memcpy(f + 28, "qem2", 4);
    put_be32(f + 32, 0x00050003);
    memcpy(f + 36, "Wi2k", 4);
    put_be64(f + 40, size);
    put_be64(f + 48, size);
    put_geometry(f + 56, size / BLOCKS_SECTOR);
    put_be32(f + 60, p->type == DYNAMIC ? TYPE_DYNAMIC : TYPE_FIXED);
    memcpy(f + 68, uuid, UUID_SIZE);
    put_be32(f + CHECKSUM_AT, checksum(f, FOOTER));
    return 0;
}

/* ---- fixed -------------------------------------------------------------------------------------
 */

static int write_fixed(struct disk_container *c, const uint8_t *footer, struct err *e)
{
    uint64_t left = c->blocks->size;

    for (uint64_t i = 0; left > 0; i++) {
        size_t n = left < BLOCK ? (size_t)left : BLOCK;
        int rc;
        if ((rc = blocks_read(c->blocks, i, c->one, e)) < 0 ||
            (rc = disk_container_put(c, c->one, n, e)) < 0)
            return rc;
        left -= n;
    }
    return disk_container_put(c, footer, FOOTER, e);
}

/* ---- dynamic
 * ------------------------------------------------------------------------------------- */

static uint64_t table_size(const struct blocks *b)
{
    return (b->count * 4 + BLOCKS_SECTOR - 1) / BLOCKS_SECTOR * BLOCKS_SECTOR;
}

static int write_header(struct disk_container *c, const uint8_t *footer, struct err *e)
{
    uint8_t h[HEADER] = {0};

    memcpy(h, "cxsparse", 8);
    put_be64(h + 8, NOWHERE);
    put_be64(h + 16, TABLE_AT);
    put_be32(h + 24, 0x00010000);
    put_be32(h + 28, (uint32_t)c->blocks->count);
    put_be32(h + 32, BLOCK);
    put_be32(h + 36, checksum(h, HEADER));
    int rc = disk_container_put(c, footer, FOOTER, e);
    if (rc < 0)
        return rc;
    return disk_container_put(c, h, HEADER, e);
}

static int write_table(struct disk_container *c, struct err *e)
{
    const struct blocks *b = c->blocks;
    uint64_t size = table_size(b);
    AUTO_FREE uint8_t *table = malloc((size_t)size); /* at most 4 MiB, for 2040 GiB */
    uint64_t next = (TABLE_AT + size) / BLOCKS_SECTOR;

    if (table == NULL)
        return err_oom(e);
    memset(table, 0xff, (size_t)size);
    for (uint64_t i = 0; i < b->count; i++) {
        if (!blocks_used(b, i))
            continue;
        put_be32(table + i * 4, (uint32_t)next);
        next += (BITMAP + BLOCK) / BLOCKS_SECTOR;
    }
    return disk_container_put(c, table, (size_t)size, e);
}

static int write_dynamic(struct disk_container *c, const uint8_t *footer, struct err *e)
{
    uint8_t bitmap[BITMAP];
    int rc;

    memset(bitmap, 0xff, sizeof(bitmap));
    if ((rc = write_header(c, footer, e)) < 0 || (rc = write_table(c, e)) < 0)
        return rc;
    for (uint64_t i = 0; i < c->blocks->count; i++)
        if (blocks_used(c->blocks, i) && ((rc = disk_container_put(c, bitmap, BITMAP, e)) < 0 ||
                                          (rc = disk_container_put_block(c, i, e)) < 0))
            return rc;
    return disk_container_put(c, footer, FOOTER, e);
}

/* ---- the step
 * --------------------------------------------------------------------------------------- */

static const struct param rows[] = {
    {PARAM_CHOICE("type", struct params, type, types)},
    {PARAM_U64("size", struct params, size), .max = BLOCKS_SIZE_MAX, .multiple = BLOCKS_MIB,
     .complaint = "this size", .said = SAID_FROM},
    {PARAM_I64("time", struct params, time), .max = PARAM_SECONDS_MAX, .definition = "seconds"},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int write_image(struct disk_container *c, struct err *e)
{
    const struct params *p = c->params;
    uint64_t size = c->blocks->size;
    uint8_t footer[FOOTER];

    if (size > SIZE_MAX_VHD)
        return err_set(e, ERR_INPUT, "a VHD has at most 2040 GiB, not %" PRIu64 " bytes", size);
    int rc = make_footer(p, c->input, size, footer, e);
    if (rc < 0)
        return rc;
    return p->type == DYNAMIC ? write_dynamic(c, footer, e) : write_fixed(c, footer, e);
}

int step_encode_vhd_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct disk_container_options options = {
        .params = p, .size = p->size, .unit = BLOCKS_MIB, .block = BLOCK, .write = write_image};

    (void)input_count;
    return disk_container_run(context, &inputs[0], &options, out, e);
}

const struct step_kind step_encode_vhd = {
    .name = "encode.vhd",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
