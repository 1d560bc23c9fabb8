/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each maps the disk to pieces of the file (runs.h), so that nothing is unpacked. QEMU,
 * docs/interop/qcow2.txt; VirtualBox, VDICore.h; Microsoft, Virtual Hard Disk Image Format 1.0.
 */
#include "formats/disk/image_object.h"

#include "base/byte_order.h"
#include "formats/object/gaps.h"
#include "formats/stream/runs.h"

#include <inttypes.h>
#include <string.h>

enum { SECTOR = 512 };

struct image {
    struct object *o;
    struct runs runs;
    struct bytes *disk;
    struct extents extents;
};

static int damaged(const struct image *x, const char *what, uint64_t number, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the %s image is damaged: %s %" PRIu64, x->o->name,
                   x->o->kind->name, what, number);
}

static int begin(struct object *o, struct image **out, struct err *e)
{
    struct image *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return err_oom(e);
    o->state = x;
    x->o = o;
    *out = x;
    return 0;
}

static int number(struct image *x, const char *name, enum field_class class, uint64_t value,
                  struct err *e)
{
    return object_field(x->o, (struct field){name, class, FIELD_NUMBER, value, NULL, 0}, e);
}

static int bytes_field(struct image *x, const char *name, enum field_class class, const uint8_t *p,
                       size_t len, struct err *e)
{
    return object_field(x->o, (struct field){name, class, FIELD_BYTES, 0, p, len}, e);
}

static int text_field(struct image *x, const char *name, enum field_class class, const uint8_t *p,
                      size_t room, struct err *e)
{
    return object_field(
        x->o, (struct field){name, class, FIELD_TEXT, 0, p, strnlen((const char *)p, room)}, e);
}

static int used(struct image *x, uint64_t start, uint64_t len, struct err *e)
{
    if (start > x->o->bytes->size)
        return damaged(x, "something lies behind its end, at", start, e);
    uint64_t left = x->o->bytes->size - start;
    return len == 0 || left == 0 ? 0 : extents_add(&x->extents, start, len < left ? len : left, e);
}

/* A piece of the disk; the last one may be cut short by the file's end. */
static int piece(struct image *x, uint64_t at, uint64_t from, uint64_t len, uint64_t size,
                 struct err *e)
{
    uint64_t there = from < x->o->bytes->size ? x->o->bytes->size - from : 0;
    if (at >= size)
        return 0;
    if (len > size - at)
        len = size - at;
    if (there < len)
        return damaged(x, "a block lies behind its end, at", from, e);
    const struct run run = {.at = at, .len = len, .from = from};
    int rc = used(x, from, len, e);
    return rc < 0 ? rc : runs_add(&x->runs, &run, x->o->name, e);
}

/* The disk as the one member, and what belongs to nothing. */
static int finish(struct image *x, uint64_t size, struct err *e)
{
    const struct member m = {.path = "", .type = MEMBER_PART, .has_content = true, .size = size};
    int rc = bytes_of_runs(x->o->bytes, &x->runs, size, x->o->name, &x->disk, e);
    if (rc < 0 || (rc = object_member(x->o, &m, e)) < 0)
        return rc;
    return extents_gaps(&x->extents, x->o, x->o->bytes->size, object_gap, e);
}

static void close_image(struct object *o)
{
    struct image *x = o->state;
    if (x == NULL)
        return;
    runs_dispose(&x->runs);
    bytes_drop(x->disk);
    extents_dispose(&x->extents);
    free(x);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct image *x = o->state;
    if (m == NULL)
        return 0;
    if (m->type == MEMBER_GAP)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    *out = bytes_keep(x->disk);
    return 0;
}

/* A table of numbers, wherever it stands. */
static int read_table(struct image *x, uint64_t at, uint64_t len, uint8_t **out, struct err *e)
{
    if (at > x->o->bytes->size || len > x->o->bytes->size - at)
        return damaged(x, "a table lies behind its end, at", at, e);
    uint8_t *table = malloc((size_t)len + 1);
    if (table == NULL)
        return err_oom(e);
    int rc = bytes_read(x->o->bytes, at, table, (size_t)len, e);
    if (rc == 0)
        rc = used(x, at, len, e);
    if (rc < 0)
        free(table);
    else
        *out = table;
    return rc;
}

/* ---- qcow2 ----------------------------------------------------------------------------------- */

