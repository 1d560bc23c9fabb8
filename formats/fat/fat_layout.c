/* SPDX-License-Identifier: Apache-2.0 */
/* Which FAT, how large, and where everything is. */
#include "formats/fat/fat_internal.h"

#include <inttypes.h>
#include <string.h>

/*
 * The kind of a FAT is told by its number of clusters alone: below 4085 it is
 * FAT12, below 65525 FAT16, else FAT32. Some readers are off by a few, so the
 * specification advises to keep 16 away from both.
 */
struct kind {
    enum fat_type type;
    uint32_t min;
    uint32_t max; /* clusters */
    uint32_t reserved;
};
static const struct kind kinds[] = {
    {FAT_12, 1, 4085 - 16, 1},
    {FAT_16, 4085 + 16, 65525 - 16, 1},
    {FAT_32, 65525 + 16, 0x0ffffff0, 32},
};

enum {
    ROOT_ENTRIES = FAT_ROOT_SECTORS * FAT_SECTOR / FAT_ENTRY,
    TRACK = 32,         /* sectors: volumes end at a track, which mtools insists on */
    FAT32_CLUSTER = 8,  /* sectors, where the volume is large enough for it */
    AUTO_FAT12_MAX = 8, /* MiB, of a given size */
    AUTO_FAT16_MAX = 512,
    DIRECTORY_ENTRIES = 65536, /* as readers allow */
};

static const struct kind *kind_of(enum fat_type type)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return &kinds[0];
}

/* ---- what has to go in ------------------------------------------------------------- */

static int measure(struct fat *f, struct err *e)
{
    for (uint32_t i = 0; i < f->node_count; i++) {
        struct fat_node *node = &f->nodes[i];
        if (node->file != FAT_NO_FILE) {
            node->bytes = f->files[node->file].size;
            if (node->bytes > UINT32_MAX)
                return err_set(e, ERR_INPUT,
                               "the file '%s' has %" PRIu64
                               " bytes: a FAT volume's are below 4 GiB",
                               f->files[node->file].path, node->bytes);
            continue;
        }
        size_t entries = i == 0 ? 1 : 2; /* the label; or . and .. */
        for (uint32_t k = i + 1; k < node->end; k = f->nodes[k].end)
            entries += fat_entry_count(&f->nodes[k]);
        node->bytes = (uint64_t)entries * FAT_ENTRY;
        size_t max = i == 0 ? ROOT_ENTRIES : DIRECTORY_ENTRIES;
        if (entries > max)
            return err_set(e, ERR_INPUT,
                           "a directory of a FAT volume would have %zu entries: there is room for "
                           "%zu, of which a long name takes several",
                           entries, max);
    }
    return 0;
}

static uint64_t needed(const struct fat *f, const struct kind *kind, uint32_t per_cluster)
{
    uint64_t bytes = (uint64_t)per_cluster * FAT_SECTOR;
    uint64_t count = 0;

    for (uint32_t i = kind->type == FAT_32 ? 0 : 1; i < f->node_count; i++)
        count += (f->nodes[i].bytes + bytes - 1) / bytes;
    return count;
}

/* ---- the sizes ----------------------------------------------------------------------- */

static uint32_t table_sectors(enum fat_type type, uint64_t clusters)
{
    uint64_t bytes = ((clusters + 2) * (unsigned)type + 7) / 8;
    return (uint32_t)((bytes + FAT_SECTOR - 1) / FAT_SECTOR);
}

/*
 * Tries a kind and a cluster size: `sectors` in all, or as many as are needed
 * (0). Fills the layout's sizes; false when it does not work out.
 */
