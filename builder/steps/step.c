/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/step.h"

#include "builder/steps/kinds.h"

/* One row a line: rows that are added side by side do not conflict. */
/* clang-format off */
static const struct step_kind *const kinds[] = {
    &step_encode_cartesi_hash,
    &step_encode_cartesi_run,
    &step_encode_disk,
    &step_encode_erofs,
    &step_encode_ext4,
    &step_encode_fat,
    &step_encode_gcp,
    &step_encode_initrd,
    &step_encode_iso,
    &step_encode_linuxkit_tar,
    &step_encode_oci,
    &step_encode_qcow2,
    &step_encode_squashfs,
    &step_encode_tar,
    &step_encode_uimage,
    &step_encode_verity,
    &step_encode_vhd,
    &step_encode_vmdk,
    &step_extract_file,
    &step_extract_linuxkit,
    &step_extract_verity,
    &step_join_parts,
    &step_kernel_decompress,
    &step_tree_cartesi,
    &step_tree_debian,
    &step_tree_files,
    &step_tree_layers,
    &step_tree_linuxkit,
};
/* clang-format on */

const struct step_table builder_steps = {
    .kinds = kinds,
    .kind_count = sizeof(kinds) / sizeof(kinds[0]),
    .libraries = toolchain_libraries,
    .library_count = TOOLCHAIN_LIBRARY_COUNT,
    .library_version = toolchain_library_version,
};