enum qcow2_fields {
    Q_VERSION = 4,
    Q_BACKING = 8,
    Q_CLUSTER_BITS = 20,
    Q_SIZE = 24,
    Q_ENCRYPTION = 32,
    Q_L1_ENTRIES = 36,
    Q_L1 = 40,
    Q_REFCOUNTS = 48,
    Q_REFCOUNT_CLUSTERS = 56,
    Q_SNAPSHOTS = 60,
    Q_INCOMPATIBLE = 72,
    Q_COMPATIBLE = 80,
    Q_AUTOCLEAR = 88,
    Q_REFCOUNT_ORDER = 96,
    Q_HEADER = 104,
    Q_OLD_HEADER = 72,
};
#define Q_OFFSET UINT64_C(0x00fffffffffffe00)
#define Q_COMPRESSED (UINT64_C(1) << 62)
#define Q_ZERO UINT64_C(1)

struct qcow2 {
    struct image *x;
    uint64_t size;
    uint32_t bits; /* 2 to their power is a cluster */
    uint64_t cluster;
    bool zero_flags; /* version 3 */
};

static int qcow2_cluster(const struct qcow2 *q, uint64_t at, uint64_t entry, struct err *e)
{
    if (entry & Q_COMPRESSED)
        return err_set(e, ERR_INPUT,
                       "%s: its clusters are compressed, which is not read: qemu-img convert -O "
                       "qcow2 unpacks it",
                       q->x->o->name);
    if ((q->zero_flags && (entry & Q_ZERO)) || (entry & Q_OFFSET) == 0)
        return 0;
    return piece(q->x, at, entry & Q_OFFSET, q->cluster, q->size, e);
}

static int qcow2_level2(const struct qcow2 *q, uint64_t at, uint64_t table_at, struct err *e)
{
    AUTO_FREE uint8_t *table = NULL;
    int rc = read_table(q->x, table_at, q->cluster, &table, e);
    for (uint64_t i = 0; rc == 0 && i < q->cluster / 8; i++)
        rc = qcow2_cluster(q, at + i * q->cluster, get_be64(table + i * 8), e);
    return rc;
}

static int qcow2_disk(const struct qcow2 *q, const uint8_t *h, struct err *e)
{
    AUTO_FREE uint8_t *level1 = NULL;
    uint32_t span_bits = 2 * q->bits - 3;
    uint64_t span = UINT64_C(1) << span_bits;
    uint64_t entries = get_be32(h + Q_L1_ENTRIES);
    if (entries < (q->size + span - 1) >> span_bits)
        return damaged(q->x, "its first table is too short:", entries, e);
    int rc = read_table(q->x, get_be64(h + Q_L1), entries * 8, &level1, e);
    for (uint64_t i = 0; rc == 0 && i * span < q->size; i++) {
        uint64_t table = get_be64(level1 + i * 8) & Q_OFFSET;
        if (table != 0)
            rc = qcow2_level2(q, i * span, table, e);
    }
    return rc;
}

/* Counts of users of each cluster follow from the rest. */
static int qcow2_refcounts(struct image *x, const uint8_t *h, uint64_t cluster, struct err *e)
{
    AUTO_FREE uint8_t *table = NULL;
    uint64_t len = get_be32(h + Q_REFCOUNT_CLUSTERS) * cluster;
    int rc = read_table(x, get_be64(h + Q_REFCOUNTS), len, &table, e);
    for (uint64_t i = 0; rc == 0 && i < len / 8; i++) {
        uint64_t block = get_be64(table + i * 8) & ~UINT64_C(511);
        if (block != 0)
            rc = used(x, block, cluster, e);
    }
    return rc;
}

static int qcow2_fields(struct image *x, const uint8_t *h, bool wide, struct err *e)
{
    int rc = number(x, "version", FIELD_FORMAT, get_be32(h + Q_VERSION), e);
    if (rc < 0 ||
        (rc = number(x, "cluster_bits", FIELD_FORMAT, get_be32(h + Q_CLUSTER_BITS), e)) < 0)
        return rc;
    if (!wide)
        return 0;
    if ((rc = number(x, "features.incompatible", FIELD_FORMAT, get_be64(h + Q_INCOMPATIBLE), e)) <
            0 ||
        (rc = number(x, "features.compatible", FIELD_FORMAT, get_be64(h + Q_COMPATIBLE), e)) < 0 ||
        (rc = number(x, "features.autoclear", FIELD_FORMAT, get_be64(h + Q_AUTOCLEAR), e)) < 0)
        return rc;
    return number(x, "refcount_order", FIELD_FORMAT, get_be32(h + Q_REFCOUNT_ORDER), e);
}

