/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read as mtools and Linux do: the number of clusters decides between 12, 16 and 32 bits
 * (Microsoft, FAT File System specification, 1.03). Names are the long ones where they are sound,
 * else 8.3.
 */
#include "formats/fat/fat_object.h"

#include "base/byte_order.h"
#include "formats/object/gaps.h"
#include "formats/stream/runs.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum boot_fields {
    B_OEM = 3,
    B_SECTOR = 11,
    B_CLUSTER = 13,
    B_RESERVED = 14,
    B_FATS = 16,
    B_ROOT_ENTRIES = 17,
    B_SECTORS_16 = 19,
    B_MEDIA = 21,
    B_FAT_SECTORS_16 = 22,
    B_TRACK = 24,
    B_HEADS = 26,
    B_HIDDEN = 28,
    B_SECTORS_32 = 32,
    B_FAT_SECTORS_32 = 36,
    B_ROOT_CLUSTER = 44,
    B_INFO_SECTOR = 48,
    B_BACKUP = 50,
    B_ID_16 = 39,
    B_LABEL_16 = 43,
    B_CODE_16 = 62,
    B_ID_32 = 67,
    B_LABEL_32 = 71,
    B_CODE_32 = 90,
    B_MAGIC = 510,
    BOOT = 512,
};

enum entry_fields {
    E_NAME_LENGTH = 11,
    E_ATTRIBUTES = 11,
    E_CASE = 12,
    E_MADE_TENTHS = 13,
    E_MADE_TIME = 14,
    E_MADE_DATE = 16,
    E_READ_DATE = 18,
    E_CLUSTER_HIGH = 20,
    E_TIME = 22,
    E_DATE = 24,
    E_CLUSTER = 26,
    E_SIZE = 28,
    ENTRY = 32,
    A_LABEL = 8,
    A_DIRECTORY = 0x10,
    A_LONG = 0x0f,
    L_LAST = 0x40,
    L_CHECKSUM = 13,
    L_CHARS = 13,
    L_PARTS = 20,
    DELETED = 0xe5,
    LOWER_BASE = 0x08,
    LOWER_EXTENSION = 0x10,
};

enum { DEPTH_MAX = 64, PATH_LENGTH_MAX = 65536, FAT12_MAX = 4085, FAT16_MAX = 65525 };

struct fat_volume {
    struct object *o;
    uint8_t boot[BOOT];
    uint32_t sector;
    uint32_t cluster; /* bytes */
    unsigned bits;
    uint32_t clusters;
    uint64_t fat; /* where things begin, in bytes */
    uint64_t fat_size;
    uint64_t root;
    uint64_t root_size; /* 0 for FAT32 */
    uint64_t data;
    uint64_t end;
    uint8_t *table; /* the first FAT */
    uint8_t *seen;  /* a bit a cluster: it is in a chain */
    struct extents extents;
    struct buf path;
    unsigned depth;
};

static int damaged(const struct fat_volume *v, const char *what, uint64_t number, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the FAT volume is damaged: %s %" PRIu64, v->o->name, what,
                   number);
}

