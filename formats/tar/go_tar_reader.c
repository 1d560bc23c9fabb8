/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and records as Go's archive/tar reads them, nothing of them lost. */
#include "formats/tar/go_tar_internal.h"

#include "base/encoding.h"
#include "formats/tar/tar_header.h"

#include <string.h>

enum {
    EXTENDED_MAX = 1 << 20,
    RECORDS_MAX = 4096,
};

bool go_tar_has_content(char type)
{
    return type != '\0' && strchr("123456g", type) == NULL;
}

void go_tar_header_dispose(struct go_tar_header *h)
{
    tar_map_dispose(&h->map);
    for (size_t i = 0; i < h->record_count; i++) {
        free(h->records[i].key);
        free(h->records[i].value);
    }
    free(h->records);
    free(h->name);
    free(h->link);
    free(h->uname);
    free(h->gname);
    *h = (struct go_tar_header){0};
}

int go_tar_header_rename(char **name, const char *value, struct err *e)
{
    char *copy = NULL;
    int rc = str_copy(&copy, value, e);
    if (rc < 0)
        return rc;
    free(*name);
    *name = copy;
    return 0;
}

static int copy_bytes(const char *value, size_t len, char **out, struct err *e)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return err_oom(e);
    memcpy(copy, value, len);
    copy[len] = '\0';
    *out = copy;
    return 0;
}

int go_tar_header_set(struct go_tar_header *h, const char *key, const char *value, size_t len,
                      struct err *e)
{
    struct go_tar_record *r = NULL;
    char *copy = NULL;
    int rc = copy_bytes(value, len, &copy, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < h->record_count; i++)
        if (strcmp(h->records[i].key, key) == 0)
            r = &h->records[i];
    if (r == NULL) {
        char *name = NULL;
        rc = h->record_count == RECORDS_MAX ? err_set(e, ERR_INPUT, "too many extended records")
                                            : str_copy(&name, key, e);
        if (rc >= 0)
            rc = array_grow(&h->records, &h->record_cap, h->record_count + 1, sizeof(*h->records),
                            e);
        if (rc < 0) {
            free(name);
            free(copy);
            return rc;
        }
        r = &h->records[h->record_count++];
        *r = (struct go_tar_record){.key = name};
    }
    free(r->value);
    r->value = copy;
    r->len = len;
    return 0;
}

/* ---- fields ------------------------------------------------------------------------------- */

/* Octal, among blanks and NULs, or base 256 when the first bit is set. */
static int parse_number(const uint8_t *b, enum tar_place place, int64_t *out, struct err *e)
{
    const uint8_t *p = tar_at(b, place);
    size_t i = 0;
    size_t end = tar_fields[place].len;
    uint64_t value = 0;
    if (p[0] & 0x80)
        return tar_base256(p, end, out)
                   ? 0
                   : err_set(e, ERR_INPUT, "a number in a tar header is too large");
    while (i < end && (p[i] == ' ' || p[i] == '\0'))
        i++;
    while (end > i && (p[end - 1] == ' ' || p[end - 1] == '\0'))
        end--;
    i += digits_read(p + i, end - i, 8, &value);
    if (i < end && p[i] != '\0')
        return err_set(e, ERR_INPUT, "a number in a tar header is malformed");
    *out = (int64_t)value;
    return 0;
}

static int field_text(const uint8_t *b, enum tar_place place, char **out, struct err *e)
{
    const char *p = (const char *)tar_at(b, place);
    return copy_bytes(p, strnlen(p, tar_fields[place].len), out, e);
}

static bool checksum_fits(const uint8_t *block)
{
    int64_t wanted = 0;
    struct err ignored = ERR_INIT;
    return parse_number(block, TAR_CHECKSUM, &wanted, &ignored) == 0 &&
           (wanted == (int64_t)tar_sum(block) || wanted == tar_sum_signed(block));
}

