/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/zip/zip_object.h"

#include "base/byte_order.h"
#include "formats/compressed/decoder.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* APPNOTE 4.3: signatures, then where each number is. */
enum {
    LOCAL_MAGIC = 0x04034b50,
    ENTRY_MAGIC = 0x02014b50,
    END_MAGIC = 0x06054b50,
    END64_MAGIC = 0x06064b50,
    LOCATOR64_MAGIC = 0x07064b50,
    DATA_MAGIC = 0x08074b50,
};
enum local_fields { L_NAME_LEN = 26, L_EXTRA_LEN = 28, LOCAL_SIZE = 30 };
enum entry_fields {
    E_MADE_BY = 4,
    E_NEEDS = 6,
    E_FLAGS = 8,
    E_METHOD = 10,
    E_TIME = 12,
    E_DATE = 14,
    E_CRC = 16,
    E_PACKED = 20,
    E_SIZE = 24,
    E_NAME_LEN = 28,
    E_EXTRA_LEN = 30,
    E_COMMENT_LEN = 32,
    E_DISK = 34,
    E_INTERNAL = 36,
    E_EXTERNAL = 38,
    E_LOCAL = 42,
    ENTRY_SIZE = 46,
};
enum end_fields {
    N_DISK = 4,
    N_START_DISK = 6,
    N_ENTRIES = 10,
    N_SIZE = 12,
    N_START = 16,
    N_COMMENT_LEN = 20,
    END_SIZE = 22,
};
enum end64_fields {
    N64_ENTRIES = 32,
    N64_SIZE = 40,
    N64_START = 48,
    END64_SIZE = 56,
    LOCATOR_END = 8,
    LOCATOR_SIZE = 20,
};
enum flags { FLAG_ENCRYPTED = 1, FLAG_DESCRIPTOR = 8 };
enum extra_ids { EXTRA_ZIP64 = 1, EXTRA_TIME = 0x5455, EXTRA_UNIX = 0x7875 };
enum { DIRECTORY_MAX = 1 << 30, TARGET_MAX = 65536, MADE_BY_UNIX = 3, MADE_BY_MACOS = 19 };

static const char apk_magic[] = "APK Sig Block 42";

struct entry {
    uint64_t packed;
    uint64_t size;
    uint64_t local; /* where its header is */
    uint64_t data;  /* where its bytes are */
    uint16_t method;
    uint16_t flags;
};

struct zip {
    struct object *o;
    uint64_t start; /* of the central directory */
    uint64_t size;
    uint64_t count;

    struct entry *entries;
    size_t entry_count;
    size_t entry_room;
    struct extents extents;
};

static int broken(const struct object *o, uint64_t at, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the zip archive is damaged near byte %" PRIu64 ": %s",
                   o->name, at, what);
}

/* ---- the end ---------------------------------------------------------------------------------
 */

/* Where the end's record is: the last that ends with the file, comment included. */
static int find_end(const struct bytes *b, uint8_t *out, uint64_t *at, bool *found, struct err *e)
{
    enum { REACH = END_SIZE + 65535 };
    size_t len = b->size < REACH ? (size_t)b->size : REACH;
    AUTO_FREE uint8_t *room = malloc(len + 1);
    *found = false;
    if (room == NULL)
        return err_oom(e);
    int rc = bytes_read(b, b->size - len, room, len, e);
    if (rc < 0 || len < END_SIZE)
        return rc;
    for (size_t i = len - END_SIZE + 1; i-- > 0;)
        if (get_le32(room + i) == END_MAGIC &&
            i + END_SIZE + get_le16(room + i + N_COMMENT_LEN) == len) {
            memcpy(out, room + i, END_SIZE);
            *at = b->size - len + i;
            *found = true;
            return 0;
        }
    return 0;
}

