/* SPDX-License-Identifier: Apache-2.0 */
/* As Linux's fs/erofs reads it (erofs_fs.h): every place and length is checked against the image.
 */
#include "formats/erofs/erofs_reader.h"

#include "base/byte_order.h"
#include "formats/stream/runs.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum inode_fields_at {
    I_FORMAT = 0,
    I_XATTRS = 2,
    I_MODE = 4,
    C_LINKS = 6,
    I_SIZE = 8,
    I_START = 16,
    I_NUMBER = 20,
    C_UID = 24,
    C_GID = 26,
    X_UID = 24,
    X_GID = 28,
    X_TIME = 32,
    X_TIME_NS = 40,
    X_LINKS = 44,
    COMPACT = 32,
    EXTENDED = 64,
};
enum layouts { FLAT = 0, PACKED = 1, INLINE = 2, PACKED_COMPACT = 3, CHUNKS = 4 };
enum {
    SLOT = 32,
    DIRENT = 12,
    XATTR_HEAD = 12,
    XATTR_SHARED_AT = 4,
    CHUNK_BITS = 31,
    CHUNK_INDEXES = 32,
    XATTR_LONG_PREFIX = 0x80,
    NAME_LENGTH_MAX = 255,
    VISITS = 50000000,
};
/* Features that change how what is read here lies: chunked files and big physical clusters (which
 * only compressed files have) do not. */
enum { CHUNKED = 4, KNOWN_FEATURES = CHUNKED };

int erofs_damaged(const struct erofs_image *image, const char *what, uint64_t where, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the EROFS image is damaged: %s (%" PRIu64 ")", image->name,
                   what, where);
}

int erofs_image_open(struct bytes *bytes, const char *name, struct erofs_image *out, struct err *e)
{
    *out = (struct erofs_image){.bytes = bytes, .name = name, .visits = VISITS};
    int rc = bytes_read(bytes, EROFS_SUPER, out->super, EROFS_SUPER_SIZE, e);
    if (rc < 0)
        return rc;
    const uint8_t *s = out->super;
    uint8_t bits = s[EROFS_S_BLOCK_BITS];
    uint32_t features = get_le32(s + EROFS_S_INCOMPATIBLE);
    if (bits < 9 || bits > 16)
        return erofs_damaged(out, "the size of blocks is none", bits, e);
    if ((features & ~(uint32_t)KNOWN_FEATURES) != 0)
        return err_set(e, ERR_INPUT,
                       "%s: an EROFS image with compression, several devices or other features "
                       "(0x%" PRIx32 ") is not read: unpack it with fsck.erofs --extract",
                       name, features);
    out->block = UINT64_C(1) << bits;
    out->meta = (uint64_t)get_le32(s + EROFS_S_META) * out->block;
    out->xattrs = (uint64_t)get_le32(s + EROFS_S_XATTRS) * out->block;
    if ((uint64_t)get_le32(s + EROFS_S_BLOCKS) * out->block > bytes->size)
        return erofs_damaged(out, "it is cut short", bytes->size, e);
    return 0;
}

int erofs_node_read(struct erofs_image *image, uint64_t nid, struct erofs_node *out, struct err *e)
{
    uint8_t p[EXTENDED] = {0};
    uint64_t limit = image->bytes->size;
    if (image->visits-- == 0)
        return erofs_damaged(image, "it leads in circles, at inode", nid, e);
    if (image->meta > limit || nid > (limit - image->meta) / SLOT ||
        image->meta + nid * SLOT + COMPACT > limit)
        return erofs_damaged(image, "an inode is not in it", nid, e);
    *out = (struct erofs_node){.nid = nid, .position = image->meta + nid * SLOT};
    int rc = bytes_read(image->bytes, out->position, p, COMPACT, e);
    if (rc < 0)
        return rc;
    uint16_t format = get_le16(p + I_FORMAT);
    out->extended = (format & 1) != 0;
    out->layout = format >> 1 & 7;
    if (out->extended && (rc = bytes_read(image->bytes, out->position, p, EXTENDED, e)) < 0)
        return rc;
    uint32_t xattrs = get_le16(p + I_XATTRS);
    out->xattr_bytes = xattrs == 0 ? 0 : XATTR_HEAD + 4 * (uint64_t)(xattrs - 1);
    out->mode = get_le16(p + I_MODE);
    out->size = out->extended ? get_le64(p + I_SIZE) : get_le32(p + I_SIZE);
    out->start = get_le32(p + I_START);
    out->number = get_le32(p + I_NUMBER);
    out->links = out->extended ? get_le32(p + X_LINKS) : get_le16(p + C_LINKS);
    out->uid = out->extended ? get_le32(p + X_UID) : get_le16(p + C_UID);
    out->gid = out->extended ? get_le32(p + X_GID) : get_le16(p + C_GID);
    out->mtime = out->extended ? get_le64(p + X_TIME) : get_le64(image->super + EROFS_S_TIME);
    out->mtime_ns =
        out->extended ? get_le32(p + X_TIME_NS) : get_le32(image->super + EROFS_S_TIME_NS);
    out->length = (out->extended ? EXTENDED : COMPACT) + out->xattr_bytes;
    if (out->layout == PACKED || out->layout == PACKED_COMPACT || out->layout > CHUNKS)
        return erofs_damaged(image, "a file is compressed or of an unknown layout, of inode", nid,
                             e);
    if (out->length > limit - out->position)
        return erofs_damaged(image, "an inode ends behind it", nid, e);
    return 0;
}

