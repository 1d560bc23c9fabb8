/* SPDX-License-Identifier: Apache-2.0 */
/* newc cpio as the kernel's initramfs unpacker and GNU cpio read it (docs/formats/cpio.md).
 * Streaming. */
#ifndef ASSAY_FORMATS_CPIO_CPIO_WRITER_H
#define ASSAY_FORMATS_CPIO_CPIO_WRITER_H

#include "base/progress.h"
#include "formats/stream/sink.h"
#include "formats/tree/view.h"

/*
 * ERR_INPUT when the tree holds what newc cannot: extended attributes other
 * than user.*, times outside 0..2^32-1, files of 4 GiB and more, device numbers
 * that Linux does not have, a file named "TRAILER!!!" at the root.
 */
int cpio_write(const struct tree *t, const struct view *v, struct cas *cas,
               struct progress *progress, struct sink out, struct err *e);
/* Whether one inode can be in it. `path` for errors. */
int cpio_check(const struct tree_inode *inode, const char *path, struct err *e);

#endif
