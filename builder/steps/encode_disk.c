/* SPDX-License-Identifier: Apache-2.0 */
/* encode.disk: partitions from blobs behind an MBR or a GPT (docs/formats/disk.md; UEFI
 * specification, chapter 5). */
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/stream/le.h"

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
    uint8_t type;            /* MBR */
    bool active;             /* MBR */
    uint8_t guid[UUID_SIZE]; /* GPT: the type's */
    const char *name;        /* GPT */
    uint64_t attributes;     /* GPT */
    uint64_t first;          /* sector */
    uint64_t sectors;
};

struct params {
    bool gpt;
    uint64_t size; /* 0: the smallest */
    bool has_code;
    size_t code; /* input */
    struct partition partitions[GPT_PARTITIONS];
    size_t count;
};

/* ---- parameters ---------------------------------------------------------------------- */

static int read_input(const struct jcur *object, const char *key, size_t input_count, bool *used,
                      size_t *out, struct err *e)
{
    struct jcur c;
    uint64_t index = 0;
    int rc;

    if ((rc = jcur_get(object, key, &c, e)) < 0 || (rc = jcur_u64(&c, UINT32_MAX, &index, e)) < 0)
        return rc;
    if (index >= input_count)
        return jcur_fail(&c, e, "there is no such input");
    if (used[index])
        return jcur_fail(&c, e, "the input is used twice");
    used[index] = true;
    *out = (size_t)index;
    return 0;
}

