/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newc, newc with checksums, and the old portable format. Behind an archive's end the kernel takes
 * zeros and then another archive, plain or compressed: a plain one goes on here, anything else is a
 * part of its own.
 */
#include "formats/cpio/cpio_object.h"

#include "base/encoding.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_LENGTH_MAX = 65536, TARGET_LENGTH_MAX = 65536, HEADER_MAX = 110 };

/* Which number of a header is what; -1: it has none. */
struct dialect {
    const char *magic;
    const char *name;
    bool hex;
    size_t header;
    uint32_t align;
    struct {
        uint8_t start;
        uint8_t len;
    } ino, mode, uid, gid, nlink, mtime, size, major, minor, dev, rdev, name_size, check;
};

/* The two newer ones differ in the magic, and in whether the checksum is one. */
#define NEWC(text, word)                                                                           \
    {                                                                                              \
        .magic = text, .name = word, .hex = true, .header = 110, .align = 4, .ino = {6, 8},        \
        .mode = {14, 8}, .uid = {22, 8}, .gid = {30, 8}, .nlink = {38, 8}, .mtime = {46, 8},       \
        .size = {54, 8}, .dev = {62, 16}, .major = {78, 8}, .minor = {86, 8},                      \
        .name_size = {94, 8}, .check = {                                                           \
            102,                                                                                   \
            8                                                                                      \
        }                                                                                          \
    }
static const struct dialect dialects[] = {
    NEWC("070701", "newc"),
    NEWC("070702", "crc"),
    {.magic = "070707",
     .name = "odc",
     .header = 76,
     .align = 1,
     .dev = {6, 6},
     .ino = {12, 6},
     .mode = {18, 6},
     .uid = {24, 6},
     .gid = {30, 6},
     .nlink = {36, 6},
     .rdev = {42, 6},
     .mtime = {48, 11},
     .name_size = {59, 6},
     .size = {65, 11}},
};

struct cpio {
    struct object *o;
    uint64_t at;
    const struct dialect *d;
    uint8_t header[HEADER_MAX];
    uint64_t archives;
};

static const struct dialect *dialect_of(const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (len >= 6 && memcmp(head, dialects[i].magic, 6) == 0)
            return &dialects[i];
    return NULL;
}

static int broken(const struct cpio *c, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the cpio header at byte %" PRIu64 ": %s", c->o->name, c->at,
                   what);
}

static bool number(const struct cpio *c, uint8_t start, uint8_t len, uint64_t *out)
{
    return digits_read(c->header + start, len, c->d->hex ? 16 : 8, out) == len;
}

struct entry {
    uint64_t ino, mode, uid, gid, nlink, mtime, size, major, minor, dev, rdev, name_size, check;
};

static int read_header(struct cpio *c, struct entry *x, struct err *e)
{
    const struct dialect *d = c->d;
    int rc = bytes_read(c->o->bytes, c->at, c->header, d->header, e);
    if (rc < 0)
        return rc;
#define NUMBER(f) number(c, d->f.start, d->f.len, &x->f)
    if (!NUMBER(ino) || !NUMBER(mode) || !NUMBER(uid) || !NUMBER(gid) || !NUMBER(nlink) ||
        !NUMBER(mtime) || !NUMBER(size) || !NUMBER(major) || !NUMBER(minor) || !NUMBER(dev) ||
        !NUMBER(rdev) || !NUMBER(name_size) || !NUMBER(check))
        return broken(c, "a number is none", e);
#undef NUMBER
    if (x->name_size == 0 || x->name_size > NAME_LENGTH_MAX)
        return broken(c, "the name's length is none", e);
    return 0;
}

static uint64_t aligned(const struct cpio *c, uint64_t at)
{
    return (at + c->d->align - 1) / c->d->align * c->d->align;
}

static int add_fields(struct cpio *c, const struct entry *x, enum member_type type,
                      const struct buf *target, struct err *e)
{
    const struct inode_fields inode = {
        .mode = (uint32_t)x->mode & 07777,
        .uid = (uint32_t)x->uid,
        .gid = (uint32_t)x->gid,
        .mtime = (int64_t)x->mtime,
        .device = c->d->hex ? x->major << 32 | x->minor : (x->rdev >> 8) << 32 | (x->rdev & 0xff),
        .target = buf_str(target),
        .target_len = target->len};
    const struct field own[] = {
        {"ino", FIELD_LAYOUT, FIELD_NUMBER, x->ino, NULL, 0},
        {"nlink", FIELD_LAYOUT, FIELD_NUMBER, x->nlink, NULL, 0},
        {"dev", FIELD_LAYOUT, FIELD_NUMBER, x->dev, NULL, 0},
        {"check", FIELD_CHECKSUM, FIELD_NUMBER, x->check, NULL, 0},
    };
    int rc = object_inode_fields(c->o, type, &inode, e);
    for (size_t i = 0; rc == 0 && i < sizeof(own) / sizeof(own[0]); i++)
        rc = object_member_field(c->o, own[i], e);
    const struct field dialect = {
        "dialect", FIELD_FORMAT, FIELD_TEXT, 0, (const uint8_t *)c->d->name, strlen(c->d->name)};
    return rc < 0 ? rc : object_member_field(c->o, dialect, e);
}

