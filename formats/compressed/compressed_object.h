/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bytes as objects with one member, "content" (docs/formats/compressed.md). */
#ifndef ASSAY_FORMATS_COMPRESSED_COMPRESSED_OBJECT_H
#define ASSAY_FORMATS_COMPRESSED_COMPRESSED_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_gzip;
extern const struct object_kind object_kind_xz;
extern const struct object_kind object_kind_zstd;
extern const struct object_kind object_kind_lz4;
extern const struct object_kind object_kind_bzip2;

#endif