int go_tar_read_exact(const struct source *s, void *data, size_t len, struct err *e)
{
    size_t got = 0;
    int rc = source_fill(s, data, len, &got, e);
    if (rc == 0 && got != len)
        return err_set(e, ERR_INPUT, "a tar archive is cut short");
    return rc;
}

static int skip(struct go_tar_reader *r, struct err *e)
{
    uint8_t waste[4096];
    uint64_t left = r->left + r->pad;
    while (left > 0) {
        size_t n = left < sizeof(waste) ? (size_t)left : sizeof(waste);
        int rc = go_tar_read_exact(&r->from, waste, n, e);
        if (rc < 0)
            return rc;
        left -= n;
    }
    r->left = 0;
    r->pad = 0;
    r->map = NULL;
    return 0;
}

/* ---- a basic header -------------------------------------------------------------------------- */

/* Times where they can be read. Old Go wrote a path's beginning there, as others do. */
static int parse_gnu(const uint8_t *b, struct go_tar_header *h, char **prefix, struct err *e)
{
    struct err ignored = ERR_INIT;
    struct go_tar_time atime = {.set = *tar_at(b, TAR_GNU_ATIME) != 0};
    struct go_tar_time ctime = {.set = *tar_at(b, TAR_GNU_CTIME) != 0};
    if ((!atime.set || parse_number(b, TAR_GNU_ATIME, &atime.seconds, &ignored) == 0) &&
        (!ctime.set || parse_number(b, TAR_GNU_CTIME, &ctime.seconds, &ignored) == 0)) {
        h->atime = atime;
        h->ctime = ctime;
        return 0;
    }
    const uint8_t *end = tar_at(b, TAR_PREFIX) + tar_fields[TAR_PREFIX].len;
    for (const uint8_t *p = tar_at(b, TAR_PREFIX); p < end && *p != '\0'; p++)
        if (*p >= 0x80)
            return 0;
    return field_text(b, TAR_PREFIX, prefix, e);
}

/* Schily's tar: a shorter prefix, then the times. */
static int parse_star(const uint8_t *b, struct go_tar_header *h, char **prefix, struct err *e)
{
    h->atime.set = true;
    h->ctime.set = true;
    int rc = parse_number(b, TAR_STAR_ATIME, &h->atime.seconds, e);
    if (rc == 0)
        rc = parse_number(b, TAR_STAR_CTIME, &h->ctime.seconds, e);
    return rc < 0 ? rc : field_text(b, TAR_STAR_PREFIX, prefix, e);
}

static int parse_block(const uint8_t *b, struct go_tar_header *h, struct err *e)
{
    bool gnu = memcmp(tar_at(b, TAR_MAGIC), tar_magic_gnu, sizeof(tar_magic_gnu)) == 0;
    bool ustar = memcmp(tar_at(b, TAR_MAGIC), "ustar", 6) == 0;
    bool named = gnu || ustar;
    int rc = field_text(b, TAR_NAME, &h->name, e);
    if (rc < 0 || (rc = field_text(b, TAR_LINK, &h->link, e)) < 0 ||
        (rc = named ? field_text(b, TAR_UNAME, &h->uname, e) : str_copy(&h->uname, "", e)) < 0 ||
        (rc = named ? field_text(b, TAR_GNAME, &h->gname, e) : str_copy(&h->gname, "", e)) < 0 ||
        (rc = parse_number(b, TAR_MODE, &h->mode, e)) < 0 ||
        (rc = parse_number(b, TAR_UID, &h->uid, e)) < 0 ||
        (rc = parse_number(b, TAR_GID, &h->gid, e)) < 0 ||
        (rc = parse_number(b, TAR_SIZE, &h->size, e)) < 0 ||
        (rc = parse_number(b, TAR_MTIME, &h->mtime.seconds, e)) < 0)
        return rc;
    h->type = (char)*tar_at(b, TAR_TYPE);
    h->mtime.set = true;
    if (h->size < 0)
        return err_set(e, ERR_INPUT, "a tar header has a negative size");
    if (named && ((rc = parse_number(b, TAR_MAJOR, &h->major, e)) < 0 ||
                  (rc = parse_number(b, TAR_MINOR, &h->minor, e)) < 0))
        return rc;
    AUTO_FREE char *prefix = NULL;
    AUTO_FREE char *joined = NULL;
    if (gnu)
        rc = parse_gnu(b, h, &prefix, e);
    else if (ustar && memcmp(tar_at(b, TAR_STAR_MAGIC), "tar", 4) == 0)
        rc = parse_star(b, h, &prefix, e);
    else if (ustar)
        rc = field_text(b, TAR_PREFIX, &prefix, e);
    if (rc < 0 || prefix == NULL || *prefix == '\0')
        return rc;
    rc = str_format(&joined, e, "%s/%s", prefix, h->name);
    return rc < 0 ? rc : go_tar_header_rename(&h->name, joined, e);
}

