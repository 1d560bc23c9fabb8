/* SPDX-License-Identifier: Apache-2.0 */
/* encode.disk: partitions from blobs behind an MBR or a GPT (docs/formats/disk.md; UEFI
 * specification, chapter 5). */
#include "base/byte_order.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "builder/steps/widths.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

enum {
    SECTOR = 512,
    MIB = 1024 * 1024,
    MBR_PARTITIONS = 4,
    MBR_CODE = 440, /* bytes, before the disk's signature */
    MBR_TABLE = 446,
    GPT_PARTITIONS = 128,
    GPT_ENTRY = 128,
    GPT_ENTRIES_SECTORS = GPT_PARTITIONS * GPT_ENTRY / SECTOR,
    GPT_HEADER = 92,
    GPT_SECTORS = 1 + GPT_ENTRIES_SECTORS, /* of either copy */
    NAME_MAX_CHARS = 36,
    CHUNK = 256 * 1024,
    HEADS = 255, /* the geometry that BIOSes make up, for the MBR's old fields */
    TRACK = 63,
};
#define SIZE_LIMIT (UINT64_C(1) << 46) /* 64 TiB */

struct partition {
    size_t input;
    uint32_t mbr_type;
    bool active;          /* MBR */
    const char *gpt_type; /* UUID */
    const char *name;     /* GPT */
    uint64_t attributes;  /* GPT */
};

struct params {
    size_t table;  /* into tables */
    uint64_t size; /* 0: the smallest */
    size_t code;   /* input, or PARAM_NO_INPUT */
    struct partition *partitions;
    size_t count;
};

/* ---- parameters ---------------------------------------------------------------------- */

enum { MBR, GPT };
static const char *const tables[] = {"mbr", "gpt", NULL};

static bool uuid_valid(const char *text)
{
    uint8_t uuid[UUID_SIZE];
    return uuid_parse(text, uuid);
}

static const struct param_text type_text = {
    .max = UUID_TEXT_MAX,
    .valid = uuid_valid,
    .is = "no UUID in small letters",
    .pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
};

static const struct param_text name_text = {
    .max = NAME_MAX_CHARS,
    .valid = param_printable,
    .complaint = "a partition's name is printable ASCII",
    .said_max = NAME_MAX_CHARS,
};

static int check_count(const struct param_reading *r, const struct jcur *object, const void *fields,
                       struct err *e)
{
    size_t table = ((const struct params *)fields)->table;
    struct jcur list;
    size_t count = 0;
    (void)r;
    int rc = jcur_get(object, "partitions", &list, e);
    return rc < 0 ? rc
                  : jcur_array(&list, table == GPT ? GPT_PARTITIONS : MBR_PARTITIONS, &count, e);
}

static int pick_table(const struct param_reading *r, const struct jcur *item, size_t *out,
                      struct err *e)
{
    (void)item;
    (void)e;
    *out = ((const struct params *)r->params)->table;
    return 0;
}

static int check_active(const struct param_list *list, const struct jcur *item, const void *items,
                        size_t index, struct err *e)
{
    const struct partition *partitions = items;
    (void)list;
    for (size_t i = 0; partitions[index].active && i < index; i++)
        if (partitions[i].active)
            return jcur_fail(item, e, "two partitions are active");
    return 0;
}

static const struct param mbr_rows[] = {
    {PARAM_INPUT("input", struct partition, input), .once = true},
    {PARAM_U32("type", struct partition, mbr_type), .min = 1, .max = 255,
     .complaint = "0 is the type of no partition"},
    {PARAM_BOOL("active", struct partition, active)},
};
static const struct param gpt_rows[] = {
    {PARAM_INPUT("input", struct partition, input), .once = true},
    {PARAM_TEXT("type", struct partition, gpt_type, &type_text)},
    {PARAM_TEXT("name", struct partition, name, &name_text)},
    {PARAM_U64("attributes", struct partition, attributes), .max = (UINT64_C(1) << 53) - 1,
     .said = SAID_FROM},
};
static const struct step_params mbr_takes = {STEP_PARAMS(mbr_rows, struct partition)};
static const struct step_params gpt_takes = {STEP_PARAMS(gpt_rows, struct partition)};
static const struct param_list partition_list = {
    PARAM_ITEMS(struct partition, [MBR] = &mbr_takes, [GPT] = &gpt_takes), .max = GPT_PARTITIONS,
    .pick = pick_table, .after = check_active};

