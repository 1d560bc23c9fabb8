/* SPDX-License-Identifier: Apache-2.0 */
/* UEFI 2.10 §5: the GPT and its protective MBR; the MBR's chain of logical partitions as Linux
 * follows it. */
#include "formats/disk/disk_object.h"

#include "base/byte_order.h"
#include "formats/object/gaps.h"

#include <inttypes.h>
#include <string.h>

enum mbr_fields {
    M_CODE = 440, /* bytes of it, from 0 */
    M_SIGNATURE = 440,
    M_ENTRIES = 446,
    M_ENTRY = 16,
    M_COUNT = 4,
    M_MAGIC = 510,
    M_STATUS = 0,
    M_TYPE = 4,
    M_START = 8,
    M_SECTORS = 12,
    SECTOR = 512,
};

enum gpt_fields {
    G_HEADER = 92,
    G_REVISION = 8,
    G_SIZE = 12,
    G_CHECKSUM = 16,
    G_SELF = 24,
    G_BACKUP = 32,
    G_FIRST = 40,
    G_LAST = 48,
    G_DISK = 56,
    G_TABLE = 72,
    G_COUNT = 80,
    G_ENTRY = 84,
    G_TABLE_CHECKSUM = 88,
    P_TYPE = 0,
    P_ID = 16,
    P_START = 32,
    P_END = 40,
    P_ATTRIBUTES = 48,
    P_NAME = 56,
    P_NAME_LENGTH = 72,
    P_MIN = 128,
};

enum { GPT_COUNT_MAX = 1024, GPT_ENTRY_MAX = 4096, LOGICAL_MAX = 256 };

struct disk {
    struct object *o;
    uint32_t sector;
    struct extents extents;
};

static int damaged(const struct disk *d, const char *what, uint64_t number, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the partition table is damaged: %s %" PRIu64, d->o->name,
                   what, number);
}

/* ---- a partition --------------------------------------------------------------------------------
 */

static int add_partition(struct disk *d, unsigned number, uint64_t start, uint64_t len,
                         struct err *e)
{
    char path[32];
    const struct field fields[] = {
        {"start", FIELD_LAYOUT, FIELD_NUMBER, start, NULL, 0},
    };
    text_print(path, sizeof(path), "partition %u", number);
    if (start > d->o->bytes->size || len > d->o->bytes->size - start)
        return damaged(d, "it lies outside of the disk, partition", number, e);
    const struct member m = {
        .path = path, .type = MEMBER_PART, .has_content = true, .size = len, .cookie = start};
    int rc = object_member_field(d->o, fields[0], e);
    if (rc < 0 || (rc = extents_add(&d->extents, start, len, e)) < 0)
        return rc;
    return object_member(d->o, &m, e);
}

/* ---- MBR
 * ------------------------------------------------------------------------------------------ */

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static int add_mbr_partition(struct disk *d, unsigned number, const uint8_t *entry, uint64_t base,
                             struct err *e)
{
    const struct field fields[] = {
        {"type", FIELD_MEANING, FIELD_NUMBER, entry[M_TYPE], NULL, 0},
        {"status", FIELD_MEANING, FIELD_NUMBER, entry[M_STATUS], NULL, 0},
        {"chs", FIELD_LAYOUT, FIELD_BYTES, 0, entry + 1, 3},
        {"chs.end", FIELD_LAYOUT, FIELD_BYTES, 0, entry + 5, 3},
    };
    uint64_t start = (base + get_le32(entry + M_START)) * SECTOR;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_member_field(d->o, fields[i], e);
    return rc < 0
               ? rc
               : add_partition(d, number, start, (uint64_t)get_le32(entry + M_SECTORS) * SECTOR, e);
}

/* A chain of tables, each with one logical partition and where the next table is. */
static int add_logical(struct disk *d, uint64_t first, struct err *e)
{
    uint64_t at = first;
    int rc = 0;
    for (unsigned number = 5; rc == 0; number++) {
        uint8_t table[SECTOR];
        const uint8_t *own = table + M_ENTRIES;
        const uint8_t *next = own + M_ENTRY;
        if (number > LOGICAL_MAX)
            return damaged(d, "there are more logical partitions than", LOGICAL_MAX, e);
        if ((rc = bytes_read(d->o->bytes, at * SECTOR, table, SECTOR, e)) < 0)
            return rc;
        if (get_le16(table + M_MAGIC) != 0xaa55)
            return damaged(d, "no table stands at sector", at, e);
        if ((rc = extents_add(&d->extents, at * SECTOR + M_ENTRIES, SECTOR - M_ENTRIES, e)) < 0)
            return rc;
        if (own[M_TYPE] != 0)
            rc = add_mbr_partition(d, number, own, at, e);
        if (!is_extended(next[M_TYPE]) || get_le32(next + M_START) == 0)
            break;
        at = first + get_le32(next + M_START);
    }
    return rc;
}

