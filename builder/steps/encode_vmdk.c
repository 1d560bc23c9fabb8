/* SPDX-License-Identifier: Apache-2.0 */
/* encode.vmdk: a disk as a stream-optimized VMDK, as VMware imports it (docs/formats/disk.md;
 * VMware, Virtual Disk Format 5.0). */
#include "base/byte_order.h"
#include "base/workers.h"
#include "builder/steps/disk_container.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "builder/steps/widths.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

enum {
    SECTOR = BLOCKS_SECTOR,
    GRAIN = 65536,
    GRAIN_SECTORS = GRAIN / SECTOR,
    TABLE_ENTRIES = 512,
    TABLE = TABLE_ENTRIES * 4,
    DESCRIPTOR_SECTORS = 20,
    OVERHEAD = 128, /* sectors before the first grain */
    LEVEL = 6,
    MARKER = 12,         /* bytes of a grain's: its sector and the size of what follows */
    ROOM = GRAIN + 4096, /* of a compressed grain with its marker; more than compressBound() */
    BATCH_MAX = 64,
    HEADS = 255,
    TRACK = 63,
};
enum marker { MARKER_END = 0, MARKER_TABLE = 1, MARKER_DIRECTORY = 2, MARKER_FOOTER = 3 };
#define AT_END UINT64_C(0xffffffffffffffff)

struct batch {
    const struct blocks *b;
    uint64_t index[BATCH_MAX]; /* grains */
    size_t count;
    uint8_t *grains;       /* BATCH_MAX of GRAIN */
    uint8_t *packed;       /* BATCH_MAX of ROOM */
    size_t len[BATCH_MAX]; /* in packed, to whole sectors */
};

struct output {
    struct disk_container *c;
    const struct blocks *b;
    struct batch batch;
    uint64_t tables;
    uint32_t *directory; /* sector of each grain table; 0: none */
    uint8_t table[TABLE];
    bool table_used;
};

/* ---- the start ------------------------------------------------------------------------------- */

static void make_header(const struct output *o, uint64_t directory, uint8_t h[SECTOR])
{
    memset(h, 0, SECTOR);
    memcpy(h, "KDMV", 4);
    put_le32(h + 4, 3);
    put_le32(h + 8, 0x00030001); /* newlines can be checked; compressed grains; markers */
    put_le64(h + 12, o->b->size / SECTOR);
    put_le64(h + 20, GRAIN_SECTORS);
    put_le64(h + 28, 1);
    put_le64(h + 36, DESCRIPTOR_SECTORS);
    put_le32(h + 44, TABLE_ENTRIES);
    put_le64(h + 56, directory);
    put_le64(h + 64, OVERHEAD);
    memcpy(h + 73, "\n \r\n", 4);
    put_le16(h + 77, 1); /* deflate */
}

static int write_start(struct output *o, struct err *e)
{
    AUTO_FREE uint8_t *start = calloc(OVERHEAD, SECTOR);
    uint8_t id[DIGEST_SHA256_SIZE];
    uint64_t sectors = o->b->size / SECTOR;

    if (start == NULL)
        return err_oom(e);
    int rc = id_derive(&o->c->input->digest, "encode.vmdk cid", id, e);
    if (rc < 0)
        return rc;
    make_header(o, AT_END, start);
    /* 0xffffffff would say that there is no parent: the first bit is never set. */
    (void)snprintf((char *)start + SECTOR, (size_t)DESCRIPTOR_SECTORS * SECTOR,
                   "# Disk DescriptorFile\nversion=1\nCID=%02x%02x%02x%02x\nparentCID=ffffffff\n"
                   "createType=\"streamOptimized\"\n\n# Extent description\n"
                   "RDWR %" PRIu64 " SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\n"
                   "ddb.virtualHWVersion = \"6\"\nddb.geometry.cylinders = \"%" PRIu64 "\"\n"
                   "ddb.geometry.heads = \"%d\"\nddb.geometry.sectors = \"%d\"\n"
                   "ddb.adapterType = \"lsilogic\"\n",
                   id[0] & 0x7fU, id[1], id[2], id[3], sectors, sectors / (HEADS * TRACK), HEADS,
                   TRACK);
    return disk_container_put(o->c, start, (size_t)OVERHEAD * SECTOR, e);
}

/* ---- grains -------------------------------------------------------------------------------------
 */

static int pack_grain(void *context, size_t i, struct err *e)
{
    struct batch *batch = context;
    uint8_t *grain = batch->grains + i * GRAIN;
    uint8_t *packed = batch->packed + i * ROOM;
    uLongf len = ROOM - MARKER;

    int rc = blocks_read(batch->b, batch->index[i], grain, e);
    if (rc < 0)
        return rc;
    rc = compress2(packed + MARKER, &len, grain, GRAIN, LEVEL);
    if (rc != Z_OK)
        return err_set(e, ERR_HOST, "cannot deflate: zlib says %d", rc);
    put_le64(packed, batch->index[i] * GRAIN_SECTORS);
    put_le32(packed + 8, (uint32_t)len);
    size_t whole = (MARKER + len + SECTOR - 1) / SECTOR * SECTOR;
    memset(packed + MARKER + len, 0, whole - MARKER - len);
    batch->len[i] = whole;
    return 0;
}

