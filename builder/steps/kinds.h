/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step kinds, one file each in this folder: `encode_tar` is encode_tar.c, which has what a plan
 * may say of it, step_encode_tar, and what it does, step_encode_tar_run. step.c makes tables of
 * them.
 */
#ifndef ASSAY_BUILDER_STEPS_KINDS_H
#define ASSAY_BUILDER_STEPS_KINDS_H

#include "builder/steps/step.h"

/* One row a line, sorted: rows that are added side by side do not conflict. */
/* clang-format off */
#define STEP_KINDS(row) \
    row(encode_cartesi_hash) \
    row(encode_cartesi_run) \
    row(encode_disk) \
    row(encode_erofs) \
    row(encode_ext4) \
    row(encode_fat) \
    row(encode_gcp) \
    row(encode_initrd) \
    row(encode_iso) \
    row(encode_linuxkit_tar) \
    row(encode_oci) \
    row(encode_qcow2) \
    row(encode_squashfs) \
    row(encode_tar) \
    row(encode_uimage) \
    row(encode_vdi) \
    row(encode_verity) \
    row(encode_vhd) \
    row(encode_vmdk) \
    row(extract_file) \
    row(extract_linuxkit) \
    row(extract_verity) \
    row(join_parts) \
    row(kernel_decompress) \
    row(tree_cartesi) \
    row(tree_debian) \
    row(tree_files) \
    row(tree_finish) \
    row(tree_layers) \
    row(tree_linuxkit)
/* clang-format on */

#define STEP_DECLARE(name)                                                                         \
    extern const struct step_kind step_##name;                                                     \
    step_function step_##name##_run;
STEP_KINDS(STEP_DECLARE)

#endif