static int add_boot(struct disk *d, const uint8_t *mbr, struct err *e)
{
    const struct field signature = {
        "signature", FIELD_ID, FIELD_NUMBER, get_le32(mbr + M_SIGNATURE), NULL, 0};
    const struct field copy = {
        "protected", FIELD_MEANING, FIELD_NUMBER, get_le16(mbr + M_SIGNATURE + 4), NULL, 0};
    const struct field size = {"size", FIELD_LAYOUT, FIELD_NUMBER, d->o->bytes->size, NULL, 0};
    const struct member code = {.path = "(boot code)",
                                .type = MEMBER_PART,
                                .has_content = true,
                                .code = true,
                                .size = M_CODE};
    int rc = object_field(d->o, signature, e);
    if (rc < 0 || (rc = object_field(d->o, copy, e)) < 0 ||
        (rc = object_field(d->o, size, e)) < 0 || (rc = object_member(d->o, &code, e)) < 0)
        return rc;
    return extents_add(&d->extents, 0, SECTOR, e);
}

static int add_entries(struct disk *d, const uint8_t *mbr, bool beside_gpt, struct err *e)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < M_COUNT; i++) {
        const uint8_t *entry = mbr + M_ENTRIES + (size_t)i * M_ENTRY;
        char name[32];
        if (entry[M_TYPE] == 0)
            continue;
        text_print(name, sizeof(name), "mbr.%u", i + 1);
        if (beside_gpt) /* how old firmware is told of a disk with a GPT */
            rc = object_field(
                d->o, (struct field){name, FIELD_LAYOUT, FIELD_BYTES, 0, entry, M_ENTRY}, e);
        else if (is_extended(entry[M_TYPE]))
            rc = add_logical(d, get_le32(entry + M_START), e);
        else
            rc = add_mbr_partition(d, i + 1, entry, 0, e);
    }
    return rc;
}

/* ---- GPT
 * ------------------------------------------------------------------------------------------ */

static bool is_gpt_header(const uint8_t *p)
{
    return memcmp(p, "EFI PART", 8) == 0;
}

static int add_header(struct disk *d, const char *prefix, const uint8_t *h, struct err *e)
{
    const struct {
        const char *name;
        enum field_class class;
        enum field_form form;
        size_t at;
        size_t len;
    } fields[] = {
        {"revision", FIELD_FORMAT, FIELD_NUMBER, G_REVISION, 4},
        {"header_size", FIELD_FORMAT, FIELD_NUMBER, G_SIZE, 4},
        {"checksum", FIELD_CHECKSUM, FIELD_NUMBER, G_CHECKSUM, 4},
        {"self", FIELD_LAYOUT, FIELD_NUMBER, G_SELF, 8},
        {"other", FIELD_LAYOUT, FIELD_NUMBER, G_BACKUP, 8},
        {"first", FIELD_LAYOUT, FIELD_NUMBER, G_FIRST, 8},
        {"last", FIELD_LAYOUT, FIELD_NUMBER, G_LAST, 8},
        {"disk", FIELD_ID, FIELD_BYTES, G_DISK, 16},
        {"table", FIELD_LAYOUT, FIELD_NUMBER, G_TABLE, 8},
        {"entries", FIELD_LAYOUT, FIELD_NUMBER, G_COUNT, 4},
        {"entry_size", FIELD_FORMAT, FIELD_NUMBER, G_ENTRY, 4},
        {"table_checksum", FIELD_CHECKSUM, FIELD_NUMBER, G_TABLE_CHECKSUM, 4},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++) {
        char name[32];
        const uint8_t *p = h + fields[i].at;
        uint64_t number = fields[i].len == 8 ? get_le64(p) : get_le32(p);
        text_print(name, sizeof(name), "%s.%s", prefix, fields[i].name);
        rc = object_field(
            d->o, (struct field){name, fields[i].class, fields[i].form, number, p, fields[i].len},
            e);
    }
    return rc;
}

static int add_gpt_partition(struct disk *d, unsigned number, const uint8_t *p, struct err *e)
{
    const struct field fields[] = {
        {"type", FIELD_MEANING, FIELD_BYTES, 0, p + P_TYPE, 16},
        {"guid", FIELD_ID, FIELD_BYTES, 0, p + P_ID, 16},
        {"attributes", FIELD_MEANING, FIELD_NUMBER, get_le64(p + P_ATTRIBUTES), NULL, 0},
        {"name", FIELD_MEANING, FIELD_TEXT, 0, p + P_NAME, P_NAME_LENGTH},
    };
    uint64_t start = get_le64(p + P_START);
    uint64_t end = get_le64(p + P_END);
    int rc = 0;
    if (start > end || end >= d->o->bytes->size / d->sector)
        return damaged(d, "it lies outside of the disk, partition", number, e);
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_member_field(d->o, fields[i], e);
    return rc < 0 ? rc
                  : add_partition(d, number, start * d->sector, (end - start + 1) * d->sector, e);
}

