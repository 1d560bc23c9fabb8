/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) by blocks, on several threads, with the same bytes for any
 * number of them: one member, a fixed header, deflate blocks of 1 MiB of input
 * each primed with the 32 KiB before it and joined by empty stored blocks
 * (docs/formats/stream.md says exactly how).
 */
#ifndef ASSAY_FORMATS_STREAM_GZIP_WRITER_H
#define ASSAY_FORMATS_STREAM_GZIP_WRITER_H

#include "base/scope.h"
#include "formats/stream/sink.h"

enum { GZIP_BLOCK = 1024 * 1024, GZIP_WINDOW = 32 * 1024 };

struct gzip_writer;

/* `out` is copied; its context must outlive the writer. Memory: about 2 MiB times 2 x jobs (at most
 * 16). */
int gzip_writer_new(struct sink out, int level, unsigned jobs, struct gzip_writer **w,
                    struct err *e);
/* Where a stream goes that is gzip or nothing: *to packs, but with level 0 *w stays NULL and *to is
 * `out`. */
int gzip_writer_optional(struct sink out, int level, unsigned jobs, struct gzip_writer **w,
                         struct sink *to, struct err *e);
int gzip_writer_write(struct gzip_writer *w, const void *data, size_t len, struct err *e);
/* The last block and the trailer; nothing may be written afterwards. NULL is fine. */
int gzip_writer_finish(struct gzip_writer *w, struct err *e);
void gzip_writer_free(struct gzip_writer *w);
/* Compresses what is written to it. */
struct sink sink_gzip(struct gzip_writer *w);

static inline void scope_gzip_writer(struct gzip_writer **w)
{
    gzip_writer_free(*w);
}
#define AUTO_GZIP_WRITER AUTO(scope_gzip_writer)

#endif
