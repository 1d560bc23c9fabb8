/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed kernels: where their payload is, and how it is packed (docs/formats/kernel.md). A
 * kernel is one of a few forms; anything else is refused rather than passed on.
 */
#ifndef ASSAY_FORMATS_KERNEL_KERNEL_H
#define ASSAY_FORMATS_KERNEL_KERNEL_H

#include "formats/stream/sink.h"

#include <stdbool.h>
#include <stdint.h>

/* What a kernel may be when it is unpacked. */
#define KERNEL_SIZE_MAX ((uint64_t)1 << 30)

/*
 * The kernel within `data`: the payload of an x86 bzImage or an EFI zboot image, or the file itself
 * when it is compressed (gzip, xz, zstd, LZ4, LZMA) or an ELF file, an arm64 or a riscv Image. All
 * of it goes to `out`. ERR_INPUT for anything else, for damage, and beyond KERNEL_SIZE_MAX.
 */
int kernel_unpack(const uint8_t *data, size_t len, struct sink out, struct err *e);

#endif