static bool is_used(const uint8_t *entry)
{
    static const uint8_t nothing[16] = {0};
    return memcmp(entry + P_TYPE, nothing, sizeof(nothing)) != 0;
}

/* One of the two headers and its table; partitions are taken from the first. */
static int take_table(struct disk *d, uint64_t at, const char *prefix, bool partitions,
                      uint8_t header[G_HEADER], struct err *e)
{
    AUTO_FREE uint8_t *table = NULL;
    int rc = bytes_read(d->o->bytes, at, header, G_HEADER, e);
    if (rc < 0)
        return rc;
    if (!is_gpt_header(header))
        return damaged(d, "no header stands at byte", at, e);
    uint32_t count = get_le32(header + G_COUNT);
    uint32_t size = get_le32(header + G_ENTRY);
    uint64_t start = get_le64(header + G_TABLE);
    if (count > GPT_COUNT_MAX || size < P_MIN || size > GPT_ENTRY_MAX || size % 8 != 0 ||
        start > d->o->bytes->size / d->sector)
        return damaged(d, "its entries are none, in number", count, e);
    table = malloc((size_t)count * size + 1);
    if (table == NULL)
        return err_oom(e);
    start *= d->sector;
    if ((rc = bytes_read(d->o->bytes, start, table, (size_t)count * size, e)) < 0 ||
        (rc = add_header(d, prefix, header, e)) < 0 ||
        (rc = extents_add(&d->extents, at, G_HEADER, e)) < 0)
        return rc;
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        const uint8_t *entry = table + (size_t)i * size;
        if (!is_used(entry))
            continue;
        rc = extents_add(&d->extents, start + (uint64_t)i * size, size, e);
        if (rc == 0 && partitions)
            rc = add_gpt_partition(d, i + 1, entry, e);
    }
    return rc;
}

static bool is_gpt(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= SECTOR + 8 && get_le16(head + M_MAGIC) == 0xaa55 && is_gpt_header(head + SECTOR);
}

/* The first sector, whichever table it is of. */
static int begin(struct object *o, struct disk **out, uint8_t mbr[SECTOR], struct err *e)
{
    struct disk *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return err_oom(e);
    o->state = d;
    d->o = o;
    d->sector = SECTOR;
    *out = d;
    int rc = bytes_read(o->bytes, 0, mbr, SECTOR, e);
    return rc < 0 ? rc : add_boot(d, mbr, e);
}

static int open_gpt(struct object *o, struct err *e)
{
    struct disk *d = NULL;
    uint8_t mbr[SECTOR];
    uint8_t header[G_HEADER];
    uint8_t second[G_HEADER];
    int rc = begin(o, &d, mbr, e);
    if (rc < 0 || (rc = add_entries(d, mbr, true, e)) < 0 ||
        (rc = take_table(d, d->sector, "gpt", true, header, e)) < 0)
        return rc;
    uint64_t backup = get_le64(header + G_BACKUP);
    if (backup >= o->bytes->size / d->sector)
        return damaged(d, "the second header lies outside of the disk, at sector", backup, e);
    if ((rc = take_table(d, backup * d->sector, "backup", false, second, e)) < 0)
        return rc;
    return extents_gaps(&d->extents, o, o->bytes->size, object_gap, e);
}

/* ---- both
 * ------------------------------------------------------------------------------------------- */

/* Entries that make sense: each active or not, and within the disk. */
static bool is_mbr(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    bool any = false;
    if (len < SECTOR || get_le16(head + M_MAGIC) != 0xaa55)
        return false;
    for (size_t i = 0; i < M_COUNT; i++) {
        const uint8_t *entry = head + M_ENTRIES + i * M_ENTRY;
        uint64_t end = (uint64_t)get_le32(entry + M_START) + get_le32(entry + M_SECTORS);
        if (entry[M_TYPE] == 0)
            continue;
        if ((entry[M_STATUS] & 0x7f) != 0 || get_le32(entry + M_START) == 0 ||
            get_le32(entry + M_SECTORS) == 0 || end > bytes->size / SECTOR)
            return false;
        any = true;
    }
    return any;
}

static int open_mbr(struct object *o, struct err *e)
{
    struct disk *d = NULL;
    uint8_t mbr[SECTOR];
    int rc = begin(o, &d, mbr, e);
    if (rc < 0 || (rc = add_entries(d, mbr, false, e)) < 0)
        return rc;
    return extents_gaps(&d->extents, o, o->bytes->size, object_gap, e);
}

static void close_disk(struct object *o)
{
    struct disk *d = o->state;
    if (d == NULL)
        return;
    extents_dispose(&d->extents);
    free(d);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    return m == NULL ? 0 : bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
}

const struct object_kind object_kind_gpt = {
    .name = "gpt", .is = is_gpt, .open = open_gpt, .slice = slice, .close = close_disk};
const struct object_kind object_kind_mbr = {
    .name = "mbr", .is = is_mbr, .open = open_mbr, .slice = slice, .close = close_disk};
