/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding for comparison: unlike formats/stream/decompress.h, whose bytes reach artifacts, it
 * takes what peers take, and says where a stream ends, so that what stands behind it is seen.
 */
#ifndef ASSAY_FORMATS_COMPRESSED_DECODER_H
#define ASSAY_FORMATS_COMPRESSED_DECODER_H

#include "formats/stream/bytes.h"
#include "formats/stream/sink.h"

enum { DECODER_CHUNK = 128 * 1024 };

struct decoder {
    const struct bytes *from;
    uint64_t at; /* of the next byte that is not taken yet */
    uint8_t in[DECODER_CHUNK];
    size_t in_at;
    size_t in_len;
    uint8_t out[DECODER_CHUNK];
    struct sink to;
};

/* Bytes that are at hand; *len is 0 at the end. decoder_take() says how many were used. */
int decoder_fill(struct decoder *d, const uint8_t **data, size_t *len, struct err *e);
void decoder_take(struct decoder *d, size_t len);
int decoder_broken(const struct decoder *d, const char *what, struct err *e);

/* One stream (gzip: member; zstd, lz4: frame) from where the decoder stands. */
typedef int decode_fn(struct decoder *d, struct err *e);
decode_fn decode_gzip;
decode_fn decode_deflate; /* without a header */
decode_fn decode_xz;
decode_fn decode_zstd;
decode_fn decode_lz4;
decode_fn decode_bzip2;

#endif
