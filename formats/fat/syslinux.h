/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SYSLINUX on a FAT volume without its installer: the installer's program
 * carries the boot sector, ldlinux.sys and ldlinux.c32 as they are; what it
 * would change in them at installation is changed here (docs/formats/fat.md;
 * the layout is SYSLINUX's doc/ and libinstaller's, 6.x).
 *
 * Everything is looked for by its marks, everything found is checked, and every
 * offset in it bounded: the program is an input like any other.
 */
#ifndef ASSAY_FORMATS_FAT_SYSLINUX_H
#define ASSAY_FORMATS_FAT_SYSLINUX_H

#include "base/buf.h"

enum { SYSLINUX_INSTALLER_MAX = 1024 * 1024, SYSLINUX_SECTOR = 512 };

struct syslinux {
    const uint8_t *boot;  /* the boot sector, 512 bytes; into the installer */
    const uint8_t *image; /* ldlinux.sys as it is before installation; into the installer */
    size_t image_len;     /* a multiple of 4 */
    const uint8_t *c32;   /* ldlinux.c32; into the installer */
    size_t c32_len;
};

/* Finds the three in the program `syslinux` (an x86 ELF file). ERR_INPUT. */
int syslinux_find(const uint8_t *installer, size_t len, struct syslinux *out, struct err *e);

/* Bytes of the installed ldlinux.sys: the image, to whole sectors, and two for its variables. */
size_t syslinux_installed_size(const struct syslinux *s);
/*
 * Fills `file` (that many bytes) with ldlinux.sys, and `boot` with the boot
 * sector, for a file whose sectors are one run that begins `sector` sectors
 * behind the start of the volume. ERR_INPUT when the image's tables do not have
 * room, or lie outside of it.
 */
int syslinux_install(const struct syslinux *s, uint32_t sector, uint8_t *file,
                     uint8_t boot[SYSLINUX_SECTOR], struct err *e);

#endif
