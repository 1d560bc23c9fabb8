/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/squashfs/squashfs_object.h"

#include "base/byte_order.h"
#include "formats/object/first_names.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"
#include "formats/squashfs/squashfs_reader.h"

#include <string.h>

enum {
    DEPTH_MAX = 512,
    ENTRIES_MAX = 1 << 24,
    COMPARE_CHUNK = 64 * 1024,
    DEVICE_BLOCK = 4096,
    INODE_MIN = 20, /* bytes of the smallest */
};

struct squashfs {
    struct drive_image image;
    struct buf path;
    struct first_names names;
    struct extents extents;
    uint64_t inode_bytes; /* of the inodes that names lead to */
    uint64_t inode_table; /* bytes of all */
    uint8_t *room;        /* two chunks */
};

static bool is_squashfs(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return drive_is_squashfs(head, len);
}

static int add_extent(void *context, uint64_t start, uint64_t len, struct err *e)
{
    struct squashfs *s = context;
    return extents_add(&s->extents, start, len, e);
}

/* ---- the image's own fields ------------------------------------------------------------ */

/*
 * The options of gzip and zstd begin with the level. An image without options has the format's own,
 * which are the same as if they stood there.
 */
static int add_options(struct object *o, const struct drive_image *image, struct err *e)
{
    static const struct {
        uint8_t plain[8];
        size_t len;
    } levelled[] = {[1] = {{9, 0, 0, 0, 15, 0, 0, 0}, 8}, [6] = {{15, 0, 0, 0}, 4}};
    uint8_t options[64];
    size_t len = 0;
    bool has_level = image->compressor < sizeof(levelled) / sizeof(levelled[0]) &&
                     levelled[image->compressor].len > 0;
    int rc = drive_options_read(image, options, sizeof(options), &len, e);
    if (rc < 0)
        return rc;
    if (has_level && len == 0) {
        len = levelled[image->compressor].len;
        memcpy(options, levelled[image->compressor].plain, len);
    }
    size_t at = has_level && len >= 4 ? 4 : 0;
    if (at > 0)
        rc = object_field(o,
                          (struct field){"compressor.level", FIELD_COMPRESSOR, FIELD_NUMBER,
                                         get_le32(options), NULL, 0},
                          e);
    if (rc < 0 || len == at)
        return rc;
    return object_field(o,
                        (struct field){"compressor.options", FIELD_COMPRESSOR, FIELD_BYTES, 0,
                                       options + at, len - at},
                        e);
}

