/* SPDX-License-Identifier: Apache-2.0 */
/* ext2, ext3 and ext4 images, compared (docs/formats/object.md). */
#ifndef ASSAY_FORMATS_EXT4_EXT4_OBJECT_H
#define ASSAY_FORMATS_EXT4_EXT4_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_ext4;

#endif