static int open_qcow2(struct object *o, struct err *e)
{
    struct image *x = NULL;
    uint8_t h[Q_HEADER] = {0};
    size_t got = 0;
    int rc = begin(o, &x, e);
    if (rc < 0 || (rc = bytes_peek(o->bytes, 0, h, sizeof(h), &got, e)) < 0)
        return rc;
    uint32_t bits = get_be32(h + Q_CLUSTER_BITS);
    uint32_t version = get_be32(h + Q_VERSION);
    bool wide = version == 3;
    if (got < Q_OLD_HEADER || (version != 2 && !wide) || bits < 9 || bits > 21)
        return damaged(x, "its header is none, of version", version, e);
    if (get_be64(h + Q_BACKING) != 0 || get_be32(h + Q_ENCRYPTION) != 0 ||
        get_be32(h + Q_SNAPSHOTS) != 0 || (wide && (get_be64(h + Q_INCOMPATIBLE) & ~UINT64_C(3))))
        return err_set(e, ERR_INPUT,
                       "%s: it has a backing file, snapshots, encryption or features that are not "
                       "read",
                       o->name);
    struct qcow2 q = {.x = x,
                      .size = get_be64(h + Q_SIZE),
                      .bits = bits,
                      .cluster = UINT64_C(1) << bits,
                      .zero_flags = wide};
    if (q.size > UINT64_C(1) << 60)
        return damaged(x, "its disk has bytes:", q.size, e);
    if ((rc = qcow2_fields(x, h, wide, e)) < 0 || (rc = used(x, 0, q.cluster, e)) < 0 ||
        (rc = qcow2_refcounts(x, h, q.cluster, e)) < 0 || (rc = qcow2_disk(&q, h, e)) < 0)
        return rc;
    return finish(x, q.size, e);
}

static bool is_qcow2(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= Q_OLD_HEADER && memcmp(head, "QFI\xfb", 4) == 0;
}

/* ---- VDI ------------------------------------------------------------------------------------- */

enum vdi_fields {
    D_TEXT = 0,
    D_MAGIC = 64,
    D_VERSION = 68,
    D_TYPE = 76,
    D_FLAGS = 80,
    D_COMMENT = 84,
    D_MAP = 340,
    D_DATA = 344,
    D_GEOMETRY = 348,
    D_SIZE = 368,
    D_BLOCK = 376,
    D_EXTRA = 380,
    D_BLOCKS = 384,
    D_ALLOCATED = 388,
    D_UUID = 392,
    D_UUIDS = 64, /* of the image, its last change, its parent, and the parent's last change */
    D_HEADER = 512,
};
#define VDI_MAGIC UINT32_C(0xbeda107f)
#define VDI_NONE UINT32_C(0xfffffffe) /* and one more: not there, or zeros */

static int vdi_blocks(struct image *x, const uint8_t *h, uint64_t size, struct err *e)
{
    AUTO_FREE uint8_t *map = NULL;
    uint64_t block = get_le32(h + D_BLOCK);
    uint64_t extra = get_le32(h + D_EXTRA);
    uint64_t count = get_le32(h + D_BLOCKS);
    uint64_t data = get_le32(h + D_DATA);
    if (block == 0 || block % SECTOR != 0 || count < (size + block - 1) / block)
        return damaged(x, "its blocks do not make the disk, of blocks", count, e);
    int rc = read_table(x, get_le32(h + D_MAP), count * 4, &map, e);
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        uint32_t place = get_le32(map + i * 4);
        if (place < VDI_NONE)
            rc = piece(x, i * block, data + place * (block + extra) + extra, block, size, e);
    }
    return rc;
}