static const struct param rows[] = {
    {PARAM_CHOICE("table", struct params, table, tables)},
    {PARAM_U64("size", struct params, size), .max = SIZE_LIMIT, .multiple = SECTOR,
     .complaint = "a size", .said = SAID_FROM},
    {PARAM_INPUT("code", struct params, code), .optional = true, .once = true},
    {PARAM_RULE(check_count)},
    {PARAM_LIST("partitions", struct partition, struct params, partitions, count, &partition_list)},
    {PARAM_RULE(param_inputs_used)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* ---- places ---------------------------------------------------------------------------- */

struct place {
    uint64_t first; /* sector */
    uint64_t sectors;
};

struct disk {
    const struct params *p;
    struct place places[GPT_PARTITIONS]; /* of the partitions */
    const struct step_input *inputs;
    const struct step_context *context;
    struct sink out;
    uint64_t at; /* bytes written */
    uint64_t sectors;
    struct digest contents; /* what ids are derived from */
    uint8_t code[MBR_CODE];
    uint8_t *chunk; /* CHUNK bytes */
};

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + MIB - 1) / MIB * MIB;
}

int width_mbr(uint64_t sectors, struct err *e)
{
    if (sectors > UINT32_MAX)
        return err_set(e, ERR_INPUT, "an MBR cannot describe a disk of 2 TiB and more");
    return 0;
}

/* Partitions begin and end at whole MiB; behind the last is one MiB for a GPT's second copy. */
static int place(struct disk *d, struct err *e)
{
    const struct params *p = d->p;
    uint64_t at = MIB;

    for (size_t i = 0; i < p->count; i++) {
        uint64_t size = d->inputs[p->partitions[i].input].size;
        if (size == 0 || size > SIZE_LIMIT || at > SIZE_LIMIT)
            return err_set(e, ERR_INPUT,
                           "a partition of %" PRIu64 " bytes cannot be made: it has at least one, "
                           "and a disk at most 64 TiB",
                           size);
        d->places[i] = (struct place){.first = at / SECTOR, .sectors = round_up(size) / SECTOR};
        at += round_up(size);
    }
    if (p->table == GPT)
        at += MIB;
    if (p->size != 0 && p->size < at)
        return err_set(e, ERR_INPUT,
                       "a disk of %" PRIu64 " bytes is too small: its partitions need %" PRIu64,
                       p->size, at);
    d->sectors = (p->size != 0 ? p->size : at) / SECTOR;
    return p->table == MBR ? width_mbr(d->sectors, e) : 0;
}

