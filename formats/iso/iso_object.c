/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree as Linux shows it: Rock Ridge's names and attributes where there are any. Joliet's tree
 * is another one, below "(joliet)"; what firmware boots are members by name.
 */
#include "formats/iso/iso_object.h"

#include "base/byte_order.h"
#include "formats/iso/iso_reader.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"
#include "formats/stream/runs.h"

#include <inttypes.h>
#include <string.h>

/* ECMA-119 §8.4 */
enum descriptor_fields {
    V_TYPE = 0,
    V_NAME = 1,
    V_FLAGS = 7,
    V_SYSTEM = 8,
    V_VOLUME = 40,
    V_BLOCKS = 80,
    V_ESCAPES = 88,
    V_SECTOR = 128,
    V_TABLE_SIZE = 132,
    V_TABLE_LITTLE = 140,
    V_TABLE_BIG = 148,
    V_ROOT = 156,
    V_SET = 190,
    V_PUBLISHER = 318,
    V_PREPARER = 446,
    V_APPLICATION = 574,
    V_MADE = 813,
    V_CHANGED = 830,
    V_EXPIRES = 847,
    V_EFFECTIVE = 864,
    V_APPLICATION_USE = 883,
    V_APPLICATION_SIZE = 512,
    V_BOOT = 0,
    V_PRIMARY = 1,
    V_SUPPLEMENTARY = 2,
    V_END = 255,
    V_CATALOG = 71, /* of a boot record: where El Torito's catalog is */
    TIME_SIZE = 17,
};

/* El Torito 1.0 §2 */
enum catalog_fields { T_ENTRY = 32, T_SECTORS = 6, T_START = 8, T_BOOTABLE = 0x88 };

enum {
    SYSTEM_AREA = 16 * ISO_SECTOR,
    DESCRIPTORS_MAX = 64,
    DEPTH_MAX = 64,
    PATH_LENGTH_MAX = 65536,
    FILE_PARTS_MAX = 65536,
    MODIFIED = 1, /* among the times of TF */
};

struct iso {
    struct object *o;
    uint8_t primary[ISO_SECTOR];
    uint8_t joliet[ISO_SECTOR];
    bool has_joliet;
    uint32_t catalog; /* sector; 0: none */
    bool in_joliet;
    bool rock;
    size_t skip; /* SP: bytes before each system use area */
    struct extents extents;
    struct buf path;
    unsigned depth;
    uint8_t *seen; /* directories that were read, so that none is read twice: a bit a sector */
};

static int damaged(const struct iso *x, const char *what, uint64_t number, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the ISO image is damaged: %s %" PRIu64, x->o->name, what,
                   number);
}

static int note_used(void *context, uint64_t start, uint64_t len, struct err *e)
{
    struct iso *x = context;
    return len == 0 ? 0 : extents_add(&x->extents, start, len, e);
}

static bool is_iso(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    uint8_t p[6];
    size_t got = 0;
    struct err e = ERR_INIT;
    (void)head;
    (void)len;
    return bytes_peek(bytes, SYSTEM_AREA, p, sizeof(p), &got, &e) == 0 && got == sizeof(p) &&
           memcmp(p + V_NAME, "CD001", 5) == 0;
}

/* ---- volume descriptors
 * ----------------------------------------------------------------------------- */

static bool is_joliet(const uint8_t *d)
{
    const uint8_t *s = d + V_ESCAPES;
    return s[0] == '%' && s[1] == '/' && (s[2] == '@' || s[2] == 'C' || s[2] == 'E');
}

static void take_descriptor(struct iso *x, const uint8_t *d, bool *primary)
{
    if (d[V_TYPE] == V_PRIMARY && !*primary) {
        memcpy(x->primary, d, ISO_SECTOR);
        *primary = true;
    } else if (d[V_TYPE] == V_SUPPLEMENTARY && is_joliet(d)) {
        memcpy(x->joliet, d, ISO_SECTOR);
        x->has_joliet = true;
    } else if (d[V_TYPE] == V_BOOT && memcmp(d + 7, "EL TORITO SPECIFICATION", 23) == 0) {
        x->catalog = get_le32(d + V_CATALOG);
    }
}

