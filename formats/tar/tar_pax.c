/* SPDX-License-Identifier: Apache-2.0 */
/* Extended headers: records checked one by one, and what they say of the next entry. */
#include "base/encoding.h"
#include "formats/tar/tar_internal.h"
#include "formats/tree/tree_internal.h"

#include <string.h>

struct record {
    const char *key;
    size_t key_len;
    const uint8_t *value;
    size_t value_len;
};

void tar_pax_dispose(struct tar_pax *p)
{
    free(p->path);
    free(p->linkpath);
    tree_xattrs_free(p->xattrs.xattrs, p->xattrs.xattr_count);
    free(p->sparse.name);
    tar_map_dispose(&p->sparse.map);
    *p = (struct tar_pax){0};
}

static bool key_is(const struct record *r, const char *key)
{
    return r->key_len == strlen(key) && memcmp(r->key, key, r->key_len) == 0;
}

static bool key_starts(const struct record *r, const char *prefix)
{
    size_t len = strlen(prefix);
    return r->key_len >= len && memcmp(r->key, prefix, len) == 0;
}

static int bad_record(const struct record *r, struct err *e, const char *why)
{
    return err_set(e, ERR_INPUT, "pax key '%.*s': %s", r->key_len < 200 ? (int)r->key_len : 200,
                   r->key, why);
}

/* ---- values ---- */

static bool take_digits(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    size_t digits = digits_read(*p, (size_t)(end - *p), 10, out);
    if (digits == 0 || digits == DIGITS_TOO_MANY)
        return false;
    *p += digits;
    return true;
}

static int number(const struct record *r, uint64_t max, uint64_t *out, struct err *e)
{
    const uint8_t *p = r->value;
    const uint8_t *end = p + r->value_len;
    uint64_t v;
    if (!take_digits(&p, end, &v) || p != end || v > max)
        return bad_record(r, e, "not a number, or too large");
    *out = v;
    return 0;
}

/* Seconds with an optional fraction, rounded down. */
static int set_mtime(struct tar_pax *out, const struct record *r, struct err *e)
{
    const uint8_t *p = r->value;
    const uint8_t *end = p + r->value_len;
    bool negative = p < end && *p == '-';
    p += negative;
    uint64_t seconds;
    bool fraction = false;
    if (!take_digits(&p, end, &seconds) || seconds > INT64_MAX)
        return bad_record(r, e, "not a time");
    if (p < end && *p == '.') {
        for (p++; p < end && *p >= '0' && *p <= '9'; p++)
            fraction = fraction || *p != '0';
        if (p[-1] == '.')
            return bad_record(r, e, "not a time");
    }
    if (p != end || (negative && fraction && seconds == INT64_MAX))
        return bad_record(r, e, "not a time");
    out->mtime = negative ? -(int64_t)seconds - (fraction ? 1 : 0) : (int64_t)seconds;
    out->has_mtime = true;
    return 0;
}

static int set_text(char **out, const struct record *r, struct err *e)
{
    if (r->value_len == 0 || r->value_len > 2 * TREE_PATH_MAX ||
        memchr(r->value, 0, r->value_len) != NULL)
        return bad_record(r, e, "empty, too long or with a NUL");
    *out = strndup((const char *)r->value, r->value_len);
    return *out != NULL ? 0 : err_oom(e);
}

static int set_path(struct tar_pax *out, const struct record *r, struct err *e)
{
    return set_text(&out->path, r, e);
}

static int set_linkpath(struct tar_pax *out, const struct record *r, struct err *e)
{
    return set_text(&out->linkpath, r, e);
}

static int set_size(struct tar_pax *out, const struct record *r, struct err *e)
{
    out->has_size = true;
    return number(r, INT64_MAX, &out->size, e);
}

static int set_uid(struct tar_pax *out, const struct record *r, struct err *e)
{
    uint64_t v = 0;
    int rc = number(r, UINT32_MAX, &v, e);
    out->uid = (uint32_t)v;
    out->has_uid = true;
    return rc;
}

static int set_gid(struct tar_pax *out, const struct record *r, struct err *e)
{
    uint64_t v = 0;
    int rc = number(r, UINT32_MAX, &v, e);
    out->gid = (uint32_t)v;
    out->has_gid = true;
    return rc;
}

/* Names are bytes here, so both of the values that there are mean the same. */
static int check_charset(struct tar_pax *out, const struct record *r, struct err *e)
{
    static const char utf8[] = "ISO-IR 10646 2000 UTF-8";
    (void)out;
    if ((r->value_len == strlen(utf8) && memcmp(r->value, utf8, r->value_len) == 0) ||
        (r->value_len == 6 && memcmp(r->value, "BINARY", 6) == 0))
        return 0;
    return bad_record(r, e, "a character set that is not supported");
}

/* ---- extended attributes ---- */