static bool is_power(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool is_fat(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len >= BOOT && (head[0] == 0xeb || head[0] == 0xe9) &&
           get_le16(head + B_MAGIC) == 0xaa55 && is_power(get_le16(head + B_SECTOR)) &&
           get_le16(head + B_SECTOR) >= 512 && get_le16(head + B_SECTOR) <= 4096 &&
           is_power(head[B_CLUSTER]) && get_le16(head + B_RESERVED) != 0 &&
           (head[B_FATS] == 1 || head[B_FATS] == 2) && head[B_MEDIA] >= 0xf0;
}

/* ---- the volume ------------------------------------------------------------------------------ */

static int measure(struct fat_volume *v, struct err *e)
{
    const uint8_t *b = v->boot;
    v->sector = get_le16(b + B_SECTOR);
    v->cluster = v->sector * b[B_CLUSTER];
    uint64_t sectors = get_le16(b + B_SECTORS_16);
    uint64_t fat_sectors = get_le16(b + B_FAT_SECTORS_16);
    if (sectors == 0)
        sectors = get_le32(b + B_SECTORS_32);
    if (fat_sectors == 0)
        fat_sectors = get_le32(b + B_FAT_SECTORS_32);
    v->fat = (uint64_t)get_le16(b + B_RESERVED) * v->sector;
    v->fat_size = fat_sectors * v->sector;
    v->root = v->fat + b[B_FATS] * v->fat_size;
    v->root_size =
        ((uint64_t)get_le16(b + B_ROOT_ENTRIES) * ENTRY + v->sector - 1) / v->sector * v->sector;
    v->data = v->root + v->root_size;
    v->end = sectors * v->sector;
    if (v->end > v->o->bytes->size)
        return damaged(v, "it is cut short: it should have bytes:", v->end, e);
    if (v->data > v->end || v->fat_size == 0)
        return damaged(v, "its tables do not fit into bytes:", v->end, e);
    v->clusters = (uint32_t)((v->end - v->data) / v->cluster);
    v->bits = v->clusters < FAT12_MAX ? 12 : v->clusters < FAT16_MAX ? 16 : 32;
    if ((v->bits == 32) != (get_le16(b + B_FAT_SECTORS_16) == 0))
        return damaged(v, "the number of clusters is not that of its kind:", v->clusters, e);
    if (((uint64_t)v->clusters + 2) * v->bits > v->fat_size * 8)
        return damaged(v, "the table is too short for clusters:", v->clusters, e);
    return 0;
}

static int open_tables(struct fat_volume *v, struct err *e)
{
    size_t size = (size_t)(((uint64_t)v->clusters + 2) * v->bits + 7) / 8;
    v->table = malloc(size + 1);
    v->seen = calloc(1, ((size_t)v->clusters + 2) / 8 + 1);
    if (v->table == NULL || v->seen == NULL)
        return err_oom(e);
    int rc = budget_memory(v->o->budget, size, e);
    return rc < 0 ? rc : bytes_read(v->o->bytes, v->fat, v->table, size, e);
}

static uint32_t next_cluster(const struct fat_volume *v, uint32_t n)
{
    const uint8_t *t = v->table;
    if (v->bits == 16)
        return get_le16(t + (size_t)n * 2);
    if (v->bits == 32)
        return get_le32(t + (size_t)n * 4) & 0x0fffffff;
    uint32_t pair = get_le16(t + (size_t)n * 3 / 2);
    return n % 2 == 0 ? pair & 0xfff : pair >> 4;
}

static bool is_last(const struct fat_volume *v, uint32_t n)
{
    uint32_t first = v->bits == 12 ? 0xff8 : v->bits == 16 ? 0xfff8 : 0x0ffffff8;
    return n >= first;
}

/* The pieces of a chain. While the volume is opened (`first`), no cluster may be in two chains. */
static int chain(struct fat_volume *v, uint32_t cluster, bool first, struct runs *out,
                 uint64_t *size, struct err *e)
{
    uint64_t at = 0;
    int rc = 0;
    while (rc == 0 && !is_last(v, cluster)) {
        if (cluster < 2 || cluster - 2 >= v->clusters || at > v->clusters)
            return damaged(v, "a chain leads to cluster", cluster, e);
        if (first && (v->seen[cluster / 8] & 1U << cluster % 8) != 0)
            return damaged(v, "two chains have cluster", cluster, e);
        if (first)
            v->seen[cluster / 8] = (uint8_t)(v->seen[cluster / 8] | 1U << cluster % 8);
        const struct run run = {.at = at * v->cluster,
                                .len = v->cluster,
                                .from = v->data + (uint64_t)(cluster - 2) * v->cluster};
        rc = runs_add(out, &run, v->o->name, e);
        cluster = next_cluster(v, cluster);
        at++;
    }
    *size = at * v->cluster;
    return rc;
}

static int add_fields(struct fat_volume *v, struct err *e)
{
    const uint8_t *b = v->boot;
    bool wide = v->bits == 32;
    const struct field fields[] = {
        {"bits", FIELD_FORMAT, FIELD_NUMBER, v->bits, NULL, 0},
        {"sector_size", FIELD_FORMAT, FIELD_NUMBER, v->sector, NULL, 0},
        {"cluster_size", FIELD_FORMAT, FIELD_NUMBER, v->cluster, NULL, 0},
        {"media", FIELD_FORMAT, FIELD_NUMBER, b[B_MEDIA], NULL, 0},
        {"tables", FIELD_FORMAT, FIELD_NUMBER, b[B_FATS], NULL, 0},
        {"root_entries", FIELD_LAYOUT, FIELD_NUMBER, get_le16(b + B_ROOT_ENTRIES), NULL, 0},
        {"reserved_sectors", FIELD_LAYOUT, FIELD_NUMBER, get_le16(b + B_RESERVED), NULL, 0},
        {"sectors", FIELD_LAYOUT, FIELD_NUMBER, v->end / v->sector, NULL, 0},
        {"hidden_sectors", FIELD_LAYOUT, FIELD_NUMBER, get_le32(b + B_HIDDEN), NULL, 0},
        {"track", FIELD_LAYOUT, FIELD_NUMBER, get_le16(b + B_TRACK), NULL, 0},
        {"heads", FIELD_LAYOUT, FIELD_NUMBER, get_le16(b + B_HEADS), NULL, 0},
        {"oem", FIELD_VERSION, FIELD_TEXT, 0, b + B_OEM, 8},
        {"serial", FIELD_ID, FIELD_BYTES, 0, b + (wide ? B_ID_32 : B_ID_16), 4},
        {"label.boot", FIELD_MEANING, FIELD_TEXT, 0, b + (wide ? B_LABEL_32 : B_LABEL_16), 11},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = object_field(v->o, fields[i], e);
    return rc;
}

/* What a firmware runs. */
static int add_code(struct fat_volume *v, struct err *e)
{
    size_t start = v->bits == 32 ? B_CODE_32 : B_CODE_16;
    const struct member m = {.path = "(boot code)",
                             .code = true,
                             .type = MEMBER_PART,
                             .has_content = true,
                             .size = B_MAGIC - start,
                             .cookie = start};
    return object_member(v->o, &m, e);
}

/* ---- names -------------------------------------------------------------------------------------
 */

/* The long name that is being put together, its parts from the last to the first. */
struct long_name {
    uint16_t chars[L_PARTS * L_CHARS];
    unsigned parts;   /* that it has; 0: none */
    unsigned missing; /* that have yet to come */
    uint8_t checksum;
};

static uint8_t checksum_of(const uint8_t *entry)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < E_NAME_LENGTH; i++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + entry[i]);
    return sum;
}

