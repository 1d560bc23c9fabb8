/* SPDX-License-Identifier: Apache-2.0 */
/* The compressors that an image's writer has; alone, so that recipes need not know the writer. */
#ifndef ASSAY_FORMATS_SQUASHFS_SQUASHFS_COMPRESSORS_H
#define ASSAY_FORMATS_SQUASHFS_SQUASHFS_COMPRESSORS_H

#include "formats/stream/compressor.h"

enum squashfs_compressor { SQUASHFS_GZIP, SQUASHFS_ZSTD, SQUASHFS_XZ, SQUASHFS_LZ4, SQUASHFS_NONE };

/* Indexed by the enum; ends with NULL. */
extern const struct compressor *const squashfs_compressors[];

#endif
