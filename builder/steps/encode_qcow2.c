/* SPDX-License-Identifier: Apache-2.0 */
/* encode.qcow2: a disk as a QCOW2 image of version 3 without its empty clusters
 * (docs/formats/disk.md; QEMU, docs/interop/qcow2.txt). */
#include "base/byte_order.h"
#include "builder/steps/disk_container.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <string.h>

enum {
    CLUSTER_BITS = 16,
    CLUSTER = 1 << CLUSTER_BITS,
    POINTERS = CLUSTER / 8,  /* in a cluster of a table */
    REFCOUNTS = CLUSTER / 2, /* of 16 bits, in a cluster */
    HEADER = 104,
    VERSION = 3,
};
#define COPIED (UINT64_C(1) << 63) /* the cluster has exactly one user */

/* Clusters, in the order of the file. */
struct layout {
    uint64_t table_count;  /* refcount table, behind the header */
    uint64_t block_count;  /* refcount blocks */
    uint64_t level1;       /* where it begins */
    uint64_t level1_count; /* entries */
    uint64_t level1_clusters;
    uint64_t level2; /* where they begin: those that are needed */
    uint64_t level2_count;
    uint64_t data;
    uint64_t total;
};

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static bool level2_used(const struct blocks *b, uint64_t table)
{
    uint64_t end = (table + 1) * POINTERS < b->count ? (table + 1) * POINTERS : b->count;
    for (uint64_t i = table * POINTERS; i < end; i++)
        if (blocks_used(b, i))
            return true;
    return false;
}

static struct layout make_layout(const struct blocks *b)
{
    struct layout l = {.block_count = 1, .table_count = 1};

    l.level1_count = divide_up(b->count, POINTERS);
    l.level1_clusters = divide_up(l.level1_count, POINTERS);
    for (uint64_t i = 0; i < l.level1_count; i++)
        l.level2_count += level2_used(b, i);
    /* The refcounts count themselves too. */
    for (;;) {
        l.total =
            1 + l.table_count + l.block_count + l.level1_clusters + l.level2_count + b->used_count;
        uint64_t blocks = divide_up(l.total, REFCOUNTS);
        uint64_t tables = divide_up(blocks, POINTERS);
        if (blocks <= l.block_count && tables <= l.table_count)
            break;
        l.block_count = blocks;
        l.table_count = tables;
    }
    l.level1 = 1 + l.table_count + l.block_count;
    l.level2 = l.level1 + l.level1_clusters;
    l.data = l.level2 + l.level2_count;
    return l;
}

/* ---- writing --------------------------------------------------------------------------- */

static int write_header(const struct layout *l, struct disk_container *c, struct err *e)
{
    const struct blocks *b = c->blocks;
    uint8_t *cluster = c->one;
    memset(cluster, 0, CLUSTER);
    memcpy(cluster, "QFI\xfb", 4);
    put_be32(cluster + 4, VERSION);
    put_be32(cluster + 20, CLUSTER_BITS);
    put_be64(cluster + 24, b->size);
    put_be32(cluster + 36, (uint32_t)l->level1_count);
    put_be64(cluster + 40, l->level1 * CLUSTER);
    put_be64(cluster + 48, CLUSTER);
    put_be32(cluster + 56, (uint32_t)l->table_count);
    put_be32(cluster + 96, 4); /* refcounts have 2^4 bits */
    put_be32(cluster + 100, HEADER);
    return disk_container_put(c, cluster, CLUSTER, e); /* then the end of extensions: zeros */
}

/* `count` pointers from cluster `first` on, one a cluster, padded to whole clusters. */
static int write_refcount_table(const struct layout *l, struct disk_container *c, struct err *e)
{
    uint8_t *cluster = c->one;
    for (uint64_t t = 0; t < l->table_count; t++) {
        memset(cluster, 0, CLUSTER);
        for (uint64_t i = 0; i < POINTERS && t * POINTERS + i < l->block_count; i++)
            put_be64(cluster + i * 8, (1 + l->table_count + t * POINTERS + i) * CLUSTER);
        int rc = disk_container_put(c, cluster, CLUSTER, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_refcounts(const struct layout *l, struct disk_container *c, struct err *e)
{
    uint8_t *cluster = c->one;
    for (uint64_t t = 0; t < l->block_count; t++) {
        memset(cluster, 0, CLUSTER);
        for (uint64_t i = 0; i < REFCOUNTS && t * REFCOUNTS + i < l->total; i++)
            put_be16(cluster + i * 2, 1);
        int rc = disk_container_put(c, cluster, CLUSTER, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_level1(const struct layout *l, struct disk_container *c, struct err *e)
{
    const struct blocks *b = c->blocks;
    uint8_t *cluster = c->one;
    uint64_t next = l->level2;

    for (uint64_t t = 0; t < l->level1_clusters; t++) {
        memset(cluster, 0, CLUSTER);
        for (uint64_t i = 0; i < POINTERS && t * POINTERS + i < l->level1_count; i++)
            if (level2_used(b, t * POINTERS + i))
                put_be64(cluster + i * 8, next++ * CLUSTER | COPIED);
        int rc = disk_container_put(c, cluster, CLUSTER, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_level2(const struct layout *l, struct disk_container *c, struct err *e)
{
    const struct blocks *b = c->blocks;
    uint8_t *cluster = c->one;
    uint64_t next = l->data;

    for (uint64_t t = 0; t < l->level1_count; t++) {
        if (!level2_used(b, t))
            continue;
        memset(cluster, 0, CLUSTER);
        for (uint64_t i = 0; i < POINTERS && t * POINTERS + i < b->count; i++)
            if (blocks_used(b, t * POINTERS + i))
                put_be64(cluster + i * 8, next++ * CLUSTER | COPIED);
        int rc = disk_container_put(c, cluster, CLUSTER, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- the step ------------------------------------------------------------------------------ */

struct params {
    uint64_t size; /* 0: the input's */
};

static const struct param rows[] = {
    {PARAM_U64("size", struct params, size), .max = BLOCKS_SIZE_MAX, .multiple = BLOCKS_SECTOR,
     .complaint = "this size", .said = SAID_FROM},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int write_image(struct disk_container *c, struct err *e)
{
    const struct layout l = make_layout(c->blocks);
    int rc;

    if ((rc = write_header(&l, c, e)) < 0 || (rc = write_refcount_table(&l, c, e)) < 0 ||
        (rc = write_refcounts(&l, c, e)) < 0 || (rc = write_level1(&l, c, e)) < 0 ||
        (rc = write_level2(&l, c, e)) < 0)
        return rc;
    return disk_container_put_used(c, e);
}

int step_encode_qcow2_run(const struct step_context *context, void *params,
                          const struct step_input *inputs, size_t input_count,
                          struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct disk_container_options options = {
        .size = p->size, .unit = BLOCKS_SECTOR, .block = CLUSTER, .write = write_image};

    (void)input_count;
    return disk_container_run(context, &inputs[0], &options, out, e);
}

const struct step_kind step_encode_qcow2 = {
    .name = "encode.qcow2",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
