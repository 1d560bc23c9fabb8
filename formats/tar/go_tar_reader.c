/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and records as Go's archive/tar reads them, nothing of them lost. */
#include "formats/tar/go_tar.h"

#include <string.h>

enum {
    BLOCK = 512,
    EXTENDED_MAX = 1 << 20,
    RECORDS_MAX = 4096,
};

void go_tar_header_dispose(struct go_tar_header *h)
{
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
        if (rc == 0)
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

/* Octal, or base 256 when the first bit is set. */
static int parse_number(const uint8_t *p, size_t len, int64_t *out, struct err *e)
{
    if (p[0] & 0x80) {
        uint64_t value = 0;
        uint8_t inverse = p[0] & 0x40 ? 0xff : 0x00;
        for (size_t i = 0; i < len; i++) {
            uint8_t c = p[i] ^ inverse;
            if (i == 0)
                c &= 0x7f;
            if (value >> 56 != 0)
                return err_set(e, ERR_INPUT, "a number in a tar header is too large");
            value = value << 8 | c;
        }
        if (value >> 63 != 0)
            return err_set(e, ERR_INPUT, "a number in a tar header is too large");
        *out = inverse ? (int64_t)~value : (int64_t)value;
        return 0;
    }
    size_t i = 0;
    size_t end = len;
    uint64_t value = 0;
    while (i < end && (p[i] == ' ' || p[i] == '\0'))
        i++;
    while (end > i && (p[end - 1] == ' ' || p[end - 1] == '\0'))
        end--;
    for (; i < end && p[i] != '\0'; i++) {
        if (p[i] < '0' || p[i] > '7' || value >> 60 != 0)
            return err_set(e, ERR_INPUT, "a number in a tar header is malformed");
        value = value * 8 + (uint64_t)(p[i] - '0');
    }
    *out = (int64_t)value;
    return 0;
}

static int field_text(const uint8_t *p, size_t len, char **out, struct err *e)
{
    return copy_bytes((const char *)p, strnlen((const char *)p, len), out, e);
}

static bool checksum_fits(const uint8_t *block, struct err *e)
{
    int64_t wanted = 0;
    int64_t sum = 0;
    int64_t sum_signed = 0;
    struct err ignored = ERR_INIT;
    (void)e;
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t c = i >= 148 && i < 156 ? ' ' : block[i];
        sum += c;
        sum_signed += (int8_t)c;
    }
    return parse_number(block + 148, 8, &wanted, &ignored) == 0 &&
           (wanted == sum || wanted == sum_signed);
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (block[i] != 0)
            return false;
    return true;
}

static int read_exact(const struct source *s, void *data, size_t len, struct err *e)
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
        int rc = read_exact(&r->from, waste, n, e);
        if (rc < 0)
            return rc;
        left -= n;
    }
    r->left = 0;
    r->pad = 0;
    return 0;
}

/* ---- a basic header -------------------------------------------------------------------------- */

/* Times where they can be read. Old Go wrote a path's beginning there, as others do. */
static int parse_gnu(const uint8_t *b, struct go_tar_header *h, char **prefix, struct err *e)
{
    struct err ignored = ERR_INIT;
    struct go_tar_time atime = {.set = b[345] != 0};
    struct go_tar_time ctime = {.set = b[357] != 0};
    if ((!atime.set || parse_number(b + 345, 12, &atime.seconds, &ignored) == 0) &&
        (!ctime.set || parse_number(b + 357, 12, &ctime.seconds, &ignored) == 0)) {
        h->atime = atime;
        h->ctime = ctime;
        return 0;
    }
    for (const uint8_t *p = b + 345; p < b + 500 && *p != '\0'; p++)
        if (*p >= 0x80)
            return 0;
    return field_text(b + 345, 155, prefix, e);
}

/* Schily's tar: a shorter prefix, then the times. */
static int parse_star(const uint8_t *b, struct go_tar_header *h, char **prefix, struct err *e)
{
    h->atime.set = true;
    h->ctime.set = true;
    int rc = parse_number(b + 476, 12, &h->atime.seconds, e);
    if (rc == 0)
        rc = parse_number(b + 488, 12, &h->ctime.seconds, e);
    return rc < 0 ? rc : field_text(b + 345, 131, prefix, e);
}

