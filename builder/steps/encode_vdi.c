/* SPDX-License-Identifier: Apache-2.0 */
/* encode.vdi: a disk as VirtualBox's image, of fixed size or dynamic (docs/formats/disk.md). */
#include "base/byte_order.h"
#include "builder/steps/disk_container.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <inttypes.h>
#include <string.h>

/* The header of version 1.1: where each number is. */
enum vdi_place {
    VDI_SIGNATURE = 0x40,
    VDI_VERSION = 0x44,
    VDI_HEADER_SIZE = 0x48, /* from itself on */
    VDI_TYPE = 0x4c,
    VDI_TABLE = 0x154,
    VDI_DATA = 0x158,
    VDI_SECTOR = 0x168,
    VDI_DISK_SIZE = 0x170,
    VDI_BLOCK_SIZE = 0x178,
    VDI_BLOCKS = 0x180,
    VDI_USED = 0x184,
    VDI_UUID = 0x188,
    VDI_UUID_CHANGED = 0x198,
    VDI_HEADER = 512,
};
enum {
    BLOCK = BLOCKS_MIB,
    VERSION = 0x00010001,
    HEADER_SIZE = 0x190,
    TYPE_DYNAMIC = 1,
    TYPE_FIXED = 2,
    DATA_ALIGN = BLOCKS_MIB, /* blocks lie as they would on a disk of that alignment */
};
#define SIGNATURE UINT32_C(0xbeda107f)
#define NOWHERE UINT32_MAX

struct params {
    size_t type; /* into types */
    uint64_t size;
};
enum { FIXED, DYNAMIC };
static const char *const types[] = {"fixed", "dynamic", NULL};

static bool is_written(const struct blocks *b, const struct params *p, uint64_t i)
{
    return p->type == FIXED || blocks_used(b, i);
}

static uint64_t data_start(const struct blocks *b)
{
    return (VDI_HEADER + b->count * 4 + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;
}

static int make_header(const struct blocks *b, const struct params *p,
                       const struct step_input *input, uint8_t *h, struct err *e)
{
    static const char text[] = "<<< Oracle VM VirtualBox Disk Image >>>\n";
    memset(h, 0, VDI_HEADER);
    memcpy(h, text, sizeof(text) - 1);
    put_le32(h + VDI_SIGNATURE, SIGNATURE);
    put_le32(h + VDI_VERSION, VERSION);
    put_le32(h + VDI_HEADER_SIZE, HEADER_SIZE);
    put_le32(h + VDI_TYPE, p->type == FIXED ? TYPE_FIXED : TYPE_DYNAMIC);
    put_le32(h + VDI_TABLE, VDI_HEADER);
    put_le32(h + VDI_DATA, (uint32_t)data_start(b));
    put_le32(h + VDI_SECTOR, BLOCKS_SECTOR);
    put_le64(h + VDI_DISK_SIZE, b->size);
    put_le32(h + VDI_BLOCK_SIZE, BLOCK);
    put_le32(h + VDI_BLOCKS, (uint32_t)b->count);
    put_le32(h + VDI_USED, (uint32_t)(p->type == FIXED ? b->count : b->used_count));
    int rc = id_derive_uuid(&input->digest, "encode.vdi uuid", h + VDI_UUID, e);
    return rc < 0 ? rc
                  : id_derive_uuid(&input->digest, "encode.vdi changed", h + VDI_UUID_CHANGED, e);
}

/* Header, table of blocks, zeros up to the data. */
static int write_front(struct disk_container *c, struct err *e)
{
    const struct blocks *b = c->blocks;
    const struct params *p = c->params;
    size_t size = (size_t)data_start(b); /* some MiB, for disks of some TiB */
    AUTO_FREE uint8_t *front = calloc(1, size);
    uint32_t next = 0;
    if (front == NULL)
        return err_oom(e);
    int rc = make_header(b, p, c->input, front, e);
    for (uint64_t i = 0; i < b->count; i++)
        put_le32(front + VDI_HEADER + i * 4, is_written(b, p, i) ? next++ : NOWHERE);
    return rc < 0 ? rc : disk_container_put(c, front, size, e);
}

static const struct param rows[] = {
    {PARAM_CHOICE("type", struct params, type, types)},
    {PARAM_U64("size", struct params, size), .max = BLOCKS_SIZE_MAX, .multiple = BLOCKS_SECTOR,
     .complaint = "this size", .said = SAID_FROM},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int write_image(struct disk_container *c, struct err *e)
{
    int rc = write_front(c, e);
    for (uint64_t i = 0; rc == 0 && i < c->blocks->count; i++)
        if (is_written(c->blocks, c->params, i))
            rc = disk_container_put_block(c, i, e);
    return rc;
}

int step_encode_vdi_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct disk_container_options options = {
        .params = p, .size = p->size, .unit = BLOCKS_SECTOR, .block = BLOCK, .write = write_image};

    (void)input_count;
    return disk_container_run(context, &inputs[0], &options, out, e);
}

const struct step_kind step_encode_vdi = {
    .name = "encode.vdi",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