static void take_long(struct long_name *name, const uint8_t *entry)
{
    static const uint8_t places[L_CHARS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    unsigned number = entry[0] & 0x3f;
    bool first = (entry[0] & L_LAST) != 0;
    if (number == 0 || number > L_PARTS ||
        (!first && (number != name->missing || entry[L_CHECKSUM] != name->checksum))) {
        name->parts = 0;
        return;
    }
    if (first)
        name->parts = number;
    name->checksum = entry[L_CHECKSUM];
    name->missing = number - 1;
    for (size_t i = 0; i < L_CHARS; i++)
        name->chars[(number - 1) * L_CHARS + i] = get_le16(entry + places[i]);
}

static int add_long(const struct long_name *name, struct buf *out, struct err *e)
{
    size_t count = 0;
    while (count < (size_t)name->parts * L_CHARS && name->chars[count] != 0)
        count++;
    return object_wide_name(name->chars, count, out, e);
}

/* "NAME    TXT" as NAME.TXT, in the case that Windows NT notes beside it. */
static int add_short(const uint8_t *entry, struct buf *out, struct err *e)
{
    static const struct {
        size_t start, len;
        uint8_t lower;
    } parts[] = {{0, 8, LOWER_BASE}, {8, 3, LOWER_EXTENSION}};
    int rc = 0;
    for (size_t p = 0; rc == 0 && p < 2; p++) {
        size_t len = parts[p].len;
        while (len > 0 && entry[parts[p].start + len - 1] == ' ')
            len--;
        if (p == 1 && len > 0)
            rc = buf_add_str(out, ".", e);
        for (size_t i = 0; rc == 0 && i < len; i++) {
            uint8_t c = entry[parts[p].start + i];
            if (p == 0 && i == 0 && c == 0x05)
                c = DELETED;
            if ((entry[E_CASE] & parts[p].lower) && c >= 'A' && c <= 'Z')
                c = (uint8_t)(c - 'A' + 'a');
            rc = c == '/' || c == 0 ? buf_addf(out, e, "\\x%02x", c) : buf_add(out, &c, 1, e);
        }
    }
    return rc;
}

static bool has_long(const struct long_name *name, const uint8_t *entry)
{
    return name->parts > 0 && name->missing == 0 && name->checksum == checksum_of(entry);
}

/* ---- members
 * -------------------------------------------------------------------------------------- */

/* Local time without a zone, taken as UTC. */
static int64_t time_of(uint16_t date, uint16_t clock)
{
    struct tm t = {.tm_year = (date >> 9) + 80,
                   .tm_mon = (date >> 5 & 15) - 1,
                   .tm_mday = date & 31,
                   .tm_hour = clock >> 11,
                   .tm_min = clock >> 5 & 63,
                   .tm_sec = (clock & 31) * 2};
    return date == 0 ? 0 : (int64_t)timegm(&t);
}

static int add_entry_fields(struct fat_volume *v, const uint8_t *entry, bool with_long,
                            struct err *e)
{
    uint64_t time = (uint64_t)time_of(get_le16(entry + E_DATE), get_le16(entry + E_TIME));
    uint64_t made = (uint64_t)time_of(get_le16(entry + E_MADE_DATE), get_le16(entry + E_MADE_TIME));
    uint64_t read = (uint64_t)time_of(get_le16(entry + E_READ_DATE), 0);
    const struct {
        bool has;
        struct field field;
    } all[] = {
        {true, {"mtime", FIELD_TIME, FIELD_SECONDS, time, NULL, 0}},
        {true, {"crtime", FIELD_TIME, FIELD_SECONDS, made, NULL, 0}},
        {true, {"crtime.tenths", FIELD_TIME, FIELD_NUMBER, entry[E_MADE_TENTHS], NULL, 0}},
        {true, {"atime", FIELD_TIME, FIELD_SECONDS, read, NULL, 0}},
        {true, {"attributes", FIELD_MEANING, FIELD_NUMBER, entry[E_ATTRIBUTES] & 0xefU, NULL, 0}},
        {with_long, {"alias", FIELD_LAYOUT, FIELD_BYTES, 0, entry, E_NAME_LENGTH}},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].has)
            rc = object_member_field(v->o, all[i].field, e);
    return rc;
}

