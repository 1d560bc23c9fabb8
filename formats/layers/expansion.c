/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers expand so far that reading them is refused, known before they are read. */
#include "base/byte_order.h"
#include "base/cleanup.h"
#include "formats/layers/layer.h"
#include "formats/tar/tar_reader.h"

#include <errno.h>
#include <unistd.h>
#include <zstd.h>

enum {
    GZIP_LEAST = 18,         /* bytes of a member: header and trailer */
    GZIP_LENGTH = 4,         /* its last bytes: how long the contents are, of which 32 bits */
    ZSTD_HEADER = 18,        /* of a frame, at most */
    ZSTD_EXPANSION = 32768,  /* at most: a block of 128 KiB takes 4 bytes */
    DRAIN_SIZE = 128 * 1024, /* read at once */
};

static int pread_some(int fd, void *data, size_t len, uint64_t offset, size_t *got, struct err *e)
{
    ssize_t n = pread(fd, data, len, (off_t)offset);
    if (n < 0)
        return err_os(e, errno, "cannot read a layer");
    *got = (size_t)n;
    return 0;
}

/* By what the bytes say of the length that they have unpacked. */
static int may_expand(int fd, uint64_t size, enum compression kind, bool *may, struct err *e)
{
    uint8_t bytes[ZSTD_HEADER] = {0};
    size_t got = 0;
    int rc;

    *may = false;
    if (kind == COMPRESSION_GZIP && size >= GZIP_LEAST) {
        rc = pread_some(fd, bytes, GZIP_LENGTH, size - GZIP_LENGTH, &got, e);
        *may = got == GZIP_LENGTH && get_le32(bytes) > DECOMPRESS_FREE;
        return rc;
    }
    if (kind != COMPRESSION_ZSTD || size <= DECOMPRESS_FREE / ZSTD_EXPANSION)
        return 0;
    if ((rc = pread_some(fd, bytes, sizeof(bytes), 0, &got, e)) < 0)
        return rc;
    unsigned long long length = ZSTD_getFrameContentSize(bytes, got);
    *may = length == ZSTD_CONTENTSIZE_UNKNOWN ||
           (length != ZSTD_CONTENTSIZE_ERROR && length > DECOMPRESS_FREE);
    return 0;
}

/* Reads the entries; what is no tar is read all the same. Failures are the decompressor's to tell.
 */
static int read_all(const struct source *from, struct layers_expansion *out, struct err *e)
{
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    AUTO_FREE uint8_t *data = malloc(DRAIN_SIZE);
    struct err ignored = ERR_INIT;
    struct tar_entry *n = NULL;
    size_t got = 1;

    if (data == NULL)
        return err_oom(e);
    int rc = tar_reader_new(from, &tar, e);
    if (rc < 0)
        return rc;
    tar_reader_take_sparse(tar);
    while (tar_reader_next(tar, &n, &ignored) == 0 && n != NULL)
        layer_reach(out->file, n->path);
    while (got > 0 && from->read(from->context, data, DRAIN_SIZE, &got, &ignored) == 0)
        continue;
    return 0;
}

static int read_stream(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    return cas_stream_read(context, data, len, got, e);
}

int layers_check_expansion(struct cas *cas, const struct digest *blob, enum compression kind,
                           unsigned ratio, struct layers_expansion *out, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    AUTO_CAS_STREAM struct cas_stream *stream = NULL;
    AUTO_DECOMPRESSOR struct decompressor *plain = NULL;
    const struct decompress_options options = {.threads = 1, .ratio_max = ratio};
    uint64_t size = 0;
    bool may = false;

    *out = (struct layers_expansion){0};
    int rc = cas_open_blob(cas, blob, &fd, &size, e);
    if (rc < 0 || (rc = may_expand(fd, size, kind, &may, e)) < 0 || !may)
        return rc;
    if ((rc = cas_stream_open(cas, blob, &stream, e)) < 0)
        return rc;
    const struct source from = {.context = stream, .read = read_stream};
    if ((rc = decompressor_new(kind, &from, &options, &plain, e)) < 0)
        return rc;
    const struct source unpacked = decompressor_source(plain);
    rc = read_all(&unpacked, out, e);
    out->exceeded = decompressor_is_bomb(plain);
    return rc;
}