static int read_descriptors(struct iso *x, struct err *e)
{
    bool primary = false;
    for (uint64_t i = 0; i < DESCRIPTORS_MAX; i++) {
        uint8_t d[ISO_SECTOR];
        uint64_t at = SYSTEM_AREA + i * ISO_SECTOR;
        int rc = bytes_read(x->o->bytes, at, d, sizeof(d), e);
        if (rc == 0)
            rc = note_used(x, at, sizeof(d), e);
        if (rc < 0)
            return rc;
        if (memcmp(d + V_NAME, "CD001", 5) != 0)
            return damaged(x, "no volume descriptor stands at byte", at, e);
        if (d[V_TYPE] == V_END)
            break;
        take_descriptor(x, d, &primary);
    }
    if (!primary || get_le16(x->primary + V_SECTOR) != ISO_SECTOR)
        return damaged(x, "it has no primary volume of sectors of", ISO_SECTOR, e);
    return 0;
}

static int add_descriptor(struct iso *x, const char *prefix, const uint8_t *d, struct err *e)
{
    static const struct {
        const char *name;
        enum field_class class;
        size_t at;
        size_t len;
    } texts[] = {{"flags", FIELD_FORMAT, V_FLAGS, 1},
                 {"system", FIELD_VERSION, V_SYSTEM, 32},
                 {"volume", FIELD_MEANING, V_VOLUME, 32},
                 {"escapes", FIELD_FORMAT, V_ESCAPES, 32},
                 {"set", FIELD_MEANING, V_SET, 128},
                 {"publisher", FIELD_MEANING, V_PUBLISHER, 128},
                 {"preparer", FIELD_VERSION, V_PREPARER, 128},
                 {"application", FIELD_VERSION, V_APPLICATION, 128},
                 {"made", FIELD_TIME_MADE, V_MADE, TIME_SIZE},
                 {"changed", FIELD_TIME_MADE, V_CHANGED, TIME_SIZE},
                 {"expires", FIELD_TIME_MADE, V_EXPIRES, TIME_SIZE},
                 {"effective", FIELD_TIME_MADE, V_EFFECTIVE, TIME_SIZE},
                 {"application_use", FIELD_MEANING, V_APPLICATION_USE, V_APPLICATION_SIZE}};
    char name[48];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(texts) / sizeof(texts[0]); i++) {
        const uint8_t *p = d + texts[i].at;
        size_t len = texts[i].len;
        while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == 0))
            len--;
        text_print(name, sizeof(name), "%s.%s", prefix, texts[i].name);
        rc = object_field(x->o, (struct field){name, texts[i].class, FIELD_TEXT, 0, p, len}, e);
    }
    if (rc < 0)
        return rc;
    text_print(name, sizeof(name), "%s.blocks", prefix);
    return object_field(
        x->o, (struct field){name, FIELD_LAYOUT, FIELD_NUMBER, get_le32(d + V_BLOCKS), NULL, 0}, e);
}

/* Both path tables follow from the tree. */
static int note_tables(struct iso *x, const uint8_t *d, struct err *e)
{
    uint64_t size = get_le32(d + V_TABLE_SIZE);
    const uint32_t places[] = {get_le32(d + V_TABLE_LITTLE), get_le32(d + V_TABLE_LITTLE + 4),
                               get_be32(d + V_TABLE_BIG), get_be32(d + V_TABLE_BIG + 4)};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i] != 0)
            rc = note_used(x, (uint64_t)places[i] * ISO_SECTOR, size, e);
    return rc;
}

/* ---- names
 * --------------------------------------------------------------------------------------------- */

/* UTF-16, big-endian. */
static int add_wide(const uint8_t *p, size_t len, struct buf *out, struct err *e)
{
    uint16_t chars[UINT8_MAX / 2];
    for (size_t i = 0; i < len / 2; i++)
        chars[i] = get_be16(p + 2 * i);
    return object_wide_name(chars, len / 2, out, e);
}

