/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/layers/deb_reader.h"

#include "base/buf.h"
#include "base/encoding.h"

#include <inttypes.h>
#include <string.h>

enum { HEADER = 60, NAME = 16, AT_SIZE = 48, SIZE = 10, AT_END = 58, MEMBERS_MAX = 64 };

struct member {
    char name[NAME + 1];
    uint64_t size;
};

struct deb_reader {
    struct source from;
    uint64_t at;
    enum compression compression;
    uint64_t member_at;
    uint64_t member_left;
    bool member_odd;
};

static int not_a_package(const struct deb_reader *r, const char *why, struct err *e)
{
    return err_set(e, ERR_INPUT, "cannot read package at byte %" PRIu64 ": %s", r->at, why);
}

/* Exactly `len` bytes. */
static int take(struct deb_reader *r, void *data, size_t len, struct err *e)
{
    size_t got = 0;
    int rc = source_fill(&r->from, data, len, &got, e);
    if (rc < 0)
        return rc;
    r->at += got;
    return got == len ? 0 : not_a_package(r, "it is cut short", e);
}

static int skip(struct deb_reader *r, uint64_t len, struct err *e)
{
    uint8_t scrap[4096];
    int rc = 0;
    while (rc == 0 && len > 0) {
        size_t part = len < sizeof(scrap) ? (size_t)len : sizeof(scrap);
        rc = take(r, scrap, part, e);
        len -= part;
    }
    return rc;
}

static int skip_padding(struct deb_reader *r, bool odd, struct err *e)
{
    uint8_t c;
    if (!odd)
        return 0;
    int rc = take(r, &c, 1, e);
    return rc == 0 && c != '\n' ? not_a_package(r, "a member is not padded by a newline", e) : rc;
}

/* Decimal digits, then spaces. */
static bool parse_size(const uint8_t *field, uint64_t *out)
{
    uint64_t v = 0;
    size_t digits = digits_read(field, SIZE, 10, &v);
    for (size_t i = digits; i < SIZE; i++)
        if (field[i] != ' ')
            return false;
    *out = v;
    return digits > 0;
}

/* Names end in spaces, or in '/' as GNU ar writes them. */
static bool parse_name(const uint8_t *field, char *out)
{
    memcpy(out, field, NAME);
    out[NAME] = 0;
    size_t len = NAME;
    while (len > 0 && out[len - 1] == ' ')
        out[--len] = 0;
    if (len > 1 && out[len - 1] == '/')
        out[--len] = 0;
    return len > 0 && strlen(out) == len && strpbrk(out, " /") == NULL;
}

static int parse_header(struct deb_reader *r, const uint8_t *header, struct member *m,
                        struct err *e)
{
    if (header[AT_END] != '`' || header[AT_END + 1] != '\n' || !parse_name(header, m->name) ||
        !parse_size(header + AT_SIZE, &m->size))
        return not_a_package(r, "a member's header is not well formed", e);
    return 0;
}

/* The next member that counts. */
static int next_member(struct deb_reader *r, struct member *m, struct err *e)
{
    for (int i = 0; i < MEMBERS_MAX; i++) {
        uint8_t header[HEADER];
        int rc = take(r, header, sizeof(header), e);
        if (rc == 0)
            rc = parse_header(r, header, m, e);
        if (rc < 0 || m->name[0] != '_')
            return rc;
        rc = skip(r, m->size, e);
        if (rc == 0)
            rc = skip_padding(r, m->size % 2 != 0, e);
        if (rc < 0)
            return rc;
    }
    return not_a_package(r, "too many members", e);
}

/* "data.tar.xz" -> xz */
static int member_compression(struct deb_reader *r, const struct member *m, const char *base,
                              enum compression *out, struct err *e)
{
    static const char *const suffixes[] = {"", ".gz", ".zst", ".xz"};
    if (str_starts(m->name, base))
        for (size_t i = 0; i < 4; i++)
            if (strcmp(m->name + strlen(base), suffixes[i]) == 0) {
                *out = (enum compression)i;
                return 0;
            }
    static const char *const others[] = {".bz2", ".lzma"};
    if (str_starts(m->name, base))
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
            if (strcmp(m->name + strlen(base), others[i]) == 0)
                return not_a_package(
                    r, "this compression (bzip2 or lzma) is not read: repack it as xz", e);
    char why[128];
    snprintf(why, sizeof(why), "expected %s with .gz, .xz, .zst or nothing, found '%s'", base,
             m->name);
    return not_a_package(r, why, e);
}

