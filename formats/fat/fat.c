/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/fat/fat.h"

#include "base/byte_order.h"
#include "formats/fat/fat_internal.h"

#include <string.h>

enum {
    CHUNK = 64 * 1024,
    TABLE_CHUNK = 1024, /* entries of a table at once: whole bytes of every kind */
    MEDIA = 0xf8,       /* a fixed disk */
    HEADS = 64,         /* with 32 sectors a track a cylinder is 1 MiB; nothing goes by it */
    TRACK = 32,
    CODE = 90, /* where a FAT32's boot code begins: the common safe choice */
    INFO_SECTOR = 1,
    BACKUP_SECTOR = 6,
    DIRECTORY_BYTES_MAX = 65536 * FAT_ENTRY,
};

enum { ATTRIBUTE_LABEL = 8, ATTRIBUTE_DIRECTORY = 16, ATTRIBUTE_ARCHIVE = 32 };

int fat_new(const struct fat_options *options, const struct fat_file *files, size_t count,
            struct fat **out, struct err *e)
{
    AUTO_FAT struct fat *f = calloc(1, sizeof(*f));
    int rc;

    if (f == NULL)
        return err_oom(e);
    f->options = *options;
    f->files = files;
    f->file_count = count;
    if (count > FAT_FILES_MAX)
        return err_set(e, ERR_INPUT, "more than %d files for a FAT volume", FAT_FILES_MAX);
    if ((rc = fat_make_nodes(f, e)) < 0 || (rc = fat_make_layout(f, e)) < 0)
        return rc;
    *out = steal_ptr(&f);
    return 0;
}

void fat_free(struct fat *f)
{
    if (f == NULL)
        return;
    free(f->nodes);
    free(f->order);
    free(f);
}

uint64_t fat_size(const struct fat *f)
{
    return (uint64_t)f->sectors * FAT_SECTOR;
}

uint32_t fat_file_sector(const struct fat *f, size_t file)
{
    for (size_t i = 0; i < f->order_count; i++) {
        const struct fat_node *node = &f->nodes[f->order[i]];
        if (node->file == file)
            return f->reserved + 2 * f->fat_sectors + f->root_sectors +
                   (node->cluster - 2) * f->sectors_per_cluster;
    }
    return 0;
}

/* ---- writing ------------------------------------------------------------------------ */

struct output {
    const struct fat *f;
    struct cas *cas;
    struct sink out;
    uint32_t serial;
    uint32_t date; /* of every entry */
    uint32_t time;
    uint8_t *chunk; /* CHUNK bytes */
};

static int write_zeros(const struct output *o, uint64_t len, struct err *e)
{
    memset(o->chunk, 0, CHUNK);
    while (len > 0) {
        size_t n = len < CHUNK ? (size_t)len : CHUNK;
        int rc = sink_write(&o->out, o->chunk, n, e);
        if (rc < 0)
            return rc;
        len -= n;
    }
    return 0;
}

/* ---- reserved sectors ------------------------------------------------------------------ */

static void put_label(const struct fat *f, uint8_t out[FAT_LABEL_MAX])
{
    memset(out, ' ', FAT_LABEL_MAX);
    memcpy(out, f->options.label, strlen(f->options.label));
}

/* From the drive's number on, at another place in a FAT32's. */
static void put_extended(const struct output *o, uint8_t *p)
{
    static const char *const names[] = {"FAT12   ", "FAT16   ", "FAT32   "};
    size_t index = o->f->type == FAT_12 ? 0 : o->f->type == FAT_16 ? 1 : 2;

    p[0] = 0x80;
    p[1] = 0;
    p[2] = 0x29;
    put_le32(p + 3, o->serial);
    put_label(o->f, p + 7);
    memcpy(p + 18, names[index], 8);
}