/* SHA-256 of the inputs' digests, in their order. */
static int digest_inputs(struct disk *d, size_t count, struct err *e)
{
    AUTO_HASHER struct hasher *h = NULL;

    int rc = hasher_new(DIGEST_SHA256, &h, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        if ((rc = hasher_update(h, d->inputs[i].digest.bytes, DIGEST_SHA256_SIZE, e)) < 0)
            return rc;
    return hasher_final(h, &d->contents, e);
}

static int read_code(struct disk *d, struct err *e)
{
    AUTO_BUF code = BUF_INIT(MBR_CODE);

    if (d->p->code == PARAM_NO_INPUT)
        return 0;
    const struct step_input *input = &d->inputs[d->p->code];
    if (input->size > MBR_CODE)
        return err_set(e, ERR_INPUT,
                       "the boot code for an MBR has %" PRIu64 " bytes, there is room for %d",
                       input->size, MBR_CODE);
    int rc = cas_get(d->context->cas, &input->digest, &code, e);
    if (rc < 0)
        return rc;
    memcpy(d->code, code.data, code.len);
    return 0;
}

/* ---- the MBR ----------------------------------------------------------------------------- */

/* Cylinder, head and sector; what does not fit is 1023/254/63. */
static void put_chs(uint8_t *p, uint64_t sector)
{
    uint64_t cylinder = sector / (HEADS * TRACK);
    uint32_t head = (uint32_t)(sector / TRACK % HEADS);
    uint32_t in_track = (uint32_t)(sector % TRACK) + 1;

    if (cylinder > 1023) {
        cylinder = 1023;
        head = HEADS - 1;
        in_track = TRACK;
    }
    p[0] = (uint8_t)head;
    p[1] = (uint8_t)(in_track | (cylinder >> 8) << 6);
    p[2] = (uint8_t)cylinder;
}

static void put_mbr_entry(uint8_t *p, bool active, uint8_t type, struct place at)
{
    p[0] = active ? 0x80 : 0;
    put_chs(p + 1, at.first);
    p[4] = type;
    put_chs(p + 5, at.first + at.sectors - 1);
    put_le32(p + 8, (uint32_t)at.first);
    put_le32(p + 12, (uint32_t)at.sectors);
}

static int make_mbr(const struct disk *d, uint8_t s[SECTOR], struct err *e)
{
    static const uint8_t protective_end[] = {0xff, 0xff, 0xff};
    uint8_t id[DIGEST_SHA256_SIZE];

    memset(s, 0, SECTOR);
    memcpy(s, d->code, MBR_CODE);
    put_le16(s + 510, 0xaa55);
    if (d->p->table == GPT) {
        uint64_t rest = d->sectors - 1;
        const struct place all = {.first = 1, .sectors = rest < UINT32_MAX ? rest : UINT32_MAX};
        put_mbr_entry(s + MBR_TABLE, false, 0xee, all);
        memcpy(s + MBR_TABLE + 5, protective_end, sizeof(protective_end));
        return 0;
    }
    int rc = id_derive(&d->contents, "encode.disk signature", id, e);
    if (rc < 0)
        return rc;
    memcpy(s + MBR_CODE, id, 4);
    for (size_t i = 0; i < d->p->count; i++) {
        const struct partition *part = &d->p->partitions[i];
        put_mbr_entry(s + MBR_TABLE + 16 * i, part->active, (uint8_t)part->mbr_type, d->places[i]);
    }
    return 0;
}

/* ---- the GPT ------------------------------------------------------------------------------- */

/* The first three fields of a GUID are little-endian on disk. */
static void put_guid(uint8_t *p, const uint8_t uuid[UUID_SIZE])
{
    static const uint8_t order[UUID_SIZE] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < UUID_SIZE; i++)
        p[i] = uuid[order[i]];
}

static int make_entries(const struct disk *d, uint8_t *entries, struct err *e)
{
    uint8_t uuid[UUID_SIZE];
    char purpose[48];

    memset(entries, 0, (size_t)GPT_PARTITIONS * GPT_ENTRY);
    for (size_t i = 0; i < d->p->count; i++) {
        const struct partition *part = &d->p->partitions[i];
        uint8_t *p = entries + i * GPT_ENTRY;
        (void)uuid_parse(part->gpt_type, uuid);
        put_guid(p, uuid);
        (void)snprintf(purpose, sizeof(purpose), "encode.disk partition %zu", i + 1);
        int rc = id_derive_uuid(&d->contents, purpose, uuid, e);
        if (rc < 0)
            return rc;
        put_guid(p + 16, uuid);
        put_le64(p + 32, d->places[i].first);
        put_le64(p + 40, d->places[i].first + d->places[i].sectors - 1);
        put_le64(p + 48, part->attributes);
        for (size_t k = 0; part->name[k] != '\0'; k++)
            p[56 + 2 * k] = (uint8_t)part->name[k];
    }
    return 0;
}

static int make_header(const struct disk *d, const uint8_t *entries, bool backup, uint8_t s[SECTOR],
                       struct err *e)
{
    uint8_t uuid[UUID_SIZE];
    uint64_t last = d->sectors - 1;