static int note_runs(struct fat_volume *v, const struct runs *r, uint64_t size, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        uint64_t left = r->list[i].at < size ? size - r->list[i].at : 0;
        if (left > 0)
            rc = extents_add(&v->extents, r->list[i].from,
                             left < r->list[i].len ? left : r->list[i].len, e);
    }
    return rc;
}

static int read_directory(struct fat_volume *v, uint32_t cluster, struct err *e);

static uint32_t cluster_of(const struct fat_volume *v, const uint8_t *entry)
{
    uint32_t high = v->bits == 32 ? get_le16(entry + E_CLUSTER_HIGH) : 0;
    return get_le16(entry + E_CLUSTER) | high << 16;
}

static int add_file(struct fat_volume *v, const uint8_t *entry, struct member *m, struct err *e)
{
    AUTO_RUNS runs = {0};
    uint64_t there = 0;
    uint32_t cluster = cluster_of(v, entry);
    m->size = get_le32(entry + E_SIZE);
    m->has_content = true;
    m->cookie = cluster;
    if (m->size == 0)
        return 0;
    int rc = chain(v, cluster, true, &runs, &there, e);
    if (rc < 0)
        return rc;
    if (there < m->size || there - m->size >= v->cluster)
        return damaged(v, "a file has another length than its chain:", m->size, e);
    return note_runs(v, &runs, m->size, e);
}