static int add_fields(struct object *o, const struct drive_image *image, struct err *e)
{
    static const char *const compressors[] = {"", "gzip", "lzma", "lzo", "xz", "lz4", "zstd"};
    const char *name = compressors[image->compressor];
    const struct field fields[] = {
        {"mkfs_time", FIELD_TIME_MADE, FIELD_SECONDS, image->time, NULL, 0},
        {"block_size", FIELD_FORMAT, FIELD_NUMBER, image->block_size, NULL, 0},
        {"flags", FIELD_FORMAT, FIELD_OCTAL, image->flags, NULL, 0},
        {"inodes", FIELD_LAYOUT, FIELD_NUMBER, image->inodes, NULL, 0},
        {"fragments", FIELD_LAYOUT, FIELD_NUMBER, image->fragments, NULL, 0},
        {"ids", FIELD_LAYOUT, FIELD_NUMBER, image->ids, NULL, 0},
        {"compressor", FIELD_COMPRESSOR, FIELD_TEXT, 0, (const uint8_t *)name, strlen(name)},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_field(o, fields[i], e);
    return rc < 0 ? rc : add_options(o, image, e);
}

/* ---- members ------------------------------------------------------------------------------ */

static int add_xattr(void *context, const char *name, const void *value, size_t len, struct err *e)
{
    return object_inode_xattr(context, name, value, len, e);
}

static int add_blocks(struct squashfs *s, const struct drive_inode *inode, struct err *e)
{
    struct drive_file f;
    bool there = true;
    int rc = 0;
    drive_file_start(&s->image, inode, &f);
    while (rc == 0 && there) {
        struct drive_block b;
        if ((rc = drive_file_peek(&f, &b, &there, e)) < 0 || !there)
            break;
        s->inode_bytes += b.tail ? 0 : 4;
        if ((rc = add_extent(s, b.position, b.stored, e)) == 0)
            rc = drive_file_skip(&f, &b, e);
    }
    return rc;
}

/* The path under which an inode was met first; NULL: this is the first time. */
static int first_name(struct squashfs *s, const struct drive_image *image, uint32_t number,
                      const char *path, struct budget *budget, const char **out, struct err *e)
{
    if (image->inodes > s->inode_table / INODE_MIN)
        return err_set(e, ERR_INPUT,
                       "%s: the squashfs image is damaged: it has more inodes than their table",
                       image->name);
    if (number == 0 || number > image->inodes)
        return err_set(e, ERR_INPUT, "%s: the squashfs image is damaged: an inode's number is none",
                       image->name);
    return first_names_meet(&s->names, number, path, budget, out, e);
}

static int add_member(struct object *o, uint64_t reference, const struct drive_inode *inode,
                      struct err *e)
{
    static const enum member_type types[] = {MEMBER_DIRECTORY, MEMBER_FILE, MEMBER_SYMLINK,
                                             MEMBER_BLOCK,     MEMBER_CHAR, MEMBER_FIFO,
                                             MEMBER_SOCKET};
    struct squashfs *s = o->state;
    AUTO_BUF target = BUF_INIT(DRIVE_TARGET_MAX + 1);
    struct member m = {.path = buf_str(&s->path), .type = types[inode->type], .cookie = reference};
    uint32_t device = inode->device;
    struct inode_fields fields = {
        .mode = inode->mode,
        .uid = inode->uid,
        .gid = inode->gid,
        .mtime = inode->time,
        .device = member_device(device),
    };
    const char *first = NULL;
    int rc = inode->type == DRIVE_DIRECTORY
                 ? 0
                 : first_name(s, &s->image, inode->number, m.path, o->budget, &first, e);
    if (rc == 0 && first == NULL)
        s->inode_bytes += inode->length;
    if (rc == 0 && first != NULL) {
        m.type = MEMBER_HARDLINK;
        fields.target = first;
        fields.target_len = strlen(first);
    } else if (rc == 0 && inode->type == DRIVE_SYMLINK) {
        rc = drive_target_read(&s->image, inode, &target, e);
        fields.target = buf_str(&target);
        fields.target_len = target.len;
    } else if (rc == 0 && inode->type == DRIVE_FILE) {
        m.has_content = true;
        m.size = inode->size;
        rc = add_blocks(s, inode, e);
    }
    if (rc < 0 || (rc = object_inode_fields(o, m.type, &fields, e)) < 0 ||
        (rc = drive_xattrs_read(&s->image, inode, add_xattr, o, e)) < 0)
        return rc;
    return object_member(o, &m, e);
}

static int walk(struct object *o, uint64_t reference, unsigned depth, struct err *e);

static int walk_entries(struct object *o, const struct drive_inode *inode, unsigned depth,
                        struct err *e)
{
    struct squashfs *s = o->state;
    AUTO_FREE struct drive_entry *entries = NULL;
    size_t count = 0;
    size_t before = s->path.len;
    int rc = drive_directory_read(&s->image, inode, ENTRIES_MAX, &entries, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = buf_addf(&s->path, e, before > 0 ? "/%s" : "%s", entries[i].name);
        if (rc == 0)
            rc = walk(o, entries[i].reference, depth + 1, e);
        buf_cut(&s->path, before);
    }
    return rc;
}

static int walk(struct object *o, uint64_t reference, unsigned depth, struct err *e)
{
    struct squashfs *s = o->state;
    struct drive_inode inode;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "%s: directories nest deeper than %d", o->name, DEPTH_MAX);
    int rc = drive_inode_read(&s->image, reference, &inode, e);
    if (rc < 0 || (rc = add_member(o, reference, &inode, e)) < 0)
        return rc;
    return inode.type == DRIVE_DIRECTORY ? walk_entries(o, &inode, depth, e) : 0;
}