    int rc = id_derive_uuid(&d->contents, "encode.disk guid", uuid, e);
    if (rc < 0)
        return rc;
    memset(s, 0, SECTOR);
    memcpy(s, "EFI PART", 8);
    put_le32(s + 8, 0x00010000);
    put_le32(s + 12, GPT_HEADER);
    put_le64(s + 24, backup ? last : 1);
    put_le64(s + 32, backup ? 1 : last);
    put_le64(s + 40, 1 + GPT_SECTORS);
    put_le64(s + 48, last - GPT_SECTORS);
    put_guid(s + 56, uuid);
    put_le64(s + 72, backup ? last - GPT_ENTRIES_SECTORS : 2);
    put_le32(s + 80, GPT_PARTITIONS);
    put_le32(s + 84, GPT_ENTRY);
    put_le32(s + 88, (uint32_t)crc32(0, entries, GPT_PARTITIONS * GPT_ENTRY));
    put_le32(s + 16, (uint32_t)crc32(0, s, GPT_HEADER));
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int put(struct disk *d, const void *data, size_t len, struct err *e)
{
    d->at += len;
    return sink_write(&d->out, data, len, e);
}

static int fill_to(struct disk *d, uint64_t offset, struct err *e)
{
    memset(d->chunk, 0, CHUNK);
    while (d->at < offset) {
        uint64_t left = offset - d->at;
        int rc = put(d, d->chunk, left < CHUNK ? (size_t)left : CHUNK, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_partition(struct disk *d, size_t index, struct err *e)
{
    const struct step_input *input = &d->inputs[d->p->partitions[index].input];
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    size_t got = 0;
    int rc;

    if ((rc = fill_to(d, d->places[index].first * SECTOR, e)) < 0 ||
        (rc = cas_stream_open(d->context->cas, &input->digest, &s, e)) < 0)
        return rc;
    do {
        if ((rc = cas_stream_read(s, d->chunk, CHUNK, &got, e)) < 0 ||
            (rc = put(d, d->chunk, got, e)) < 0)
            return rc;
    } while (got != 0);
    return 0;
}

static int write_disk(struct disk *d, struct err *e)
{
    uint8_t sector[SECTOR];
    AUTO_FREE uint8_t *entries = malloc((size_t)GPT_PARTITIONS * GPT_ENTRY);
    int rc;

    if (entries == NULL)
        return err_oom(e);
    if ((rc = make_mbr(d, sector, e)) < 0 || (rc = put(d, sector, SECTOR, e)) < 0)
        return rc;
    if (d->p->table == GPT && ((rc = make_entries(d, entries, e)) < 0 ||
                               (rc = make_header(d, entries, false, sector, e)) < 0 ||
                               (rc = put(d, sector, SECTOR, e)) < 0 ||
                               (rc = put(d, entries, (size_t)GPT_PARTITIONS * GPT_ENTRY, e)) < 0))
        return rc;
    for (size_t i = 0; i < d->p->count; i++)
        if ((rc = write_partition(d, i, e)) < 0)
            return rc;
    if (d->p->table == MBR)
        return fill_to(d, d->sectors * SECTOR, e);
    if ((rc = fill_to(d, (d->sectors - GPT_SECTORS) * SECTOR, e)) < 0 ||
        (rc = put(d, entries, (size_t)GPT_PARTITIONS * GPT_ENTRY, e)) < 0 ||
        (rc = make_header(d, entries, true, sector, e)) < 0)
        return rc;
    return put(d, sector, SECTOR, e);
}

int step_encode_disk_run(const struct step_context *context, void *params,
                         const struct step_input *inputs, size_t input_count,
                         struct step_output *out, struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct disk d = {.p = params, .inputs = inputs, .context = context, .chunk = chunk};
    int rc;

    if (chunk == NULL)
        return err_oom(e);
    if ((rc = place(&d, e)) < 0 || (rc = digest_inputs(&d, input_count, e)) < 0 ||
        (rc = read_code(&d, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    d.out = sink_cas(writer);
    if ((rc = write_disk(&d, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_disk = {
    .name = "encode.disk",
    .min_inputs = 0,
    .max_inputs = GPT_PARTITIONS + 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
