/* SPDX-License-Identifier: Apache-2.0 */
/* Counts that meet the width of a field, checked: ERR_INPUT, which says how many there may be. For
 * the kinds' own files, and for the tests that cannot reach such counts otherwise. */
#ifndef ASSAY_BUILDER_STEPS_WIDTHS_H
#define ASSAY_BUILDER_STEPS_WIDTHS_H

#include "base/err.h"

#include <stdint.h>

/* Sectors of a disk that an MBR describes (encode_disk.c). */
int width_mbr(uint64_t sectors, struct err *e);
/* The sector of a VMDK where something stands that its tables point to (encode_vmdk.c). */
int width_vmdk(uint64_t at, uint32_t *sector, struct err *e);
/* Bytes behind the header of a U-Boot image (encode_uimage.c). */
int width_uimage(uint64_t size, struct err *e);

#endif
