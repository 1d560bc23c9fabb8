/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What LinuxKit makes of its own tar for kernel+initrd and tar-kernel-initrd
 * (docs/formats/linuxkit.md, section 13), its defects included: hard links become relative
 * symlinks, equal names stay, extended attributes are lost.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_PARTS_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_PARTS_H

#include "base/buf.h"
#include "formats/stream/sink.h"
#include "formats/stream/source.h"

/* What stood under boot/: of several the last. */
struct compat_boot {
    struct buf kernel;
    struct buf cmdline;
    struct buf ucode;
};
void compat_boot_init(struct compat_boot *boot);
void compat_boot_dispose(struct compat_boot *boot);

/*
 * Reads a LinuxKit tar: what is under boot/ goes to `boot`, all else as cpio entries to `cpio`,
 * with the trailer and zeros up to 512 bytes; cpio.write NULL: nowhere. ERR_INPUT for what LinuxKit
 * fails on.
 */
int compat_parts_split(const struct source *tar, struct compat_boot *boot, const struct sink *cpio,
                       struct err *e);

/* Where a hard link of `name` to `link` points as a symlink; caller frees. */
int compat_parts_relative(const char *name, const char *link, char **out, struct err *e);

#endif
