/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/erofs/erofs_object.h"

#include "base/byte_order.h"
#include "formats/erofs/erofs_reader.h"
#include "formats/object/first_names.h"
#include "formats/object/gaps.h"
#include "formats/object/inode_fields.h"

#include <string.h>
#include <sys/stat.h>

static const uint32_t magic = 0xe0f5e1e2;
enum { DEPTH_MAX = 512, PATH_LENGTH_MAX = 1 << 20, TARGET_MAX = 65536 };

struct erofs {
    struct object *o;
    struct erofs_image image;
    struct buf path;
    struct first_names names;
    struct extents extents;
    unsigned depth;
};

static bool is_erofs(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= EROFS_SUPER + EROFS_SUPER_SIZE && get_le32(head + EROFS_SUPER) == magic;
}

static int note_used(void *context, uint64_t start, uint64_t len, struct err *e)
{
    struct erofs *x = context;
    return extents_add(&x->extents, start, len, e);
}

static int add_fields(struct object *o, const struct erofs_image *image, struct err *e)
{
    const uint8_t *s = image->super;
    const struct field fields[] = {
        {"block_size", FIELD_FORMAT, FIELD_NUMBER, image->block, NULL, 0},
        {"features.compatible", FIELD_FORMAT, FIELD_NUMBER, get_le32(s + EROFS_S_COMPATIBLE), NULL,
         0},
        {"features.incompatible", FIELD_FORMAT, FIELD_NUMBER, get_le32(s + EROFS_S_INCOMPATIBLE),
         NULL, 0},
        {"inodes", FIELD_LAYOUT, FIELD_NUMBER, get_le64(s + EROFS_S_INODES), NULL, 0},
        {"blocks", FIELD_LAYOUT, FIELD_NUMBER, get_le32(s + EROFS_S_BLOCKS), NULL, 0},
        {"root", FIELD_LAYOUT, FIELD_NUMBER, get_le16(s + EROFS_S_ROOT), NULL, 0},
        {"meta", FIELD_LAYOUT, FIELD_NUMBER, get_le32(s + EROFS_S_META), NULL, 0},
        {"xattrs", FIELD_LAYOUT, FIELD_NUMBER, get_le32(s + EROFS_S_XATTRS), NULL, 0},
        {"checksum", FIELD_CHECKSUM, FIELD_NUMBER, get_le32(s + EROFS_S_CHECKSUM), NULL, 0},
        {"mkfs_time", FIELD_TIME_MADE, FIELD_SECONDS, get_le64(s + EROFS_S_TIME), NULL, 0},
        {"mkfs_time.ns", FIELD_TIME_MADE, FIELD_NUMBER, get_le32(s + EROFS_S_TIME_NS), NULL, 0},
        {"uuid", FIELD_ID, FIELD_BYTES, 0, s + EROFS_S_UUID, 16},
        {"label", FIELD_MEANING, FIELD_TEXT, 0, s + EROFS_S_LABEL,
         strnlen((const char *)s + EROFS_S_LABEL, 16)},
        {"rest", FIELD_FORMAT, FIELD_BYTES, 0, s + EROFS_S_INCOMPATIBLE + 4,
         EROFS_SUPER_SIZE - EROFS_S_INCOMPATIBLE - 4},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_field(o, fields[i], e);
    return rc;
}

static int add_xattr(void *context, const char *name, const void *value, size_t len, struct err *e)
{
    const struct erofs *x = context;
    return object_inode_xattr(x->o, name, value, len, e);
}

static int read_target(struct erofs *x, const struct erofs_node *n, struct buf *out, struct err *e)
{
    AUTO_BYTES *content = NULL;
    if (n->size > TARGET_MAX)
        return erofs_damaged(&x->image, "a link's target is too long, of inode", n->nid, e);
    int rc = erofs_content(&x->image, n, note_used, x, &content, e);
    if (rc < 0 || (rc = buf_reserve(out, (size_t)n->size, e)) < 0 ||
        (rc = bytes_read(content, 0, out->data, (size_t)n->size, e)) < 0)
        return rc;
    out->len = (size_t)n->size;
    return 0;
}

static int add_fields_of(struct erofs *x, const struct erofs_node *n, enum member_type type,
                         const struct buf *target, struct err *e)
{
    const struct inode_fields fields = {.mode = n->mode & 07777U,
                                        .uid = n->uid,
                                        .gid = n->gid,
                                        .mtime = (int64_t)n->mtime,
                                        .mtime_ns = n->mtime_ns,
                                        .device = member_device(n->start),
                                        .target = buf_str(target),
                                        .target_len = target->len};
    const struct field own[] = {
        {"extended", FIELD_FORMAT, FIELD_NUMBER, n->extended, NULL, 0},
        {"layout", FIELD_LAYOUT, FIELD_NUMBER, n->layout, NULL, 0},
        {"number", FIELD_LAYOUT, FIELD_NUMBER, n->number, NULL, 0},
    };
    int rc = object_inode_fields(x->o, type, &fields, e);
    for (size_t i = 0; rc == 0 && i < sizeof(own) / sizeof(own[0]); i++)
        rc = object_member_field(x->o, own[i], e);
    return rc < 0 ? rc : erofs_xattrs_read(&x->image, n, note_used, add_xattr, x, e);
}

/* The root's own name, "", is met like any other. */
static int add_member(struct erofs *x, const struct erofs_node *n, struct err *e)
{
    AUTO_BUF target = BUF_INIT(TARGET_MAX + 1);
    AUTO_BYTES *content = NULL;
    struct member m = {
        .path = buf_str(&x->path), .type = member_type_of_mode(n->mode), .cookie = n->nid};
    const char *first = NULL;
    int rc = first_names_meet(&x->names, n->nid + 1, m.path, x->o->budget, &first, e);
    if (rc == 0 && m.type == MEMBER_DIRECTORY && first != NULL)
        return erofs_damaged(&x->image, "a directory has two names, of inode", n->nid, e);
    if (rc == 0 && first == NULL)
        rc = note_used(x, n->position, n->length, e);
    if (rc == 0 && first != NULL) {
        m.type = MEMBER_HARDLINK;
        rc = buf_add_str(&target, first, e);
    } else if (rc == 0 && m.type == MEMBER_SYMLINK) {
        rc = read_target(x, n, &target, e);
    } else if (rc == 0 && m.type == MEMBER_FILE) {
        m.has_content = true;
        m.size = n->size;
        rc = erofs_content(&x->image, n, note_used, x, &content, e);
    }
    if (rc < 0 || (rc = add_fields_of(x, n, m.type, &target, e)) < 0)
        return rc;
    return object_member(x->o, &m, e);
}

static int add_name(void *context, const char *name, uint64_t nid, struct err *e);

static int add_node(struct erofs *x, uint64_t nid, struct err *e)
{
    struct erofs_node n;
    int rc = erofs_node_read(&x->image, nid, &n, e);
    if (rc < 0 || (rc = add_member(x, &n, e)) < 0 || !S_ISDIR(n.mode))
        return rc;
    if (++x->depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "%s: directories nest deeper than %d", x->o->name, DEPTH_MAX);
    rc = erofs_directory_read(&x->image, &n, note_used, add_name, x, e);
    x->depth--;
    return rc;
}

static int add_name(void *context, const char *name, uint64_t nid, struct err *e)
{
    struct erofs *x = context;
    size_t before = x->path.len;
    int rc = buf_addf(&x->path, e, before > 0 ? "/%s" : "%s", name);
    if (rc == 0)
        rc = add_node(x, nid, e);
    buf_cut(&x->path, before);
    return rc;
}

static int open_erofs(struct object *o, struct err *e)
{
    struct erofs *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return err_oom(e);
    o->state = x;
    x->o = o;
    x->path.max = PATH_LENGTH_MAX;
    int rc = erofs_image_open(o->bytes, o->name, &x->image, e);
    if (rc < 0 || (rc = add_fields(o, &x->image, e)) < 0 ||
        (rc = note_used(x, EROFS_SUPER, EROFS_SUPER_SIZE, e)) < 0 ||
        (rc = add_node(x, get_le16(x->image.super + EROFS_S_ROOT), e)) < 0)
        return rc;
    return extents_gaps(&x->extents, o, o->bytes->size, object_gap, e);
}

static void close_erofs(struct object *o)
{
    struct erofs *x = o->state;
    if (x == NULL)
        return;
    first_names_dispose(&x->names);
    buf_dispose(&x->path);
    extents_dispose(&x->extents);
    free(x);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct erofs *x = o->state;
    struct erofs_node n;
    if (m == NULL)
        return 0;
    if (m->type == MEMBER_GAP)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    x->image.visits++;
    int rc = erofs_node_read(&x->image, m->cookie, &n, e);
    return rc < 0 ? rc : erofs_content(&x->image, &n, NULL, NULL, out, e);
}

const struct object_kind object_kind_erofs = {
    .name = "erofs",
    .tree = true,
    .is = is_erofs,
    .open = open_erofs,
    .slice = slice,
    .close = close_erofs,
};