/* ---- extended headers ------------------------------------------------------------------------ */

static int parse_records(const struct buf *text, struct go_tar_header *h, struct err *e)
{
    AUTO_BUF map = BUF_INIT(EXTENDED_MAX + 2);
    const char *p = (const char *)text->data;
    size_t left = text->len;
    while (left > 0) {
        size_t digits = 0;
        size_t len = 0;
        while (digits < left && digits < 8 && p[digits] >= '0' && p[digits] <= '9')
            len = len * 10 + (size_t)(p[digits++] - '0');
        const char *equals = digits < left ? memchr(p, '=', left) : NULL;
        if (digits == 0 || p[digits] != ' ' || len > left || len < digits + 4 ||
            p[len - 1] != '\n' || equals == NULL || equals >= p + len || equals == p + digits + 1)
            return err_set(e, ERR_INPUT, "a malformed extended tar header");
        AUTO_FREE char *key = NULL;
        AUTO_FREE char *value = NULL;
        const size_t value_len = (size_t)(p + len - equals) - 2;
        bool taken = false;
        int rc = copy_bytes(p + digits + 1, (size_t)(equals - p) - digits - 1, &key, e);
        if (rc < 0 || (rc = copy_bytes(equals + 1, value_len, &value, e)) < 0 ||
            (rc = go_tar_sparse_record(&map, key, value, &taken, e)) < 0 ||
            (!taken && (rc = go_tar_header_set(h, key, value, value_len, e)) < 0))
            return rc;
        p += len;
        left -= len;
    }
    return map.len == 0 ? 0 : go_tar_header_set(h, "GNU.sparse.map", buf_str(&map), map.len, e);
}

static int decimal(const struct go_tar_record *r, int64_t *out, struct err *e)
{
    const char *p = r->value;
    bool negative = *p == '-';
    int64_t value = 0;
    p += negative;
    if (*p == '\0' || strlen(p) > 18 || strlen(r->value) != r->len)
        return err_set(e, ERR_INPUT, "the extended record '%.64s' is no number", r->key);
    for (; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return err_set(e, ERR_INPUT, "the extended record '%.64s' is no number", r->key);
        value = value * 10 + (*p - '0');
    }
    *out = negative ? -value : value;
    return 0;
}

/* "-10.25" is ten and a quarter seconds before 1970. */
static int record_time(const struct go_tar_record *r, struct go_tar_time *out, struct err *e)
{
    AUTO_FREE char *whole = NULL;
    int rc = copy_bytes(r->value, r->len, &whole, e);
    if (rc < 0)
        return rc;
    struct go_tar_record seconds = {.key = r->key, .value = whole};
    char *dot = strchr(whole, '.');
    uint32_t nano = 0;
    if (dot != NULL) {
        size_t len = strlen(dot + 1);
        if (strspn(dot + 1, "0123456789") != len)
            return err_set(e, ERR_INPUT, "the extended record '%.64s' is no time", r->key);
        for (size_t i = 0; i < 9; i++)
            nano = nano * 10 + (i < len ? (uint32_t)(dot[1 + i] - '0') : 0);
        *dot = '\0';
    }
    seconds.len = strlen(whole);
    out->set = true;
    if ((rc = decimal(&seconds, &out->seconds, e)) < 0)
        return rc;
    if (whole[0] == '-' && nano > 0) {
        out->seconds--;
        nano = 1000000000U - nano;
    }
    out->nanoseconds = nano;
    return 0;
}