/* As it stands, but for the version that every file's has. */
static int add_plain(const uint8_t *p, size_t len, struct buf *out, struct err *e)
{
    int rc = 0;
    if (len > 2 && p[len - 2] == ';' && p[len - 1] == '1')
        len -= 2;
    for (size_t i = 0; rc == 0 && i < len; i++)
        rc = p[i] == 0 || p[i] == '/' ? buf_addf(out, e, "\\x%02x", p[i])
                                      : buf_add(out, p + i, 1, e);
    return rc;
}

static int add_name(struct iso *x, const uint8_t *record, const struct iso_rock *rock,
                    struct err *e)
{
    const uint8_t *name = record + ISO_R_NAME;
    size_t len = record[ISO_R_NAME_LENGTH];
    int rc = x->path.len > 0 ? buf_add_str(&x->path, "/", e) : 0;
    if (rc < 0)
        return rc;
    if (rock->has_name && rock->name.len > 0)
        return buf_add(&x->path, rock->name.data, rock->name.len, e);
    if (!x->in_joliet)
        return add_plain(name, len, &x->path, e);
    if (len > 4 && get_be16(name + len - 4) == ';' && get_be16(name + len - 2) == '1')
        len -= 4;
    return add_wide(name, len, &x->path, e);
}

/* ---- members
 * --------------------------------------------------------------------------------------------- */

/* A file: its first record, and the pieces that all of its records have. */
struct pieces {
    struct runs runs;
    uint64_t size;
};

static uint64_t extent_of(const uint8_t *record)
{
    return ((uint64_t)get_le32(record + ISO_R_EXTENT) + record[ISO_R_XATTR_LENGTH]) * ISO_SECTOR;
}

static int add_piece(struct iso *x, const uint8_t *record, struct pieces *p, struct err *e)
{
    uint64_t size = get_le32(record + ISO_R_SIZE);
    const struct run run = {.at = p->size, .len = size, .from = extent_of(record)};
    if (record[ISO_R_UNIT] != 0 || record[ISO_R_GAP] != 0)
        return damaged(x, "an interleaved file is not read, at byte", run.from, e);
    if (size == 0)
        return 0;
    if (run.from > x->o->bytes->size || size > x->o->bytes->size - run.from)
        return damaged(x, "a file lies outside of it, at byte", run.from, e);
    p->size += size;
    int rc = runs_add(&p->runs, &run, x->o->name, e);
    return rc < 0 ? rc : note_used(x, run.from, size, e);
}