static void make_boot_sector(const struct output *o, const uint8_t *boot, uint8_t s[FAT_SECTOR])
{
    /* Jumps over the parameters to an endless loop. */
    static const uint8_t head[] = {0xeb, 0x58, 0x90, 'M', 'S', 'W', 'I', 'N', '4', '.', '1'};
    const struct fat *f = o->f;

    memset(s, 0, FAT_SECTOR);
    memcpy(s, head, sizeof(head));
    s[CODE] = 0xeb;
    s[CODE + 1] = 0xfe;
    if (boot != NULL) {
        memcpy(s, boot, sizeof(head));
        memcpy(s + CODE, boot + CODE, FAT_SECTOR - CODE);
    }
    put_le16(s + 11, FAT_SECTOR);
    s[13] = (uint8_t)f->sectors_per_cluster;
    put_le16(s + 14, f->reserved);
    s[16] = 2;
    put_le16(s + 17, f->root_sectors * (FAT_SECTOR / FAT_ENTRY));
    put_le16(s + 19, f->type != FAT_32 && f->sectors < 65536 ? f->sectors : 0);
    s[21] = MEDIA;
    put_le16(s + 22, f->type == FAT_32 ? 0 : f->fat_sectors);
    put_le16(s + 24, TRACK);
    put_le16(s + 26, HEADS);
    put_le32(s + 28, f->options.hidden);
    put_le32(s + 32, f->type == FAT_32 || f->sectors >= 65536 ? f->sectors : 0);
    if (f->type == FAT_32) {
        put_le32(s + 36, f->fat_sectors);
        put_le32(s + 44, 2); /* the root's cluster */
        put_le16(s + 48, INFO_SECTOR);
        put_le16(s + 50, BACKUP_SECTOR);
    }
    put_extended(o, s + (f->type == FAT_32 ? 64 : 36));
    put_le16(s + 510, 0xaa55);
}

static void make_info_sector(const struct fat *f, uint8_t s[FAT_SECTOR])
{
    memset(s, 0, FAT_SECTOR);
    put_le32(s, 0x41615252);
    put_le32(s + 484, 0x61417272);
    put_le32(s + 488, f->clusters - f->used);
    put_le32(s + 492, f->used + 1); /* the last one taken: clusters count from 2 */
    put_le32(s + 508, 0xaa550000);
}

static int write_reserved(const struct output *o, const uint8_t *boot, struct err *e)
{
    uint8_t area[32 * FAT_SECTOR] = {0};

    make_boot_sector(o, boot, area);
    if (o->f->type == FAT_32) {
        make_info_sector(o->f, area + (size_t)INFO_SECTOR * FAT_SECTOR);
        put_le16(area + 2 * FAT_SECTOR + 510, 0xaa55);
        memcpy(area + (size_t)BACKUP_SECTOR * FAT_SECTOR, area, 3 * FAT_SECTOR);
    }
    return sink_write(&o->out, area, (size_t)o->f->reserved * FAT_SECTOR, e);
}

/* ---- the tables -------------------------------------------------------------------------- */

/* The entry of cluster `i`; *at follows through the runs, which have no holes between them. */
static uint32_t table_entry(const struct fat *f, uint32_t i, size_t *at)
{
    if (i == 0)
        return 0x0fffff00 | MEDIA;
    if (i == 1)
        return 0x0fffffff;
    while (*at < f->order_count) {
        const struct fat_node *node = &f->nodes[f->order[*at]];
        uint32_t last = node->cluster + node->clusters - 1;
        if (i < last)
            return i + 1;
        if (i == last)
            return 0x0fffffff;
        ++*at;
    }
    return 0;
}