static int read_end64(struct zip *z, uint64_t end, struct err *e)
{
    struct object *o = z->o;
    uint8_t room[END64_SIZE];
    if (end < LOCATOR_SIZE)
        return 0;
    int rc = bytes_read(o->bytes, end - LOCATOR_SIZE, room, LOCATOR_SIZE, e);
    if (rc < 0 || get_le32(room) != LOCATOR64_MAGIC)
        return rc;
    uint64_t at = get_le64(room + LOCATOR_END);
    if (at > end - LOCATOR_SIZE || end - LOCATOR_SIZE - at < END64_SIZE)
        return broken(o, end - LOCATOR_SIZE, "the zip64 record is not where it should be", e);
    if ((rc = bytes_read(o->bytes, at, room, END64_SIZE, e)) < 0)
        return rc;
    if (get_le32(room) != END64_MAGIC)
        return broken(o, at, "the zip64 record is none", e);
    z->count = get_le64(room + N64_ENTRIES);
    z->size = get_le64(room + N64_SIZE);
    z->start = get_le64(room + N64_START);
    return extents_add(&z->extents, at, end - at, e);
}

static int read_end(struct zip *z, struct err *e)
{
    struct object *o = z->o;
    uint8_t end[END_SIZE];
    uint64_t at = 0;
    bool found = false;
    int rc = find_end(o->bytes, end, &at, &found, e);
    if (rc < 0 || !found)
        return rc < 0 ? rc : broken(o, o->bytes->size, "it has no end", e);
    if (get_le16(end + N_DISK) != 0 || get_le16(end + N_START_DISK) != 0)
        return broken(o, at, "it is one of several parts", e);
    z->count = get_le16(end + N_ENTRIES);
    z->size = get_le32(end + N_SIZE);
    z->start = get_le32(end + N_START);
    if (z->start > at || z->size > at - z->start || z->count == UINT16_MAX)
        rc = read_end64(z, at, e);
    if (rc < 0 || (rc = extents_add(&z->extents, at, o->bytes->size - at, e)) < 0)
        return rc;
    if (z->start > at || z->size > at - z->start || z->size > DIRECTORY_MAX)
        return broken(o, at, "the central directory is not in it", e);
    if (end[N_COMMENT_LEN] == 0 && end[N_COMMENT_LEN + 1] == 0)
        return 0;
    AUTO_BUF comment = BUF_INIT(65536);
    size_t len = get_le16(end + N_COMMENT_LEN);
    if ((rc = buf_reserve(&comment, len, e)) < 0 ||
        (rc = bytes_read(o->bytes, at + END_SIZE, comment.data, len, e)) < 0)
        return rc;
    return object_field(
        o, (struct field){"comment", FIELD_MEANING, FIELD_TEXT, 0, comment.data, len}, e);
}

/* ---- members --------------------------------------------------------------------------------- */

/* A DOS date and time, as if it were UTC. */
static int64_t dos_seconds(uint16_t date, uint16_t time)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int year = 1980 + (date >> 9);
    int month = (date >> 5 & 15) == 0 ? 1 : (date >> 5 & 15);
    int day = (date & 31) == 0 ? 1 : date & 31;
    bool leap = year % 4 == 0 && year != 2100;
    int64_t days = (int64_t)(year - 1970) * 365 + (year - 1969) / 4 - (year > 2100) +
                   before[(month - 1) % 12] + (leap && month > 2) + day - 1;
    return days * 86400 + (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2;
}

struct extra {
    uint64_t *wide[3]; /* size, packed, local: those that are 0xffffffff in the entry */
    size_t wide_count;
    bool has_time;
    int64_t mtime;
    bool has_owner;
    uint32_t uid;
    uint32_t gid;
    struct buf rest; /* what has no field of its own */
};

static bool little_number(const uint8_t *p, size_t len, uint32_t *out)
{
    *out = 0;
    if (len > 4)
        return false;
    for (size_t i = 0; i < len; i++)
        *out |= (uint32_t)p[i] << (8 * i);
    return true;
}

/* Info-ZIP's third Unix field: version 1, then uid and gid with their lengths. */
static bool read_owner(const uint8_t *p, size_t len, struct extra *x)
{
    if (len < 3 || p[0] != 1 || (size_t)p[1] + 3 > len)
        return false;
    size_t gid_at = 2 + (size_t)p[1];
    x->has_owner = (size_t)p[gid_at] + gid_at + 1 == len && little_number(p + 2, p[1], &x->uid) &&
                   little_number(p + gid_at + 1, p[gid_at], &x->gid);
    return x->has_owner;
}