/* ---- contents --------------------------------------------------------------------------------
 */

struct collect {
    struct erofs_image *image;
    const struct erofs_node *n;
    struct runs runs;
    erofs_used_fn *used;
    void *context;
};

static int add_run(struct collect *c, uint64_t at, uint64_t len, uint64_t from, struct err *e)
{
    const struct run run = {at, len, from};
    if (len == 0)
        return 0;
    if (from > c->image->bytes->size || len > c->image->bytes->size - from)
        return erofs_damaged(c->image, "a file lies outside of it, of inode", c->n->nid, e);
    int rc = c->used == NULL ? 0 : c->used(c->context, from, len, e);
    return rc < 0 ? rc : runs_add(&c->runs, &run, c->image->name, e);
}

/* Whole blocks at `start`; with an inline tail what is left stands behind the inode. */
static int collect_flat(struct collect *c, struct err *e)
{
    const struct erofs_node *n = c->n;
    uint64_t block = c->image->block;
    uint64_t blocks = n->size / block + (n->size % block != 0);
    uint64_t whole = n->size;
    if (n->layout == INLINE)
        whole = blocks == 0 ? 0 : (blocks - 1) * block;
    int rc = add_run(c, 0, whole, n->start * block, e);
    return rc < 0 ? rc : add_run(c, whole, n->size - whole, n->position + n->length, e);
}

static int collect_chunks(struct collect *c, struct err *e)
{
    struct erofs_image *image = c->image;
    const struct erofs_node *n = c->n;
    bool indexes = (n->start & CHUNK_INDEXES) != 0;
    uint64_t each = indexes ? 8 : 4;
    uint64_t map = (n->position + n->length + each - 1) / each * each;
    uint64_t chunk = image->block << (n->start & CHUNK_BITS);
    uint64_t count = n->size / chunk + (n->size % chunk != 0);
    uint8_t room[4096];
    if ((n->start & CHUNK_BITS) > 20 || map > image->bytes->size ||
        count > (image->bytes->size - map) / each)
        return erofs_damaged(image, "a map of chunks is none, of inode", n->nid, e);
    int rc = c->used == NULL ? 0 : c->used(c->context, map, count * each, e);
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        size_t in = (size_t)(i * each % sizeof(room));
        uint64_t left = (count - i) * each;
        if (in == 0 && (rc = bytes_read(image->bytes, map + i * each, room,
                                        left < sizeof(room) ? (size_t)left : sizeof(room), e)) < 0)
            return rc;
        uint32_t at = get_le32(room + in + (indexes ? 4 : 0));
        uint64_t len = i + 1 == count ? n->size - i * chunk : chunk;
        if (indexes && get_le16(room + in + 2) != 0)
            return erofs_damaged(image, "a chunk is on another device, of inode", n->nid, e);
        if (at != UINT32_MAX) /* nowhere: zeros */
            rc = add_run(c, i * chunk, len, at * image->block, e);
    }
    return rc;
}

int erofs_content(struct erofs_image *image, const struct erofs_node *n, erofs_used_fn *used,
                  void *context, struct bytes **out, struct err *e)
{
    struct collect c = {.image = image, .n = n, .used = used, .context = context};
    int rc = n->layout == CHUNKS ? collect_chunks(&c, e) : collect_flat(&c, e);
    if (rc < 0) {
        runs_dispose(&c.runs);
        return rc;
    }
    return bytes_of_runs(image->bytes, &c.runs, n->size, image->name, out, e);
}

/* ---- directories ----------------------------------------------------------------------------- */

static int read_entries(struct erofs_image *image, const struct erofs_node *n, const uint8_t *p,
                        size_t len, erofs_name_fn *found, void *context, struct err *e)
{
    size_t names = len < DIRENT ? 0 : get_le16(p + 8);
    int rc = 0;
    if (names < DIRENT || names % DIRENT != 0 || names > len)
        return erofs_damaged(image, "a block of a directory is none, of inode", n->nid, e);
    for (size_t at = 0; rc == 0 && at < names; at += DIRENT) {
        char name[NAME_LENGTH_MAX + 1];
        size_t start = get_le16(p + at + 8);
        size_t end = at + DIRENT < names ? get_le16(p + at + DIRENT + 8) : len;
        if (start < names || start >= end || end > len)
            return erofs_damaged(image, "a name is not in its block, of inode", n->nid, e);
        size_t name_len = strnlen((const char *)p + start, end - start);
        if (name_len == 0 || name_len > NAME_LENGTH_MAX || memchr(p + start, '/', name_len) != NULL)
            return erofs_damaged(image, "a name is none, of inode", n->nid, e);
        for (size_t i = start + name_len; i < end; i++)
            if (p[i] != 0)
                return erofs_damaged(image, "something stands behind a name, of inode", n->nid, e);
        memcpy(name, p + start, name_len);
        name[name_len] = 0;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            rc = found(context, name, get_le64(p + at), e);
    }
    return rc;
}

