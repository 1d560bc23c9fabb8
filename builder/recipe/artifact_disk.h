/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of bootable media that disk images, ISO images and rpi3 have in common. */
#ifndef ASSAY_BUILDER_RECIPE_ARTIFACT_DISK_H
#define ASSAY_BUILDER_RECIPE_ARTIFACT_DISK_H

#include "builder/recipe/compiler.h"

/* The initrd that kernel+initrd makes by default, under its id unless another line of the recipe
 * took that for one with other options. */
int artifact_initrd(struct compiler *c, const char **id, struct err *e);
/* The kernel's command line can stand in a line of a loader's configuration: not too long, no
 * control characters. ERR_INPUT. */
int artifact_check_cmdline(const struct compiler *c, struct err *e);
/*
 * An EFI system partition as the step `id`: systemd-boot out of the image `loader`, the kernel, on
 * request the initrd, and an entry with this command line. ERR_UNDECIDED for architectures without
 * a loader.
 */
int artifact_efi_volume(struct compiler *c, const char *loader, const char *id, bool with_initrd,
                        const char *cmdline, struct err *e);

#endif
