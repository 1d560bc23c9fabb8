/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/ext4/ext4_object.h"

#include "base/byte_order.h"
#include "formats/ext4/ext4_format.h"
#include "formats/ext4/ext4_reader.h"
#include "formats/object/first_names.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 512, PATH_LENGTH_MAX = 1 << 20, TARGET_MAX = 65536, RESERVED_INODES = 10 };

struct ext4 {
    struct object *o;
    struct ext4_image image;
    struct buf path;
    struct first_names names;
    struct extents extents;
    unsigned depth;
};

static bool is_ext4(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= EXT4_SUPER + 1024 && get_le16(head + EXT4_SUPER + EXT4_S_MAGIC) == EXT4_MAGIC &&
           get_le32(head + EXT4_SUPER + EXT4_S_LOG_BLOCK) <= 6 &&
           get_le32(head + EXT4_SUPER + EXT4_S_REVISION) <= 1;
}

static int note_used(void *context, uint64_t start, uint64_t len, struct err *e)
{
    struct ext4 *x = context;
    return extents_add(&x->extents, start, len, e);
}

/* ---- the image's own fields --------------------------------------------------------------- */

/* Length of a text that ends at a NUL, or where its room does. */
static size_t text_len(const uint8_t *p, size_t room)
{
    return strnlen((const char *)p, room);
}

static int add_fields(struct object *o, const struct ext4_image *image, struct err *e)
{
    const uint8_t *s = image->super;
#define NUMBER(name, class, value)                                                                 \
    {                                                                                              \
        name, class, FIELD_NUMBER, value, NULL, 0                                                  \
    }
#define SECONDS(name, at)                                                                          \
    {                                                                                              \
        name, FIELD_TIME_MADE, FIELD_SECONDS, get_le32(s + (at)), NULL, 0                          \
    }
#define BYTES(name, class, at, len)                                                                \
    {                                                                                              \
        name, class, FIELD_BYTES, 0, s + (at), len                                                 \
    }
#define TEXT(name, class, at, room)                                                                \
    {                                                                                              \
        name, class, FIELD_TEXT, 0, s + (at), text_len(s + (at), room)                             \
    }
    const struct field fields[] = {
        NUMBER("block_size", FIELD_FORMAT, image->block_size),
        NUMBER("revision", FIELD_FORMAT, get_le32(s + EXT4_S_REVISION)),
        NUMBER("inode_size", FIELD_FORMAT, image->inode_size),
        NUMBER("features.compatible", FIELD_FORMAT, get_le32(s + EXT4_S_COMPATIBLE)),
        NUMBER("features.incompatible", FIELD_FORMAT, get_le32(s + EXT4_S_INCOMPATIBLE)),
        NUMBER("features.read_only", FIELD_FORMAT, get_le32(s + EXT4_S_READ_ONLY)),
        NUMBER("hash_version", FIELD_FORMAT, s[EXT4_S_HASH_VERSION]),
        NUMBER("flags", FIELD_FORMAT, get_le32(s + EXT4_S_FLAGS)),
        NUMBER("mount_options", FIELD_MEANING, get_le32(s + EXT4_S_MOUNT_OPTIONS)),
        NUMBER("errors", FIELD_MEANING, get_le16(s + EXT4_S_ERRORS)),
        NUMBER("reserved_uid", FIELD_OWNER, get_le16(s + EXT4_S_RESERVED_UID)),
        NUMBER("reserved_gid", FIELD_OWNER, get_le16(s + EXT4_S_RESERVED_GID)),
        NUMBER("creator", FIELD_VERSION, get_le32(s + EXT4_S_CREATOR)),
        NUMBER("blocks", FIELD_LAYOUT, image->blocks),
        NUMBER("inodes", FIELD_LAYOUT, image->inodes),
        NUMBER("group_inodes", FIELD_LAYOUT, image->group_inodes),
        NUMBER("state", FIELD_LAYOUT, get_le16(s + EXT4_S_STATE)),
        NUMBER("mounts", FIELD_LAYOUT, get_le16(s + EXT4_S_MOUNTS)),
        NUMBER("mounts_max", FIELD_LAYOUT, get_le16(s + EXT4_S_MOUNTS_MAX)),
        NUMBER("check_interval", FIELD_LAYOUT, get_le32(s + EXT4_S_CHECK_INTERVAL)),
        NUMBER("kilobytes_written", FIELD_LAYOUT, get_le64(s + EXT4_S_WRITTEN)),
        NUMBER("checksum", FIELD_CHECKSUM, get_le32(s + EXT4_S_CHECKSUM)),
        NUMBER("checksum_seed", FIELD_SEED, get_le32(s + EXT4_S_CHECKSUM_SEED)),
        SECONDS("mkfs_time", EXT4_S_MADE_TIME),
        SECONDS("write_time", EXT4_S_WRITE_TIME),
        SECONDS("mount_time", EXT4_S_MOUNT_TIME),
        SECONDS("check_time", EXT4_S_CHECK_TIME),
        BYTES("uuid", FIELD_ID, EXT4_S_UUID, 16),
        BYTES("journal_uuid", FIELD_ID, EXT4_S_JOURNAL_UUID, 16),
        BYTES("hash_seed", FIELD_SEED, EXT4_S_HASH_SEED, 16),
        TEXT("label", FIELD_MEANING, EXT4_S_LABEL, 16),
        TEXT("last_mounted", FIELD_PATH, EXT4_S_LAST_MOUNTED, 64),
    };
#undef NUMBER
#undef SECONDS
#undef BYTES
#undef TEXT
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_field(o, fields[i], e);
    return rc;
}

