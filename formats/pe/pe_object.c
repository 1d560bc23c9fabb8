/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/pe/pe_object.h"

#include "base/byte_order.h"
#include "formats/object/gaps.h"
#include "formats/stream/runs.h"

#include <inttypes.h>
#include <string.h>

/* PE format, "MS-DOS stub", "COFF file header", "Optional header", "Section table". */
enum {
    DOS_HEADER = 64,
    DOS_PE = 60, /* where the PE header is */
    SIGNATURE = 4,
    COFF = 20,
    C_MACHINE = 0,
    C_SECTIONS = 2,
    C_TIME = 4,
    C_SYMBOLS = 8,
    C_SYMBOL_COUNT = 12,
    C_OPTIONAL = 16,
    C_FLAGS = 18,
    SECTION = 40,
    S_VIRTUAL_SIZE = 8,
    S_ADDRESS = 12,
    S_SIZE = 16,
    S_START = 20,
    S_FLAGS = 36,
    DIRECTORIES_MAX = 16,
    SECTIONS_MAX = 96,
    DIR_EXPORTS = 0,
    DIR_RESOURCES = 2,
    DIR_CERTIFICATES = 4,
    DIR_DEBUG = 6,
    TIME_IN_TABLE = 4, /* of the tables of exports and resources */
    DEBUG_ENTRY = 28,
    D_TIME = 4,
    D_TYPE = 12,
    D_SIZE = 16,
    D_ADDRESS = 20,
    D_START = 24,
    DEBUG_MAX = 4096,
    CODEVIEW = 2,
    CODEVIEW_HEAD = 24, /* "RSDS", GUID, age */
    CODEVIEW_MAX = 4096,
    OPTIONAL_MIN = 96,
    OPTIONAL_MAX = 512,
    FLAG_CODE = 0x20,
    FLAG_EXECUTE = 0x20000000,
};

/* Numbers of the optional header: where they are in PE32 and PE32+, and how wide. */
static const struct number_place {
    const char *name;
    enum field_class class;
    uint8_t at[2];
    uint8_t len[2];
} numbers[] = {
    {"linker", FIELD_VERSION, {2, 2}, {2, 2}},
    {"code_size", FIELD_LAYOUT, {4, 4}, {4, 4}},
    {"data_size", FIELD_LAYOUT, {8, 8}, {4, 4}},
    {"zeros_size", FIELD_LAYOUT, {12, 12}, {4, 4}},
    {"entry", FIELD_LAYOUT, {16, 16}, {4, 4}},
    {"code_base", FIELD_LAYOUT, {20, 20}, {4, 4}},
    {"image_base", FIELD_LAYOUT, {28, 24}, {4, 8}},
    {"section_alignment", FIELD_FORMAT, {32, 32}, {4, 4}},
    {"file_alignment", FIELD_FORMAT, {36, 36}, {4, 4}},
    {"system_version", FIELD_FORMAT, {40, 40}, {4, 4}},
    {"image_version", FIELD_MEANING, {44, 44}, {4, 4}},
    {"subsystem_version", FIELD_FORMAT, {48, 48}, {4, 4}},
    {"win32_version", FIELD_FORMAT, {52, 52}, {4, 4}},
    {"image_size", FIELD_LAYOUT, {56, 56}, {4, 4}},
    {"headers_size", FIELD_LAYOUT, {60, 60}, {4, 4}},
    {"checksum", FIELD_CHECKSUM, {64, 64}, {4, 4}},
    {"subsystem", FIELD_MEANING, {68, 68}, {2, 2}},
    {"dll_flags", FIELD_MEANING, {70, 70}, {2, 2}},
    {"stack", FIELD_MEANING, {72, 72}, {4, 8}},
    {"stack_first", FIELD_MEANING, {76, 80}, {4, 8}},
    {"heap", FIELD_MEANING, {80, 88}, {4, 8}},
    {"heap_first", FIELD_MEANING, {84, 96}, {4, 8}},
    {"loader_flags", FIELD_FORMAT, {88, 104}, {4, 4}},
};

struct section {
    uint64_t start;
    uint64_t size;
    uint64_t address;
};