/* libarchive writes each attribute in both spellings: equal ones are one. */
static int add_xattr(struct tar_pax *out, const struct record *r, const char *name,
                     const void *value, size_t len, struct err *e)
{
    for (size_t i = 0; i < out->xattrs.xattr_count; i++) {
        const struct tree_xattr *x = &out->xattrs.xattrs[i];
        if (strcmp(x->name, name) != 0)
            continue;
        if (x->len == len && (len == 0 || memcmp(x->value, value, len) == 0))
            return 0;
        return bad_record(r, e, "the attribute is given twice, with different values");
    }
    int rc = tree_set_xattr(&out->xattrs, name, value, len, e);
    return rc;
}

static int schily_xattr(struct tar_pax *out, const struct record *r, struct err *e)
{
    static const size_t skip = sizeof("SCHILY.xattr.") - 1;
    char name[TREE_XATTR_NAME_MAX + 1];
    size_t len = r->key_len - skip;
    if (len == 0 || len > TREE_XATTR_NAME_MAX)
        return bad_record(r, e, "not the name of an attribute");
    memcpy(name, r->key + skip, len);
    name[len] = 0;
    return add_xattr(out, r, name, r->value, r->value_len, e);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool url_decode(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int hi = len - i >= 3 ? hex_value(text[i + 1]) : -1;
            int lo = len - i >= 3 ? hex_value(text[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (c == 0 || n + 1 >= size)
            return false;
        out[n++] = c;
    }
    out[n] = 0;
    return n > 0;
}

/* The name is URL-encoded; the value is base64, which libarchive writes without padding. */
static int libarchive_xattr(struct tar_pax *out, const struct record *r, struct err *e)
{
    static const size_t skip = sizeof("LIBARCHIVE.xattr.") - 1;
    char name[TREE_XATTR_NAME_MAX + 1];
    if (!url_decode(r->key + skip, r->key_len - skip, name, sizeof(name)))
        return bad_record(r, e, "not the name of an attribute");
    AUTO_BUF padded = BUF_INIT(TAR_PAX_BYTES_MAX + 4);
    AUTO_BUF value = BUF_INIT(TAR_PAX_BYTES_MAX);
    int rc = buf_add(&padded, r->value, r->value_len, e);
    if (rc == 0 && (r->value_len == 0 || r->value[r->value_len - 1] != '='))
        rc = buf_add(&padded, "===", (4 - r->value_len % 4) % 4, e);
    if (rc < 0)
        return rc;
    if (base64_decode(buf_str(&padded), padded.len, &value, e) < 0)
        return bad_record(r, e, "not base64");
    return add_xattr(out, r, name, value.data, value.len, e);
}

/* ---- sparse files ---- */

static int set_sparse(struct tar_pax *out, const struct record *r, struct err *e)
{
    struct tar_pax_sparse *s = &out->sparse;
    const struct {
        const char *key;
        enum tar_sparse_key seen;
        uint64_t *number;
    } numbers[] = {
        {"GNU.sparse.major", SPARSE_MAJOR, &s->major},
        {"GNU.sparse.minor", SPARSE_MINOR, &s->minor},
        {"GNU.sparse.realsize", SPARSE_REAL_SIZE, &s->size},
        {"GNU.sparse.size", SPARSE_SIZE, &s->size},
        {"GNU.sparse.numblocks", SPARSE_BLOCKS, &s->blocks},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (key_is(r, numbers[i].key)) {
            s->seen |= numbers[i].seen;
            return number(r, INT64_MAX, numbers[i].number, e);
        }
    if (key_is(r, "GNU.sparse.name")) {
        s->seen |= SPARSE_NAME;
        return set_text(&s->name, r, e);
    }
    if (!key_is(r, "GNU.sparse.map"))
        return bad_record(r, e, "unknown");
    s->seen |= SPARSE_MAP;
    return tar_map_add_text(&s->map, r->value, r->value_len, e);
}

/* Format 0.0 has two keys again and again, whose order counts; *done when this was one of them. */
static int take_piece(struct tar_pax *out, const struct record *r, bool global, bool *done,
                      struct err *e)
{
    struct tar_pax_sparse *s = &out->sparse;
    uint64_t v = 0;
    bool offset = key_is(r, "GNU.sparse.offset");
    *done = !global && (offset || key_is(r, "GNU.sparse.numbytes"));
    if (!*done)
        return 0;
    int rc = number(r, INT64_MAX, &v, e);
    if (rc < 0)
        return rc;
    if (offset == s->half)
        return bad_record(r, e, "a sparse file's pieces are an offset and a length each");
    s->half = offset;
    s->seen |= SPARSE_PIECES;
    if (offset)
        s->offset = v;
    return offset ? 0 : tar_map_add(&s->map, s->offset, v, e);
}

int tar_pax_check_sparse(const struct tar_pax_sparse *s, bool *inside, struct err *e)
{
    unsigned without_name = s->seen & ~(unsigned)SPARSE_NAME;
    *inside = without_name == (SPARSE_MAJOR | SPARSE_MINOR | SPARSE_REAL_SIZE);
    if (*inside && s->major == 1 && s->minor == 0)
        return 0;
    unsigned by = s->seen & (SPARSE_MAP | SPARSE_PIECES);
    if (without_name == (SPARSE_SIZE | SPARSE_BLOCKS | by) && by != (SPARSE_MAP | SPARSE_PIECES) &&
        !s->half && s->blocks == s->map.count)
        return 0;
    return err_set(e, ERR_INPUT,
                   "a sparse file whose keys are of none of the formats 0.0, 0.1 and 1.0");
}

/* ---- keys ---- */

static int ignore(struct tar_pax *out, const struct record *r, struct err *e)
{
    (void)out;
    (void)r;
    (void)e;
    return 0;
}

static int refuse_star(struct tar_pax *out, const struct record *r, struct err *e)
{
    (void)out;
    return bad_record(r, e, "star's sparse files are not supported");
}

static int refuse(struct tar_pax *out, const struct record *r, struct err *e)
{
    (void)out;
    return bad_record(r, e, "not supported");
}

/* The first row that fits counts; a key that ends in '.' stands for all that begin so. */
static const struct key {
    const char *key;
    bool global; /* may stand in a global header */
    int (*set)(struct tar_pax *out, const struct record *r, struct err *e);
} keys[] = {
    {"path", false, set_path},
    {"linkpath", false, set_linkpath},
    {"size", false, set_size},
    {"uid", false, set_uid},
    {"gid", false, set_gid},
    {"mtime", false, set_mtime},
    {"hdrcharset", false, check_charset},
    {"atime", true, ignore},
    {"ctime", true, ignore},
    {"uname", true, ignore},
    {"gname", true, ignore},
    {"comment", true, ignore},
    {"SCHILY.xattr.", false, schily_xattr},
    {"LIBARCHIVE.xattr.", false, libarchive_xattr},
    {"SCHILY.acl.", false, ignore},
    {"SCHILY.realsize", false, refuse_star},
    {"GNU.sparse.", false, set_sparse},
    {"GNU.", false, refuse},
    {"realtime.", false, refuse},
    {"security.", false, refuse},
};

static int apply(struct tar_pax *out, const struct record *r, bool global, struct err *e)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const struct key *k = &keys[i];
        bool prefix = str_ends(k->key, ".");
        if (prefix ? !key_starts(r, k->key) : !key_is(r, k->key))
            continue;
        if (global && !k->global)
            return bad_record(r, e, "in a global header: it would change every entry");
        return k->set(out, r, e);
    }
    /* Vendors' keys have a dot and say nothing that a tree holds; others are the standard's to
     * give. */
    if (memchr(r->key, '.', r->key_len) == NULL)
        return bad_record(r, e, "unknown");
    return 0;
}

/* "LEN KEY=VALUE\n", LEN counting all of it. */
static int take_record(struct reader *in, struct record *r, struct err *e)
{
    const uint8_t *start = in->p;
    const uint8_t *p = start;
    uint64_t len;
    if (*p == '0' || !take_digits(&p, in->end, &len) || p == in->end || *p != ' ' ||
        len > reader_left(in) || len < (size_t)(p - start) + 4)
        return err_set(e, ERR_INPUT, "a pax record is not well formed");
    const uint8_t *end = start + len;
    const uint8_t *key = p + 1;
    const uint8_t *equals = memchr(key, '=', (size_t)(end - 1 - key));
    if (end[-1] != '\n' || equals == NULL || equals == key)
        return err_set(e, ERR_INPUT, "a pax record is not well formed");
    r->key = (const char *)key;
    r->key_len = (size_t)(equals - key);
    r->value = equals + 1;
    r->value_len = (size_t)(end - 1 - (equals + 1));
    if (memchr(key, 0, r->key_len) != NULL)
        return err_set(e, ERR_INPUT, "a pax record is not well formed");
    in->p = end;
    return 0;
}

static int compare_records(const void *a, const void *b)
{
    const struct record *x = a;
    const struct record *y = b;
    size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
    int order = memcmp(x->key, y->key, len);
    if (order != 0)
        return order;
    return x->key_len < y->key_len ? -1 : x->key_len > y->key_len;
}

int tar_pax_parse(const uint8_t *body, size_t len, bool global, struct tar_pax *out, struct err *e)
{
    struct reader in = {.p = body, .end = body + len};
    AUTO_FREE struct record *records = NULL;
    size_t count = 0;
    size_t cap = 0;
    int rc = 0;
    while (rc == 0 && reader_left(&in) > 0) {
        if (count == TAR_PAX_RECORDS_MAX)
            return err_set(e, ERR_INPUT, "an extended header has more than %d records",
                           (int)TAR_PAX_RECORDS_MAX);
        rc = array_grow(&records, &cap, count + 1, sizeof(*records), e);
        bool piece = false;
        if (rc == 0)
            rc = take_record(&in, &records[count], e);
        if (rc == 0)
            rc = take_piece(out, &records[count], global, &piece, e);
        count += !piece;
    }
    if (rc < 0)
        return rc;
    if (count > 0)
        qsort(records, count, sizeof(*records), compare_records);
    for (size_t i = 1; i < count; i++)
        if (compare_records(&records[i - 1], &records[i]) == 0)
            return bad_record(&records[i], e, "given twice");
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = apply(out, &records[i], global, e);
    out->present = true;
    return rc;
}
