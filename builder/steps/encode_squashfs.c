/* SPDX-License-Identifier: Apache-2.0 */
/* encode.squashfs: a tree as a squashfs 4.0 image (docs/formats/squashfs.md). */
#include "builder/steps/earlier.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/squashfs/squashfs.h"

struct params {
    struct param_compression compression;
    uint32_t block_size;
    bool fragments;
    bool exports;
    bool xattrs;
    uint32_t time;
    struct glob_list *exclude;
};

static bool is_power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static int check_ends(const struct param_reading *r, const struct jcur *object, const void *fields,
                      struct err *e)
{
    const struct param_compression *c = &((const struct params *)fields)->compression;
    const struct compressor *z = squashfs_compressors[c->index];
    struct jcur level;
    (void)r;
    if (compressor_has_level(z, c->level))
        return 0;
    int rc = jcur_get(object, "level", &level, e);
    return rc < 0 ? rc
                  : jcur_fail(&level, e, "'%s' has level %d (fast) and %d (high compression)",
                              z->name, z->level_min, z->level_max);
}

static const struct param rows[] = {
    {PARAM_COMPRESSOR(struct params, compression, squashfs_compressors)},
    {PARAM_U32("blockSize", struct params, block_size), .min = SQFS_MIN_BLOCK_SIZE,
     .max = SQFS_MAX_BLOCK_SIZE, .fits = is_power_of_two,
     .complaint = "a block has a power of two from 4096 to 1048576 bytes"},
    {PARAM_BOOL("fragments", struct params, fragments)},
    {PARAM_BOOL("exports", struct params, exports)},
    {PARAM_BOOL("xattrs", struct params, xattrs)},
    {PARAM_U32("time", struct params, time), .max = UINT32_MAX},
    {PARAM_GLOBS("exclude", struct params, exclude)},
    {PARAM_RULE(check_ends)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* All that decides what a block becomes. */
static int reuse_options(const struct squashfs_params *p, char **out, struct err *e)
{
    return str_format(out, e, "%s %d %u", squashfs_compressors[p->compressor]->name, p->level,
                      p->block_size);
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

int step_encode_squashfs_run(const struct step_context *context, void *params,
                             const struct step_input *inputs, size_t input_count,
                             struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *reuse = NULL;
    const struct params *given = params;
    const struct squashfs_params p = {
        .compressor = (enum squashfs_compressor)given->compression.index,
        .level = given->compression.level,
        .block_size = given->block_size,
        .fragments = given->fragments,
        .exports = given->exports,
        .xattrs = given->xattrs,
        .time = given->time,
    };
    int rc;

    (void)input_count;
    if ((rc = view_build(inputs[0].tree, given->exclude, &view, e)) < 0 ||
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
    .params = &takes,
    .wide = true,
};