/* What records say wins over the header's fields; an empty value says nothing. */
static int apply_records(struct go_tar_header *h, struct err *e)
{
    for (size_t i = 0; i < h->record_count; i++) {
        const struct go_tar_record *r = &h->records[i];
        int rc = 0;
        if (r->len == 0)
            continue;
        if (strcmp(r->key, "path") == 0)
            rc = go_tar_header_rename(&h->name, r->value, e);
        else if (strcmp(r->key, "linkpath") == 0)
            rc = go_tar_header_rename(&h->link, r->value, e);
        else if (strcmp(r->key, "uname") == 0)
            rc = go_tar_header_rename(&h->uname, r->value, e);
        else if (strcmp(r->key, "gname") == 0)
            rc = go_tar_header_rename(&h->gname, r->value, e);
        else if (strcmp(r->key, "uid") == 0)
            rc = decimal(r, &h->uid, e);
        else if (strcmp(r->key, "gid") == 0)
            rc = decimal(r, &h->gid, e);
        else if (strcmp(r->key, "size") == 0)
            rc = decimal(r, &h->size, e);
        else if (strcmp(r->key, "mtime") == 0)
            rc = record_time(r, &h->mtime, e);
        else if (strcmp(r->key, "atime") == 0)
            rc = record_time(r, &h->atime, e);
        else if (strcmp(r->key, "ctime") == 0)
            rc = record_time(r, &h->ctime, e);
        if (rc < 0)
            return rc;
    }
    return h->size < 0 ? err_set(e, ERR_INPUT, "a tar header has a negative size") : 0;
}

static int read_special(struct go_tar_reader *r, uint64_t size, struct buf *out, struct err *e)
{
    if (size > EXTENDED_MAX)
        return err_set(e, ERR_INPUT, "an extended tar header is larger than 1 MiB");
    out->len = 0;
    int rc = buf_reserve(out, (size_t)size + 1, e);
    if (rc < 0 || (rc = go_tar_read_exact(&r->from, out->data, (size_t)size, e)) < 0)
        return rc;
    out->len = (size_t)size;
    out->data[size] = '\0';
    r->pad = tar_padding(size);
    return skip(r, e);
}

/* Names and extended records before the entry itself. */
struct pending {
    struct buf name;
    struct buf link;
    struct buf records;
};

static void pending_dispose(struct pending *p)
{
    buf_dispose(&p->name);
    buf_dispose(&p->link);
    buf_dispose(&p->records);
}

/* Records for all that follows, which Go gives out as an entry of their own and then forgets; what
 * came before them is forgotten, too. */
