/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads every dialect and refuses little: what a strict reader would refuse is what a comparison
 * must show. A header's fields are told by value, and apart from that how they are written, so that
 * two headers that differ in a blank differ here.
 */
#include "formats/tar/tar_object.h"

#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"
#include "formats/tar/tar_header.h"

#include <inttypes.h>
#include <string.h>

enum { EXTENSION_MAX = 1 << 20 };

struct tar {
    struct object *o;
    uint64_t at;
    uint8_t header[TAR_BLOCK];
    /* What extensions said of the entry that follows. */
    struct buf name;
    struct buf link;
    bool has_name;
    bool has_link;
    bool has_size;
    uint64_t size;
    struct inode_fields inode;
    bool has_uid, has_gid, has_mtime;
};

static bool text_is(const uint8_t *p, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(p, text, len) == 0;
}

/* ---- numbers -------------------------------------------------------------------------- */

static const uint8_t *at_place(const struct tar *t, enum tar_place p)
{
    return tar_at(t->header, p);
}

static bool number_at(const struct tar *t, enum tar_place p, int64_t *out)
{
    return tar_number(t->header, p, out);
}

static bool checksum_right(const struct tar *t)
{
    int64_t said = 0;
    return number_at(t, TAR_CHECKSUM, &said) &&
           (said == (int64_t)tar_sum(t->header) || said == tar_sum_signed(t->header));
}

static size_t text_length(const uint8_t *p, size_t max)
{
    size_t n = 0;
    while (n < max && p[n] != 0)
        n++;
    return n;
}

/* ---- fields ----------------------------------------------------------------------------- */

/* The dialect by its mark. */
static int add_dialect(struct tar *t, struct err *e)
{
    const uint8_t *magic = at_place(t, TAR_MAGIC);
    const char *word = memcmp(magic, "ustar\0", 6) == 0   ? "posix"
                       : memcmp(magic, "ustar  ", 7) == 0 ? "gnu"
                       : magic[0] == 0                    ? "v7"
                                                          : "other";
    return object_member_field(
        t->o,
        (struct field){"dialect", FIELD_FORMAT, FIELD_TEXT, 0, (const uint8_t *)word, strlen(word)},
        e);
}

/* How the header is written: digits are all alike here, texts are gone, blanks and ends stay. */
static int add_form(struct tar *t, struct err *e)
{
    static const enum tar_place numbers[] = {TAR_MODE,  TAR_UID,      TAR_GID,   TAR_SIZE,
                                             TAR_MTIME, TAR_CHECKSUM, TAR_MAJOR, TAR_MINOR};
    static const enum tar_place texts[] = {TAR_NAME, TAR_LINK, TAR_UNAME, TAR_GNAME, TAR_PREFIX};
    uint8_t form[TAR_BLOCK];
    memcpy(form, t->header, TAR_BLOCK);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint8_t *p = form + tar_fields[numbers[i]].start;
        size_t len = tar_fields[numbers[i]].len;
        if ((p[0] & 0x80) != 0)
            memset(p + 1, 0, len - 1);
        for (size_t k = 0; k < len; k++)
            if (p[k] >= '0' && p[k] <= '7')
                p[k] = '0';
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t *p = form + tar_fields[texts[i]].start;
        memset(p, 0, text_length(p, tar_fields[texts[i]].len));
    }
    form[tar_fields[TAR_TYPE].start] = t->header[tar_fields[TAR_TYPE].start] == 0 ? 'V' : '.';
    return object_member_field(
        t->o, (struct field){"header.form", FIELD_FORMAT, FIELD_BYTES, 0, form, TAR_BLOCK}, e);
}

static int add_text_field(struct tar *t, const char *name, enum field_class class,
                          const uint8_t *data, size_t len, struct err *e)
{
    return object_member_field(t->o, (struct field){name, class, FIELD_TEXT, 0, data, len}, e);
}

static int add_owner_names(struct tar *t, struct err *e)
{
    int rc = add_text_field(t, "uname", FIELD_OWNER_NAME, at_place(t, TAR_UNAME),
                            text_length(at_place(t, TAR_UNAME), tar_fields[TAR_UNAME].len), e);
    return rc < 0
               ? rc
               : add_text_field(t, "gname", FIELD_OWNER_NAME, at_place(t, TAR_GNAME),
                                text_length(at_place(t, TAR_GNAME), tar_fields[TAR_GNAME].len), e);
}

