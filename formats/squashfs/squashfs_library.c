/* SPDX-License-Identifier: Apache-2.0 */
/* What libsquashfs is given: a file to write to, compressors and their options, errors in words. */
#include "formats/squashfs/squashfs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

/* ---- the file --------------------------------------------------------------- */

static int file_read(sqfs_file_t *base, sqfs_u64 offset, void *buffer, size_t size)
{
    struct squashfs_file *f = (struct squashfs_file *)base;
    uint8_t *p = buffer;

    while (size > 0) {
        ssize_t n = pread(f->fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            f->error = n < 0 ? errno : EIO;
            return SQFS_ERROR_IO;
        }
        p += n;
        offset += (sqfs_u64)n;
        size -= (size_t)n;
    }
    return 0;
}

static int file_write(sqfs_file_t *base, sqfs_u64 offset, const void *buffer, size_t size)
{
    struct squashfs_file *f = (struct squashfs_file *)base;
    const uint8_t *p = buffer;

    while (size > 0) {
        ssize_t n = pwrite(f->fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            f->error = n < 0 ? errno : EIO;
            return SQFS_ERROR_IO;
        }
        p += n;
        offset += (sqfs_u64)n;
        size -= (size_t)n;
    }
    if (offset > f->size)
        f->size = offset;
    return 0;
}

static sqfs_u64 file_size(const sqfs_file_t *base)
{
    return ((const struct squashfs_file *)base)->size;
}

static int file_truncate(sqfs_file_t *base, sqfs_u64 size)
{
    struct squashfs_file *f = (struct squashfs_file *)base;

    if (ftruncate(f->fd, (off_t)size) != 0) {
        f->error = errno;
        return SQFS_ERROR_IO;
    }
    f->size = size;
    return 0;
}

static void file_destroy(sqfs_object_t *object)
{
    (void)object; /* the descriptor is its opener's */
}

void squashfs_file_init(struct squashfs_file *f, int fd)
{
    *f = (struct squashfs_file){.fd = fd};
    f->base.base.destroy = file_destroy;
    f->base.read_at = file_read;
    f->base.write_at = file_write;
    f->base.get_size = file_size;
    f->base.truncate = file_truncate;
}

int squashfs_file_pad(struct squashfs_file *f, uint64_t to, struct err *e)
{
    uint64_t tail = f->size % to;
    int rc = tail == 0 ? 0 : file_truncate(&f->base, f->size + to - tail);

    return rc == 0 ? 0 : squashfs_fail(f, rc, "cannot pad the squashfs", e);
}

int squashfs_fail(const struct squashfs_file *f, int code, const char *doing, struct err *e)
{
    switch (code) {
    case SQFS_ERROR_ALLOC:
        return err_oom(e);
    case SQFS_ERROR_IO:
        return err_os(e, f == NULL ? EIO : f->error, "%s", doing);
    case SQFS_ERROR_OVERFLOW:
        return err_set(e, ERR_INPUT, "%s: more than the format can count", doing);
    case SQFS_ERROR_COMPRESSOR:
        return err_set(e, ERR_HOST, "%s: the compressor failed", doing);
    case SQFS_ERROR_UNSUPPORTED:
        return err_set(e, ERR_UNDECIDED, "%s: libsquashfs does not support it", doing);
    default:
        return err_set(e, ERR_HOST, "%s: libsquashfs says %d", doing, code);
    }
}

/* ---- compressors ------------------------------------------------------------ */

const SQFS_COMPRESSOR squashfs_compressor_ids[] = {
    [SQUASHFS_GZIP] = SQFS_COMP_GZIP, [SQUASHFS_ZSTD] = SQFS_COMP_ZSTD,
    [SQUASHFS_XZ] = SQFS_COMP_XZ,     [SQUASHFS_LZ4] = SQFS_COMP_LZ4,
    [SQUASHFS_NONE] = SQFS_COMP_GZIP, /* which packs nothing */
};

/* "none": a compressor that never makes a block smaller, so that every block is stored as it is. */
static sqfs_s32 null_block(sqfs_compressor_t *cmp, const sqfs_u8 *in, sqfs_u32 size, sqfs_u8 *out,
                           sqfs_u32 outsize)
{
    (void)cmp;
    (void)in;
    (void)size;
    (void)out;
    (void)outsize;
    return 0;
}

static int null_options(sqfs_compressor_t *cmp, sqfs_file_t *file)
{
    (void)cmp;
    (void)file;
    return 0;
}

static void null_configuration(const sqfs_compressor_t *cmp, sqfs_compressor_config_t *config)
{
    (void)cmp;
    memset(config, 0, sizeof(*config));
    config->id = SQFS_COMP_GZIP;
}

static void null_destroy(sqfs_object_t *object)
{
    free(object);
}

static sqfs_compressor_t *null_new(void);

static sqfs_object_t *null_copy(const sqfs_object_t *object)
{
    (void)object;
    return (sqfs_object_t *)null_new();
}

static sqfs_compressor_t *null_new(void)
{
    sqfs_compressor_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->base.destroy = null_destroy;
    c->base.copy = null_copy;
    c->get_configuration = null_configuration;
    c->write_options = null_options;
    c->read_options = null_options;
    c->do_block = null_block;
    return c;
}

static int wrapper_write_options(sqfs_compressor_t *cmp, sqfs_file_t *file)
{
    sqfs_compressor_t *inner = ((struct squashfs_wrapper *)cmp)->inner;

    return inner->write_options(inner, file);
}