static void pack_entries(const struct fat *f, uint32_t first, size_t *at, uint8_t *out)
{
    for (uint32_t i = 0; i < TABLE_CHUNK; i++) {
        uint32_t v = table_entry(f, first + i, at);
        if (f->type == FAT_32) {
            put_le32(out + (size_t)i * 4, v);
        } else if (f->type == FAT_16) {
            put_le16(out + (size_t)i * 2, v);
        } else if (i % 2 == 0) {
            put_le16(out + (size_t)i / 2 * 3, v & 0xfff);
        } else {
            out[(size_t)i / 2 * 3 + 1] |= (uint8_t)(v << 4);
            out[(size_t)i / 2 * 3 + 2] = (uint8_t)(v >> 4);
        }
    }
}

static int write_table(const struct output *o, struct err *e)
{
    size_t at = 0;
    uint64_t left = (uint64_t)o->f->fat_sectors * FAT_SECTOR;
    size_t chunk = (size_t)TABLE_CHUNK * (unsigned)o->f->type / 8;

    for (uint32_t first = 0; left > 0; first += TABLE_CHUNK) {
        size_t n = left < chunk ? (size_t)left : chunk;
        pack_entries(o->f, first, &at, o->chunk);
        int rc = sink_write(&o->out, o->chunk, n, e);
        if (rc < 0)
            return rc;
        left -= n;
    }
    return 0;
}

/* ---- directories --------------------------------------------------------------------------- */

static void make_entry(const struct output *o, const uint8_t *alias, unsigned attributes,
                       uint32_t cluster, uint64_t bytes, uint8_t out[FAT_ENTRY])
{
    memset(out, 0, FAT_ENTRY);
    memcpy(out, alias, FAT_NAME_SIZE);
    out[11] = (uint8_t)attributes;
    put_le16(out + 14, o->time);
    put_le16(out + 16, o->date);
    put_le16(out + 18, o->date);
    put_le16(out + 20, cluster >> 16);
    put_le16(out + 22, o->time);
    put_le16(out + 24, o->date);
    put_le16(out + 26, cluster);
    put_le32(out + 28, (uint32_t)bytes);
}

static int put_node(const struct output *o, const struct fat_node *node, struct buf *out,
                    struct err *e)
{
    uint8_t entry[FAT_ENTRY];

    if (node->file == FAT_NO_FILE)
        make_entry(o, node->alias, ATTRIBUTE_DIRECTORY, node->cluster, 0, entry);
    else
        make_entry(o, node->alias, ATTRIBUTE_ARCHIVE | o->f->files[node->file].attributes,
                   node->cluster, node->bytes, entry);
    return fat_put_entries(node, entry, out, e);
}

static int write_directory(const struct output *o, uint32_t dir, struct err *e)
{
    static const uint8_t dots[] = "..         ";
    static const uint8_t dot[] = ".          ";
    const struct fat_node *nodes = o->f->nodes;
    uint8_t entry[FAT_ENTRY];
    uint8_t label[FAT_LABEL_MAX];
    AUTO_BUF out = BUF_INIT(DIRECTORY_BYTES_MAX);
    int rc;

    if (dir == 0) {
        put_label(o->f, label);
        make_entry(o, label, ATTRIBUTE_LABEL, 0, 0, entry);
        if ((rc = buf_add(&out, entry, FAT_ENTRY, e)) < 0)
            return rc;
    } else {
        /* The root is cluster 0 here, also where it has a cluster. */
        uint32_t up = nodes[dir].parent == 0 ? 0 : nodes[nodes[dir].parent].cluster;
        make_entry(o, dot, ATTRIBUTE_DIRECTORY, nodes[dir].cluster, 0, entry);
        if ((rc = buf_add(&out, entry, FAT_ENTRY, e)) < 0)
            return rc;
        make_entry(o, dots, ATTRIBUTE_DIRECTORY, up, 0, entry);
        if ((rc = buf_add(&out, entry, FAT_ENTRY, e)) < 0)
            return rc;
    }
    for (uint32_t i = dir + 1; i < nodes[dir].end; i = nodes[i].end)
        if ((rc = put_node(o, &nodes[i], &out, e)) < 0)
            return rc;
    return sink_write(&o->out, out.data, out.len, e);
}