static int add_entry(struct fat_volume *v, const uint8_t *entry, const struct long_name *name,
                     struct err *e)
{
    size_t before = v->path.len;
    bool directory = (entry[E_ATTRIBUTES] & A_DIRECTORY) != 0;
    bool with_long = has_long(name, entry);
    struct member m = {.type = directory ? MEMBER_DIRECTORY : MEMBER_FILE};
    int rc = before > 0 ? buf_add_str(&v->path, "/", e) : 0;
    if (rc == 0)
        rc = with_long ? add_long(name, &v->path, e) : add_short(entry, &v->path, e);
    if (rc == 0 && !directory)
        rc = add_file(v, entry, &m, e);
    m.path = buf_str(&v->path);
    if (rc == 0 && (rc = add_entry_fields(v, entry, with_long, e)) == 0)
        rc = object_member(v->o, &m, e);
    if (rc == 0 && directory)
        rc = read_directory(v, cluster_of(v, entry), e);
    buf_cut(&v->path, before);
    return rc;
}

static int add_label(struct fat_volume *v, const uint8_t *entry, struct err *e)
{
    const struct field label = {"label", FIELD_MEANING, FIELD_TEXT, 0, entry, E_NAME_LENGTH};
    const struct field made = {
        "label.time",  FIELD_TIME_MADE,
        FIELD_SECONDS, (uint64_t)time_of(get_le16(entry + E_DATE), get_le16(entry + E_TIME)),
        NULL,          0};
    int rc = v->depth > 1 ? damaged(v, "a label is not in the root, but at depth", v->depth, e)
                          : object_field(v->o, label, e);
    return rc < 0 ? rc : object_field(v->o, made, e);
}

/* An entry that says something; its place in the volume. */
static int note_entry(struct fat_volume *v, const struct runs *runs, uint64_t at, struct err *e)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct run *r = &runs->list[i];
        if (at >= r->at && at < r->at + r->len)
            return extents_add(&v->extents, r->from + (at - r->at), ENTRY, e);
    }
    return 0;
}

/* Up to the entry that ends it; what stands behind that is a gap, and so are deleted entries. */
static int read_entries(struct fat_volume *v, const struct bytes *list, const struct runs *runs,
                        struct err *e)
{
    struct long_name name = {.parts = 0};
    int rc = 0;
    for (uint64_t at = 0; rc == 0 && at + ENTRY <= list->size; at += ENTRY) {
        uint8_t entry[ENTRY];
        if ((rc = bytes_read(list, at, entry, ENTRY, e)) < 0 || entry[0] == 0)
            break;
        if (entry[0] == DELETED) {
            name.parts = 0;
            continue;
        }
        if ((rc = note_entry(v, runs, at, e)) < 0)
            break;
        if ((entry[E_ATTRIBUTES] & 0x3f) == A_LONG) {
            take_long(&name, entry);
        } else if (entry[E_ATTRIBUTES] & A_LABEL) {
            rc = add_label(v, entry, e);
            name.parts = 0;
        } else {
            /* "." and ".." */
            if (entry[0] != '.')
                rc = add_entry(v, entry, &name, e);
            name.parts = 0;
        }
    }
    return rc;
}

static int read_directory(struct fat_volume *v, uint32_t cluster, struct err *e)
{
    AUTO_RUNS runs = {0};
    struct runs copy = {0};
    AUTO_BYTES *list = NULL;
    uint64_t size = 0;
    int rc = chain(v, cluster, true, &runs, &size, e);
    for (size_t i = 0; rc == 0 && i < runs.count; i++)
        rc = runs_add(&copy, &runs.list[i], v->o->name, e);
    if (rc == 0 && v->depth >= DEPTH_MAX)
        rc = err_set(e, ERR_INPUT, "%s: directories nest deeper than %d", v->o->name, DEPTH_MAX);
    if (rc < 0) {
        runs_dispose(&copy);
        return rc;
    }
    if ((rc = bytes_of_runs(v->o->bytes, &copy, size, v->o->name, &list, e)) < 0)
        return rc;
    v->depth++;
    rc = read_entries(v, list, &runs, e);
    v->depth--;
    return rc;
}