static bool take_extra(uint16_t id, const uint8_t *p, size_t len, struct extra *x)
{
    if (id == EXTRA_ZIP64) {
        for (size_t i = 0; i < x->wide_count && 8 * (i + 1) <= len; i++)
            *x->wide[i] = get_le64(p + 8 * i);
        return len == 8 * x->wide_count;
    }
    if (id == EXTRA_TIME && len >= 5 && (p[0] & 1) != 0) {
        x->has_time = true;
        x->mtime = (int32_t)get_le32(p + 1);
        return len == 5;
    }
    return id == EXTRA_UNIX && read_owner(p, len, x);
}

static int read_extra(const uint8_t *p, size_t len, struct extra *x, struct err *e)
{
    int rc = 0;
    while (rc == 0 && len >= 4) {
        size_t n = get_le16(p + 2);
        if (n > len - 4)
            n = len - 4;
        if (!take_extra(get_le16(p), p + 4, n, x))
            rc = buf_add(&x->rest, p, 4 + n, e);
        p += 4 + n;
        len -= 4 + n;
    }
    return rc < 0 ? rc : buf_add(&x->rest, p, len, e);
}

/* The local header: where the data is, and whether it says the same as the entry. */
static int read_local(struct zip *z, const uint8_t *entry, const uint8_t *name, struct entry *out,
                      struct err *e)
{
    struct object *o = z->o;
    uint8_t h[LOCAL_SIZE];
    AUTO_BUF room = BUF_INIT(2 * 65536);
    uint64_t limit = o->bytes->size;
    if (out->local > limit || limit - out->local < LOCAL_SIZE)
        return broken(o, out->local, "an entry is not in it", e);
    int rc = bytes_read(o->bytes, out->local, h, LOCAL_SIZE, e);
    if (rc < 0)
        return rc;
    if (get_le32(h) != LOCAL_MAGIC)
        return broken(o, out->local, "an entry's header is none", e);
    size_t name_len = get_le16(h + L_NAME_LEN);
    size_t extra_len = get_le16(h + L_EXTRA_LEN);
    out->data = out->local + LOCAL_SIZE + name_len + extra_len;
    if (out->data > limit || out->packed > limit - out->data)
        return broken(o, out->local, "an entry ends behind it", e);
    if ((rc = buf_reserve(&room, name_len + extra_len + 1, e)) < 0 ||
        (rc = bytes_read(o->bytes, out->local + LOCAL_SIZE, room.data, name_len + extra_len, e)) <
            0 ||
        (rc = extents_add(&z->extents, out->local, out->data + out->packed - out->local, e)) < 0)
        return rc;
    /* From "needs" to the sizes both have the same layout; behind the data may stand what was not
     * known in front of it. */
    bool later = (out->flags & FLAG_DESCRIPTOR) != 0;
    size_t same = later ? E_CRC - E_NEEDS : E_NAME_LEN - E_NEEDS;
    if (memcmp(h + 4, entry + E_NEEDS, same) != 0 || name_len != get_le16(entry + E_NAME_LEN) ||
        memcmp(room.data, name, name_len) != 0) {
        AUTO_BUF local = BUF_INIT(2 * 65536);
        if ((rc = buf_add(&local, h, L_NAME_LEN, e)) < 0 ||
            (rc = buf_add(&local, room.data, name_len, e)) < 0 ||
            (rc = object_member_field(
                 o, (struct field){"local", FIELD_FORMAT, FIELD_BYTES, 0, local.data, local.len},
                 e)) < 0)
            return rc;
    }
    if (extra_len == 0)
        return 0;
    return object_member_field(o,
                               (struct field){"local.extra", FIELD_FORMAT, FIELD_BYTES, 0,
                                              room.data + name_len, extra_len},
                               e);
}

/* What follows the data where the header did not know it: 12 to 24 bytes. */
static int take_descriptor(struct zip *z, const struct entry *x, struct err *e)
{
    uint8_t room[24];
    size_t got = 0;
    uint64_t at = x->data + x->packed;
    if ((x->flags & FLAG_DESCRIPTOR) == 0)
        return 0;
    int rc = bytes_peek(z->o->bytes, at, room, sizeof(room), &got, e);
    if (rc < 0 || got < 12)
        return rc;
    size_t head = get_le32(room) == DATA_MAGIC ? 4 : 0;
    bool wide = got >= head + 20 && get_le64(room + head + 4) == x->packed &&
                get_le64(room + head + 12) == x->size;
    bool narrow = got >= head + 12 && get_le32(room + head + 4) == (uint32_t)x->packed &&
                  get_le32(room + head + 8) == (uint32_t)x->size;
    if (!wide && !narrow)
        return 0; /* it is a gap, then */
    return extents_add(&z->extents, at, head + (wide ? 20 : 12), e);
}

