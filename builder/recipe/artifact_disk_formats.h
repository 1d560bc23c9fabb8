/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of disk images, one row each: what artifact.c lists, artifact_disk.c compiles, and
 * the name is of in recipes. Columns: identifier; name; suffix of the output (LinuxKit's);
 * firmware; the step kind of the container around the disk, NULL for the disk itself; params.type
 * of that kind, NULL when it has none; media type.
 */
#ifndef ASSAY_BUILDER_RECIPE_ARTIFACT_DISK_FORMATS_H
#define ASSAY_BUILDER_RECIPE_ARTIFACT_DISK_FORMATS_H

#include "base/media_types.h"

/* clang-format off */
#define DISK_FORMATS(row) \
    row(raw_bios, "raw-bios", "-bios.img", BIOS, NULL, NULL, MEDIA_ASSAY_DISK) \
    row(raw_efi, "raw-efi", "-efi.img", EFI, NULL, NULL, MEDIA_ASSAY_DISK) \
    row(aws, "aws", ".raw", BIOS, NULL, NULL, MEDIA_ASSAY_DISK) \
    row(qcow2_bios, "qcow2-bios", ".qcow2", BIOS, "encode.qcow2", NULL, MEDIA_ASSAY_CONTAINER("qcow2")) \
    row(qcow2_efi, "qcow2-efi", "-efi.qcow2", EFI, "encode.qcow2", NULL, MEDIA_ASSAY_CONTAINER("qcow2")) \
    row(vhd, "vhd", ".vhd", BIOS, "encode.vhd", "fixed", MEDIA_ASSAY_CONTAINER("vhd")) \
    row(dynamic_vhd, "dynamic-vhd", ".vhd", BIOS, "encode.vhd", "dynamic", MEDIA_ASSAY_CONTAINER("vhd")) \
    row(vdi, "vdi", ".vdi", BIOS, "encode.vdi", "dynamic", MEDIA_ASSAY_CONTAINER("vdi")) \
    row(fixed_vdi, "fixed-vdi", ".vdi", BIOS, "encode.vdi", "fixed", MEDIA_ASSAY_CONTAINER("vdi")) \
    row(vmdk, "vmdk", ".vmdk", BIOS, "encode.vmdk", NULL, MEDIA_ASSAY_CONTAINER("vmdk")) \
    row(gcp, "gcp", ".img.tar.gz", BIOS, "encode.gcp", NULL, MEDIA_GZIP)
/* clang-format on */

#endif
