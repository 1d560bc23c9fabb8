/* SPDX-License-Identifier: Apache-2.0 */
/* Disks in the images of virtual machines: qcow2, VDI and VHD, compared by the disk that is in
 * them (docs/formats/object.md). */
#ifndef ASSAY_FORMATS_DISK_IMAGE_OBJECT_H
#define ASSAY_FORMATS_DISK_IMAGE_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_qcow2;
extern const struct object_kind object_kind_vdi;
extern const struct object_kind object_kind_vhd;

#endif
