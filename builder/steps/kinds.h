/* SPDX-License-Identifier: Apache-2.0 */
/* The step kinds, one file each in this folder; step.c makes the table of them. */
#ifndef ASSAY_BUILDER_STEPS_KINDS_H
#define ASSAY_BUILDER_STEPS_KINDS_H

#include "builder/plan/step_kind.h"

extern const struct step_kind step_tree_layers;         /* tree_layers.c */
extern const struct step_kind step_tree_debian;         /* tree_debian.c */
extern const struct step_kind step_tree_linuxkit;       /* tree_linuxkit.c */
extern const struct step_kind step_tree_cartesi;        /* tree_cartesi.c */
extern const struct step_kind step_encode_tar;          /* encode_tar.c */
extern const struct step_kind step_encode_squashfs;     /* encode_squashfs.c */
extern const struct step_kind step_encode_disk;         /* encode_disk.c */
extern const struct step_kind step_encode_gcp;          /* encode_gcp.c */
extern const struct step_kind step_encode_qcow2;        /* encode_qcow2.c */
extern const struct step_kind step_encode_uimage;       /* encode_uimage.c */
extern const struct step_kind step_encode_vhd;          /* encode_vhd.c */
extern const struct step_kind step_encode_vmdk;         /* encode_vmdk.c */
extern const struct step_kind step_encode_fat;          /* encode_fat.c */
extern const struct step_kind step_encode_initrd;       /* encode_initrd.c */
extern const struct step_kind step_encode_oci;          /* encode_oci.c */
extern const struct step_kind step_encode_linuxkit_tar; /* encode_linuxkit_tar.c */
extern const struct step_kind step_encode_cartesi_hash; /* encode_cartesi_hash.c */
extern const struct step_kind step_encode_cartesi_run;  /* encode_cartesi_run.c */
extern const struct step_kind step_join_parts;          /* join_parts.c */
extern const struct step_kind step_extract_linuxkit;    /* extract_linuxkit.c */
extern const struct step_kind step_extract_file;        /* extract_file.c */
extern const struct step_kind step_tree_files;          /* tree_files.c */
extern const struct step_kind step_encode_iso;          /* encode_iso.c */
extern const struct step_kind step_encode_ext4;         /* encode_ext4.c */
extern const struct step_kind step_kernel_decompress;   /* kernel_decompress.c */
extern const struct step_kind step_encode_erofs;        /* encode_erofs.c */
extern const struct step_kind step_encode_verity;       /* encode_verity.c */
extern const struct step_kind step_extract_verity;      /* extract_verity.c */

#endif