/* ---- members
 * ------------------------------------------------------------------------------------- */

static uint64_t device_of(const struct ext4_inode *inode)
{
    uint32_t old = get_le32(inode->raw + EXT4_I_BLOCK);
    uint32_t wide = get_le32(inode->raw + EXT4_I_BLOCK + 4);
    if (old != 0)
        return (uint64_t)(old >> 8 & 0xff) << 32 | (old & 0xff);
    return member_device(wide);
}

static int read_target(struct ext4 *x, const struct ext4_inode *inode, struct buf *out,
                       struct err *e)
{
    AUTO_BYTES *content = NULL;
    bool here =
        !(inode->flags & (EXT4_FLAG_EXTENTS | EXT4_FLAG_INLINE)) && inode->size < EXT4_I_BLOCK_SIZE;
    if (here)
        return buf_add(out, inode->raw + EXT4_I_BLOCK, (size_t)inode->size, e);
    if (inode->size > TARGET_MAX)
        return ext4_damaged(&x->image, "a link's target is too long, of inode", inode->number, e);
    int rc = ext4_content(&x->image, inode, note_used, x, &content, e);
    if (rc < 0 || (rc = buf_reserve(out, (size_t)inode->size, e)) < 0 ||
        (rc = bytes_read(content, 0, out->data, (size_t)inode->size, e)) < 0)
        return rc;
    out->len = (size_t)inode->size;
    return 0;
}

/* What only ext4 has. */
static int add_own_fields(struct object *o, const struct ext4_inode *inode, struct err *e)
{
    struct ext4_time a = ext4_time_read(inode, EXT4_I_ATIME, EXT4_I_ATIME_EXTRA);
    struct ext4_time c = ext4_time_read(inode, EXT4_I_CTIME, EXT4_I_CTIME_EXTRA);
    struct ext4_time made = {0};
    bool has_made = EXT4_I_MADE_TIME + 4 <= EXT4_I_OLD + inode->extra;
    bool has_project = EXT4_I_PROJECT + 4 <= EXT4_I_OLD + inode->extra;
    if (has_made)
        made = ext4_time_read(inode, EXT4_I_MADE_TIME, EXT4_I_MADE_TIME_EXTRA);
    const struct {
        bool has;
        struct field field;
    } all[] = {
        {true, {"atime", FIELD_TIME, FIELD_SECONDS, .number = (uint64_t)a.seconds}},
        {a.ns != 0, {"atime.ns", FIELD_TIME, FIELD_NUMBER, .number = a.ns}},
        {true, {"ctime", FIELD_TIME, FIELD_SECONDS, .number = (uint64_t)c.seconds}},
        {c.ns != 0, {"ctime.ns", FIELD_TIME, FIELD_NUMBER, .number = c.ns}},
        {has_made, {"crtime", FIELD_TIME, FIELD_SECONDS, .number = (uint64_t)made.seconds}},
        {made.ns != 0, {"crtime.ns", FIELD_TIME, FIELD_NUMBER, .number = made.ns}},
        {true,
         {"flags", FIELD_MEANING, FIELD_OCTAL,
          .number = inode->flags & ~(uint32_t)EXT4_FLAGS_OF_LAYOUT}},
        {true,
         {"flags.layout", FIELD_LAYOUT, FIELD_OCTAL,
          .number = inode->flags & EXT4_FLAGS_OF_LAYOUT}},
        {true,
         {"generation", FIELD_SEED, FIELD_NUMBER,
          .number = get_le32(inode->raw + EXT4_I_GENERATION)}},
        {has_project,
         {"project", FIELD_OWNER, FIELD_NUMBER,
          .number = has_project ? get_le32(inode->raw + EXT4_I_PROJECT) : 0}},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].has)
            rc = object_member_field(o, all[i].field, e);
    return rc;
}