static int finish_global(struct go_tar_header *h, const struct pending *p, struct err *e)
{
    AUTO(go_tar_header_dispose) struct go_tar_header global = {.type = 'g'};
    int rc = parse_records(&p->records, &global, e);
    if (rc < 0 || (rc = str_copy(&global.name, h->name, e)) < 0 ||
        (rc = str_copy(&global.link, "", e)) < 0 || (rc = str_copy(&global.uname, "", e)) < 0 ||
        (rc = str_copy(&global.gname, "", e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < global.record_count; i++)
        if (strcmp(global.records[i].key, "path") == 0 && global.records[i].len > 0)
            rc = go_tar_header_rename(&global.name, global.records[i].value, e);
    if (rc < 0)
        return rc;
    const struct go_tar_header old = *h;
    *h = global;
    global = old;
    return 0;
}

static int finish(struct go_tar_reader *r, struct go_tar_header *h, const struct pending *p,
                  const uint8_t *block, struct err *e)
{
    int rc = parse_records(&p->records, h, e);
    if (rc < 0 || (rc = apply_records(h, e)) < 0)
        return rc;
    const char *name = p->name.len > 0 ? buf_str(&p->name) : "";
    const char *link = p->link.len > 0 ? buf_str(&p->link) : "";
    if ((*name != '\0' && (rc = go_tar_header_rename(&h->name, name, e)) < 0) ||
        (*link != '\0' && (rc = go_tar_header_rename(&h->link, link, e)) < 0))
        return rc;
    if (h->type == '\0')
        h->type = str_ends(h->name, "/") ? '5' : '0';
    r->left = go_tar_has_content(h->type) ? (uint64_t)h->size : 0;
    r->pad = tar_padding(r->left);
    return go_tar_sparse(r, h, block, e);
}

/* After a block of zeros: nothing, or another one. */
static int read_end(struct go_tar_reader *r, struct err *e)
{
    uint8_t block[TAR_BLOCK];
    size_t got = 0;
    int rc = source_fill(&r->from, block, TAR_BLOCK, &got, e);
    if (rc < 0 || got == 0 || (got == TAR_BLOCK && tar_is_zero(block)))
        return rc;
    return err_set(e, ERR_INPUT, "a damaged tar header");
}

int go_tar_next(struct go_tar_reader *r, struct go_tar_header *h, bool *more, struct err *e)
{
    AUTO(pending_dispose) struct pending pending = {.name = BUF_INIT(EXTENDED_MAX + 2),
                                                    .link = BUF_INIT(EXTENDED_MAX + 2),
                                                    .records = BUF_INIT(EXTENDED_MAX + 2)};
    uint8_t block[TAR_BLOCK];
    int rc = skip(r, e);
    if (rc < 0)
        return rc;
    for (unsigned n = 0; n < 8; n++) {
        size_t got = 0;
        go_tar_header_dispose(h);
        if ((rc = source_fill(&r->from, block, TAR_BLOCK, &got, e)) < 0)
            return rc;
        if (got == 0 || (got == TAR_BLOCK && tar_is_zero(block))) {
            *more = false;
            return got == 0 ? 0 : read_end(r, e);
        }
        if (got != TAR_BLOCK || !checksum_fits(block))
            return err_set(e, ERR_INPUT, "a damaged tar header");
        if ((rc = parse_block(block, h, e)) < 0)
            return rc;
        uint64_t size = (uint64_t)h->size;
        if (h->type == 'x')
            rc = read_special(r, size, &pending.records, e);
        else if (h->type == 'L')
            rc = read_special(r, size, &pending.name, e);
        else if (h->type == 'K')
            rc = read_special(r, size, &pending.link, e);
        else if (h->type == 'g') {
            *more = true;
            rc = read_special(r, size, &pending.records, e);
            return rc < 0 ? rc : finish_global(h, &pending, e);
        } else {
            *more = true;
            return finish(r, h, &pending, block, e);
        }
        if (rc < 0)
            return rc;
    }
    return err_set(e, ERR_INPUT, "too many extended tar headers before one entry");
}

/* Of a sparse file: as much as comes of one kind. */
static int read_sparse(struct go_tar_reader *r, void *data, size_t len, size_t *got, struct err *e)
{
    bool stored = false;
    const uint64_t run = tar_map_run(r->map, &stored);
    const size_t n = run < len ? (size_t)run : len;
    int rc = n > 0 && stored ? go_tar_read_exact(&r->from, data, n, e) : 0;
    if (rc < 0)
        return rc;
    if (n > 0 && !stored)
        memset(data, 0, n);
    tar_map_take(r->map, n);
    r->left -= stored ? n : 0;
    *got = n;
    return 0;
}

int go_tar_read(struct go_tar_reader *r, void *data, size_t len, size_t *got, struct err *e)
{
    if (r->map != NULL)
        return read_sparse(r, data, len, got, e);
    size_t n = r->left < len ? (size_t)r->left : len;
    int rc = n == 0 ? 0 : go_tar_read_exact(&r->from, data, n, e);
    if (rc < 0)
        return rc;
    r->left -= n;
    *got = n;
    return 0;
}