static int add_fields(struct object *o, const uint8_t *p, enum member_type type, uint32_t mode,
                      const struct extra *x, struct err *e)
{
    int64_t dos = dos_seconds(get_le16(p + E_DATE), get_le16(p + E_TIME));
    const struct {
        bool has;
        struct field field;
    } fields[] = {
        {mode != 0 && type != MEMBER_SYMLINK,
         {"mode", FIELD_MODE, FIELD_OCTAL, mode & 07777, NULL, 0}},
        {x->has_owner, {"uid", FIELD_OWNER, FIELD_NUMBER, x->uid, NULL, 0}},
        {x->has_owner, {"gid", FIELD_OWNER, FIELD_NUMBER, x->gid, NULL, 0}},
        {x->has_time, {"mtime", FIELD_TIME, FIELD_SECONDS, (uint64_t)x->mtime, NULL, 0}},
        {true, {"mtime.dos", FIELD_TIME, FIELD_SECONDS, (uint64_t)dos, NULL, 0}},
        {true, {"made_by", FIELD_FORMAT, FIELD_NUMBER, get_le16(p + E_MADE_BY), NULL, 0}},
        {true, {"needs", FIELD_FORMAT, FIELD_NUMBER, get_le16(p + E_NEEDS), NULL, 0}},
        {true, {"flags", FIELD_FORMAT, FIELD_OCTAL, get_le16(p + E_FLAGS), NULL, 0}},
        {true, {"method", FIELD_COMPRESSOR, FIELD_NUMBER, get_le16(p + E_METHOD), NULL, 0}},
        {true, {"crc", FIELD_CHECKSUM, FIELD_NUMBER, get_le32(p + E_CRC), NULL, 0}},
        {true, {"internal", FIELD_FORMAT, FIELD_NUMBER, get_le16(p + E_INTERNAL), NULL, 0}},
        {true,
         {"attributes", FIELD_FORMAT, FIELD_NUMBER, get_le32(p + E_EXTERNAL) & 0xffff, NULL, 0}},
        {mode == 0,
         {"attributes.high", FIELD_FORMAT, FIELD_NUMBER, get_le32(p + E_EXTERNAL) >> 16, NULL, 0}},
        {x->rest.len > 0, {"extra", FIELD_FORMAT, FIELD_BYTES, 0, x->rest.data, x->rest.len}},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].has)
            rc = object_member_field(o, fields[i].field, e);
    return rc;
}