static int add_xattr(void *context, const char *name, const void *value, size_t len, struct err *e)
{
    const struct ext4 *x = context;
    return object_inode_xattr(x->o, name, value, len, e);
}

static int add_fields_of(struct ext4 *x, const struct ext4_inode *inode, enum member_type type,
                         const struct buf *target, struct err *e)
{
    struct ext4_time mtime = ext4_time_read(inode, EXT4_I_MTIME, EXT4_I_MTIME_EXTRA);
    const struct inode_fields fields = {.mode = inode->mode & 07777,
                                        .uid = inode->uid,
                                        .gid = inode->gid,
                                        .mtime = mtime.seconds,
                                        .mtime_ns = mtime.ns,
                                        .device = device_of(inode),
                                        .target = buf_str(target),
                                        .target_len = target->len};
    int rc = object_inode_fields(x->o, type, &fields, e);
    if (rc < 0 || (rc = add_own_fields(x->o, inode, e)) < 0)
        return rc;
    return ext4_xattrs_read(&x->image, inode, note_used, add_xattr, x, e);
}

/* That every byte of it is known, and what stands where; the content itself is read when it is
 * asked for. */
static int note_content(struct ext4 *x, const struct ext4_inode *inode, struct err *e)
{
    AUTO_BYTES *content = NULL;
    return ext4_content(&x->image, inode, note_used, x, &content, e);
}

static int add_member(struct ext4 *x, const struct ext4_inode *inode, struct err *e)
{
    AUTO_BUF target = BUF_INIT(TARGET_MAX + 1);
    struct member m = {.path = buf_str(&x->path),
                       .type = member_type_of_mode(inode->mode),
                       .cookie = inode->number};
    const char *first = NULL;
    int rc = 0;
    if (m.type == MEMBER_DIRECTORY || inode->links > 1)
        rc = first_names_meet(&x->names, inode->number, m.path, x->o->budget, &first, e);
    if (rc == 0 && m.type == MEMBER_DIRECTORY && first != NULL)
        return ext4_damaged(&x->image, "a directory has two names, of inode", inode->number, e);
    if (rc == 0 && first == NULL)
        rc = note_used(x, inode->position, x->image.inode_size, e);
    if (rc == 0 && first != NULL) {
        m.type = MEMBER_HARDLINK;
        rc = buf_add_str(&target, first, e);
    } else if (rc == 0 && m.type == MEMBER_SYMLINK) {
        rc = read_target(x, inode, &target, e);
    } else if (rc == 0 && m.type == MEMBER_FILE) {
        m.has_content = true;
        m.size = inode->size;
        rc = note_content(x, inode, e);
    }
    if (rc < 0 || (rc = add_fields_of(x, inode, m.type, &target, e)) < 0)
        return rc;
    return object_member(x->o, &m, e);
}

static int add_name(void *context, const char *name, uint32_t number, struct err *e);

