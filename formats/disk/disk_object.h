/* SPDX-License-Identifier: Apache-2.0 */
/* Disks with partitions, by a GPT or an MBR, compared (docs/formats/object.md). */
#ifndef ASSAY_FORMATS_DISK_DISK_OBJECT_H
#define ASSAY_FORMATS_DISK_DISK_OBJECT_H

#include "formats/object/object.h"

/* Of the two, the GPT is told by its name and can be looked for early; the MBR only by the last two
 * bytes of a sector, which file systems have as well. */
extern const struct object_kind object_kind_gpt;
extern const struct object_kind object_kind_mbr;

#endif