/* ---- paths ------------------------------------------------------------------------------- */

static int raw_name(const struct tar *t, struct buf *out, struct err *e)
{
    const uint8_t *prefix = at_place(t, TAR_PREFIX);
    const uint8_t *name = at_place(t, TAR_NAME);
    bool posix = text_is(at_place(t, TAR_MAGIC), 6, "ustar") ||
                 memcmp(at_place(t, TAR_MAGIC), "ustar\0", 6) == 0;
    size_t prefix_len = posix ? text_length(prefix, tar_fields[TAR_PREFIX].len) : 0;
    int rc = 0;
    if (t->has_name)
        return buf_add(out, t->name.data, t->name.len, e);
    if (prefix_len > 0 && (rc = buf_add(out, prefix, prefix_len, e)) == 0)
        rc = buf_add_str(out, "/", e);
    return rc < 0 ? rc : buf_add(out, name, text_length(name, tar_fields[TAR_NAME].len), e);
}

/* ---- extensions ----------------------------------------------------------------------------- */

static bool parse_decimal(const uint8_t *p, size_t len, int64_t *seconds, uint32_t *ns)
{
    bool negative = len > 0 && p[0] == '-';
    size_t i = negative;
    uint64_t value = 0;
    uint32_t scale = 100000000;
    if (i == len)
        return false;
    for (; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
        if (value > INT64_MAX / 20)
            return false;
        value = value * 10 + (uint64_t)(p[i] - '0');
    }
    *ns = 0;
    if (i < len && p[i] == '.')
        for (i++; i < len && p[i] >= '0' && p[i] <= '9'; i++, scale /= 10)
            *ns += (uint32_t)(p[i] - '0') * scale;
    *seconds = negative ? -(int64_t)value : (int64_t)value;
    return i == len;
}

static int set_text(struct buf *b, bool *has, const uint8_t *data, size_t len, struct err *e)
{
    b->len = 0;
    *has = true;
    return buf_add(b, data, text_length(data, len), e);
}

/* One record of an extended header. What has a place of its own goes there, all else is a field. */
static int take_record(struct tar *t, bool global, const char *key, const uint8_t *value,
                       size_t len, struct err *e)
{
    AUTO_FREE char *name = NULL;
    int64_t number = 0;
    uint32_t ns = 0;
    bool plain = parse_decimal(value, len, &number, &ns);
    if (!global && strcmp(key, "path") == 0)
        return set_text(&t->name, &t->has_name, value, len, e);
    if (!global && strcmp(key, "linkpath") == 0)
        return set_text(&t->link, &t->has_link, value, len, e);
    if (!global && strcmp(key, "size") == 0 && plain && number >= 0) {
        t->has_size = true;
        t->size = (uint64_t)number;
        return 0;
    }
    if (!global && strcmp(key, "mtime") == 0 && plain) {
        t->has_mtime = true;
        t->inode.mtime = number;
        t->inode.mtime_ns = ns;
        return 0;
    }
    if (!global && (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) && plain &&
        number == (int64_t)(uint32_t)number) {
        *(key[0] == 'u' ? &t->has_uid : &t->has_gid) = true;
        *(key[0] == 'u' ? &t->inode.uid : &t->inode.gid) = (uint32_t)number;
        return 0;
    }
    if (!global && str_starts(key, "SCHILY.xattr."))
        return object_inode_xattr(t->o, key + strlen("SCHILY.xattr."), value, len, e);
    enum field_class class =
        strcmp(key, "atime") == 0 || strcmp(key, "ctime") == 0 ? FIELD_TIME : FIELD_FORMAT;
    int rc = str_format(&name, e, "pax.%s", key);
    if (rc < 0)
        return rc;
    const struct field f = {name, class, FIELD_TEXT, 0, value, len};
    return global ? object_field(t->o, f, e) : object_member_field(t->o, f, e);
}