struct pe {
    struct section sections[SECTIONS_MAX];
    size_t count;
    bool wide;
    uint64_t table; /* of sections */
    uint32_t directories[DIRECTORIES_MAX][2];
    size_t directory_count;
    struct extents extents; /* what something stands in */
    struct extents told;    /* what fields say: zeros in contents */
};

static int broken(const struct object *o, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the PE file is damaged: %s", o->name, what);
}

static bool within(const struct object *o, uint64_t start, uint64_t len)
{
    return start <= o->bytes->size && len <= o->bytes->size - start;
}

static uint64_t number_at(const uint8_t *p, size_t len)
{
    return len == 2 ? get_le16(p) : len == 4 ? get_le32(p) : get_le64(p);
}

static int add_number(struct object *o, const char *name, enum field_class class, uint64_t value,
                      struct err *e)
{
    return object_field(o, (struct field){name, class, FIELD_NUMBER, value, NULL, 0}, e);
}

/* Where an address of the running image is in the file; false when it is in no section. */
static bool place_of(const struct pe *p, uint64_t address, uint64_t *out)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct section *s = &p->sections[i];
        if (address >= s->address && address - s->address < s->size) {
            *out = s->start + address - s->address;
            return true;
        }
    }
    return false;
}

/* ---- headers ---------------------------------------------------------------------------------
 */

