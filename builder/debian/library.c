/* SPDX-License-Identifier: Apache-2.0 */
/* Shared objects, as far as ldconfig looks at them. */
#include "base/byte_order.h"
#include "builder/debian/finishing.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

enum { HEADERS_MAX = 64, DYNAMIC_MAX = 4096 };

int finish_machine(const char *arch, uint16_t *out, struct err *e)
{
    static const struct {
        const char *arch;
        uint16_t machine;
    } machines[] = {
        {"amd64", LIBRARY_AMD64}, {"arm64", LIBRARY_ARM64}, {"riscv64", LIBRARY_RISCV64}};
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        if (strcmp(machines[i].arch, arch) == 0) {
            *out = machines[i].machine;
            return 0;
        }
    }
    return err_set(e, ERR_INPUT, "'%s' is no architecture that is known", arch);
}

/* A member of one of the layouts of <elf.h>, little-endian, in the bytes at `p`. */
#define HALF(p, layout, member) get_le16((p) + offsetof(layout, member))
#define WORD(p, layout, member) get_le32((p) + offsetof(layout, member))
#define LONG(p, layout, member) get_le64((p) + offsetof(layout, member))

struct elf_file {
    struct tree_reader *reader;
    const struct tree_content *content;
    uint8_t headers[HEADERS_MAX][sizeof(Elf64_Phdr)];
    size_t header_count;
};

/* *good is false when the range is not in the file. */
static int read_at(const struct elf_file *f, uint64_t offset, void *out, size_t len, bool *good,
                   struct err *e)
{
    uint64_t end = 0;
    *good = add_u64(offset, len, &end) && end <= f->content->size;
    return *good ? tree_reader_read(f->reader, f->content, offset, out, len, e) : 0;
}

static int read_headers(struct elf_file *f, uint16_t machine, bool *good, struct err *e)
{
    uint8_t h[sizeof(Elf64_Ehdr)];
    int rc = read_at(f, 0, h, sizeof(h), good, e);
    if (rc < 0 || !*good)
        return rc;
    *good = memcmp(h, ELFMAG, SELFMAG) == 0 && h[EI_CLASS] == ELFCLASS64 &&
            h[EI_DATA] == ELFDATA2LSB && HALF(h, Elf64_Ehdr, e_machine) == machine &&
            HALF(h, Elf64_Ehdr, e_type) == ET_DYN &&
            HALF(h, Elf64_Ehdr, e_phentsize) == sizeof(Elf64_Phdr) &&
            HALF(h, Elf64_Ehdr, e_phnum) <= HEADERS_MAX;
    if (!*good)
        return 0;
    f->header_count = HALF(h, Elf64_Ehdr, e_phnum);
    return read_at(f, LONG(h, Elf64_Ehdr, e_phoff), f->headers,
                   f->header_count * sizeof(Elf64_Phdr), good, e);
}

/* Where an address of the loaded object is in the file. */
static bool offset_of(const struct elf_file *f, uint64_t address, uint64_t *out)
{
    for (size_t i = 0; i < f->header_count; i++) {
        const uint8_t *p = f->headers[i];
        uint64_t start = LONG(p, Elf64_Phdr, p_vaddr);
        if (WORD(p, Elf64_Phdr, p_type) == PT_LOAD && address >= start &&
            address - start < LONG(p, Elf64_Phdr, p_filesz))
            return add_u64(LONG(p, Elf64_Phdr, p_offset), address - start, out);
    }
    return false;
}

/* The places of the string table and of the name in it; *named is false when there is no name. */
static int read_dynamic(const struct elf_file *f, const uint8_t *p, bool *good, uint64_t *table,
                        uint64_t *name, bool *named, struct err *e)
{
    uint64_t count = LONG(p, Elf64_Phdr, p_filesz) / sizeof(Elf64_Dyn);
    bool has_table = false;
    *named = false;
    for (uint64_t i = 0; i < count && i < DYNAMIC_MAX; i++) {
        uint8_t d[sizeof(Elf64_Dyn)];
        uint64_t at = 0;
        if (!add_u64(LONG(p, Elf64_Phdr, p_offset), i * sizeof(d), &at)) {
            *good = false;
            return 0;
        }
        int rc = read_at(f, at, d, sizeof(d), good, e);
        if (rc < 0 || !*good)
            return rc;
        uint64_t tag = LONG(d, Elf64_Dyn, d_tag);
        if (tag == DT_NULL)
            break;
        if (tag == DT_STRTAB)
            has_table = offset_of(f, LONG(d, Elf64_Dyn, d_un.d_ptr), table);
        if (tag == DT_SONAME) {
            *name = LONG(d, Elf64_Dyn, d_un.d_val);
            *named = true;
        }
    }
    *good = has_table;
    return 0;
}

static int read_name(const struct elf_file *f, uint64_t table, uint64_t name, bool *good,
                     char soname[LIBRARY_SONAME_MAX + 1], struct err *e)
{
    uint64_t at = 0;
    *good = add_u64(table, name, &at) && at < f->content->size;
    if (!*good)
        return 0;
    uint64_t left = f->content->size - at;
    size_t len = left > LIBRARY_SONAME_MAX ? LIBRARY_SONAME_MAX + 1 : (size_t)left;
    int rc = tree_reader_read(f->reader, f->content, at, soname, len, e);
    if (rc < 0)
        return rc;
    *good = memchr(soname, 0, len) != NULL;
    *good = *good && tree_name_valid(soname);
    return 0;
}

int library_read(struct tree_reader *reader, const struct tree_content *content, uint16_t machine,
                 bool *is, char soname[LIBRARY_SONAME_MAX + 1], struct err *e)
{
    struct elf_file f = {.reader = reader, .content = content};
    const uint8_t *dynamic = NULL;
    uint64_t table = 0;
    uint64_t name = 0;
    bool named = false;
    soname[0] = 0;
    int rc = read_headers(&f, machine, is, e);
    if (rc < 0 || !*is)
        return rc;
    for (size_t i = 0; i < f.header_count; i++)
        if (WORD(f.headers[i], Elf64_Phdr, p_type) == PT_DYNAMIC)
            dynamic = f.headers[i];
    if (dynamic == NULL) {
        *is = false;
        return 0;
    }
    rc = read_dynamic(&f, dynamic, is, &table, &name, &named, e);
    if (rc < 0 || !*is || !named)
        return rc;
    return read_name(&f, table, name, is, soname, e);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A run of digits; more than fit are as good as the most that do. */
static uint64_t take_number(const char **p)
{
    uint64_t n = 0;
    for (; is_digit(**p); (*p)++)
        n = n > UINT64_MAX / 20 ? UINT64_MAX / 20 : n * 10 + (uint64_t)(**p - '0');
    return n;
}

int library_compare(const char *a, const char *b)
{
    while (*a != 0) {
        if (is_digit(*a) != is_digit(*b))
            return is_digit(*a) ? 1 : -1;
        if (is_digit(*a)) {
            uint64_t x = take_number(&a);
            uint64_t y = take_number(&b);
            if (x != y)
                return x < y ? -1 : 1;
            continue;
        }
        if (*a != *b)
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        a++;
        b++;
    }
    return *b == 0 ? 0 : -1;
}