static int parse_block(const uint8_t *b, struct go_tar_header *h, struct err *e)
{
    bool gnu = memcmp(b + 257, "ustar  ", 8) == 0;
    bool ustar = memcmp(b + 257, "ustar\0", 6) == 0;
    int rc = field_text(b, 100, &h->name, e);
    if (rc < 0 || (rc = field_text(b + 157, 100, &h->link, e)) < 0 ||
        (rc = field_text(b + 265, gnu || ustar ? 32 : 0, &h->uname, e)) < 0 ||
        (rc = field_text(b + 297, gnu || ustar ? 32 : 0, &h->gname, e)) < 0 ||
        (rc = parse_number(b + 100, 8, &h->mode, e)) < 0 ||
        (rc = parse_number(b + 108, 8, &h->uid, e)) < 0 ||
        (rc = parse_number(b + 116, 8, &h->gid, e)) < 0 ||
        (rc = parse_number(b + 124, 12, &h->size, e)) < 0 ||
        (rc = parse_number(b + 136, 12, &h->mtime.seconds, e)) < 0)
        return rc;
    h->type = (char)b[156];
    h->mtime.set = true;
    if (h->size < 0)
        return err_set(e, ERR_INPUT, "a tar header has a negative size");
    if ((gnu || ustar) && ((rc = parse_number(b + 329, 8, &h->major, e)) < 0 ||
                           (rc = parse_number(b + 337, 8, &h->minor, e)) < 0))
        return rc;
    AUTO_FREE char *prefix = NULL;
    AUTO_FREE char *joined = NULL;
    if (gnu)
        rc = parse_gnu(b, h, &prefix, e);
    else if (ustar && memcmp(b + 508, "tar", 4) == 0)
        rc = parse_star(b, h, &prefix, e);
    else if (ustar)
        rc = field_text(b + 345, 155, &prefix, e);
    if (rc < 0 || prefix == NULL || *prefix == '\0')
        return rc;
    rc = str_format(&joined, e, "%s/%s", prefix, h->name);
    return rc < 0 ? rc : go_tar_header_rename(&h->name, joined, e);
}

/* ---- extended headers ------------------------------------------------------------------------ */

static int parse_records(const struct buf *text, struct go_tar_header *h, struct err *e)
{
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
        int rc = copy_bytes(p + digits + 1, (size_t)(equals - p) - digits - 1, &key, e);
        if (rc < 0 ||
            (rc = go_tar_header_set(h, key, equals + 1, (size_t)(p + len - equals) - 2, e)) < 0)
            return rc;
        if (strncmp(key, "GNU.sparse.", 11) == 0)
            return err_set(e, ERR_INPUT, "a tar archive has a sparse file");
        p += len;
        left -= len;
    }
    return 0;
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
    if (rc < 0 || (rc = read_exact(&r->from, out->data, (size_t)size, e)) < 0)
        return rc;
    out->len = (size_t)size;
    out->data[size] = '\0';
    r->pad = (BLOCK - size % BLOCK) % BLOCK;
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

static int finish(struct go_tar_reader *r, struct go_tar_header *h, const struct pending *p,
                  struct err *e)
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
    if (strchr("0123456", h->type) == NULL)
        return err_set(e, ERR_INPUT, "'%.200s': tar entries of type '%c' are not supported",
                       h->name, h->type);
    r->left = h->type == '0' ? (uint64_t)h->size : 0;
    r->pad = (BLOCK - r->left % BLOCK) % BLOCK;
    return 0;
}

/* After a block of zeros: nothing, or another one. */
static int read_end(struct go_tar_reader *r, struct err *e)
{
    uint8_t block[BLOCK];
    size_t got = 0;
    int rc = source_fill(&r->from, block, BLOCK, &got, e);
    if (rc < 0 || got == 0 || (got == BLOCK && is_zero(block)))
        return rc;
    return err_set(e, ERR_INPUT, "a damaged tar header");
}

int go_tar_next(struct go_tar_reader *r, struct go_tar_header *h, bool *more, struct err *e)
{
    AUTO(pending_dispose) struct pending pending = {.name = BUF_INIT(EXTENDED_MAX + 2),
                                                    .link = BUF_INIT(EXTENDED_MAX + 2),
                                                    .records = BUF_INIT(EXTENDED_MAX + 2)};
    uint8_t block[BLOCK];
    int rc = skip(r, e);
    if (rc < 0)
        return rc;
    for (unsigned n = 0; n < 8; n++) {
        size_t got = 0;
        go_tar_header_dispose(h);
        if ((rc = source_fill(&r->from, block, BLOCK, &got, e)) < 0)
            return rc;
        if (got == 0 || (got == BLOCK && is_zero(block))) {
            *more = false;
            return got == 0 ? 0 : read_end(r, e);
        }
        if (got != BLOCK || !checksum_fits(block, e))
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
        else {
            *more = true;
            return finish(r, h, &pending, e);
        }
        if (rc < 0)
            return rc;
    }
    return err_set(e, ERR_INPUT, "too many extended tar headers before one entry");
}

int go_tar_read(struct go_tar_reader *r, void *data, size_t len, size_t *got, struct err *e)
{
    size_t n = r->left < len ? (size_t)r->left : len;
    int rc = n == 0 ? 0 : read_exact(&r->from, data, n, e);
    if (rc < 0)
        return rc;
    r->left -= n;
    *got = n;
    return 0;
}