static int read_root(struct fat_volume *v, struct err *e)
{
    const struct member root = {.path = "", .type = MEMBER_DIRECTORY};
    int rc = object_member(v->o, &root, e);
    if (rc < 0 || v->bits == 32)
        return rc < 0 ? rc : read_directory(v, get_le32(v->boot + B_ROOT_CLUSTER), e);
    AUTO_BYTES *list = NULL;
    AUTO_RUNS runs = {0};
    const struct run all = {.at = 0, .len = v->root_size, .from = v->root};
    if (v->root_size == 0)
        return 0;
    if ((rc = runs_add(&runs, &all, v->o->name, e)) < 0 ||
        (rc = bytes_slice(v->o->bytes, v->root, v->root_size, v->o->name, &list, e)) < 0)
        return rc;
    v->depth = 1;
    rc = read_entries(v, list, &runs, e);
    v->depth = 0;
    return rc;
}

/* Clusters that the table says are used and no name leads to would be seen by nobody. */
static int add_lost(struct fat_volume *v, struct err *e)
{
    uint32_t bad = v->bits == 12 ? 0xff7 : v->bits == 16 ? 0xfff7 : 0x0ffffff7;
    uint64_t lost = 0;
    for (uint32_t n = 2; n - 2 < v->clusters; n++) {
        uint32_t next = next_cluster(v, n);
        lost += next != 0 && next != bad && (v->seen[n / 8] & 1U << n % 8) == 0;
    }
    const struct field field = {"lost_clusters", FIELD_MEANING, FIELD_NUMBER, lost, NULL, 0};
    return lost == 0 ? 0 : object_field(v->o, field, e);
}

static int add_gaps(struct fat_volume *v, struct err *e)
{
    uint64_t info = (uint64_t)get_le16(v->boot + B_INFO_SECTOR) * v->sector;
    uint64_t backup = (uint64_t)get_le16(v->boot + B_BACKUP) * v->sector;
    int rc = extents_add(&v->extents, 0, BOOT, e);
    if (rc == 0 && v->bits == 32 && info > 0 && info < v->fat)
        rc = extents_add(&v->extents, info, BOOT, e);
    if (rc == 0 && v->bits == 32 && backup > 0 && backup < v->fat)
        rc = extents_add(&v->extents, backup, BOOT, e);
    if (rc == 0 && v->bits == 32 && backup > 0 && backup + info < v->fat)
        rc = extents_add(&v->extents, backup + info, BOOT, e);
    if (rc == 0)
        rc = extents_add(&v->extents, v->fat, v->root - v->fat, e);
    return rc < 0 ? rc : extents_gaps(&v->extents, v->o, v->o->bytes->size, object_gap, e);
}

static int open_fat(struct object *o, struct err *e)
{
    struct fat_volume *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return err_oom(e);
    o->state = v;
    v->o = o;
    v->path.max = PATH_LENGTH_MAX;
    int rc = bytes_read(o->bytes, 0, v->boot, BOOT, e);
    if (rc < 0 || (rc = measure(v, e)) < 0 || (rc = open_tables(v, e)) < 0 ||
        (rc = add_fields(v, e)) < 0 || (rc = add_code(v, e)) < 0 || (rc = read_root(v, e)) < 0 ||
        (rc = add_lost(v, e)) < 0)
        return rc;
    return add_gaps(v, e);
}

static void close_fat(struct object *o)
{
    struct fat_volume *v = o->state;
    if (v == NULL)
        return;
    free(v->table);
    free(v->seen);
    buf_dispose(&v->path);
    extents_dispose(&v->extents);
    free(v);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct fat_volume *v = o->state;
    struct runs runs = {0};
    uint64_t there = 0;
    if (m == NULL)
        return 0;
    if (m->type == MEMBER_GAP || m->type == MEMBER_PART)
        return bytes_slice(o->bytes, m->cookie, m->size, m->path, out, e);
    int rc = m->size == 0 ? 0 : chain(v, (uint32_t)m->cookie, false, &runs, &there, e);
    if (rc < 0) {
        runs_dispose(&runs);
        return rc;
    }
    return bytes_of_runs(o->bytes, &runs, m->size, m->path, out, e);
}

const struct object_kind object_kind_fat = {
    .name = "fat",
    .tree = true,
    .is = is_fat,
    .open = open_fat,
    .slice = slice,
    .close = close_fat,
};