/* ---- what belongs to nothing ------------------------------------------------------------- */

/* Zeros up to the next 4 KiB at the image's end are padding, as tools write it; any other number of
 * them is layout. */
static int add_gap(struct object *o, uint64_t start, uint64_t end, struct err *e)
{
    struct squashfs *s = o->state;
    bool zeros = false;
    int rc = bytes_are_zero(s->image.bytes, start, end, &zeros, e);
    if (rc < 0)
        return rc;
    if (zeros && end == s->image.bytes->size && end % DEVICE_BLOCK == 0 &&
        end - start < DEVICE_BLOCK)
        return 0;
    if (zeros && end == s->image.bytes->size)
        return object_field(
            o, (struct field){"padding", FIELD_LAYOUT, FIELD_NUMBER, end - start, NULL, 0}, e);
    return object_gap(o, start, end, e);
}

static int add_gaps(struct object *o, struct err *e)
{
    struct squashfs *s = o->state;
    int rc = drive_fragments_read(&s->image, add_extent, s, e);
    if (rc < 0 || (rc = add_extent(s, 0, s->image.data_start, e)) < 0 ||
        (rc = add_extent(s, s->image.inode_table, s->image.used - s->image.inode_table, e)) < 0)
        return rc;
    return extents_gaps(&s->extents, o, s->image.bytes->size, add_gap, e);
}

/* Inodes that no name leads to would be seen by nobody. */
static int add_hidden(struct object *o, struct err *e)
{
    struct squashfs *s = o->state;
    if (s->inode_table == s->inode_bytes)
        return 0;
    return object_field(o,
                        (struct field){"hidden_inode_bytes", FIELD_MEANING, FIELD_SIGNED,
                                       s->inode_table - s->inode_bytes, NULL, 0},
                        e);
}

static int open_squashfs(struct object *o, struct err *e)
{
    struct squashfs *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_oom(e);
    o->state = s;
    s->path.max = 1 << 20;
    s->room = malloc(2 * (size_t)COMPARE_CHUNK);
    if (s->room == NULL)
        return err_oom(e);
    int rc = drive_image_open(o->bytes, o->name, &s->image, e);
    if (rc < 0 || (rc = drive_inodes_size(&s->image, &s->inode_table, e)) < 0 ||
        (rc = add_fields(o, &s->image, e)) < 0 || (rc = walk(o, s->image.root, 0, e)) < 0 ||
        (rc = add_hidden(o, e)) < 0)
        return rc;
    return add_gaps(o, e);
}

static void close_squashfs(struct object *o)
{
    struct squashfs *s = o->state;
    if (s == NULL)
        return;
    drive_image_dispose(&s->image);
    buf_dispose(&s->path);
    first_names_dispose(&s->names);
    extents_dispose(&s->extents);
    free(s->room);
    free(s);
}

/* ---- contents ------------------------------------------------------------------------------- */

static int content(struct object *o, const struct member *m, struct sink to, struct err *e)
{
    struct squashfs *s = o->state;
    struct drive_inode inode;
    struct drive_file f;
    const uint8_t *data = NULL;
    size_t len = 1;
    int rc = drive_inode_read(&s->image, m->cookie, &inode, e);
    if (rc < 0)
        return rc;
    drive_file_start(&s->image, &inode, &f);
    while (rc == 0 && len > 0)
        if ((rc = drive_file_next(&f, &data, &len, e)) == 0 && len > 0)
            rc = sink_write(&to, data, len, e);
    return rc;
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    if (m->type != MEMBER_GAP)
        return 0;
    return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
}