static int open_vdi(struct object *o, struct err *e)
{
    struct image *x = NULL;
    uint8_t h[D_HEADER];
    int rc = begin(o, &x, e);
    if (rc < 0 || (rc = bytes_read(o->bytes, 0, h, sizeof(h), e)) < 0)
        return rc;
    uint64_t size = get_le64(h + D_SIZE);
    uint32_t type = get_le32(h + D_TYPE);
    if (type != 1 && type != 2)
        return err_set(e, ERR_INPUT, "%s: a VDI image of type %" PRIu32 " needs another one",
                       o->name, type);
    if ((rc = text_field(x, "text", FIELD_VERSION, h + D_TEXT, 64, e)) < 0 ||
        (rc = number(x, "version", FIELD_FORMAT, get_le32(h + D_VERSION), e)) < 0 ||
        (rc = number(x, "type", FIELD_FORMAT, type, e)) < 0 ||
        (rc = number(x, "flags", FIELD_FORMAT, get_le32(h + D_FLAGS), e)) < 0 ||
        (rc = text_field(x, "comment", FIELD_MEANING, h + D_COMMENT, 256, e)) < 0 ||
        (rc = bytes_field(x, "geometry", FIELD_LAYOUT, h + D_GEOMETRY, 16, e)) < 0 ||
        (rc = number(x, "allocated", FIELD_LAYOUT, get_le32(h + D_ALLOCATED), e)) < 0 ||
        (rc = bytes_field(x, "uuids", FIELD_ID, h + D_UUID, D_UUIDS, e)) < 0 ||
        (rc = used(x, 0, D_UUID + D_UUIDS, e)) < 0 || (rc = vdi_blocks(x, h, size, e)) < 0)
        return rc;
    return finish(x, size, e);
}

static bool is_vdi(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= D_HEADER && get_le32(head + D_MAGIC) == VDI_MAGIC;
}

/* ---- VHD ------------------------------------------------------------------------------------- */

enum vhd_fields {
    F_FEATURES = 8,
    F_VERSION = 12,
    F_DYNAMIC = 16,
    F_TIME = 24,
    F_CREATOR = 28,
    F_HOST = 36,
    F_SIZE = 48,
    F_GEOMETRY = 56,
    F_TYPE = 60,
    F_CHECKSUM = 64,
    F_UUID = 68,
    F_SAVED = 84,
    F_FOOTER = 512,
    F_FIXED = 2,
    F_GROWING = 3,
    Y_TABLE = 16,
    Y_ENTRIES = 28,
    Y_BLOCK = 32,
    Y_CHECKSUM = 36,
    Y_HEADER = 1024,
};

static bool is_footer(const uint8_t *p)
{
    return memcmp(p, "conectix", 8) == 0;
}

static int vhd_fields(struct image *x, const uint8_t *f, struct err *e)
{
    /* Seconds since 2000 to seconds since 1970. */
    const struct field time = {"time",        FIELD_TIME_MADE,
                               FIELD_SECONDS, get_be32(f + F_TIME) + UINT64_C(946684800),
                               NULL,          0};
    int rc = object_field(x->o, time, e);
    if (rc < 0 || (rc = number(x, "features", FIELD_FORMAT, get_be32(f + F_FEATURES), e)) < 0 ||
        (rc = number(x, "version", FIELD_FORMAT, get_be32(f + F_VERSION), e)) < 0 ||
        (rc = number(x, "type", FIELD_FORMAT, get_be32(f + F_TYPE), e)) < 0 ||
        (rc = bytes_field(x, "creator", FIELD_VERSION, f + F_CREATOR, 8, e)) < 0 ||
        (rc = bytes_field(x, "host", FIELD_HOST, f + F_HOST, 4, e)) < 0 ||
        (rc = bytes_field(x, "geometry", FIELD_LAYOUT, f + F_GEOMETRY, 4, e)) < 0 ||
        (rc = number(x, "checksum", FIELD_CHECKSUM, get_be32(f + F_CHECKSUM), e)) < 0 ||
        (rc = bytes_field(x, "uuid", FIELD_ID, f + F_UUID, 16, e)) < 0)
        return rc;
    return number(x, "saved", FIELD_MEANING, f[F_SAVED], e);
}

/* The sectors that a block's bitmap has, as few pieces; those that it has not are zeros. */
static int vhd_sectors(struct image *x, const uint8_t *bits, uint64_t sectors, uint64_t at,
                       uint64_t from, uint64_t size, struct err *e)
{
    int rc = 0;
    for (uint64_t i = 0, end = 0; rc == 0 && i < sectors; i = end + 1) {
        for (end = i; end < sectors && (bits[end / 8] & 0x80U >> end % 8); end++)
            ;
        if (end > i)
            rc = piece(x, at + i * SECTOR, from + i * SECTOR, (end - i) * SECTOR, size, e);
    }
    return rc;
}

