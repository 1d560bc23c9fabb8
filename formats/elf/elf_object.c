/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/elf/elf_object.h"

#include "base/byte_order.h"
#include "formats/object/gaps.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

/* A member's cookie is the index of its section, or, with this bit, where it stands in the file. */
#define PLACE_IN_FILE (UINT64_C(1) << 63)

enum {
    SECTIONS_MAX = 200000,
    NAMES_MAX = 64 << 20,
    NAME_LENGTH_MAX = 4096,
    SYMBOLS_BYTES_MAX = 8 << 20,
    SYMBOLS_TEXT_MAX = 256 << 20,
};

/* One layout for both widths: where each number is, and how wide. */
struct place {
    uint8_t at[2]; /* of 32 and 64 bits */
    uint8_t len[2];
};
#define PLACE(type, field)                                                                         \
    {                                                                                              \
        {offsetof(Elf32_##type, field), offsetof(Elf64_##type, field)},                            \
        {                                                                                          \
            sizeof(((Elf32_##type *)0)->field), sizeof(((Elf64_##type *)0)->field)                 \
        }                                                                                          \
    }

static const struct named_place {
    const char *name;
    enum field_class class;
    struct place place;
} header_places[] = {
    {"type", FIELD_FORMAT, PLACE(Ehdr, e_type)},
    {"machine", FIELD_MEANING, PLACE(Ehdr, e_machine)},
    {"version", FIELD_FORMAT, PLACE(Ehdr, e_version)},
    {"entry", FIELD_LAYOUT, PLACE(Ehdr, e_entry)},
    {"flags", FIELD_MEANING, PLACE(Ehdr, e_flags)},
};
static const struct named_place section_places[] = {
    {"type", FIELD_FORMAT, PLACE(Shdr, sh_type)},
    {"flags", FIELD_MEANING, PLACE(Shdr, sh_flags)},
    {"address", FIELD_LAYOUT, PLACE(Shdr, sh_addr)},
    {"offset", FIELD_LAYOUT, PLACE(Shdr, sh_offset)},
    {"link", FIELD_LAYOUT, PLACE(Shdr, sh_link)},
    {"info", FIELD_LAYOUT, PLACE(Shdr, sh_info)},
    {"align", FIELD_LAYOUT, PLACE(Shdr, sh_addralign)},
    {"entry_size", FIELD_FORMAT, PLACE(Shdr, sh_entsize)},
};
static const struct place section_name = PLACE(Shdr, sh_name);
static const struct place section_type = PLACE(Shdr, sh_type);
static const struct place section_flags = PLACE(Shdr, sh_flags);
static const struct place section_offset = PLACE(Shdr, sh_offset);
static const struct place section_size = PLACE(Shdr, sh_size);
static const struct place section_link = PLACE(Shdr, sh_link);
static const struct place section_address = PLACE(Shdr, sh_addr);
static const struct place table_offset = PLACE(Ehdr, e_shoff);
static const struct place table_count = PLACE(Ehdr, e_shnum);
static const struct place table_names = PLACE(Ehdr, e_shstrndx);
static const struct place segments_offset = PLACE(Ehdr, e_phoff);
static const struct place segments_count = PLACE(Ehdr, e_phnum);
static const struct place symbol_name = PLACE(Sym, st_name);
static const struct place symbol_value = PLACE(Sym, st_value);
static const struct place symbol_size = PLACE(Sym, st_size);
static const struct place symbol_info = PLACE(Sym, st_info);
static const struct place symbol_other = PLACE(Sym, st_other);
static const struct place symbol_section = PLACE(Sym, st_shndx);

struct elf {
    bool wide;
    bool big;
    uint8_t *table;
    uint64_t count;
    uint8_t *names;
    uint64_t names_size;
    struct extents extents;
};

static uint64_t number(const struct elf *x, const uint8_t *from, struct place p)
{
    const uint8_t *at = from + p.at[x->wide];
    switch (p.len[x->wide]) {
    case 1:
        return *at;
    case 2:
        return x->big ? get_be16(at) : get_le16(at);
    case 4:
        return x->big ? get_be32(at) : get_le32(at);
    default:
        return x->big ? get_be64(at) : get_le64(at);
    }
}

static int broken(const struct object *o, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the ELF file is damaged: %s", o->name, what);
}

static size_t entry_size(const struct elf *x)
{
    return x->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

static const uint8_t *section(const struct elf *x, uint64_t index)
{
    return x->table + index * entry_size(x);
}

/* ---- header and segments -------------------------------------------------------------------- */

static int add_header(struct object *o, const uint8_t *head, struct err *e)
{
    const struct elf *x = o->state;
    const struct field ident = {"ident", FIELD_FORMAT, FIELD_BYTES, 0, head, EI_NIDENT};
    int rc = object_field(o, ident, e);
    for (size_t i = 0; rc == 0 && i < sizeof(header_places) / sizeof(header_places[0]); i++)
        rc =
            object_field(o,
                         (struct field){header_places[i].name, header_places[i].class, FIELD_NUMBER,
                                        number(x, head, header_places[i].place), NULL, 0},
                         e);
    return rc;
}

static int add_segments(struct object *o, const uint8_t *head, struct err *e)
{
    struct elf *x = o->state;
    uint64_t start = number(x, head, segments_offset);
    uint64_t size =
        number(x, head, segments_count) * (x->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    if (size == 0)
        return 0;
    if (start > o->bytes->size || size > o->bytes->size - start)
        return broken(o, "the program headers lie outside of it", e);
    int rc = extents_add(&x->extents, start, size, e);
    const struct member m = {.path = "(program headers)",
                             .type = MEMBER_PART,
                             .has_content = true,
                             .size = size,
                             .cookie = start | PLACE_IN_FILE};
    return rc < 0 ? rc : object_member(o, &m, e);
}

/* ---- sections ----------------------------------------------------------------------------------
 */

static int read_table(struct object *o, const uint8_t *head, struct err *e)
{
    struct elf *x = o->state;
    uint64_t start = number(x, head, table_offset);
    uint64_t count = number(x, head, table_count);
    uint64_t names = number(x, head, table_names);
    uint8_t first[sizeof(Elf64_Shdr)] = {0};
    int rc = 0;
    if (start == 0)
        return 0;
    if ((rc = bytes_read(o->bytes, start, first, entry_size(x), e)) < 0)
        return rc;
    /* Where there are too many for 16 bits, the first section's size and link say it. */
    if (count == 0)
        count = number(x, first, section_size);
    if (names == SHN_XINDEX)
        names = number(x, first, section_link);
    if (count > SECTIONS_MAX || names >= count)
        return broken(o, "the section table is none", e);
    x->table = malloc((size_t)count * entry_size(x));
    if (x->table == NULL)
        return err_oom(e);
    if ((rc = bytes_read(o->bytes, start, x->table, (size_t)count * entry_size(x), e)) < 0 ||
        (rc = extents_add(&x->extents, start, count * entry_size(x), e)) < 0)
        return rc;
    x->count = count;
    uint64_t at = number(x, section(x, names), section_offset);
    x->names_size = number(x, section(x, names), section_size);
    if (x->names_size > NAMES_MAX)
        return broken(o, "its names are too long", e);
    x->names = calloc(1, (size_t)x->names_size + 1);
    return x->names == NULL ? err_oom(e)
                            : bytes_read(o->bytes, at, x->names, (size_t)x->names_size, e);
}

static int add_section(struct object *o, uint64_t index, struct err *e)
{
    struct elf *x = o->state;
    const uint8_t *s = section(x, index);
    uint64_t name = number(x, s, section_name);
    uint64_t type = number(x, s, section_type);
    struct member m = {.type = MEMBER_PART,
                       .has_content = type != SHT_NOBITS && type != SHT_NULL,
                       .size = number(x, s, section_size),
                       .code = (number(x, s, section_flags) & SHF_EXECINSTR) != 0,
                       .any_order = type == SHT_SYMTAB || type == SHT_STRTAB,
                       .cookie = index};
    uint64_t start = number(x, s, section_offset);
    int rc = 0;
    if (name >= x->names_size && name > 0)
        return broken(o, "a section's name is not among the names", e);
    m.path = name == 0 || x->names[name] == 0 ? "(unnamed)" : (const char *)x->names + name;
    if (strlen(m.path) > NAME_LENGTH_MAX)
        return broken(o, "a section's name is too long", e);
    if (m.has_content && (start > o->bytes->size || m.size > o->bytes->size - start))
        return broken(o, "a section lies outside of it", e);
    if (!m.has_content &&
        (rc = object_member_field(
             o, (struct field){"size", FIELD_MEANING, FIELD_NUMBER, m.size, NULL, 0}, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < sizeof(section_places) / sizeof(section_places[0]); i++)
        rc = object_member_field(o,
                                 (struct field){section_places[i].name, section_places[i].class,
                                                FIELD_NUMBER, number(x, s, section_places[i].place),
                                                NULL, 0},
                                 e);
    if (rc == 0 && m.has_content)
        rc = extents_add(&x->extents, start, m.size, e);
    if (!m.has_content)
        m.size = 0;
    return rc < 0 ? rc : object_member(o, &m, e);
}

/* What Linux's sign-file puts behind a module: signature, 12 bytes that say its length, a mark. */
static int add_module_signature(struct object *o, struct err *e)
{
    static const char mark[] = "~Module signature appended~\n";
    enum { MARK = sizeof(mark) - 1, ABOUT = 12, LENGTH_AT = 8 };
    uint8_t tail[ABOUT + MARK];
    struct elf *x = o->state;
    if (o->bytes->size < sizeof(tail))
        return 0;
    int rc = bytes_read(o->bytes, o->bytes->size - sizeof(tail), tail, sizeof(tail), e);
    if (rc < 0 || memcmp(tail + ABOUT, mark, MARK) != 0)
        return rc;
    uint64_t size = sizeof(tail) + (uint64_t)get_be32(tail + LENGTH_AT);
    if (size > o->bytes->size)
        return broken(o, "a module's signature is longer than the file", e);
    const struct member m = {.path = "(module signature)",
                             .type = MEMBER_PART,
                             .has_content = true,
                             .signature = true,
                             .size = size,
                             .cookie = (o->bytes->size - size) | PLACE_IN_FILE};
    rc = extents_add(&x->extents, o->bytes->size - size, size, e);
    return rc < 0 ? rc : object_member(o, &m, e);
}

static int open_elf(struct object *o, struct err *e)
{
    uint8_t head[sizeof(Elf64_Ehdr)] = {0};
    struct elf *x = calloc(1, sizeof(*x));
    size_t got = 0;
    o->state = x;
    if (x == NULL)
        return err_oom(e);
    int rc = bytes_peek(o->bytes, 0, head, sizeof(head), &got, e);
    if (rc < 0)
        return rc;
    x->wide = head[EI_CLASS] == ELFCLASS64;
    x->big = head[EI_DATA] == ELFDATA2MSB;
    if (got < (x->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) || head[EI_CLASS] == 0 ||
        head[EI_CLASS] > ELFCLASS64 || head[EI_DATA] == 0 || head[EI_DATA] > ELFDATA2MSB)
        return broken(o, "the header is none", e);
    if ((rc = add_header(o, head, e)) < 0 ||
        (rc = extents_add(&x->extents, 0, x->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), e)) <
            0 ||
        (rc = add_segments(o, head, e)) < 0 || (rc = read_table(o, head, e)) < 0 ||
        (rc = add_module_signature(o, e)) < 0)
        return rc;
    for (uint64_t i = 1; rc == 0 && i < x->count; i++)
        rc = add_section(o, i, e);
    return rc < 0 ? rc : extents_gaps(&x->extents, o, o->bytes->size, object_gap, e);
}

static void close_elf(struct object *o)
{
    struct elf *x = o->state;
    if (x == NULL)
        return;
    free(x->table);
    free(x->names);
    extents_dispose(&x->extents);
    free(x);
}

static bool is_elf(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/*
 * A table of symbols as text, a line each, with names in place of numbers: so the order of the
 * names and that of the symbols are two matters.
 */
static int symbols_text(struct object *o, uint64_t index, const char *path, struct bytes **out,
                        struct err *e)
{
    const struct elf *x = o->state;
    const uint8_t *s = section(x, index);
    uint64_t link = number(x, s, section_link);
    size_t each = x->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    uint64_t size = number(x, s, section_size);
    const uint8_t *names_section = section(x, link < x->count ? link : 0);
    uint64_t names_size = number(x, names_section, section_size);
    if (link >= x->count || names_size > NAMES_MAX || size % each != 0)
        return bytes_slice(o->bytes, number(x, s, section_offset), size, path, out, e);
    AUTO_FREE uint8_t *table = malloc((size_t)size + 1);
    AUTO_FREE uint8_t *names = calloc(1, (size_t)names_size + 1);
    AUTO_BUF text = BUF_INIT(SYMBOLS_TEXT_MAX);
    if (table == NULL || names == NULL)
        return err_oom(e);
    int rc = bytes_read(o->bytes, number(x, s, section_offset), table, (size_t)size, e);
    if (rc == 0)
        rc = bytes_read(o->bytes, number(x, names_section, section_offset), names,
                        (size_t)names_size, e);
    for (uint64_t at = 0; rc == 0 && at < size; at += each) {
        const uint8_t *symbol = table + at;
        uint64_t name = number(x, symbol, symbol_name);
        rc = buf_addf(&text, e,
                      "%s value=%" PRIx64 " size=%" PRIu64 " info=%" PRIx64 " other=%" PRIx64
                      " section=%" PRIu64 "\n",
                      name < names_size ? (const char *)names + name : "(no name)",
                      number(x, symbol, symbol_value), number(x, symbol, symbol_size),
                      number(x, symbol, symbol_info), number(x, symbol, symbol_other),
                      number(x, symbol, symbol_section));
    }
    if (rc < 0)
        return rc;
    size_t len = text.len;
    return bytes_of_memory(steal_ptr(&text.data), len, path, out, e);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    const struct elf *x = o->state;
    uint64_t start = m->cookie & ~PLACE_IN_FILE;
    bool table = m->any_order && number(x, section(x, m->cookie), section_type) == SHT_SYMTAB;
    if (table && m->size <= SYMBOLS_BYTES_MAX)
        return symbols_text(o, m->cookie, m->path, out, e);
    if (m->type != MEMBER_GAP && start == m->cookie)
        start = number(x, section(x, m->cookie), section_offset);
    return bytes_slice(o->bytes, start, m->size, m->path, out, e);
}

const struct object_kind object_kind_elf = {
    .name = "elf",
    .ordered = true,
    .is = is_elf,
    .open = open_elf,
    .slice = slice,
    .close = close_elf,
};

/* ---- symbols
 * -------------------------------------------------------------------------------------- */

/* One table of symbols: the nearest at or before the address whose size reaches it. */
static int find_symbol(struct object *o, uint64_t index, uint64_t home, uint64_t address,
                       uint64_t *name, uint64_t *distance, bool *found, struct err *e)
{
    const struct elf *x = o->state;
    const uint8_t *s = section(x, index);
    size_t each = x->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    uint64_t start = number(x, s, section_offset);
    uint64_t count = number(x, s, section_size) / each;
    uint8_t room[256 * sizeof(Elf64_Sym)];
    for (uint64_t i = 0; i < count; i += 256) {
        size_t part = count - i < 256 ? (size_t)(count - i) : 256;
        int rc = bytes_read(o->bytes, start + i * each, room, part * each, e);
        if (rc < 0)
            return rc;
        for (size_t k = 0; k < part; k++) {
            uint64_t value = number(x, room + k * each, symbol_value);
            uint64_t size = number(x, room + k * each, symbol_size);
            if (address < value || address - value >= size ||
                number(x, room + k * each, symbol_section) != home)
                continue;
            if (!*found || address - value < *distance) {
                *name = number(x, room + k * each, symbol_name);
                *distance = address - value;
                *found = true;
            }
        }
    }
    return 0;
}

int elf_symbol_at(struct object *o, const struct member *m, uint64_t offset, struct buf *out,
                  uint64_t *distance, struct err *e)
{
    const struct elf *x = o->state;
    char text[NAME_LENGTH_MAX];
    *distance = 0;
    if (m->type != MEMBER_PART || (m->cookie & PLACE_IN_FILE) != 0)
        return 0;
    uint64_t address = number(x, section(x, m->cookie), section_address) + offset;
    for (uint64_t i = 1; i < x->count; i++) {
        const uint8_t *s = section(x, i);
        uint64_t type = number(x, s, section_type);
        uint64_t link = number(x, s, section_link);
        uint64_t name = 0;
        bool found = false;
        if ((type != SHT_SYMTAB && type != SHT_DYNSYM) || link >= x->count)
            continue;
        int rc = find_symbol(o, i, m->cookie, address, &name, distance, &found, e);
        if (rc < 0)
            return rc;
        if (!found)
            continue;
        size_t got = 0;
        rc = bytes_peek(o->bytes, number(x, section(x, link), section_offset) + name, text,
                        sizeof(text), &got, e);
        return rc < 0 ? rc : buf_add(out, text, strnlen(text, got), e);
    }
    return 0;
}