int width_vmdk(uint64_t at, uint32_t *sector, struct err *e)
{
    if (at / SECTOR > UINT32_MAX)
        return err_set(e, ERR_INPUT, "a VMDK has less than 2 TiB of compressed data");
    *sector = (uint32_t)(at / SECTOR);
    return 0;
}

/* Grains of one table, in their order. */
static int flush_batch(struct output *o, struct err *e)
{
    struct batch *batch = &o->batch;

    int rc = workers_run(o->c->jobs, batch->count, pack_grain, batch, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t sector = 0;
        if ((rc = width_vmdk(o->c->at, &sector, e)) < 0)
            return rc;
        put_le32(o->table + batch->index[i] % TABLE_ENTRIES * 4, sector);
        o->table_used = true;
        if ((rc = disk_container_put(o->c, batch->packed + i * ROOM, batch->len[i], e)) < 0)
            return rc;
    }
    batch->count = 0;
    return 0;
}

static int write_marker(struct output *o, enum marker type, uint64_t sectors, struct err *e)
{
    uint8_t m[SECTOR] = {0};

    put_le64(m, sectors);
    put_le32(m + 12, type);
    return disk_container_put(o->c, m, SECTOR, e);
}

static int flush_table(struct output *o, uint64_t index, struct err *e)
{
    if (!o->table_used)
        return 0;
    int rc = write_marker(o, MARKER_TABLE, TABLE / SECTOR, e);
    if (rc < 0 || (rc = width_vmdk(o->c->at, &o->directory[index], e)) < 0)
        return rc;
    o->table_used = false;
    rc = disk_container_put(o->c, o->table, TABLE, e);
    memset(o->table, 0, TABLE);
    return rc;
}

static int write_grains(struct output *o, struct err *e)
{
    for (uint64_t t = 0; t < o->tables; t++) {
        uint64_t end = (t + 1) * TABLE_ENTRIES;
        int rc;
        for (uint64_t i = t * TABLE_ENTRIES; i < end && i < o->b->count; i++) {
            if (!blocks_used(o->b, i))
                continue;
            o->batch.index[o->batch.count++] = i;
            if (o->batch.count == BATCH_MAX && (rc = flush_batch(o, e)) < 0)
                return rc;
        }
        if ((rc = flush_batch(o, e)) < 0 || (rc = flush_table(o, t, e)) < 0)
            return rc;
    }
    return 0;
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static int write_end(struct output *o, struct err *e)
{
    uint64_t bytes = (o->tables * 4 + SECTOR - 1) / SECTOR * SECTOR;
    AUTO_FREE uint8_t *directory = calloc(1, (size_t)bytes + SECTOR);
    uint8_t header[SECTOR];

    if (directory == NULL)
        return err_oom(e);
    for (uint64_t i = 0; i < o->tables; i++)
        put_le32(directory + i * 4, o->directory[i]);
    int rc = write_marker(o, MARKER_DIRECTORY, bytes / SECTOR, e);
    if (rc < 0)
        return rc;
    make_header(o, o->c->at / SECTOR, header);
    if ((rc = disk_container_put(o->c, directory, (size_t)bytes, e)) < 0 ||
        (rc = write_marker(o, MARKER_FOOTER, 1, e)) < 0 ||
        (rc = disk_container_put(o->c, header, SECTOR, e)) < 0)
        return rc;
    return write_marker(o, MARKER_END, 0, e);
}

/* ---- the step
 * ------------------------------------------------------------------------------------ */

struct params {
    uint64_t size; /* 0: the input's */
};

static const struct param rows[] = {
    {PARAM_U64("size", struct params, size), .max = BLOCKS_SIZE_MAX, .multiple = GRAIN,
     .complaint = "this size", .said = SAID_FROM},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int write_image(struct disk_container *c, struct err *e)
{
    AUTO_FREE uint8_t *grains = malloc((size_t)BATCH_MAX * GRAIN);
    AUTO_FREE uint8_t *packed = malloc((size_t)BATCH_MAX * ROOM);
    uint64_t tables = (c->blocks->count + TABLE_ENTRIES - 1) / TABLE_ENTRIES;
    AUTO_FREE uint32_t *directory = array_new((size_t)tables + 1, sizeof(*directory));
    struct output o = {.c = c,
                       .b = c->blocks,
                       .batch = {.b = c->blocks, .grains = grains, .packed = packed},
                       .tables = tables,
                       .directory = directory};
    int rc;

    if (grains == NULL || packed == NULL || directory == NULL)
        return err_oom(e);
    if ((rc = write_start(&o, e)) < 0 || (rc = write_grains(&o, e)) < 0)
        return rc;
    return write_end(&o, e);
}

int step_encode_vmdk_run(const struct step_context *context, void *params,
                         const struct step_input *inputs, size_t input_count,
                         struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct disk_container_options options = {
        .size = p->size, .unit = GRAIN, .block = GRAIN, .write = write_image};

    (void)input_count;
    return disk_container_run(context, &inputs[0], &options, out, e);
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_encode_vmdk = {
    .name = "encode.vmdk",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