static int add_own_fields(struct iso *x, const uint8_t *record, const struct iso_rock *rock,
                          struct err *e)
{
    static const char *const times[] = {"crtime", NULL,      "atime",    "ctime",
                                        "backup", "expires", "effective"};
    const struct field fields[] = {
        {"record.name", FIELD_LAYOUT, FIELD_BYTES, 0, record + ISO_R_NAME,
         record[ISO_R_NAME_LENGTH]},
        {"record.time", FIELD_TIME, FIELD_SECONDS, (uint64_t)iso_short_time(record + ISO_R_TIME),
         NULL, 0},
        {"record.flags", FIELD_MEANING, FIELD_NUMBER,
         record[ISO_R_FLAGS] & (ISO_FLAG_HIDDEN | 0x7cU), NULL, 0},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_member_field(x->o, fields[i], e);
    for (size_t i = 0; rc == 0 && i < 7; i++)
        if (rock->has_time[i] && times[i] != NULL)
            rc = object_member_field(x->o,
                                     (struct field){times[i], FIELD_TIME, FIELD_SECONDS,
                                                    (uint64_t)rock->times[i], NULL, 0},
                                     e);
    return rc;
}

static int add_fields_of(struct iso *x, const uint8_t *record, const struct iso_rock *rock,
                         enum member_type type, struct err *e)
{
    const struct inode_fields inode = {.mode = rock->mode & 07777,
                                       .uid = rock->uid,
                                       .gid = rock->gid,
                                       .mtime = rock->has_time[MODIFIED]
                                                    ? rock->times[MODIFIED]
                                                    : iso_short_time(record + ISO_R_TIME),
                                       .device = rock->device,
                                       .target = buf_str(&rock->target),
                                       .target_len = rock->target.len};
    int rc = 0;
    if (rock->there)
        rc = object_inode_fields(x->o, type, &inode, e);
    else
        rc = object_member_field(
            x->o,
            (struct field){"mtime", FIELD_TIME, FIELD_SECONDS, (uint64_t)inode.mtime, NULL, 0}, e);
    return rc < 0 ? rc : add_own_fields(x, record, rock, e);
}

static int read_directory(struct iso *x, uint64_t start, uint64_t size, struct err *e);

/* The content's pieces are found again by the place of the first record: the cookie. */
static int add_member(struct iso *x, const uint8_t *record, uint64_t at, uint64_t size,
                      const struct iso_rock *rock, struct err *e)
{
    bool directory = (record[ISO_R_FLAGS] & ISO_FLAG_DIRECTORY) != 0 || rock->child != 0;
    struct member m = {.type = member_type_of_mode(rock->mode), .cookie = at};
    size_t before = x->path.len;
    int rc = add_name(x, record, rock, e);
    if (m.type == MEMBER_FILE && directory)
        m.type = MEMBER_DIRECTORY;
    m.path = buf_str(&x->path);
    m.has_content = m.type == MEMBER_FILE;
    m.size = m.has_content ? size : 0;
    if (rc == 0 && (rc = add_fields_of(x, record, rock, m.type, e)) == 0)
        rc = object_member(x->o, &m, e);
    if (rc == 0 && rock->child != 0) {
        uint8_t self[ISO_R_NAME];
        uint64_t place = (uint64_t)rock->child * ISO_SECTOR;
        if ((rc = bytes_read(x->o->bytes, place, self, sizeof(self), e)) == 0)
            rc = read_directory(x, place, get_le32(self + ISO_R_SIZE), e);
    } else if (rc == 0 && directory) {
        rc = read_directory(x, extent_of(record), get_le32(record + ISO_R_SIZE), e);
    }
    buf_cut(&x->path, before);
    return rc;
}

/* ---- directories
 * -------------------------------------------------------------------------------------------- */

static int read_record(const struct iso *x, uint64_t at, uint64_t end, uint8_t record[256],
                       struct err *e)
{
    uint64_t left = ISO_SECTOR - at % ISO_SECTOR;
    memset(record, 0, 256);
    if (left > end - at)
        left = end - at;
    int rc = bytes_read(x->o->bytes, at, record, left < 255 ? (size_t)left : 255, e);
    size_t len = record[ISO_R_LENGTH];
    if (rc < 0 || len == 0)
        return rc;
    if (len > left || len < ISO_R_NAME + 1 || record[ISO_R_NAME_LENGTH] == 0 ||
        record[ISO_R_NAME_LENGTH] > len - ISO_R_NAME)
        return damaged(x, "a record is cut short at byte", at, e);
    return 0;
}

static int rock_of(struct iso *x, const uint8_t *record, struct iso_rock *out, struct err *e)
{
    size_t name = record[ISO_R_NAME_LENGTH];
    size_t start = ISO_R_NAME + name + (name % 2 == 0 ? 1 : 0);
    size_t len = record[ISO_R_LENGTH];
    if (x->in_joliet || !x->rock || start >= len)
        return 0;
    return iso_rock_read(x->o->bytes, record + start, len - start, x->skip, note_used, x, out, e);
}

/* All the records of one file, from the one at *at on; *at is behind them afterwards. */
static int take_pieces(struct iso *x, uint64_t *at, uint64_t end, struct pieces *p, struct err *e)
{
    uint8_t record[256];
    int rc = 0;
    bool more = true;
    for (unsigned i = 0; rc == 0 && more; i++) {
        if (*at >= end || i == FILE_PARTS_MAX)
            return damaged(x, "a file has no last piece, at byte", *at, e);
        if ((rc = read_record(x, *at, end, record, e)) < 0)
            return rc;
        if (record[0] == 0) { /* the rest of a sector */
            *at += ISO_SECTOR - *at % ISO_SECTOR;
            continue;
        }
        rc = add_piece(x, record, p, e);
        more = (record[ISO_R_FLAGS] & ISO_FLAG_MORE) != 0;
        *at += record[0];
    }
    return rc;
}

static int take_record(struct iso *x, uint64_t *at, uint64_t end, struct err *e)
{
    uint8_t record[256];
    AUTO_ISO_ROCK rock = {0};
    struct pieces p = {0};
    uint64_t first = *at;
    int rc = read_record(x, *at, end, record, e);
    if (rc < 0)
        return rc;
    if (record[0] == 0) {
        *at += ISO_SECTOR - *at % ISO_SECTOR;
        return 0;
    }
    bool self = record[ISO_R_NAME_LENGTH] == 1 && record[ISO_R_NAME] <= 1;
    if (self || (record[ISO_R_FLAGS] & ISO_FLAG_DIRECTORY)) {
        *at += record[0];
    } else {
        rc = take_pieces(x, at, end, &p, e);
    }
    if (rc == 0 && (rc = note_used(x, first, record[0], e)) == 0 && !self)
        rc = rock_of(x, record, &rock, e);
    /* What was moved out of too deep a place is shown where it belongs. */
    if (rc == 0 && !self && !rock.relocated)
        rc = add_member(x, record, first, p.size, &rock, e);
    runs_dispose(&p.runs);
    return rc;
}

static int read_directory(struct iso *x, uint64_t start, uint64_t size, struct err *e)
{
    uint64_t sector = start / ISO_SECTOR;
    int rc = 0;
    if (size == 0 || start > x->o->bytes->size || size > x->o->bytes->size - start)
        return damaged(x, "a directory lies outside of it, at byte", start, e);
    if (x->seen[sector / 8] & 1U << sector % 8)
        return damaged(x, "a directory has two names, at byte", start, e);
    x->seen[sector / 8] = (uint8_t)(x->seen[sector / 8] | 1U << sector % 8);
    if (++x->depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "%s: directories nest deeper than %d", x->o->name, DEPTH_MAX);
    for (uint64_t at = start; rc == 0 && at < start + size;)
        rc = take_record(x, &at, start + size, e);
    x->depth--;
    return rc;
}

/* The root's own record says whether there is Rock Ridge (SP), and what the root is. */
static int add_root(struct iso *x, const uint8_t *descriptor, struct err *e)
{
    uint8_t record[256];
    AUTO_ISO_ROCK rock = {0};
    uint64_t start = extent_of(descriptor + V_ROOT);
    uint64_t size = get_le32(descriptor + V_ROOT + ISO_R_SIZE);
    struct member root = {.path = buf_str(&x->path), .type = MEMBER_DIRECTORY};
    if (size == 0 || start > x->o->bytes->size || size > x->o->bytes->size - start)
        return damaged(x, "the root lies outside of it, at byte", start, e);
    int rc = read_record(x, start, start + size, record, e);
    if (rc < 0)
        return rc;
    const uint8_t *area = record + ISO_R_NAME + 1;
    if (!x->in_joliet && record[0] >= ISO_R_NAME + 8 && memcmp(area, "SP", 2) == 0 &&
        area[4] == 0xbe && area[5] == 0xef) {
        x->rock = true;
        x->skip = area[6];
        const size_t skip = x->skip;
        x->skip = 0;
        rc = rock_of(x, record, &rock, e);
        x->skip = skip;
    }
    if (rc == 0 && record[0] != 0 && (rc = add_fields_of(x, record, &rock, root.type, e)) == 0)
        rc = object_member(x->o, &root, e);
    return rc < 0 ? rc : read_directory(x, start, size, e);
}

/* ---- what boots
 * --------------------------------------------------------------------------------------------- */

static int add_part(struct iso *x, const char *path, uint64_t start, uint64_t size, struct err *e)
{
    const struct member m = {
        .path = path, .type = MEMBER_PART, .has_content = true, .size = size, .cookie = start};
    if (start > x->o->bytes->size || size > x->o->bytes->size - start)
        return damaged(x, "what boots lies outside of it, at byte", start, e);
    int rc = note_used(x, start, size, e);
    return rc < 0 ? rc : object_member(x->o, &m, e);
}

static int add_boot(struct iso *x, struct err *e)
{
    uint8_t catalog[ISO_SECTOR];
    uint64_t at = (uint64_t)x->catalog * ISO_SECTOR;
    if (x->catalog == 0)
        return 0;
    int rc = bytes_read(x->o->bytes, at, catalog, sizeof(catalog), e);
    if (rc < 0 || (rc = add_part(x, "(boot catalog)", at, ISO_SECTOR, e)) < 0)
        return rc;
    for (size_t i = 1; rc == 0 && i < sizeof(catalog) / T_ENTRY; i++) {
        const uint8_t *entry = catalog + i * T_ENTRY;
        char path[32];
        uint64_t start = (uint64_t)get_le32(entry + T_START) * ISO_SECTOR;
        /* Sectors of 512 bytes, of which a catalog may name fewer than the image has. */
        uint64_t size = (uint64_t)get_le16(entry + T_SECTORS) * 512;
        if (entry[0] != T_BOOTABLE || size == 0)
            continue;
        text_print(path, sizeof(path), "(boot image %zu)", i);
        rc = add_part(x, path, start, size, e);
    }
    return rc;
}

static int add_system_area(struct iso *x, struct err *e)
{
    bool zeros = false;
    int rc = bytes_are_zero(x->o->bytes, 0, SYSTEM_AREA, &zeros, e);
    if (rc == 0 && !zeros)
        rc = add_part(x, "(system area)", 0, SYSTEM_AREA, e);
    return rc;
}

/* ---- the object
 * -----------------------------------------------------------------------------------------------
 */

static int add_joliet(struct iso *x, struct err *e)
{
    if (!x->has_joliet)
        return 0;
    x->in_joliet = true;
    int rc = add_descriptor(x, "joliet", x->joliet, e);
    if (rc == 0 && (rc = note_tables(x, x->joliet, e)) == 0 &&
        (rc = buf_add_str(&x->path, "(joliet)", e)) == 0)
        rc = add_root(x, x->joliet, e);
    buf_cut(&x->path, 0);
    return rc;
}

static int open_iso(struct object *o, struct err *e)
{
    struct iso *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return err_oom(e);
    o->state = x;
    x->o = o;
    x->path.max = PATH_LENGTH_MAX;
    x->seen = calloc(1, (size_t)(o->bytes->size / ISO_SECTOR / 8 + 1));
    if (x->seen == NULL)
        return err_oom(e);
    int rc = read_descriptors(x, e);
    if (rc < 0 || (rc = add_descriptor(x, "primary", x->primary, e)) < 0 ||
        (rc = note_tables(x, x->primary, e)) < 0 || (rc = add_root(x, x->primary, e)) < 0 ||
        (rc = add_joliet(x, e)) < 0 || (rc = add_boot(x, e)) < 0 ||
        (rc = add_system_area(x, e)) < 0)
        return rc;
    return extents_gaps(&x->extents, o, o->bytes->size, object_gap, e);
}

static void close_iso(struct object *o)
{
    struct iso *x = o->state;
    if (x == NULL)
        return;
    buf_dispose(&x->path);
    extents_dispose(&x->extents);
    free(x->seen);
    free(x);
}

/* A record's pieces once more: where its directory ends does not matter, the last one says that it
 * is. */
static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct iso *x = o->state;
    struct pieces p = {0};
    if (m == NULL)
        return 0;
    if (m->type == MEMBER_GAP || m->type == MEMBER_PART)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    uint64_t at = m->cookie;
    int rc = take_pieces(x, &at, o->bytes->size, &p, e);
    if (rc < 0) {
        runs_dispose(&p.runs);
        return rc;
    }
    return bytes_of_runs(o->bytes, &p.runs, m->size, m->path, out, e);
}

const struct object_kind object_kind_iso = {
    .name = "iso9660",
    .tree = true,
    .is = is_iso,
    .open = open_iso,
    .slice = slice,
    .close = close_iso,
};
