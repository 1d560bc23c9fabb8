/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel modules: ELF objects with a .modinfo section, exported symbols, and undefined ones. */
#include "builder/debian/kernel_module.h"

#include "base/byte_order.h"
#include "formats/stream/decompress.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

enum { SECTIONS_MAX = 4096, CHUNK = 65536, VERSION_SIZE = 64 };

/* A member of one of the layouts of <elf.h>, little-endian, in the bytes at `p`. */
#define HALF(p, layout, member) get_le16((p) + offsetof(layout, member))
#define WORD(p, layout, member) get_le32((p) + offsetof(layout, member))
#define LONG(p, layout, member) get_le64((p) + offsetof(layout, member))

struct part {
    const uint8_t *p; /* NULL: there is none */
    size_t len;
};

struct object {
    const char *path;
    struct part whole;
    const uint8_t *sections;
    size_t section_count;
    struct part names;
    struct part symbols;
    struct part strings;
};

void kernel_module_dispose(struct kernel_module *m)
{
    buf_dispose(&m->info);
    buf_dispose(&m->exports);
    buf_dispose(&m->needs);
}

static const struct suffix {
    const char *text;
    enum compression compression;
} suffixes[] = {
    {".ko", COMPRESSION_NONE},
    {".ko.gz", COMPRESSION_GZIP},
    {".ko.xz", COMPRESSION_XZ},
    {".ko.zst", COMPRESSION_ZSTD},
};

static const struct suffix *suffix_of(const char *name)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (str_ends(name, suffixes[i].text) && strlen(name) > strlen(suffixes[i].text))
            return &suffixes[i];
    return NULL;
}

bool kernel_module_is(const char *file_name, size_t *plain)
{
    const struct suffix *suffix = suffix_of(file_name);
    if (suffix == NULL)
        return false;
    *plain = strlen(file_name) - strlen(suffix->text) + strlen(suffixes[0].text);
    return true;
}

bool kernel_module_name(const char *path, char out[KERNEL_MODULE_NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t len = strcspn(base, ".");
    if (len == 0 || len > KERNEL_MODULE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = base[i];
    out[len] = 0;
    for (char *c = out; *c != 0; c++)
        if (*c == '-')
            *c = '_';
    return true;
}

/* ---- bytes ---- */

struct content_source {
    struct tree_reader *reader;
    const struct tree_content *content;
    uint64_t at;
};

static int read_content(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct content_source *s = context;
    uint64_t left = s->content->size - s->at;
    *got = left < len ? (size_t)left : len;
    if (*got == 0)
        return 0;
    int rc = tree_reader_read(s->reader, s->content, s->at, data, *got, e);
    s->at += *got;
    return rc;
}

static int read_whole(struct tree_reader *reader, const struct tree_content *content,
                      enum compression compression, struct buf *out, struct err *e)
{
    struct content_source plain = {.reader = reader, .content = content};
    const struct decompress_options options = {.total_max = KERNEL_MODULE_MAX};
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    struct source s = {.context = &plain, .read = read_content};
    int rc = 0;
    if (compression != COMPRESSION_NONE) {
        rc = decompressor_new(compression, &s, &options, &d, e);
        s = rc == 0 ? decompressor_source(d) : s;
    }
    for (size_t got = 1; rc == 0 && got > 0;) {
        rc = buf_reserve(out, CHUNK, e);
        if (rc == 0)
            rc = s.read(s.context, out->data + out->len, CHUNK, &got, e);
        if (rc == 0)
            out->len += got;
    }
    return rc;
}

/* ---- sections ---- */

static int damaged(const struct object *o, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "'%.200s' is no sound kernel module: %s", o->path, what);
}

static bool cut(const struct object *o, uint64_t at, uint64_t len, struct part *out)
{
    uint64_t end = 0;
    if (!add_u64(at, len, &end) || end > o->whole.len)
        return false;
    *out = (struct part){.p = o->whole.p + at, .len = (size_t)len};
    return true;
}

static int section_part(const struct object *o, const uint8_t *header, struct part *out,
                        struct err *e)
{
    return cut(o, LONG(header, Elf64_Shdr, sh_offset), LONG(header, Elf64_Shdr, sh_size), out)
               ? 0
               : damaged(o, "a section lies outside of it", e);
}

/* The text that starts at `at`; NULL when it has no end. */
static const char *text_at(const struct part *part, uint64_t at)
{
    if (at >= part->len || memchr(part->p + at, 0, part->len - at) == NULL)
        return NULL;
    return (const char *)part->p + at;
}

/* out->p stays NULL when no section has that name. */
static int find_section(const struct object *o, const char *name, struct part *out, struct err *e)
{
    *out = (struct part){0};
    for (size_t i = 1; i < o->section_count; i++) {
        const uint8_t *header = o->sections + i * sizeof(Elf64_Shdr);
        const char *has = text_at(&o->names, WORD(header, Elf64_Shdr, sh_name));
        if (has == NULL)
            return damaged(o, "a section has no name", e);
        if (strcmp(has, name) == 0 && WORD(header, Elf64_Shdr, sh_type) != SHT_NOBITS)
            return section_part(o, header, out, e);
    }
    return 0;
}

static int open_object(struct object *o, uint16_t machine, struct err *e)
{
    const uint8_t *h = o->whole.p;
    struct part table;
    if (o->whole.len < sizeof(Elf64_Ehdr) || memcmp(h, ELFMAG, SELFMAG) != 0)
        return damaged(o, "it is no ELF file", e);
    if (h[EI_CLASS] != ELFCLASS64 || h[EI_DATA] != ELFDATA2LSB ||
        HALF(h, Elf64_Ehdr, e_machine) != machine || HALF(h, Elf64_Ehdr, e_type) != ET_REL)
        return damaged(o, "it is no object of this architecture", e);
    o->section_count = HALF(h, Elf64_Ehdr, e_shnum);
    size_t names = HALF(h, Elf64_Ehdr, e_shstrndx);
    if (HALF(h, Elf64_Ehdr, e_shentsize) != sizeof(Elf64_Shdr) || o->section_count > SECTIONS_MAX ||
        names == 0 || names >= o->section_count ||
        !cut(o, LONG(h, Elf64_Ehdr, e_shoff), o->section_count * sizeof(Elf64_Shdr), &table))
        return damaged(o, "its table of sections", e);
    o->sections = table.p;
    int rc = section_part(o, o->sections + names * sizeof(Elf64_Shdr), &o->names, e);
    if (rc == 0)
        rc = find_section(o, ".symtab", &o->symbols, e);
    if (rc == 0)
        rc = find_section(o, ".strtab", &o->strings, e);
    if (rc < 0)
        return rc;
    if (o->symbols.p == NULL || o->strings.p == NULL)
        return damaged(o, "it has no symbols", e);
    if (o->symbols.len % sizeof(Elf64_Sym) != 0)
        return damaged(o, "its table of symbols", e);
    return 0;
}

/* ---- what is in them ---- */

static int add_text(struct buf *out, const char *text, size_t len, struct err *e)
{
    int rc = buf_add(out, text, len, e);
    return rc < 0 ? rc : buf_add(out, "", 1, e);
}

/* Texts with any number of NULs before, between and behind them; the last may have none. */
static int add_texts(const struct part *part, struct buf *out, struct err *e)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < part->len;) {
        const char *text = (const char *)part->p + at;
        size_t len = strnlen(text, part->len - at);
        if (len > 0)
            rc = add_text(out, text, len, e);
        at += len + 1;
    }
    return rc;
}