static int add_optional(struct object *o, const uint8_t *p, size_t len, struct err *e)
{
    struct pe *x = o->state;
    uint16_t magic = len >= 2 ? get_le16(p) : 0;
    x->wide = magic == 0x20b;
    size_t count_at = x->wide ? 108 : 92;
    if ((magic != 0x10b && magic != 0x20b) || len < count_at + 4)
        return broken(o, "the optional header is none", e);
    int rc = add_number(o, "magic", FIELD_FORMAT, magic, e);
    for (size_t i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
        rc = add_number(o, numbers[i].name, numbers[i].class,
                        number_at(p + numbers[i].at[x->wide], numbers[i].len[x->wide]), e);
    if (rc == 0 && !x->wide)
        rc = add_number(o, "data_base", FIELD_LAYOUT, get_le32(p + 24), e);
    size_t count = get_le32(p + count_at);
    if (count > DIRECTORIES_MAX || count * 8 > len - count_at - 4)
        return broken(o, "its data directories are too many", e);
    x->directory_count = count;
    size_t end = count_at + 4 + count * 8;
    if (rc == 0 && len > end)
        rc = object_field(
            o, (struct field){"rest", FIELD_FORMAT, FIELD_BYTES, 0, p + end, len - end}, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        AUTO_FREE char *name = NULL;
        const uint8_t *at = p + count_at + 4 + 8 * i;
        x->directories[i][0] = get_le32(at);
        x->directories[i][1] = get_le32(at + 4);
        enum field_class class = i == DIR_CERTIFICATES ? FIELD_SIGNATURE : FIELD_LAYOUT;
        if ((rc = str_format(&name, e, "directory.%zu", i)) == 0)
            rc = object_field(o, (struct field){name, class, FIELD_BYTES, 0, at, 8}, e);
    }
    return rc;
}

/* The linker's own symbols, with the strings behind them. */
static int add_symbols(struct object *o, const uint8_t *coff, struct err *e)
{
    enum { EACH = 18 };
    struct pe *x = o->state;
    uint8_t room[4];
    size_t got = 0;
    uint64_t at = get_le32(coff + C_SYMBOLS);
    uint64_t size = (uint64_t)get_le32(coff + C_SYMBOL_COUNT) * EACH;
    if (at == 0 || size == 0 || !within(o, at, size))
        return 0;
    int rc = bytes_peek(o->bytes, at + size, room, sizeof(room), &got, e);
    uint64_t strings = rc == 0 && got == sizeof(room) ? get_le32(room) : 0;
    if (rc < 0)
        return rc;
    if (strings >= sizeof(room) && within(o, at, size + strings))
        size += strings;
    const struct member m = {
        .path = "(symbols)", .type = MEMBER_PART, .has_content = true, .size = size, .cookie = at};
    rc = extents_add(&x->extents, at, size, e);
    return rc < 0 ? rc : object_member(o, &m, e);
}

static int add_headers(struct object *o, uint16_t *sections, struct err *e)
{
    struct pe *x = o->state;
    uint8_t dos[DOS_HEADER];
    uint8_t coff[SIGNATURE + COFF];
    uint8_t optional[OPTIONAL_MAX];
    int rc = bytes_read(o->bytes, 0, dos, sizeof(dos), e);
    uint64_t at = rc < 0 ? 0 : get_le32(dos + DOS_PE);
    if (rc < 0 || (rc = bytes_read(o->bytes, at, coff, sizeof(coff), e)) < 0)
        return rc;
    const uint8_t *c = coff + SIGNATURE;
    size_t len = get_le16(c + C_OPTIONAL);
    *sections = get_le16(c + C_SECTIONS);
    if (len > OPTIONAL_MAX)
        return broken(o, "the optional header is too long", e);
    if ((rc = bytes_read(o->bytes, at + sizeof(coff), optional, len, e)) < 0 ||
        (rc = add_number(o, "machine", FIELD_MEANING, get_le16(c + C_MACHINE), e)) < 0 ||
        (rc = object_field(
             o,
             (struct field){"time", FIELD_TIME_MADE, FIELD_SECONDS, get_le32(c + C_TIME), NULL, 0},
             e)) < 0 ||
        (rc = object_field(
             o, (struct field){"symbols", FIELD_LAYOUT, FIELD_BYTES, 0, c + C_SYMBOLS, 8}, e)) <
            0 ||
        (rc = add_number(o, "flags", FIELD_MEANING, get_le16(c + C_FLAGS), e)) < 0 ||
        (rc = add_optional(o, optional, len, e)) < 0)
        return rc;
    x->table = at + sizeof(coff) + len;
    const struct member stub = {.path = "(DOS stub)",
                                .type = MEMBER_PART,
                                .has_content = true,
                                .code = true,
                                .size = at,
                                .cookie = 0};
    if ((rc = extents_add(&x->extents, 0, x->table, e)) < 0 ||
        (rc = object_member(o, &stub, e)) < 0)
        return rc;
    return add_symbols(o, c, e);
}

/* ---- sections ----------------------------------------------------------------------------------
 */

static int add_section(struct object *o, size_t index, struct err *e)
{
    struct pe *x = o->state;
    uint8_t h[SECTION];
    char name[4 * 8 + 1];
    size_t len = 0;
    int rc = bytes_read(o->bytes, x->table + index * SECTION, h, SECTION, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < 8 && h[i] != 0; i++)
        name[len++] = (char)h[i];
    name[len] = 0;
    struct section *s = &x->sections[index];
    *s = (struct section){get_le32(h + S_START), get_le32(h + S_SIZE), get_le32(h + S_ADDRESS)};
    if (s->start == 0)
        s->size = 0;
    if (!within(o, s->start, s->size))
        return broken(o, "a section lies outside of it", e);
    uint32_t flags = get_le32(h + S_FLAGS);
    const struct field fields[] = {
        {"address", FIELD_LAYOUT, FIELD_NUMBER, s->address, NULL, 0},
        {"virtual_size", FIELD_LAYOUT, FIELD_NUMBER, get_le32(h + S_VIRTUAL_SIZE), NULL, 0},
        {"start", FIELD_LAYOUT, FIELD_NUMBER, s->start, NULL, 0},
        {"flags", FIELD_MEANING, FIELD_NUMBER, flags, NULL, 0},
        {"relocations", FIELD_LAYOUT, FIELD_BYTES, 0, h + S_START + 4, 12},
    };
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_member_field(o, fields[i], e);
    const struct member m = {.path = name[0] == 0 ? "(unnamed)" : name,
                             .type = MEMBER_PART,
                             .has_content = true,
                             .code = (flags & (FLAG_CODE | FLAG_EXECUTE)) != 0,
                             .size = s->size,
                             .cookie = s->start};
    if (rc < 0 || (rc = extents_add(&x->extents, s->start, s->size, e)) < 0)
        return rc;
    return object_member(o, &m, e);
}

/* ---- what is told by fields ------------------------------------------------------------------ */

/* The time in the head of the table of exports or resources. */
static int add_table_time(struct object *o, size_t directory, const char *name, struct err *e)
{
    struct pe *x = o->state;
    uint8_t room[4];
    uint64_t at = 0;
    if (directory >= x->directory_count || x->directories[directory][1] == 0 ||
        !place_of(x, x->directories[directory][0], &at) || !within(o, at + TIME_IN_TABLE, 4))
        return 0;
    int rc = bytes_read(o->bytes, at + TIME_IN_TABLE, room, 4, e);
    if (rc < 0 || (rc = extents_add(&x->told, at + TIME_IN_TABLE, 4, e)) < 0)
        return rc;
    return object_field(
        o, (struct field){name, FIELD_TIME_MADE, FIELD_SECONDS, get_le32(room), NULL, 0}, e);
}

/* A GUID, an age, and the path of the file with the symbols. */
static int add_codeview(struct object *o, uint64_t start, uint32_t size, struct err *e)
{
    struct pe *x = o->state;
    uint8_t room[CODEVIEW_MAX];
    if (size < CODEVIEW_HEAD || size > sizeof(room) || !within(o, start, size))
        return 0;
    int rc = bytes_read(o->bytes, start, room, size, e);
    if (rc < 0 || memcmp(room, "RSDS", 4) != 0)
        return rc;
    size_t len = strnlen((const char *)room + CODEVIEW_HEAD, size - CODEVIEW_HEAD);
    const struct field fields[] = {
        {"guid", FIELD_ID, FIELD_BYTES, 0, room + 4, 16},
        {"age", FIELD_ID, FIELD_NUMBER, get_le32(room + 20), NULL, 0},
        {"path", FIELD_PATH, FIELD_TEXT, 0, room + CODEVIEW_HEAD, len},
    };
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_member_field(o, fields[i], e);
    return rc < 0 ? rc : extents_add(&x->told, start, CODEVIEW_HEAD + len, e);
}

static int add_debug(struct object *o, struct err *e)
{
    struct pe *x = o->state;
    uint8_t room[DEBUG_MAX];
    uint64_t at = 0;
    if (x->directory_count <= DIR_DEBUG || x->directories[DIR_DEBUG][1] == 0 ||
        !place_of(x, x->directories[DIR_DEBUG][0], &at))
        return 0;
    size_t size = x->directories[DIR_DEBUG][1];
    if (size > sizeof(room) || !within(o, at, size))
        return broken(o, "the debug directory is not in it", e);
    int rc = bytes_read(o->bytes, at, room, size, e);
    if (rc == 0)
        rc = extents_add(&x->told, at, size / DEBUG_ENTRY * DEBUG_ENTRY, e);
    for (size_t i = 0; rc == 0 && (i + 1) * DEBUG_ENTRY <= size; i++) {
        const uint8_t *d = room + i * DEBUG_ENTRY;
        AUTO_FREE char *name = NULL;
        const struct member m = {.type = MEMBER_PART};
        const struct field fields[] = {
            {"time", FIELD_TIME_MADE, FIELD_SECONDS, get_le32(d + D_TIME), NULL, 0},
            {"flags", FIELD_FORMAT, FIELD_BYTES, 0, d, 4},
            {"version", FIELD_FORMAT, FIELD_BYTES, 0, d + 8, 4},
            {"type", FIELD_FORMAT, FIELD_NUMBER, get_le32(d + D_TYPE), NULL, 0},
            {"size", FIELD_LAYOUT, FIELD_NUMBER, get_le32(d + D_SIZE), NULL, 0},
            {"address", FIELD_LAYOUT, FIELD_NUMBER, get_le32(d + D_ADDRESS), NULL, 0},
            {"start", FIELD_LAYOUT, FIELD_NUMBER, get_le32(d + D_START), NULL, 0},
        };
        for (size_t k = 0; rc == 0 && k < sizeof(fields) / sizeof(fields[0]); k++)
            rc = object_member_field(o, fields[k], e);
        if (rc == 0 && get_le32(d + D_TYPE) == CODEVIEW)
            rc = add_codeview(o, get_le32(d + D_START), get_le32(d + D_SIZE), e);
        if (rc < 0 || (rc = str_format(&name, e, "(debug %zu)", i)) < 0)
            return rc;
        struct member named = m;
        named.path = name;
        rc = object_member(o, &named, e);
    }
    return rc;
}

/* The directory of certificates has a place in the file, not an address. */
static int add_certificates(struct object *o, struct err *e)
{
    struct pe *x = o->state;
    if (x->directory_count <= DIR_CERTIFICATES || x->directories[DIR_CERTIFICATES][1] == 0)
        return 0;
    const struct member m = {.path = "(certificates)",
                             .type = MEMBER_PART,
                             .has_content = true,
                             .signature = true,
                             .size = x->directories[DIR_CERTIFICATES][1],
                             .cookie = x->directories[DIR_CERTIFICATES][0]};
    if (!within(o, m.cookie, m.size))
        return broken(o, "its certificates are not in it", e);
    int rc = extents_add(&x->extents, m.cookie, m.size, e);
    return rc < 0 ? rc : object_member(o, &m, e);
}

static int by_start(const void *a, const void *b)
{
    const struct extent *x = a;
    const struct extent *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static int open_pe(struct object *o, struct err *e)
{
    struct pe *x = calloc(1, sizeof(*x));
    uint16_t sections = 0;
    o->state = x;
    if (x == NULL)
        return err_oom(e);
    int rc = add_headers(o, &sections, e);
    if (rc == 0 && sections > SECTIONS_MAX)
        rc = broken(o, "it has too many sections", e);
    if (rc < 0)
        return rc;
    x->count = sections;
    if (!within(o, x->table, x->count * SECTION))
        return broken(o, "the section table is not in it", e);
    for (size_t i = 0; rc == 0 && i < x->count; i++)
        rc = add_section(o, i, e);
    if (rc < 0 || (rc = extents_add(&x->extents, x->table, x->count * SECTION, e)) < 0 ||
        (rc = add_table_time(o, DIR_EXPORTS, "time.exports", e)) < 0 ||
        (rc = add_table_time(o, DIR_RESOURCES, "time.resources", e)) < 0 ||
        (rc = add_debug(o, e)) < 0 || (rc = add_certificates(o, e)) < 0)
        return rc;
    if (x->told.count > 1)
        qsort(x->told.list, x->told.count, sizeof(*x->told.list), by_start);
    return extents_gaps(&x->extents, o, o->bytes->size, object_gap, e);
}

/* The bytes at [start, start + size) without what fields tell. */
static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    const struct pe *x = o->state;
    struct runs runs = {0};
    uint64_t at = m->cookie;
    uint64_t end = m->cookie + m->size;
    int rc = 0;
    if (m->type == MEMBER_GAP || m->size == 0)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    for (size_t i = 0; rc == 0 && i <= x->told.count; i++) {
        const struct extent last = {end, end};
        const struct extent *t = i < x->told.count ? &x->told.list[i] : &last;
        uint64_t stop = t->start < end ? t->start : end;
        const struct run run = {at - m->cookie, stop > at ? stop - at : 0, at};
        if (run.len > 0)
            rc = runs_add(&runs, &run, o->name, e);
        if (t->end > at)
            at = t->end;
    }
    if (rc < 0) {
        runs_dispose(&runs);
        return rc;
    }
    return bytes_of_runs(o->bytes, &runs, m->size, m->path, out, e);
}

static bool is_pe(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    uint8_t magic[SIGNATURE];
    size_t got = 0;
    struct err e = ERR_INIT;
    if (len < DOS_HEADER || head[0] != 'M' || head[1] != 'Z')
        return false;
    return bytes_peek(bytes, get_le32(head + DOS_PE), magic, sizeof(magic), &got, &e) == 0 &&
           got == sizeof(magic) && memcmp(magic, "PE\0\0", 4) == 0;
}

static void close_pe(struct object *o)
{
    struct pe *x = o->state;
    if (x == NULL)
        return;
    extents_dispose(&x->extents);
    extents_dispose(&x->told);
    free(x);
}

const struct object_kind object_kind_pe = {
    .name = "pe",
    .ordered = true,
    .is = is_pe,
    .open = open_pe,
    .slice = slice,
    .close = close_pe,
};
