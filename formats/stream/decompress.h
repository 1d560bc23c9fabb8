/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming decompression with bounds: on memory, on the total, and on how far
 * bytes may expand. A stream that is cut short, damaged or followed by other
 * bytes is ERR_INPUT.
 *
 * gzip (RFC 1952, several members), zstd (RFC 8878, several frames, window up to
 * 2^27), xz (several streams; on several threads when it has blocks that fit).
 */
#ifndef ASSAY_FORMATS_STREAM_DECOMPRESS_H
#define ASSAY_FORMATS_STREAM_DECOMPRESS_H

#include "base/scope.h"
#include "formats/stream/source.h"

#include <stdbool.h>

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ };

/* "none", "gzip", "zstd", "xz": NULL-terminated, indexed by the enum. */
extern const char *const compression_names[];
/* What the first bytes of a file say; COMPRESSION_NONE when they are none of these. ERR_HOST when
 * unreadable. */
int compression_of_file(int fd, enum compression *out, struct err *e);

/*
 * Contents go to the store, so a bomb would fill the disk. Real trees reach
 * 1:10, rarely 1:30; a stretch of zeros 1:1000. So up to FREE bytes may come
 * from anything, and beyond that at most RATIO for each compressed byte so far.
 */
#define DECOMPRESS_TOTAL_MAX ((uint64_t)64 << 30)
#define DECOMPRESS_FREE ((uint64_t)256 << 20)
enum { DECOMPRESS_RATIO_MAX = 200, DECOMPRESS_ZSTD_WINDOW_LOG_MAX = 27 };
/* What an xz stream may need at most (xz -9: 65 MiB), and what its threads may use together. */
#define DECOMPRESS_XZ_MEMORY_MAX ((uint64_t)96 << 20)
#define DECOMPRESS_XZ_MEMORY_THREADS ((uint64_t)40 << 20)

struct decompress_options {
    unsigned threads;   /* 0 or 1 = one */
    uint64_t total_max; /* produced bytes; 0 = DECOMPRESS_TOTAL_MAX */
    uint64_t free_max;  /* 0 = DECOMPRESS_FREE */
    unsigned ratio_max; /* 0 = DECOMPRESS_RATIO_MAX */
    uint64_t xz_memory; /* for all its threads; 0 = DECOMPRESS_XZ_MEMORY_THREADS */
    /*
     * Not 0: read as dpkg does, of zstd the first frame and of xz the first stream alone, of gzip
     * the members that follow each other; up to so many bytes behind that are passed over.
     */
    uint64_t tail_max;
};

struct decompressor;
/* `from` is copied; its context stays the caller's and must outlive the decompressor. */
int decompressor_new(enum compression kind, const struct source *from,
                     const struct decompress_options *options, struct decompressor **out,
                     struct err *e);
void decompressor_free(struct decompressor *d);
/* Whether reading failed because the bytes expand too far. */
bool decompressor_is_bomb(const struct decompressor *d);
/* The decompressed stream; valid as long as `d`. */
struct source decompressor_source(struct decompressor *d);

static inline void scope_decompressor(struct decompressor **d)
{
    decompressor_free(*d);
}
#define AUTO_DECOMPRESSOR AUTO(scope_decompressor)

#endif