/* Blocks, each behind a bitmap of the sectors that it has. */
static int vhd_blocks(struct image *x, const uint8_t *dynamic, uint64_t size, struct err *e)
{
    AUTO_FREE uint8_t *table = NULL;
    uint64_t block = get_be32(dynamic + Y_BLOCK);
    uint64_t count = get_be32(dynamic + Y_ENTRIES);
    uint64_t sectors = block / SECTOR;
    uint64_t bitmap = (sectors / 8 + SECTOR - 1) / SECTOR * SECTOR;
    if (block == 0 || block % SECTOR != 0 || block > UINT32_C(1) << 30 ||
        count < (size + block - 1) / block)
        return damaged(x, "its blocks do not make the disk, of blocks", count, e);
    int rc = read_table(x, get_be64(dynamic + Y_TABLE), count * 4, &table, e);
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        AUTO_FREE uint8_t *bits = NULL;
        uint32_t place = get_be32(table + i * 4);
        uint64_t at = (uint64_t)place * SECTOR;
        if (place == UINT32_MAX)
            continue;
        if ((rc = read_table(x, at, bitmap, &bits, e)) < 0)
            return rc;
        rc = vhd_sectors(x, bits, sectors, i * block, at + bitmap, size, e);
    }
    return rc;
}

static int vhd_growing(struct image *x, const uint8_t *footer, uint64_t size, struct err *e)
{
    uint8_t d[Y_HEADER];
    uint8_t copy[F_FOOTER];
    uint64_t at = get_be64(footer + F_DYNAMIC);
    int rc = bytes_read(x->o->bytes, at, d, sizeof(d), e);
    if (rc < 0 || (rc = bytes_read(x->o->bytes, 0, copy, sizeof(copy), e)) < 0)
        return rc;
    if (memcmp(d, "cxsparse", 8) != 0)
        return damaged(x, "no second header stands at", at, e);
    if (memcmp(copy, footer, F_FOOTER) != 0)
        return damaged(x, "its two footers differ, of bytes", F_FOOTER, e);
    if ((rc = number(x, "block", FIELD_FORMAT, get_be32(d + Y_BLOCK), e)) < 0 ||
        (rc = number(x, "header.checksum", FIELD_CHECKSUM, get_be32(d + Y_CHECKSUM), e)) < 0 ||
        (rc = used(x, 0, F_FOOTER, e)) < 0 || (rc = used(x, at, Y_CHECKSUM + 4, e)) < 0)
        return rc;
    return vhd_blocks(x, d, size, e);
}

static int open_vhd(struct object *o, struct err *e)
{
    struct image *x = NULL;
    uint8_t footer[F_FOOTER];
    uint64_t end = o->bytes->size - F_FOOTER;
    int rc = begin(o, &x, e);
    if (rc < 0 || (rc = bytes_read(o->bytes, end, footer, sizeof(footer), e)) < 0 ||
        (rc = used(x, end, F_FOOTER, e)) < 0)
        return rc;
    uint64_t size = get_be64(footer + F_SIZE);
    uint32_t type = get_be32(footer + F_TYPE);
    if (type != F_FIXED && type != F_GROWING)
        return err_set(e, ERR_INPUT, "%s: a VHD image of type %" PRIu32 " needs another one",
                       o->name, type);
    if ((rc = vhd_fields(x, footer, e)) < 0)
        return rc;
    rc = type == F_FIXED ? piece(x, 0, 0, size < end ? size : end, size, e)
                         : vhd_growing(x, footer, size, e);
    return rc < 0 ? rc : finish(x, size, e);
}

static bool is_vhd(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    uint8_t footer[8];
    size_t got = 0;
    struct err e = ERR_INIT;
    (void)head;
    (void)len;
    return bytes->size > F_FOOTER &&
           bytes_peek(bytes, bytes->size - F_FOOTER, footer, sizeof(footer), &got, &e) == 0 &&
           got == sizeof(footer) && is_footer(footer);
}

#define KIND(id)                                                                                   \
    const struct object_kind object_kind_##id = {.name = #id,                                      \
                                                 .wrapper = true,                                  \
                                                 .is = is_##id,                                    \
                                                 .open = open_##id,                                \
                                                 .slice = slice,                                   \
                                                 .close = close_image}
KIND(qcow2);
KIND(vdi);
KIND(vhd);