static bool try_sizes(struct fat *f, const struct kind *kind, uint32_t per_cluster,
                      uint64_t sectors)
{
    uint64_t wanted = needed(f, kind, per_cluster);
    uint64_t clusters = wanted > kind->min ? wanted : kind->min;
    uint32_t root = kind->type == FAT_32 ? 0 : FAT_ROOT_SECTORS;
    uint32_t table = sectors == 0 ? table_sectors(kind->type, clusters) : 1;

    for (;;) {
        uint64_t total = sectors;
        uint64_t fixed = (uint64_t)kind->reserved + 2 * (uint64_t)table + root;
        if (sectors == 0)
            total = (fixed + clusters * per_cluster + TRACK - 1) / TRACK * TRACK;
        if (total > UINT32_MAX || fixed >= total)
            return false;
        uint64_t got = (total - fixed) / per_cluster;
        uint32_t table_needed = table_sectors(kind->type, got);
        if (table_needed > table) {
            table = table_needed;
            continue;
        }
        f->clusters = (uint32_t)got;
        f->sectors = (uint32_t)total;
        break;
    }
    f->type = kind->type;
    f->sectors_per_cluster = per_cluster;
    f->reserved = kind->reserved;
    f->fat_sectors = table;
    f->root_sectors = root;
    return f->clusters >= kind->min && f->clusters <= kind->max && f->clusters >= wanted;
}

/* Small clusters first; FAT32 takes large ones first, as far as it then has clusters enough. */
static bool try_kind(struct fat *f, const struct kind *kind, uint64_t sectors)
{
    uint32_t given = f->options.cluster / FAT_SECTOR;

    if (given != 0)
        return try_sizes(f, kind, given, sectors);
    if (kind->type == FAT_32) {
        for (uint32_t n = FAT32_CLUSTER; n > 1; n /= 2)
            if ((sectors != 0 || needed(f, kind, n) >= kind->min) && try_sizes(f, kind, n, sectors))
                return true;
        return try_sizes(f, kind, 1, sectors);
    }
    for (uint32_t n = 1; n <= FAT_CLUSTER_MAX / FAT_SECTOR; n *= 2)
        if (try_sizes(f, kind, n, sectors))
            return true;
    return false;
}

static bool choose(struct fat *f)
{
    uint64_t sectors = f->options.size / FAT_SECTOR;
    uint64_t mib = f->options.size >> 20;

    if (f->options.type != FAT_AUTO)
        return try_kind(f, kind_of(f->options.type), sectors);
    if (sectors != 0)
        return try_kind(f,
                        kind_of(mib < AUTO_FAT12_MAX   ? FAT_12
                                : mib < AUTO_FAT16_MAX ? FAT_16
                                                       : FAT_32),
                        sectors);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (try_kind(f, &kinds[i], 0))
            return true;
    return false;
}

/* ---- the places ----------------------------------------------------------------------- */

static void place(struct fat *f, uint32_t index)
{
    struct fat_node *node = &f->nodes[index];
    uint64_t bytes = (uint64_t)f->sectors_per_cluster * FAT_SECTOR;

    node->clusters = (uint32_t)((node->bytes + bytes - 1) / bytes);
    if (node->clusters == 0)
        return;
    node->cluster = 2 + f->used;
    f->used += node->clusters;
    f->order[f->order_count++] = index;
}

int fat_make_layout(struct fat *f, struct err *e)
{
    int rc = measure(f, e);
    if (rc < 0)
        return rc;
    if (!choose(f)) {
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < f->node_count; i++)
            bytes += f->nodes[i].bytes;
        AUTO_FREE char *of_size = NULL;
        if ((rc = str_format(&of_size, e, " of %" PRIu64 " bytes", f->options.size)) < 0)
            return rc;
        return err_set(e, ERR_INPUT,
                       "%" PRIu64 " bytes do not go into such a FAT volume%s: it has at most "
                       "%" PRIu32 " clusters, and less than 2 TiB",
                       bytes, f->options.size == 0 ? "" : of_size,
                       kind_of(f->options.type == FAT_AUTO ? FAT_32 : f->options.type)->max);
    }
    f->order = array_new(f->node_count, sizeof(*f->order));
    if (f->order == NULL)
        return err_oom(e);
    for (uint32_t i = f->type == FAT_32 ? 0 : 1; i < f->node_count; i++)
        if (f->nodes[i].file == FAT_NO_FILE)
            place(f, i);
    for (uint32_t i = 0; i < f->node_count; i++)
        if (f->nodes[i].file != FAT_NO_FILE)
            place(f, i);
    return 0;
}
