/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compressors that writers have, with their levels: what recipes, plans, their schemas and the
 * documentation say of them is this table, or compared with it by a test. How a compressor packs is
 * the writer's own; what packed streams are read is decompress.h.
 */
#ifndef ASSAY_FORMATS_STREAM_COMPRESSOR_H
#define ASSAY_FORMATS_STREAM_COMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compressor {
    const char *name;
    int level_min;
    int level_max;
    int level_normal; /* where nobody says one */
    bool ends_only;   /* no level but the least and the greatest */
};

extern const struct compressor compressor_gzip;
extern const struct compressor compressor_zstd;
extern const struct compressor compressor_xz;
extern const struct compressor compressor_lz4;
extern const struct compressor compressor_none;

/* What a stream is packed by that is gzip or nothing; lists end with NULL. */
extern const struct compressor *const compressors_gzip_or_none[];

enum { COMPRESSORS_MAX = 8 }; /* of one list */

bool compressor_has_level(const struct compressor *c, int64_t level);
/* The index in the list of the one with that name; false: there is none. */
bool compressor_find(const struct compressor *const *list, const char *name, size_t *index);

#endif