static int wrapper_read_options(sqfs_compressor_t *cmp, sqfs_file_t *file)
{
    sqfs_compressor_t *inner = ((struct squashfs_wrapper *)cmp)->inner;

    return inner->read_options(inner, file);
}

static void wrapper_configuration(const sqfs_compressor_t *cmp, sqfs_compressor_config_t *config)
{
    const sqfs_compressor_t *inner = ((const struct squashfs_wrapper *)cmp)->inner;

    inner->get_configuration(inner, config);
}

void squashfs_wrapper_init(struct squashfs_wrapper *w, sqfs_compressor_t *inner)
{
    w->inner = inner;
    w->base.get_configuration = wrapper_configuration;
    w->base.write_options = wrapper_write_options;
    w->base.read_options = wrapper_read_options;
}

/*
 * Every other: the library's, with two checks.
 *
 * A block that compression does not make smaller is stored as it is; 1.2.0's lz4 stores the larger
 * one, which unsquashfs and its own reader then refuse.
 *
 * The slow levels of zstd try hard on bytes that nothing makes smaller (what is compressed
 * already), and store them as they are at the end. A block that the fastest level does not make
 * smaller is not tried with a slow one: part of the format of our images
 * (docs/formats/squashfs.md), since a rare block loses a percent by it.
 */
enum { TRIAL_LEVEL = 1, TRIAL_FROM_LEVEL = 4 };

struct checked {
    struct squashfs_wrapper base;
    ZSTD_CCtx *trial; /* NULL: blocks are not tried */
    size_t trial_size;
    uint8_t *trial_out; /* ZSTD_compressBound(trial_size) bytes */
};

/* Whether the fastest level makes the block smaller. */
static bool shrinks(struct checked *c, const sqfs_u8 *in, sqfs_u32 size)
{
    if (c->trial == NULL || size > c->trial_size)
        return true;
    size_t n =
        ZSTD_compressCCtx(c->trial, c->trial_out, ZSTD_compressBound(size), in, size, TRIAL_LEVEL);
    return ZSTD_isError(n) || n < size;
}

static sqfs_s32 checked_block(sqfs_compressor_t *cmp, const sqfs_u8 *in, sqfs_u32 size,
                              sqfs_u8 *out, sqfs_u32 outsize)
{
    struct checked *c = (struct checked *)cmp;

    if (!shrinks(c, in, size))
        return 0;
    sqfs_s32 len = c->base.inner->do_block(c->base.inner, in, size, out, outsize);

    return len > 0 && (sqfs_u32)len >= size ? 0 : len;
}

static void checked_destroy(sqfs_object_t *object)
{
    struct checked *c = (struct checked *)object;

    sqfs_destroy(c->base.inner);
    ZSTD_freeCCtx(c->trial);
    free(c->trial_out);
    free(c);
}

static sqfs_object_t *checked_copy(const sqfs_object_t *object);

/* Takes `inner`, also when it fails. `trial_size`: blocks up to that size are tried; 0: none is. */
static sqfs_compressor_t *checked_new(sqfs_compressor_t *inner, size_t trial_size)
{
    struct checked *c = inner == NULL ? NULL : calloc(1, sizeof(*c));

    if (c == NULL) {
        sqfs_destroy(inner);
        return NULL;
    }
    squashfs_wrapper_init(&c->base, inner);
    c->base.base.base.destroy = checked_destroy;
    c->base.base.base.copy = checked_copy;
    c->base.base.do_block = checked_block;
    if (trial_size == 0)
        return &c->base.base;
    c->trial_size = trial_size;
    c->trial = ZSTD_createCCtx();
    c->trial_out = malloc(ZSTD_compressBound(trial_size));
    if (c->trial != NULL && c->trial_out != NULL)
        return &c->base.base;
    checked_destroy(&c->base.base.base);
    return NULL;
}

static sqfs_object_t *checked_copy(const sqfs_object_t *object)
{
    const struct checked *c = (const struct checked *)object;

    return (sqfs_object_t *)checked_new(sqfs_copy(c->base.inner), c->trial_size);
}

int squashfs_compressor_new(const struct squashfs_params *params, bool unpack,
                            sqfs_compressor_t **out, struct err *e)
{
    sqfs_compressor_config_t config;
    sqfs_u16 flags = 0;

    if (params->compressor == SQUASHFS_NONE) {
        *out = null_new();
        return *out == NULL ? err_oom(e) : 0;
    }
    if (params->compressor == SQUASHFS_LZ4 && params->level == compressor_lz4.level_max)
        flags |= SQFS_COMP_FLAG_LZ4_HC;
    if (unpack)
        flags |= SQFS_COMP_FLAG_UNCOMPRESS;
    int rc = sqfs_compressor_config_init(&config, squashfs_compressor_ids[params->compressor],
                                         params->block_size, flags);
    if (params->compressor != SQUASHFS_LZ4)
        config.level = (sqfs_u32)params->level;
    if (params->compressor == SQUASHFS_XZ && config.opt.xz.dict_size < SQFS_XZ_MIN_DICT_SIZE)
        config.opt.xz.dict_size = SQFS_XZ_MIN_DICT_SIZE; /* 4 KiB blocks */
    sqfs_compressor_t *made = NULL;
    if (rc == 0)
        rc = sqfs_compressor_create(&config, &made);
    if (rc != 0)
        return squashfs_fail(NULL, rc, "cannot start the squashfs's compressor", e);
    bool tried = params->compressor == SQUASHFS_ZSTD && params->level >= TRIAL_FROM_LEVEL;
    *out = unpack ? made : checked_new(made, tried ? params->block_size : 0);
    return *out == NULL ? err_oom(e) : 0;
}