static int add_entry(struct cpio *c, const struct entry *x, const uint8_t *name, uint64_t data,
                     struct err *e)
{
    AUTO_BUF path = BUF_INIT(NAME_LENGTH_MAX);
    AUTO_BUF target = BUF_INIT(TARGET_LENGTH_MAX);
    size_t len = strlen((const char *)name);
    struct member m = {.type = member_type_of_mode((uint32_t)x->mode), .cookie = data};
    int rc = object_path(name, len, &path, e);
    if (rc == 0 && m.type == MEMBER_SYMLINK) {
        if (x->size > TARGET_LENGTH_MAX)
            return broken(c, "a link's target is too long", e);
        if ((rc = buf_reserve(&target, (size_t)x->size, e)) < 0 ||
            (rc = bytes_read(c->o->bytes, data, target.data, (size_t)x->size, e)) < 0)
            return rc;
        target.len = (size_t)x->size;
    }
    m.path = buf_str(&path);
    m.has_content = m.type == MEMBER_FILE || (m.type != MEMBER_SYMLINK && x->size > 0);
    m.size = m.has_content ? x->size : 0;
    if (rc < 0 || (rc = add_fields(c, x, m.type, &target, e)) < 0 ||
        (rc = object_name_form(c->o, m.type, name, len, &path, e)) < 0)
        return rc;
    return object_member(c->o, &m, e);
}

/* Header, name, data, each up to its alignment. *last: it was the end's mark. */
static int take_entry(struct cpio *c, bool *last, struct err *e)
{
    struct entry x = {0};
    AUTO_FREE uint8_t *name = NULL;
    uint64_t size = c->o->bytes->size;
    int rc = read_header(c, &x, e);
    if (rc < 0)
        return rc;
    uint64_t data = aligned(c, c->at + c->d->header + x.name_size);
    if (data > size || x.size > size - data)
        return broken(c, "it ends behind the archive", e);
    uint64_t end = aligned(c, data + x.size) < size ? aligned(c, data + x.size) : size;
    name = calloc(1, (size_t)x.name_size + 1);
    if (name == NULL)
        return err_oom(e);
    rc = bytes_read(c->o->bytes, c->at + c->d->header, name, (size_t)x.name_size, e);
    if (rc < 0)
        return rc;
    *last = strcmp((const char *)name, "TRAILER!!!") == 0;
    if (strlen((const char *)name) + 1 != x.name_size)
        return broken(c, "the name's length is wrong", e);
    if (!*last && (rc = add_entry(c, &x, name, data, e)) < 0)
        return rc;
    if ((rc = object_gap(c->o, c->at + c->d->header + x.name_size, data, e)) < 0 ||
        (rc = object_gap(c->o, data + x.size, end, e)) < 0)
        return rc;
    c->at = end;
    return 0;
}

/* The next byte that is no zero. */
static int skip_zeros(struct cpio *c, struct err *e)
{
    uint8_t room[4096];
    size_t got = 1;
    while (got > 0) {
        int rc = bytes_peek(c->o->bytes, c->at, room, sizeof(room), &got, e);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < got; i++, c->at++)
            if (room[i] != 0)
                return 0;
    }
    return 0;
}

static int take_archive(struct cpio *c, struct err *e)
{
    bool last = false;
    int rc = 0;
    c->archives++;
    while (rc == 0 && !last && c->at < c->o->bytes->size) {
        uint8_t magic[6];
        size_t got = 0;
        if ((rc = bytes_peek(c->o->bytes, c->at, magic, sizeof(magic), &got, e)) < 0)
            return rc;
        c->d = dialect_of(magic, got);
        if (c->d == NULL)
            return broken(c, "it is none", e);
        rc = take_entry(c, &last, e);
    }
    return rc < 0 || last ? rc : broken(c, "the archive has no end", e);
}

static int add_rest(struct cpio *c, struct err *e)
{
    const struct member m = {.path = "(behind the end)",
                             .type = MEMBER_PART,
                             .has_content = true,
                             .size = c->o->bytes->size - c->at,
                             .cookie = c->at};
    return m.size == 0 ? 0 : object_member(c->o, &m, e);
}

static int open_cpio(struct object *o, struct err *e)
{
    struct cpio c = {.o = o};
    uint8_t magic[6];
    size_t got = 0;
    uint64_t end = 0;
    int rc = 0;
    do {
        if ((rc = take_archive(&c, e)) < 0)
            return rc;
        end = c.at;
        if ((rc = skip_zeros(&c, e)) < 0 ||
            (rc = bytes_peek(o->bytes, c.at, magic, sizeof(magic), &got, e)) < 0)
            return rc;
    } while (dialect_of(magic, got) != NULL);
    const struct field padding = {"padding", FIELD_LAYOUT, FIELD_NUMBER, c.at - end, NULL, 0};
    const struct field archives = {"archives", FIELD_FORMAT, FIELD_NUMBER, c.archives, NULL, 0};
    if ((rc = object_field(o, padding, e)) < 0 || (rc = object_field(o, archives, e)) < 0)
        return rc;
    return add_rest(&c, e);
}

static bool is_cpio(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return dialect_of(head, len) != NULL && len > 76;
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
}

const struct object_kind object_kind_cpio = {
    .name = "cpio",
    .ordered = true,
    .tree = true,
    .is = is_cpio,
    .open = open_cpio,
    .slice = slice,
};