int erofs_directory_read(struct erofs_image *image, const struct erofs_node *n, erofs_used_fn *used,
                         erofs_name_fn *found, void *context, struct err *e)
{
    AUTO_BYTES *content = NULL;
    AUTO_FREE uint8_t *room = malloc((size_t)image->block);
    int rc = room == NULL ? err_oom(e) : erofs_content(image, n, used, context, &content, e);
    for (uint64_t at = 0; rc == 0 && at < n->size; at += image->block) {
        size_t len = n->size - at < image->block ? (size_t)(n->size - at) : (size_t)image->block;
        if (image->visits-- == 0)
            return erofs_damaged(image, "it leads in circles, at inode", n->nid, e);
        if ((rc = bytes_read(content, at, room, len, e)) == 0)
            rc = read_entries(image, n, room, len, found, context, e);
    }
    return rc;
}

/* ---- attributes --------------------------------------------------------------------------------
 */

/* One entry at p; *used_len is what it takes, in fours. */
static int read_xattr(struct erofs_image *image, const struct erofs_node *n, const uint8_t *p,
                      size_t len, size_t *used_len, erofs_xattr_fn *found, void *context,
                      struct err *e)
{
    static const char *const prefixes[] = {
        NULL, "user.",    "system.posix_acl_access", "system.posix_acl_default", "trusted.",
        NULL, "security."};
    char name[NAME_LENGTH_MAX + 32];
    size_t name_len = len < 4 ? 0 : p[0];
    size_t value_len = len < 4 ? 0 : get_le16(p + 2);
    *used_len = (4 + name_len + value_len + 3) / 4 * 4;
    if (len < 4 || 4 + name_len + value_len > len)
        return erofs_damaged(image, "an attribute is not whole, of inode", n->nid, e);
    if (p[1] >= sizeof(prefixes) / sizeof(prefixes[0]) || prefixes[p[1]] == NULL ||
        memchr(p + 4, 0, name_len) != NULL)
        return erofs_damaged(image, "the name of an attribute is none, of inode", n->nid, e);
    text_print(name, sizeof(name), "%s%.*s", prefixes[p[1]], (int)name_len, (const char *)p + 4);
    return found(context, name, p + 4 + name_len, value_len, e);
}

static int read_shared(struct erofs_image *image, const struct erofs_node *n, uint32_t id,
                       erofs_used_fn *used, erofs_xattr_fn *found, void *context, struct err *e)
{
    enum { MOST = 4 + 255 + 65535 + 3 };
    uint64_t at = image->xattrs + 4 * (uint64_t)id;
    AUTO_FREE uint8_t *room = malloc(MOST);
    size_t got = 0;
    size_t used_len = 0;
    if (room == NULL)
        return err_oom(e);
    if (at >= image->bytes->size)
        return erofs_damaged(image, "a shared attribute is not in it, of inode", n->nid, e);
    int rc = bytes_peek(image->bytes, at, room, MOST, &got, e);
    if (rc < 0 || (rc = read_xattr(image, n, room, got, &used_len, found, context, e)) < 0)
        return rc;
    return used == NULL ? 0 : used(context, at, used_len, e);
}

int erofs_xattrs_read(struct erofs_image *image, const struct erofs_node *n, erofs_used_fn *used,
                      erofs_xattr_fn *found, void *context, struct err *e)
{
    size_t len = (size_t)n->xattr_bytes;
    AUTO_FREE uint8_t *room = malloc(len + 1);
    int rc = room == NULL ? err_oom(e) : 0;
    if (rc < 0 || len == 0)
        return rc;
    if ((rc = bytes_read(image->bytes, n->position + n->length - len, room, len, e)) < 0)
        return rc;
    size_t at = XATTR_HEAD + 4 * (size_t)room[XATTR_SHARED_AT];
    if (at > len)
        return erofs_damaged(image, "shared attributes are too many, of inode", n->nid, e);
    for (size_t i = XATTR_HEAD; rc == 0 && i < at; i += 4)
        rc = read_shared(image, n, get_le32(room + i), used, found, context, e);
    while (rc == 0 && at < len) {
        size_t used_len = 0;
        rc = read_xattr(image, n, room + at, len - at, &used_len, found, context, e);
        at += used_len;
    }
    return rc;
}
