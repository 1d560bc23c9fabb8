/* SPDX-License-Identifier: Apache-2.0 */
/* FAT12, FAT16 and FAT32 volumes, compared (docs/formats/object.md). */
#ifndef ASSAY_FORMATS_FAT_FAT_OBJECT_H
#define ASSAY_FORMATS_FAT_FAT_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_fat;

#endif