/* The member that was read of is from now on the one that `m` describes. */
static void begin_member(struct deb_reader *r, const struct member *m)
{
    r->member_at = r->at;
    r->member_left = m->size;
    r->member_odd = m->size % 2 != 0;
}

/* "2.0\n". A greater minor number, and more lines, may be ignored (deb(5)). */
static int take_version(struct deb_reader *r, uint64_t size, struct err *e)
{
    char text[16] = {0};
    uint64_t minor = 0;
    size_t len = size < sizeof(text) ? (size_t)size : sizeof(text);
    int rc = take(r, text, len, e);
    if (rc < 0)
        return rc;
    size_t digits = len > 2 ? digits_read(text + 2, len - 2, 10, &minor) : 0;
    if (digits == 0 || memcmp(text, "2.", 2) != 0 || digits + 2 == len || text[digits + 2] != '\n')
        return not_a_package(r, "its format is not 2.0", e);
    rc = skip(r, size - len, e);
    return rc == 0 ? skip_padding(r, size % 2 != 0, e) : rc;
}

static int open_package(struct deb_reader *r, struct err *e)
{
    char magic[8];
    struct member m = {0};
    int rc = take(r, magic, sizeof(magic), e);
    if (rc == 0 && memcmp(magic, "!<arch>\n", sizeof(magic)) != 0)
        rc = not_a_package(r, "it is no Debian package", e);
    if (rc == 0)
        rc = next_member(r, &m, e);
    if (rc == 0 && strcmp(m.name, "debian-binary") != 0)
        rc = not_a_package(r, "it does not begin with debian-binary", e);
    if (rc == 0)
        rc = take_version(r, m.size, e);
    if (rc == 0)
        rc = next_member(r, &m, e);
    if (rc == 0)
        rc = member_compression(r, &m, "control.tar", &r->compression, e);
    if (rc == 0)
        begin_member(r, &m);
    return rc;
}

int deb_reader_open(const struct source *from, struct deb_reader **out, struct err *e)
{
    AUTO_DEB_READER struct deb_reader *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    r->from = *from;
    int rc = open_package(r, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&r);
    return 0;
}

int deb_reader_data(struct deb_reader *r, struct err *e)
{
    struct member m = {0};
    int rc = skip(r, r->member_left, e);
    if (rc == 0)
        rc = skip_padding(r, r->member_odd, e);
    if (rc == 0)
        rc = next_member(r, &m, e);
    if (rc == 0)
        rc = member_compression(r, &m, "data.tar", &r->compression, e);
    if (rc == 0)
        begin_member(r, &m);
    return rc;
}

int deb_reader_new(const struct source *from, struct deb_reader **out, struct err *e)
{
    AUTO_DEB_READER struct deb_reader *r = NULL;
    int rc = deb_reader_open(from, &r, e);
    if (rc == 0)
        rc = deb_reader_data(r, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&r);
    return 0;
}

void deb_reader_free(struct deb_reader *r)
{
    free(r);
}

enum compression deb_reader_compression(const struct deb_reader *r)
{
    return r->compression;
}

uint64_t deb_reader_offset(const struct deb_reader *r)
{
    return r->member_at;
}

static int read_member(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct deb_reader *r = context;
    size_t n = 0;
    size_t want = len < r->member_left ? len : (size_t)r->member_left;
    if (want > 0) {
        int rc = r->from.read(r->from.context, data, want, &n, e);
        if (rc < 0)
            return rc;
        if (n == 0)
            return not_a_package(r, "it is cut short", e);
    }
    r->at += n;
    r->member_left -= n;
    *got = n;
    return 0;
}

struct source deb_reader_source(struct deb_reader *r)
{
    return (struct source){.context = r, .read = read_member};
}

int deb_reader_finish(struct deb_reader *r, struct err *e)
{
    if (r->member_left > 0)
        return not_a_package(r, "other bytes follow the data", e);
    int rc = skip_padding(r, r->member_odd, e);
    for (int i = 0; rc == 0; i++) {
        uint8_t header[HEADER];
        size_t got = 0;
        struct member m = {0};
        rc = source_fill(&r->from, header, sizeof(header), &got, e);
        if (rc == 0 && got == 0)
            return 0;
        r->at += got;
        if (rc == 0 && (got < sizeof(header) || i == MEMBERS_MAX))
            return not_a_package(r, "other bytes follow the data", e);
        if (rc == 0)
            rc = parse_header(r, header, &m, e);
        if (rc == 0 && m.name[0] != '_')
            return not_a_package(r, "a member that is not known follows the data", e);
        if (rc == 0)
            rc = skip(r, m.size, e);
        if (rc == 0)
            rc = skip_padding(r, m.size % 2 != 0, e);
    }
    return rc;
}