/* "27 path=value\n": the length counts itself. */
static int take_records(struct tar *t, bool global, uint8_t *data, size_t len, struct err *e)
{
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && at < len && data[at] != 0) {
        size_t size = 0;
        size_t i = at;
        for (; i < len && data[i] >= '0' && data[i] <= '9' && size < EXTENSION_MAX; i++)
            size = size * 10 + (size_t)(data[i] - '0');
        uint8_t *equals = i < len ? memchr(data + i, '=', len - i) : NULL;
        if (i == at || i >= len || data[i] != ' ' || size > len - at || size < i - at + 3 ||
            equals == NULL || equals >= data + at + size || data[at + size - 1] != '\n')
            return err_set(e, ERR_INPUT,
                           "%s: the extended header before byte %" PRIu64 " is broken", t->o->name,
                           t->at);
        *equals = 0;
        rc = take_record(t, global, (const char *)data + i + 1, equals + 1,
                         (size_t)(data + at + size - 1 - (equals + 1)), e);
        at += size;
    }
    return rc;
}

static int take_extension(struct tar *t, char type, uint64_t size, struct err *e)
{
    AUTO_FREE uint8_t *data = size > EXTENSION_MAX ? NULL : calloc(1, (size_t)size + 1);
    if (size > EXTENSION_MAX)
        return err_set(e, ERR_INPUT, "%s: an extended header of %" PRIu64 " bytes", t->o->name,
                       size);
    if (data == NULL)
        return err_oom(e);
    int rc = bytes_read(t->o->bytes, t->at, data, (size_t)size, e);
    if (rc < 0)
        return rc;
    if (type == 'L')
        return set_text(&t->name, &t->has_name, data, (size_t)size, e);
    if (type == 'K')
        return set_text(&t->link, &t->has_link, data, (size_t)size, e);
    return take_records(t, type == 'g', data, (size_t)size, e);
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static enum member_type type_of(char type, const struct buf *raw)
{
    switch (type) {
    case '1':
        return MEMBER_HARDLINK;
    case '2':
        return MEMBER_SYMLINK;
    case '3':
        return MEMBER_CHAR;
    case '4':
        return MEMBER_BLOCK;
    case '5':
    case 'D':
        return MEMBER_DIRECTORY;
    case '6':
        return MEMBER_FIFO;
    default: /* V7 had no type for directories: their names end with a slash */
        return raw->len > 0 && raw->data[raw->len - 1] == '/' ? MEMBER_DIRECTORY : MEMBER_FILE;
    }
}

static void read_inode(struct tar *t)
{
    int64_t number = 0;
    t->inode.mode = number_at(t, TAR_MODE, &number) ? (uint32_t)number & 07777 : 0;
    if (!t->has_uid && number_at(t, TAR_UID, &number))
        t->inode.uid = (uint32_t)number;
    if (!t->has_gid && number_at(t, TAR_GID, &number))
        t->inode.gid = (uint32_t)number;
    if (!t->has_mtime && number_at(t, TAR_MTIME, &number))
        t->inode.mtime = number;
    int64_t minor = 0;
    if (number_at(t, TAR_MAJOR, &number) && number_at(t, TAR_MINOR, &minor))
        t->inode.device = (uint64_t)number << 32 | (uint32_t)minor;
}

static int add_entry(struct tar *t, char type, uint64_t size, struct err *e)
{
    static const char plain[] = "01234567";
    AUTO_BUF raw = BUF_INIT(EXTENSION_MAX);
    AUTO_BUF path = BUF_INIT(EXTENSION_MAX);
    AUTO_BUF target = BUF_INIT(EXTENSION_MAX);
    int rc = raw_name(t, &raw, e);
    if (rc < 0 || (rc = object_path(raw.data, raw.len, &path, e)) < 0)
        return rc;
    struct member m = {.path = buf_str(&path), .type = type_of(type, &raw), .cookie = t->at};
    m.has_content = m.type == MEMBER_FILE || size > 0;
    m.size = m.has_content ? size : 0;
    read_inode(t);
    const uint8_t *link = at_place(t, TAR_LINK);
    t->inode.target = t->has_link ? buf_str(&t->link) : (const char *)link;
    t->inode.target_len = t->has_link ? t->link.len : text_length(link, tar_fields[TAR_LINK].len);
    if (m.type == MEMBER_HARDLINK) {
        rc = object_path(t->inode.target, t->inode.target_len, &target, e);
        t->inode.target = buf_str(&target);
        t->inode.target_len = target.len;
    }
    if (rc < 0 || (rc = object_inode_fields(t->o, m.type, &t->inode, e)) < 0 ||
        (rc = add_form(t, e)) < 0 || (rc = add_dialect(t, e)) < 0 ||
        (rc = add_owner_names(t, e)) < 0)
        return rc;
    rc = object_name_form(t->o, m.type, raw.data, raw.len, &path, e);
    if (rc == 0 && strchr(plain, type) == NULL && type != 0)
        rc = object_member_field(
            t->o, (struct field){"type", FIELD_FORMAT, FIELD_NUMBER, (uint8_t)type, NULL, 0}, e);
    return rc < 0 ? rc : object_member(t->o, &m, e);
}

static void forget_extensions(struct tar *t)
{
    t->has_name = t->has_link = t->has_size = t->has_uid = t->has_gid = t->has_mtime = false;
    t->inode = (struct inode_fields){0};
}

/* Header, data, padding. */
static int take_entry(struct tar *t, struct err *e)
{
    char type = (char)t->header[tar_fields[TAR_TYPE].start];
    int64_t said = 0;
    bool numeric = number_at(t, TAR_SIZE, &said) && said >= 0;
    uint64_t size = t->has_size ? t->size : (uint64_t)said;
    /* Links and the like have no data, whatever their size says; old tars say it of links. */
    bool none =
        type == '1' || type == '2' || type == '3' || type == '4' || type == '5' || type == '6';
    if (none && !(type == '5' && size > 0 && size <= t->o->bytes->size - t->at))
        size = 0;
    if (!numeric || !checksum_right(t) || size > t->o->bytes->size - t->at)
        return err_set(e, ERR_INPUT, "%s: the tar header before byte %" PRIu64 " is broken",
                       t->o->name, t->at);
    uint64_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    uint64_t end = t->at + padded < t->o->bytes->size ? t->at + padded : t->o->bytes->size;
    bool extension = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    /* An extension's fields wait for its entry: nothing may come between. */
    int rc = extension ? object_gap(t->o, t->at + size, end, e) : add_entry(t, type, size, e);
    if (rc == 0)
        rc = extension ? take_extension(t, type, size, e) : object_gap(t->o, t->at + size, end, e);
    if (!extension)
        forget_extensions(t);
    t->at = end;
    return rc;
}

/* Behind the last entry: blocks of zeros, whose number is how the tool fills a record. */
static int take_end(struct tar *t, struct err *e)
{
    const struct bytes *bytes = t->o->bytes;
    bool zeros = true;
    int rc = bytes_are_zero(bytes, t->at, bytes->size, &zeros, e);
    if (rc < 0)
        return rc;
    if (!zeros)
        return object_gap(t->o, t->at, bytes->size, e);
    return object_field(
        t->o, (struct field){"end", FIELD_LAYOUT, FIELD_NUMBER, bytes->size - t->at, NULL, 0}, e);
}

static int open_tar(struct object *o, struct err *e)
{
    struct tar t = {.o = o, .name = BUF_INIT(EXTENSION_MAX), .link = BUF_INIT(EXTENSION_MAX)};
    int rc = 0;
    while (rc == 0 && o->bytes->size - t.at >= TAR_BLOCK) {
        bool zeros = true;
        if ((rc = bytes_read(o->bytes, t.at, t.header, TAR_BLOCK, e)) < 0)
            break;
        for (size_t i = 0; i < TAR_BLOCK; i++)
            zeros = zeros && t.header[i] == 0;
        if (zeros)
            break;
        t.at += TAR_BLOCK;
        rc = take_entry(&t, e);
    }
    if (rc == 0)
        rc = take_end(&t, e);
    buf_dispose(&t.name);
    buf_dispose(&t.link);
    return rc;
}

static bool is_tar(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    struct tar t = {0};
    (void)bytes;
    if (len < TAR_BLOCK)
        return false;
    memcpy(t.header, head, TAR_BLOCK);
    return head[0] != 0 && checksum_right(&t);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
}

const struct object_kind object_kind_tar = {
    .name = "tar",
    .ordered = true,
    .tree = true,
    .is = is_tar,
    .open = open_tar,
    .slice = slice,
};