/* Signatures of a .jar: all but its manifest. */
static bool is_jar_signature(const char *path)
{
    static const char *const ends[] = {".SF", ".RSA", ".DSA", ".EC"};
    size_t len = strlen(path);
    if (strncmp(path, "META-INF/", 9) != 0 || strchr(path + 9, '/') != NULL)
        return false;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (len > strlen(ends[i]) && strcmp(path + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

static int read_into(struct object *o, const struct member *m, struct buf *out, struct err *e)
{
    return o->kind->content(o, m, sink_buf(out), e);
}

/* A symbolic link's content is its target. */
static int add_link(struct zip *z, struct member *m, struct err *e)
{
    AUTO_BUF target = BUF_INIT(TARGET_MAX);
    if (m->size > TARGET_MAX)
        return broken(z->o, m->cookie, "a link's target is too long", e);
    int rc = read_into(z->o, m, &target, e);
    m->has_content = false;
    return rc < 0 ? rc
                  : object_member_field(z->o,
                                        (struct field){"link", FIELD_MEANING, FIELD_TEXT, 0,
                                                       target.data, target.len},
                                        e);
}

static int add_entry(struct zip *z, const uint8_t *p, const uint8_t *name, size_t name_len,
                     struct extra *x, struct err *e)
{
    struct object *o = z->o;
    struct entry *entry = &z->entries[z->entry_count];
    AUTO_BUF path = BUF_INIT(2 * 65536);
    unsigned system = get_le16(p + E_MADE_BY) >> 8;
    bool unix_made = system == MADE_BY_UNIX || system == MADE_BY_MACOS;
    uint32_t mode = unix_made ? get_le32(p + E_EXTERNAL) >> 16 : 0;
    struct member m = {.size = entry->size, .cookie = z->entry_count};
    if (memchr(name, 0, name_len) != NULL)
        return broken(o, z->start, "a name has a NUL", e);
    bool slash = name_len > 0 && name[name_len - 1] == '/';
    m.type = (mode & S_IFMT) != 0 ? member_type_of_mode(mode)
             : slash              ? MEMBER_DIRECTORY
                                  : MEMBER_FILE;
    m.has_content = m.type == MEMBER_FILE || m.type == MEMBER_SYMLINK || entry->size > 0;
    int rc = object_path(name, name_len, &path, e);
    if (rc < 0 || (rc = object_name_form(o, m.type, name, name_len, &path, e)) < 0 ||
        (rc = read_local(z, p, name, entry, e)) < 0 || (rc = take_descriptor(z, entry, e)) < 0 ||
        (rc = add_fields(o, p, m.type, mode, x, e)) < 0)
        return rc;
    m.path = buf_str(&path);
    m.signature = is_jar_signature(m.path);
    z->entry_count++;
    if (m.type == MEMBER_SYMLINK && (rc = add_link(z, &m, e)) < 0)
        return rc;
    return object_member(o, &m, e);
}

static int take_entry(struct zip *z, const uint8_t *p, size_t left, size_t *used, struct err *e)
{
    struct object *o = z->o;
    if (left < ENTRY_SIZE || get_le32(p) != ENTRY_MAGIC)
        return broken(o, z->start, "an entry of the central directory is none", e);
    size_t name_len = get_le16(p + E_NAME_LEN);
    size_t extra_len = get_le16(p + E_EXTRA_LEN);
    size_t comment_len = get_le16(p + E_COMMENT_LEN);
    *used = ENTRY_SIZE + name_len + extra_len + comment_len;
    if (*used > left)
        return broken(o, z->start, "the central directory is cut short", e);
    int rc = array_grow(&z->entries, &z->entry_room, z->entry_count + 1, sizeof(*z->entries), e);
    if (rc < 0)
        return rc;
    struct entry *entry = &z->entries[z->entry_count];
    *entry = (struct entry){.packed = get_le32(p + E_PACKED),
                            .size = get_le32(p + E_SIZE),
                            .local = get_le32(p + E_LOCAL),
                            .method = get_le16(p + E_METHOD),
                            .flags = get_le16(p + E_FLAGS)};
    struct extra x = {.rest = BUF_INIT(65536)};
    uint64_t *const numbers[] = {&entry->size, &entry->packed, &entry->local};
    for (size_t i = 0; i < 3; i++)
        if (*numbers[i] == UINT32_MAX)
            x.wide[x.wide_count++] = numbers[i];
    rc = read_extra(p + ENTRY_SIZE + name_len, extra_len, &x, e);
    if (rc == 0 && comment_len > 0)
        rc = object_member_field(o,
                                 (struct field){"comment", FIELD_MEANING, FIELD_TEXT, 0,
                                                p + ENTRY_SIZE + name_len + extra_len, comment_len},
                                 e);
    if (rc == 0)
        rc = add_entry(z, p, p + ENTRY_SIZE, name_len, &x, e);
    buf_dispose(&x.rest);
    return rc;
}

static int take_directory(struct zip *z, struct err *e)
{
    AUTO_FREE uint8_t *room = malloc((size_t)z->size + 1);
    int rc =
        room == NULL ? err_oom(e) : bytes_read(z->o->bytes, z->start, room, (size_t)z->size, e);
    size_t at = 0;
    for (uint64_t i = 0; rc == 0 && i < z->count; i++) {
        size_t used = 0;
        rc = take_entry(z, room + at, (size_t)z->size - at, &used, e);
        at += used;
    }
    return rc < 0 ? rc : extents_add(&z->extents, z->start, at, e);
}

/* Android's block of signatures stands in front of the central directory, between two sizes. */
static int take_signing_block(struct zip *z, struct err *e)
{
    enum { TAIL = 8 + sizeof(apk_magic) - 1 };
    uint8_t tail[TAIL];
    struct object *o = z->o;
    if (z->start < TAIL + 8)
        return 0;
    int rc = bytes_read(o->bytes, z->start - TAIL, tail, TAIL, e);
    if (rc < 0 || memcmp(tail + 8, apk_magic, TAIL - 8) != 0)
        return rc;
    uint64_t size = get_le64(tail);
    if (size < TAIL || size > z->start - 8)
        return broken(o, z->start - TAIL, "the signing block is not in it", e);
    uint64_t at = z->start - size - 8;
    const struct member m = {.path = "(APK signing block)",
                             .type = MEMBER_PART,
                             .has_content = true,
                             .signature = true,
                             .size = size + 8,
                             .cookie = at};
    if ((rc = extents_add(&z->extents, at, m.size, e)) < 0)
        return rc;
    return object_member(o, &m, e);
}

static int open_zip(struct object *o, struct err *e)
{
    struct zip *z = calloc(1, sizeof(*z));
    o->state = z;
    if (z == NULL)
        return err_oom(e);
    z->o = o;
    int rc = read_end(z, e);
    if (rc < 0 || (rc = take_signing_block(z, e)) < 0 || (rc = take_directory(z, e)) < 0)
        return rc;
    return extents_gaps(&z->extents, o, o->bytes->size, object_gap, e);
}

/* ---- contents ---------------------------------------------------------------------------------
 */

static decode_fn *decoder_of(const struct entry *x)
{
    static const struct {
        uint16_t method;
        decode_fn *decode;
    } methods[] = {{8, decode_deflate}, {12, decode_bzip2}, {93, decode_zstd}, {95, decode_xz}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (methods[i].method == x->method && (x->flags & FLAG_ENCRYPTED) == 0)
            return methods[i].decode;
    return NULL;
}

static const struct entry *entry_of(const struct object *o, const struct member *m)
{
    const struct zip *z = o->state;
    return m->type == MEMBER_GAP || m->type == MEMBER_PART ? NULL : &z->entries[m->cookie];
}

static int content(struct object *o, const struct member *m, struct sink to, struct err *e)
{
    const struct entry *x = entry_of(o, m);
    AUTO_FREE struct decoder *d = calloc(1, sizeof(*d));
    AUTO_BYTES *packed = NULL;
    if (d == NULL)
        return err_oom(e);
    decode_fn *decode = decoder_of(x);
    int rc = bytes_slice(o->bytes, x->data, x->packed, o->name, &packed, e);
    if (rc < 0)
        return rc;
    d->from = packed;
    d->to = to;
    if (decode != NULL && (rc = decode(d, e)) == 0 && d->at != packed->size)
        return broken(o, x->data + d->at, "an entry has bytes behind its stream", e);
    for (size_t len = 1; rc == 0 && decode == NULL && len > 0;) {
        const uint8_t *data = NULL;
        rc = decoder_fill(d, &data, &len, e);
        if (rc == 0 && len > 0)
            rc = sink_write(&d->to, data, len, e);
        decoder_take(d, len);
    }
    return rc;
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    const struct entry *x = entry_of(o, m);
    if (x == NULL)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    if (decoder_of(x) != NULL)
        return 0;
    return bytes_slice(o->bytes, x->data, x->packed, m->path, out, e);
}

/* Equal packed bytes by one method are equal contents. */
static int same(struct object *a, const struct member *am, struct object *b,
                const struct member *bm, enum object_same *out, struct err *e)
{
    const struct entry *x = entry_of(a, am);
    const struct entry *y = entry_of(b, bm);
    uint64_t first = 0;
    if (x == NULL || y == NULL || x->method != y->method || x->packed != y->packed ||
        ((x->flags ^ y->flags) & FLAG_ENCRYPTED) != 0)
        return 0;
    int rc = bytes_compare(a->bytes, x->data, b->bytes, y->data, x->packed, &first, e);
    if (rc == 0 && first == x->packed)
        *out = OBJECT_SAME;
    return rc;
}

static void close_zip(struct object *o)
{
    struct zip *z = o->state;
    if (z == NULL)
        return;
    free(z->entries);
    extents_dispose(&z->extents);
    free(z);
}

static bool is_zip(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= END_SIZE && (get_le32(head) == LOCAL_MAGIC || get_le32(head) == END_MAGIC);
}

const struct object_kind object_kind_zip = {
    .name = "zip",
    .ordered = true,
    .tree = true,
    .is = is_zip,
    .open = open_zip,
    .content = content,
    .slice = slice,
    .same = same,
    .close = close_zip,
};