static int add_inode(struct ext4 *x, uint32_t number, struct err *e)
{
    struct ext4_inode inode;
    int rc = ext4_inode_read(&x->image, number, &inode, e);
    if (rc < 0 || (rc = add_member(x, &inode, e)) < 0 || !S_ISDIR(inode.mode))
        return rc;
    if (++x->depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "%s: directories nest deeper than %d", x->o->name, DEPTH_MAX);
    rc = ext4_directory_read(&x->image, &inode, note_used, x, add_name, x, e);
    x->depth--;
    return rc;
}

static int add_name(void *context, const char *name, uint32_t number, struct err *e)
{
    struct ext4 *x = context;
    size_t before = x->path.len;
    int rc = buf_addf(&x->path, e, before > 0 ? "/%s" : "%s", name);
    if (rc == 0)
        rc = add_inode(x, number, e);
    buf_cut(&x->path, before);
    return rc;
}

/* ---- what no name leads to ---------------------------------------------------------------------
 */

/* A file without a name. */
static int add_unnamed(struct ext4 *x, uint32_t number, const char *path, struct err *e)
{
    struct ext4_inode inode;
    int rc = ext4_inode_read(&x->image, number, &inode, e);
    if (rc < 0 || (rc = note_used(x, inode.position, x->image.inode_size, e)) < 0 ||
        !S_ISREG(inode.mode) || (rc = note_content(x, &inode, e)) < 0)
        return rc;
    const struct member m = {.path = path,
                             .type = MEMBER_PART,
                             .has_content = true,
                             .size = inode.size,
                             .cookie = number};
    /* What the resizing inode has are the places of descriptors to come. */
    return number == EXT4_INODE_RESIZE || inode.size == 0 ? 0 : object_member(x->o, &m, e);
}

/* The journal, quotas, and whatever else has one of the inodes that are kept for the file system's
 * own use. */
static int add_reserved(struct ext4 *x, struct err *e)
{
    const uint8_t *s = x->image.super;
    uint32_t orphans = get_le32(s + EXT4_S_ORPHANS);
    int rc = 0;
    for (uint32_t number = 1; rc == 0 && number <= RESERVED_INODES; number++) {
        char path[32] = "(journal)";
        if (number != EXT4_INODE_JOURNAL)
            text_print(path, sizeof(path), "(inode %" PRIu32 ")", number);
        if (number != EXT4_INODE_ROOT && number <= x->image.inodes)
            rc = add_unnamed(x, number, path, e);
    }
    if (rc == 0 && (get_le32(s + EXT4_S_COMPATIBLE) & EXT4_ORPHAN_FILE) &&
        orphans > RESERVED_INODES)
        rc = add_unnamed(x, orphans, "(orphans)", e);
    return rc;
}

static int open_ext4(struct object *o, struct err *e)
{
    struct ext4 *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return err_oom(e);
    o->state = x;
    x->o = o;
    x->path.max = PATH_LENGTH_MAX;
    int rc = ext4_image_open(o->bytes, o->name, &x->image, e);
    if (rc < 0 || (rc = add_fields(o, &x->image, e)) < 0 ||
        (rc = add_inode(x, EXT4_INODE_ROOT, e)) < 0 || (rc = add_reserved(x, e)) < 0)
        return rc;
    rc = ext4_metadata(&x->image, note_used, x, e);
    return rc < 0 ? rc : extents_gaps(&x->extents, o, o->bytes->size, object_gap, e);
}

static void close_ext4(struct object *o)
{
    struct ext4 *x = o->state;
    if (x == NULL)
        return;
    first_names_dispose(&x->names);
    buf_dispose(&x->path);
    extents_dispose(&x->extents);
    free(x);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct ext4 *x = o->state;
    struct ext4_inode inode;
    if (m == NULL)
        return 0;
    if (m->type == MEMBER_GAP)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    int rc = ext4_inode_read(&x->image, (uint32_t)m->cookie, &inode, e);
    if (rc < 0)
        return rc;
    x->image.visits = x->image.blocks;
    return ext4_content(&x->image, &inode, NULL, NULL, out, e);
}

const struct object_kind object_kind_ext4 = {
    .name = "ext4",
    .tree = true,
    .is = is_ext4,
    .open = open_ext4,
    .slice = slice,
    .close = close_ext4,
};
