/* SPDX-License-Identifier: Apache-2.0 */
/* encode.gcp: a disk as Google Cloud imports it, disk.raw in a gzip'ed tar in GNU's old format, its
 * empty blocks left out (docs/formats/disk.md). */
#include "builder/steps/disk_container.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/tar/tar_header.h"

#include <string.h>

enum {
    GIB = 1 << 30, /* a disk's size is a multiple of it */
    BLOCK = 65536,
    END_BLOCKS = 2,
};

struct params {
    uint64_t size;
    struct param_compression compression;
    int64_t time;
};

/* ---- runs ---- */

struct run {
    uint64_t first; /* blocks */
    uint64_t count;
};

/* The next run of used blocks from `at` on; false: there is none. */
static bool next_run(const struct blocks *b, uint64_t at, struct run *out)
{
    while (at < b->count && !blocks_used(b, at))
        at++;
    out->first = at;
    while (at < b->count && blocks_used(b, at))
        at++;
    out->count = at - out->first;
    return out->count != 0;
}

static uint64_t count_runs(const struct blocks *b)
{
    struct run r = {0};
    uint64_t count = 0;
    while (next_run(b, r.first + r.count, &r))
        count++;
    return count;
}

/* ---- the tar ---- */

/* The run behind *r, or when there is none the empty one at the end, which closes the map. */
static void put_run(const struct blocks *b, struct run *r, uint8_t *p)
{
    if (!next_run(b, r->first + r->count, r)) {
        tar_put_number(p, TAR_PIECE_NUMBER, b->size);
        tar_put_number(p + TAR_PIECE_NUMBER, TAR_PIECE_NUMBER, 0);
        return;
    }
    tar_put_number(p, TAR_PIECE_NUMBER, r->first * BLOCK);
    tar_put_number(p + TAR_PIECE_NUMBER, TAR_PIECE_NUMBER, r->count * BLOCK);
}

static void put_field(uint8_t *h, enum tar_place p, uint64_t v)
{
    tar_put_number(h + tar_fields[p].start, tar_fields[p].len, v);
}

static void put_text(uint8_t *h, enum tar_place p, const char *text)
{
    memcpy(h + tar_fields[p].start, text, strlen(text));
}

static void make_header(const struct blocks *b, const struct params *p, uint8_t h[TAR_BLOCK])
{
    memset(h, 0, TAR_BLOCK);
    put_text(h, TAR_NAME, "disk.raw");
    put_field(h, TAR_MODE, 0644);
    put_field(h, TAR_UID, 0);
    put_field(h, TAR_GID, 0);
    put_field(h, TAR_SIZE, b->used_count * BLOCK);
    put_field(h, TAR_MTIME, (uint64_t)p->time);
    put_text(h, TAR_TYPE, "S");
    memcpy(h + tar_fields[TAR_MAGIC].start, tar_magic_gnu, sizeof(tar_magic_gnu));
    put_text(h, TAR_UNAME, "root");
    put_text(h, TAR_GNAME, "root");
    put_field(h, TAR_GNU_REAL_SIZE, b->size);
}

static int write_map(struct disk_container *c, struct err *e)
{
    const struct blocks *b = c->blocks;
    uint8_t record[TAR_BLOCK];
    uint64_t left = count_runs(b) + 1;
    struct run r = {0};

    make_header(b, c->params, record);
    for (size_t i = 0; i < TAR_SPARSE_PIECES && left > 0; i++, left--)
        put_run(b, &r, record + tar_fields[TAR_GNU_SPARSE].start + i * TAR_PIECE);
    record[tar_fields[TAR_GNU_MORE].start] = left > 0;
    tar_seal(record);
    int rc = disk_container_put(c, record, TAR_BLOCK, e);
    if (rc < 0)
        return rc;
    while (left > 0) {
        memset(record, 0, TAR_BLOCK);
        for (size_t i = 0; i < TAR_SPARSE_MORE_PIECES && left > 0; i++, left--)
            put_run(b, &r, record + i * TAR_PIECE);
        record[TAR_SPARSE_MORE_PIECES * TAR_PIECE] = left > 0;
        if ((rc = disk_container_put(c, record, TAR_BLOCK, e)) < 0)
            return rc;
    }
    return 0;
}

static int write_tar(struct disk_container *c, struct err *e)
{
    static const uint8_t end[END_BLOCKS * TAR_BLOCK];
    int rc;

    if ((rc = write_map(c, e)) < 0 || (rc = disk_container_put_used(c, e)) < 0)
        return rc;
    return disk_container_put(c, end, sizeof(end), e);
}

/* ---- the step
 * ------------------------------------------------------------------------------------------ */

static const struct param rows[] = {
    {PARAM_U64("size", struct params, size), .max = BLOCKS_SIZE_MAX, .multiple = GIB,
     .complaint = "this size", .said = SAID_FROM},
    {PARAM_COMPRESSOR(struct params, compression, compressors_gzip_or_none)},
    {PARAM_I64("time", struct params, time), .max = PARAM_SECONDS_MAX, .definition = "seconds"},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_encode_gcp_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct disk_container_options options = {.params = p,
                                                   .size = p->size,
                                                   .unit = GIB,
                                                   .block = BLOCK,
                                                   .level = p->compression.level,
                                                   .write = write_tar};

    (void)input_count;
    return disk_container_run(context, &inputs[0], &options, out, e);
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_encode_gcp = {
    .name = "encode.gcp",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