static int read_gpt_partition(const struct jcur *c, struct partition *p, struct err *e)
{
    struct jcur m;
    const char *type = NULL;
    int rc;

    if ((rc = jcur_get(c, "type", &m, e)) < 0 ||
        (rc = jcur_string(&m, UUID_TEXT_MAX, &type, e)) < 0)
        return rc;
    if (!uuid_parse(type, p->guid))
        return jcur_fail(&m, e, "'%s' is no UUID in small letters", type);
    if ((rc = jcur_get(c, "name", &m, e)) < 0 ||
        (rc = jcur_string(&m, NAME_MAX_CHARS, &p->name, e)) < 0)
        return rc;
    for (const char *s = p->name; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            return jcur_fail(&m, e, "a partition's name is printable ASCII");
    return jcur_get_u64(c, "attributes", (UINT64_C(1) << 53) - 1, &p->attributes, e);
}

static int read_mbr_partition(const struct jcur *c, struct partition *p, struct err *e)
{
    struct jcur m;
    uint64_t type = 0;
    int rc;

    if ((rc = jcur_get(c, "type", &m, e)) < 0 || (rc = jcur_u64(&m, 255, &type, e)) < 0)
        return rc;
    if (type == 0)
        return jcur_fail(&m, e, "0 is the type of no partition");
    p->type = (uint8_t)type;
    return params_bool(c, "active", &p->active, e);
}

static int read_partition(const struct jcur *c, bool gpt, size_t input_count, bool *used,
                          struct partition *p, struct err *e)
{
    static const char *const gpt_keys[] = {"attributes", "input", "name", "type", NULL};
    static const char *const mbr_keys[] = {"active", "input", "type", NULL};
    int rc;

    if ((rc = jcur_object(c, gpt ? gpt_keys : mbr_keys, e)) < 0 ||
        (rc = read_input(c, "input", input_count, used, &p->input, e)) < 0)
        return rc;
    return gpt ? read_gpt_partition(c, p, e) : read_mbr_partition(c, p, e);
}

static int read_partitions(const struct jcur *params, size_t input_count, bool *used,
                           struct params *p, struct err *e)
{
    struct jcur list;
    bool active = false;
    int rc;

    if ((rc = jcur_get(params, "partitions", &list, e)) < 0 ||
        (rc = jcur_array(&list, p->gpt ? GPT_PARTITIONS : MBR_PARTITIONS, &p->count, e)) < 0)
        return rc;
    for (size_t i = 0; i < p->count; i++) {
        struct jcur item = jcur_item(&list, i);
        struct partition *part = &p->partitions[i];
        if ((rc = read_partition(&item, p->gpt, input_count, used, part, e)) < 0)
            return rc;
        if (part->active && active)
            return jcur_fail(&item, e, "two partitions are active");
        active = active || part->active;
    }
    return 0;
}

static int read_params(const struct jcur *params, size_t input_count, struct params *p,
                       struct err *e)
{
    static const char *const keys[] = {"code", "partitions", "size", "table", NULL};
    static const char *const tables[] = {"mbr", "gpt", NULL};
    AUTO_FREE bool *used = array_new(input_count + 1, sizeof(*used));
    struct jcur c;
    size_t table = 0;
    int rc;

    if (used == NULL)
        return err_oom(e);
    if ((rc = jcur_object(params, keys, e)) < 0 || (rc = jcur_get(params, "table", &c, e)) < 0 ||
        (rc = jcur_choice(&c, tables, &table, e)) < 0 ||
        (rc = jcur_get(params, "size", &c, e)) < 0 ||
        (rc = jcur_u64(&c, SIZE_LIMIT, &p->size, e)) < 0)
        return rc;
    if (p->size % SECTOR != 0)
        return jcur_fail(&c, e, "a size is a multiple of %d", SECTOR);
    p->gpt = table == 1;
    p->has_code = jcur_opt(params, "code", &c);
    if (p->has_code && (rc = read_input(params, "code", input_count, used, &p->code, e)) < 0)
        return rc;
    if ((rc = read_partitions(params, input_count, used, p, e)) < 0)
        return rc;
    for (size_t i = 0; i < input_count; i++)
        if (!used[i])
            return jcur_fail(params, e, "nothing is made of input %zu", i);
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    AUTO_FREE struct params *p = calloc(1, sizeof(*p));

    return p == NULL ? err_oom(e) : read_params(params, input_count, p, e);
}

/* ---- places ---------------------------------------------------------------------------- */

struct disk {
    const struct params *p;
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

/* Partitions begin and end at whole MiB; behind the last is one MiB for a GPT's second copy. */
static int place(struct disk *d, struct params *p, struct err *e)
{
    uint64_t at = MIB;

    for (size_t i = 0; i < p->count; i++) {
        struct partition *part = &p->partitions[i];
        uint64_t size = d->inputs[part->input].size;
        if (size == 0 || size > SIZE_LIMIT || at > SIZE_LIMIT)
            return err_set(e, ERR_INPUT, "a partition of %" PRIu64 " bytes cannot be made", size);
        part->first = at / SECTOR;
        part->sectors = round_up(size) / SECTOR;
        at += round_up(size);
    }
    if (p->gpt)
        at += MIB;
    if (p->size != 0 && p->size < at)
        return err_set(e, ERR_INPUT,
                       "a disk of %" PRIu64 " bytes is too small: its partitions need %" PRIu64,
                       p->size, at);
    d->sectors = (p->size != 0 ? p->size : at) / SECTOR;
    if (!p->gpt && d->sectors > UINT32_MAX)
        return err_set(e, ERR_INPUT, "an MBR cannot describe a disk of 2 TiB and more");
    return 0;
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
    const struct step_input *input = &d->inputs[d->p->code];

    if (!d->p->has_code)
        return 0;
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

static void put_mbr_entry(uint8_t *p, bool active, uint8_t type, uint64_t first, uint64_t sectors)
{
    p[0] = active ? 0x80 : 0;
    put_chs(p + 1, first);
    p[4] = type;
    put_chs(p + 5, first + sectors - 1);
    put_le32(p + 8, (uint32_t)first);
    put_le32(p + 12, (uint32_t)sectors);
}

static int make_mbr(const struct disk *d, uint8_t s[SECTOR], struct err *e)
{
    static const uint8_t protective_end[] = {0xff, 0xff, 0xff};
    uint8_t id[DIGEST_SHA256_SIZE];

    memset(s, 0, SECTOR);
    memcpy(s, d->code, MBR_CODE);
    put_le16(s + 510, 0xaa55);
    if (d->p->gpt) {
        uint64_t rest = d->sectors - 1;
        put_mbr_entry(s + MBR_TABLE, false, 0xee, 1, rest < UINT32_MAX ? rest : UINT32_MAX);
        memcpy(s + MBR_TABLE + 5, protective_end, sizeof(protective_end));
        return 0;
    }
    int rc = id_derive(&d->contents, "encode.disk signature", id, e);
    if (rc < 0)
        return rc;
    memcpy(s + MBR_CODE, id, 4);
    for (size_t i = 0; i < d->p->count; i++) {
        const struct partition *part = &d->p->partitions[i];
        put_mbr_entry(s + MBR_TABLE + 16 * i, part->active, part->type, part->first, part->sectors);
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
        (void)snprintf(purpose, sizeof(purpose), "encode.disk partition %zu", i + 1);
        int rc = id_derive_uuid(&d->contents, purpose, uuid, e);
        if (rc < 0)
            return rc;
        put_guid(p, part->guid);
        put_guid(p + 16, uuid);
        put_le64(p + 32, part->first);
        put_le64(p + 40, part->first + part->sectors - 1);
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

static int write_partition(struct disk *d, const struct partition *part, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    size_t got = 0;
    int rc;

    if ((rc = fill_to(d, part->first * SECTOR, e)) < 0 ||
        (rc = cas_stream_open(d->context->cas, &d->inputs[part->input].digest, &s, e)) < 0)
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
    if (d->p->gpt && ((rc = make_entries(d, entries, e)) < 0 ||
                      (rc = make_header(d, entries, false, sector, e)) < 0 ||
                      (rc = put(d, sector, SECTOR, e)) < 0 ||
                      (rc = put(d, entries, (size_t)GPT_PARTITIONS * GPT_ENTRY, e)) < 0))
        return rc;
    for (size_t i = 0; i < d->p->count; i++)
        if ((rc = write_partition(d, &d->p->partitions[i], e)) < 0)
            return rc;
    if (!d->p->gpt)
        return fill_to(d, d->sectors * SECTOR, e);
    if ((rc = fill_to(d, (d->sectors - GPT_SECTORS) * SECTOR, e)) < 0 ||
        (rc = put(d, entries, (size_t)GPT_PARTITIONS * GPT_ENTRY, e)) < 0 ||
        (rc = make_header(d, entries, true, sector, e)) < 0)
        return rc;
    return put(d, sector, SECTOR, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_FREE struct params *p = calloc(1, sizeof(*p));
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct disk d = {.p = p, .inputs = inputs, .context = context, .chunk = chunk};
    int rc;

    if (p == NULL || chunk == NULL)
        return err_oom(e);
    if ((rc = read_params(params, input_count, p, e)) < 0 || (rc = place(&d, p, e)) < 0 ||
        (rc = digest_inputs(&d, input_count, e)) < 0 || (rc = read_code(&d, e)) < 0 ||
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
    .check = check,
    .run = run,
};
