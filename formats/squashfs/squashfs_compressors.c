/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/squashfs/squashfs_compressors.h"

const struct compressor *const squashfs_compressors[] = {
    [SQUASHFS_GZIP] = &compressor_gzip, [SQUASHFS_ZSTD] = &compressor_zstd,
    [SQUASHFS_XZ] = &compressor_xz,     [SQUASHFS_LZ4] = &compressor_lz4,
    [SQUASHFS_NONE] = &compressor_none, NULL,
};
