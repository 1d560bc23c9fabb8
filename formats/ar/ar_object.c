/* SPDX-License-Identifier: Apache-2.0 */
/* Names as System V ("name/", a table of long ones) and BSD ("#1/LENGTH") write them. */
#include "formats/ar/ar_object.h"

#include "base/encoding.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"

#include <inttypes.h>
#include <string.h>

enum { MAGIC_LENGTH = 8, HEADER = 60, LONG_NAMES_MAX = 16 << 20, LONG_NAME_MAX = 65536 };
static const char magic[] = "!<arch>\n";

enum ar_place { AR_NAME, AR_MTIME, AR_UID, AR_GID, AR_MODE, AR_SIZE, AR_END, AR_PLACES };
static const struct {
    uint8_t start;
    uint8_t len;
    uint8_t base;
} places[AR_PLACES] = {[AR_NAME] = {0, 16, 10}, [AR_MTIME] = {16, 12, 10}, [AR_UID] = {28, 6, 10},
                       [AR_GID] = {34, 6, 10},  [AR_MODE] = {40, 8, 8},    [AR_SIZE] = {48, 10, 10},
                       [AR_END] = {58, 2, 10}};

struct ar {
    struct object *o;
    uint64_t at;
    uint8_t header[HEADER];
    struct buf long_names;
};

static int broken(const struct ar *a, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the ar header at byte %" PRIu64 ": %s", a->o->name, a->at,
                   what);
}

/* Digits, then blanks; empty is 0. */
static bool digits(const uint8_t *p, size_t len, unsigned base, uint64_t *out)
{
    for (size_t i = digits_read(p, len, base, out); i < len; i++)
        if (p[i] != ' ')
            return false;
    return true;
}

static bool number(const struct ar *a, enum ar_place p, uint64_t *out)
{
    return digits(a->header + places[p].start, places[p].len, places[p].base, out);
}

/* The member's name; *data moves behind a name that stands in front of the content. */
static int read_name(struct ar *a, uint64_t size, uint64_t *data, struct buf *out, struct err *e)
{
    const uint8_t *p = a->header;
    size_t len = places[AR_NAME].len;
    uint64_t n = 0;
    while (len > 0 && p[len - 1] == ' ')
        len--;
    if (len > 3 && memcmp(p, "#1/", 3) == 0) {
        if (!digits(p + 3, len - 3, 10, &n) || n > size || n > LONG_NAME_MAX)
            return broken(a, "a long name's length is none", e);
        int rc = buf_reserve(out, (size_t)n, e);
        if (rc < 0 || (rc = bytes_read(a->o->bytes, *data, out->data, (size_t)n, e)) < 0)
            return rc;
        out->len = strnlen((const char *)out->data, (size_t)n);
        *data += n;
        return 0;
    }
    if (len > 1 && p[0] == '/' && p[1] >= '0' && p[1] <= '9') {
        if (!digits(p + 1, len - 1, 10, &n) || n >= a->long_names.len)
            return broken(a, "a long name is not in its table", e);
        const uint8_t *from = a->long_names.data + n;
        const uint8_t *end = memchr(from, '\n', a->long_names.len - (size_t)n);
        size_t long_len = end == NULL ? a->long_names.len - (size_t)n : (size_t)(end - from);
        if (long_len > 0 && from[long_len - 1] == '/')
            long_len--;
        return buf_add(out, from, long_len, e);
    }
    bool special = p[0] == '/'; /* "/" and "//": tables */
    if (!special && len > 0 && p[len - 1] == '/')
        len--;
    return buf_add(out, p, len, e);
}

static int add_fields(struct ar *a, struct err *e)
{
    struct inode_fields inode = {0};
    uint64_t mtime = 0;
    uint64_t uid = 0;
    uint64_t gid = 0;
    uint64_t mode = 0;
    if (!number(a, AR_MTIME, &mtime) || !number(a, AR_UID, &uid) || !number(a, AR_GID, &gid) ||
        !number(a, AR_MODE, &mode))
        return broken(a, "a number is none", e);
    inode.mode = (uint32_t)mode & 07777;
    inode.uid = (uint32_t)uid;
    inode.gid = (uint32_t)gid;
    inode.mtime = (int64_t)mtime;
    uint64_t format = mode >> 12;
    int rc = object_inode_fields(a->o, MEMBER_FILE, &inode, e);
    return rc < 0
               ? rc
               : object_member_field(
                     a->o,
                     (struct field){"mode.format", FIELD_FORMAT, FIELD_OCTAL, format, NULL, 0}, e);
}

static int add_member(struct ar *a, uint64_t size, struct err *e)
{
    AUTO_BUF name = BUF_INIT(LONG_NAMES_MAX);
    uint64_t data = a->at + HEADER;
    int rc = read_name(a, size, &data, &name, e);
    if (rc == 0 && strlen(buf_str(&name)) != name.len)
        rc = broken(a, "a name has a NUL", e);
    if (rc < 0 || (rc = add_fields(a, e)) < 0)
        return rc;
    const struct member m = {.path = buf_str(&name),
                             .type = MEMBER_FILE,
                             .has_content = true,
                             .signature = strncmp(buf_str(&name), "_gpg", 4) == 0, /* debsigs */
                             .size = a->at + HEADER + size - data,
                             .cookie = data};
    if ((rc = object_member(a->o, &m, e)) < 0 || strcmp(m.path, "//") != 0)
        return rc;
    if (a->long_names.len > 0 || m.size > LONG_NAMES_MAX)
        return broken(a, "another table of long names", e);
    if ((rc = buf_reserve(&a->long_names, (size_t)m.size, e)) == 0 &&
        (rc = bytes_read(a->o->bytes, data, a->long_names.data, (size_t)m.size, e)) == 0)
        a->long_names.len = (size_t)m.size;
    return rc;
}

static int take_members(struct ar *a, struct err *e)
{
    const struct bytes *b = a->o->bytes;
    int rc = 0;
    while (rc == 0 && b->size - a->at >= HEADER) {
        uint64_t size = 0;
        if ((rc = bytes_read(b, a->at, a->header, HEADER, e)) < 0)
            return rc;
        if (memcmp(a->header + places[AR_END].start, "`\n", 2) != 0 || !number(a, AR_SIZE, &size) ||
            size > b->size - a->at - HEADER)
            return broken(a, "it is none, or ends behind the archive", e);
        if ((rc = add_member(a, size, e)) < 0)
            return rc;
        uint64_t end = a->at + HEADER + size;
        a->at = end + (size & 1) < b->size ? end + (size & 1) : b->size;
        /* What stands in the padding is a newline in every tool. */
        uint8_t pad = '\n';
        if (a->at > end && (rc = bytes_read(b, end, &pad, 1, e)) == 0 && pad != '\n')
            rc = object_gap(a->o, end, a->at, e);
    }
    return rc < 0 ? rc : object_gap(a->o, a->at, b->size, e);
}

static int open_ar(struct object *o, struct err *e)
{
    struct ar a = {.o = o, .at = MAGIC_LENGTH, .long_names = BUF_INIT(LONG_NAMES_MAX)};
    int rc = take_members(&a, e);
    buf_dispose(&a.long_names);
    return rc;
}

static bool is_ar(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= MAGIC_LENGTH && memcmp(head, magic, MAGIC_LENGTH) == 0;
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
}

const struct object_kind object_kind_ar = {
    .name = "ar",
    .ordered = true,
    .is = is_ar,
    .open = open_ar,
    .slice = slice,
};