static int stored_equal(struct squashfs *a, const struct drive_block *x, const struct squashfs *b,
                        const struct drive_block *y, bool *out, struct err *e)
{
    *out = false;
    if (x->word != y->word || x->len != y->len || x->tail != y->tail)
        return 0;
    for (uint64_t at = 0; at < x->stored; at += COMPARE_CHUNK) {
        size_t part = x->stored - at < COMPARE_CHUNK ? (size_t)(x->stored - at) : COMPARE_CHUNK;
        int rc = bytes_read(a->image.bytes, x->position + at, a->room, part, e);
        if (rc < 0 || (rc = bytes_read(b->image.bytes, y->position + at, a->room + COMPARE_CHUNK,
                                       part, e)) < 0)
            return rc;
        if (memcmp(a->room, a->room + COMPARE_CHUNK, part) != 0)
            return 0;
    }
    *out = true;
    return 0;
}

/* Decoded side by side: how two files whose stored bytes differ are told apart. */
static int decoded_equal(struct drive_file *f, struct drive_file *g, bool *out, struct err *e)
{
    const uint8_t *x = NULL;
    const uint8_t *y = NULL;
    size_t x_len = 0;
    size_t y_len = 0;
    int rc = drive_file_next(f, &x, &x_len, e);
    if (rc < 0 || (rc = drive_file_next(g, &y, &y_len, e)) < 0)
        return rc;
    *out = x_len == y_len && memcmp(x, y, x_len) == 0;
    return 0;
}

static int same_file(struct squashfs *a, struct drive_file *f, struct squashfs *b,
                     struct drive_file *g, enum object_same *out, struct err *e)
{
    bool there = true;
    *out = OBJECT_SAME;
    while (*out != OBJECT_DIFFERENT) {
        struct drive_block x;
        struct drive_block y;
        bool equal = false;
        int rc = drive_file_peek(f, &x, &there, e);
        if (rc < 0 || !there || (rc = drive_file_peek(g, &y, &there, e)) < 0)
            return rc;
        if (!x.tail && (rc = stored_equal(a, &x, b, &y, &equal, e)) < 0)
            return rc;
        if (equal) {
            if ((rc = drive_file_skip(f, &x, e)) < 0 || (rc = drive_file_skip(g, &y, e)) < 0)
                return rc;
            continue;
        }
        if ((rc = decoded_equal(f, g, &equal, e)) < 0)
            return rc;
        if (!equal)
            *out = OBJECT_DIFFERENT;
        else if (!x.tail) /* what is in a fragment shares it with others: it says nothing of this
                             file */
            *out = OBJECT_REPACKED;
    }
    return 0;
}

static int same(struct object *oa, const struct member *am, struct object *ob,
                const struct member *bm, enum object_same *out, struct err *e)
{
    struct squashfs *a = oa->state;
    struct squashfs *b = ob->state;
    struct drive_inode x;
    struct drive_inode y;
    struct drive_file f;
    struct drive_file g;
    *out = OBJECT_UNKNOWN;
    if (am->type == MEMBER_GAP || a->image.block_size != b->image.block_size)
        return 0;
    int rc = drive_inode_read(&a->image, am->cookie, &x, e);
    if (rc < 0 || (rc = drive_inode_read(&b->image, bm->cookie, &y, e)) < 0)
        return rc;
    drive_file_start(&a->image, &x, &f);
    drive_file_start(&b->image, &y, &g);
    return same_file(a, &f, b, &g, out, e);
}

const struct object_kind object_kind_squashfs = {
    .name = "squashfs",
    .tree = true,
    .is = is_squashfs,
    .open = open_squashfs,
    .content = content,
    .slice = slice,
    .same = same,
    .close = close_squashfs,
};