/* What is exported has a symbol with its version; without versions, a section has the names. */
static int read_symbols(const struct object *o, struct kernel_module *out, struct err *e)
{
    static const char version[] = "__crc_";
    struct part names;
    int rc = 0;
    for (size_t at = sizeof(Elf64_Sym); rc == 0 && at < o->symbols.len; at += sizeof(Elf64_Sym)) {
        const uint8_t *s = o->symbols.p + at;
        const char *name = text_at(&o->strings, WORD(s, Elf64_Sym, st_name));
        if (name == NULL)
            return damaged(o, "a symbol has no name", e);
        if (HALF(s, Elf64_Sym, st_shndx) == SHN_UNDEF && name[0] != 0)
            rc = add_text(&out->needs, name, strlen(name), e);
        const char *rest = name + sizeof(version) - 1;
        if (rc == 0 && str_starts(name, version) && rest[0] != 0)
            rc = add_text(&out->exports, rest, strlen(rest), e);
    }
    if (rc < 0 || out->exports.len > 0)
        return rc;
    rc = find_section(o, "__ksymtab_strings", &names, e);
    return rc < 0 ? rc : add_texts(&names, &out->exports, e);
}

/* The names for which versions are kept; those that are undefined symbols, too, come twice. */
static int read_versions(const struct object *o, struct kernel_module *out, struct err *e)
{
    struct part versions;
    int rc = find_section(o, "__versions", &versions, e);
    if (rc < 0 || versions.p == NULL || versions.len % VERSION_SIZE != 0)
        return rc;
    for (size_t at = 0; rc == 0 && at < versions.len; at += VERSION_SIZE) {
        const char *name = (const char *)versions.p + at + sizeof(uint64_t);
        size_t len = strnlen(name, VERSION_SIZE - sizeof(uint64_t));
        if (len == VERSION_SIZE - sizeof(uint64_t))
            return damaged(o, "a version has no name", e);
        if (len > 0)
            rc = add_text(&out->needs, name, len, e);
    }
    return rc;
}

int kernel_module_read(struct tree_reader *reader, const struct tree_content *content,
                       const char *path, uint16_t machine, struct kernel_module *out, struct err *e)
{
    AUTO_BUF whole = BUF_INIT(KERNEL_MODULE_MAX + CHUNK);
    struct object o = {.path = path};
    struct part info;
    const struct suffix *suffix = suffix_of(path);
    int rc = read_whole(reader, content, suffix != NULL ? suffix->compression : COMPRESSION_NONE,
                        &whole, e);
    if (rc < 0)
        return err_wrap(e, "'%.200s'", path);
    o.whole = (struct part){.p = whole.data, .len = whole.len};
    rc = open_object(&o, machine, e);
    if (rc == 0)
        rc = find_section(&o, ".modinfo", &info, e);
    if (rc == 0)
        rc = add_texts(&info, &out->info, e);
    if (rc == 0)
        rc = read_symbols(&o, out, e);
    return rc < 0 ? rc : read_versions(&o, out, e);
}
