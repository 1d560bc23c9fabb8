/* SPDX-License-Identifier: Apache-2.0 */
/* encode.squashfs: a tree as a squashfs 4.0 image (docs/formats/squashfs.md). */
#include "builder/steps/earlier.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/squashfs/squashfs.h"

/* In the order of enum squashfs_compressor. */
static const struct compressor_range compressors[] = {
    {"gzip", SQFS_GZIP_MIN_LEVEL, SQFS_GZIP_MAX_LEVEL},
    {"zstd", SQFS_ZSTD_MIN_LEVEL, SQFS_ZSTD_MAX_LEVEL},
    {"xz", SQFS_XZ_MIN_LEVEL, SQFS_XZ_MAX_LEVEL},
    {"lz4", 0, SQUASHFS_LZ4_HC},
    {"none", 0, 0},
    {NULL, 0, 0},
};

static int read_block_size(const struct jcur *params, uint32_t *out, struct err *e)
{
    struct jcur c;
    uint64_t size = 0;
    int rc;

    if ((rc = jcur_get(params, "blockSize", &c, e)) < 0 ||
        (rc = jcur_u64(&c, SQFS_MAX_BLOCK_SIZE, &size, e)) < 0)
        return rc;
    if (size < SQFS_MIN_BLOCK_SIZE || (size & (size - 1)) != 0)
        return jcur_fail(&c, e, "a block has a power of two from 4096 to 1048576 bytes");
    *out = (uint32_t)size;
    return 0;
}

static int read_params(const struct jcur *params, struct squashfs_params *out, struct err *e)
{
    static const char *const keys[] = {"blockSize", "compressor", "exclude", "exports", "fragments",
                                       "level",     "time",       "xattrs",  NULL};
    struct squashfs_params p = {0};
    size_t index = 0;
    uint64_t time = 0;
    struct jcur level;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = params_compressor(params, compressors, &index, &p.level, e)) < 0 ||
        (rc = read_block_size(params, &p.block_size, e)) < 0 ||
        (rc = params_bool(params, "fragments", &p.fragments, e)) < 0 ||
        (rc = params_bool(params, "exports", &p.exports, e)) < 0 ||
        (rc = params_bool(params, "xattrs", &p.xattrs, e)) < 0 ||
        (rc = jcur_get_u64(params, "time", UINT32_MAX, &time, e)) < 0 ||
        (rc = view_check_exclude(params, e)) < 0)
        return rc;
    p.compressor = (enum squashfs_compressor)index;
    p.time = (uint32_t)time;
    if (p.compressor == SQUASHFS_LZ4 && p.level != 0 && p.level != SQUASHFS_LZ4_HC) {
        if ((rc = jcur_get(params, "level", &level, e)) < 0)
            return rc;
        return jcur_fail(&level, e, "'lz4' has level 0 (fast) and 12 (high compression)");
    }
    *out = p;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    struct squashfs_params p;

    (void)input_count;
    return read_params(params, &p, e);
}

/* All that decides what a block becomes. */
static int reuse_options(const struct squashfs_params *p, char **out, struct err *e)
{
    return str_format(out, e, "%s %d %u", compressors[p->compressor].name, p->level, p->block_size);
}

/* Without an earlier image, or when it cannot be used, every block is compressed. */
static int find_earlier(const struct step_context *context, const struct squashfs_params *p,
                        struct squashfs_reuse **out, struct err *e)
{
    AUTO_FREE char *options = NULL;
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *r = NULL;
    struct earlier before;
    struct err ignored = ERR_INIT;
    int rc;

    if (context->lineage == NULL || p->compressor == SQUASHFS_NONE)
        return 0;
    if ((rc = reuse_options(p, &options, e)) < 0 ||
        (rc = squashfs_reuse_new(p->block_size, &r, e)) < 0)
        return rc;
    if (earlier_find(context, &step_encode_squashfs, options, &before))
        (void)squashfs_reuse_load(r, context->cas, &before.output, &before.parts, &ignored);
    *out = steal_ptr(&r);
    return 0;
}

/* Best effort: without it the next run has more to do. */
static void remember(const struct step_context *context, const struct squashfs_params *p,
                     struct squashfs_reuse *r, const struct digest *image)
{
    AUTO_FREE char *options = NULL;
    struct err ignored = ERR_INIT;
    struct earlier now = {.output = *image};

    if (r != NULL && reuse_options(p, &options, &ignored) == 0 &&
        squashfs_reuse_store(r, context->cas, &now.parts, &ignored) == 0)
        earlier_remember(context, &step_encode_squashfs, options, &now);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *reuse = NULL;
    struct squashfs_params p = {0};
    int rc;

    (void)input_count;
    if ((rc = read_params(params, &p, e)) < 0 ||
        (rc = view_build(inputs[0].tree, params, &view, e)) < 0 ||
        (rc = find_earlier(context, &p, &reuse, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    struct squashfs_input in = {.tree = inputs[0].tree,
                                .view = &view,
                                .cas = context->cas,
                                .progress = context->progress,
                                .jobs = context->jobs,
                                .reuse = reuse};
    if ((rc = squashfs_write(&in, &p, cas_writer_fd(writer), e)) < 0 ||
        (rc = output_commit(writer, out, e)) < 0)
        return rc;
    remember(context, &p, reuse, &out->digest);
    return 0;
}

static const char *const libraries[] = {"liblzma", "libsquashfs", "lz4", "zlib", "zstd", NULL};

const struct step_kind step_encode_squashfs = {
    .name = "encode.squashfs",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
    .wide = true,
};