/* ---- contents ---------------------------------------------------------------------------------
 */

static int copy_blob(const struct output *o, const struct fat_file *file, struct cas_stream *s,
                     struct err *e)
{
    uint64_t left = file->size;
    size_t got = 0;

    for (;;) {
        int rc = cas_stream_read(s, o->chunk, CHUNK, &got, e);
        if (rc < 0)
            return rc;
        if (got == 0)
            break;
        if (got > left)
            return err_set(e, ERR_INPUT, "the blob for '%s' is longer than was said", file->path);
        if ((rc = sink_write(&o->out, o->chunk, got, e)) < 0)
            return rc;
        left -= got;
    }
    if (left != 0)
        return err_set(e, ERR_INPUT, "the blob for '%s' is shorter than was said", file->path);
    return 0;
}

static int write_file(const struct output *o, const struct fat_file *file, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *s = NULL;

    if (file->data != NULL)
        return sink_write(&o->out, file->data, (size_t)file->size, e);
    int rc = cas_stream_open(o->cas, &file->digest, &s, e);
    if (rc < 0)
        return rc;
    return copy_blob(o, file, s, e);
}

static int write_clusters(const struct output *o, struct err *e)
{
    const struct fat *f = o->f;
    uint64_t cluster = (uint64_t)f->sectors_per_cluster * FAT_SECTOR;
    uint64_t left =
        fat_size(f) -
        ((uint64_t)f->reserved + 2 * (uint64_t)f->fat_sectors + f->root_sectors) * FAT_SECTOR;

    for (size_t i = 0; i < f->order_count; i++) {
        const struct fat_node *node = &f->nodes[f->order[i]];
        uint64_t room = node->clusters * cluster;
        int rc = node->file == FAT_NO_FILE ? write_directory(o, f->order[i], e)
                                           : write_file(o, &f->files[node->file], e);
        if (rc < 0 || (rc = write_zeros(o, room - node->bytes, e)) < 0)
            return rc;
        left -= room;
    }
    return write_zeros(o, left, e);
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Days since 1970 to year, month, day (proleptic Gregorian; from 1970 on). */
static void civil(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    /* Years that begin in March, so that the leap day is their last. */
    int64_t d = days + 719468;
    int64_t era = d / 146097;
    unsigned doe = (unsigned)(d - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (unsigned)(yoe + era * 400) + (*month <= 2 ? 1 : 0);
}

static void set_time(struct output *o)
{
    static const int64_t first = INT64_C(315532800); /* 1980-01-01 */
    static const int64_t last = INT64_C(4354819198); /* 2107-12-31 23:59:58 */
    int64_t t = o->f->options.time;
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;

    t = t < first ? first : t > last ? last : t;
    unsigned second = (unsigned)(t % 86400);
    civil(t / 86400, &year, &month, &day);
    o->date = (year - 1980) << 9 | month << 5 | day;
    o->time = second / 3600 << 11 | second / 60 % 60 << 5 | second % 60 / 2;
}

int fat_write(const struct fat *f, struct cas *cas, uint32_t serial, const uint8_t *boot,
              struct sink out, struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    struct output o = {.f = f, .cas = cas, .out = out, .serial = serial, .chunk = chunk};
    int rc;

    if (chunk == NULL)
        return err_oom(e);
    set_time(&o);
    if ((rc = write_reserved(&o, boot, e)) < 0 || (rc = write_table(&o, e)) < 0 ||
        (rc = write_table(&o, e)) < 0)
        return rc;
    if (f->root_sectors != 0) {
        uint64_t room = (uint64_t)f->root_sectors * FAT_SECTOR;
        if ((rc = write_directory(&o, 0, e)) < 0 ||
            (rc = write_zeros(&o, room - f->nodes[0].bytes, e)) < 0)
            return rc;
    }
    return write_clusters(&o, e);
}
