/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a package's control.tar: what it says of the package as texts, and all
 * its files but `control` into a pack, as dpkg keeps them in its database.
 *
 * Refused: anything but regular files with plain names at the top, a name twice,
 * texts and totals beyond the bounds below, a package without `control`.
 */
#ifndef ASSAY_FORMATS_LAYERS_DEB_CONTROL_H
#define ASSAY_FORMATS_LAYERS_DEB_CONTROL_H

#include "formats/layers/layers.h"
#include "formats/tree/pack.h"

enum {
    DEB_CONTROL_TEXT_MAX = 1 << 20,   /* bytes of one text */
    DEB_CONTROL_TOTAL_MAX = 64 << 20, /* bytes of the whole archive, uncompressed */
    DEB_CONTROL_FILES_MAX = 64,
    DEB_CONTROL_NAME_MAX = 64,
};

/* `from` is control.tar as the package has it; it is read to its end. Where `pack` is NULL, only
 * `control` is kept of it. */
int deb_control_read(const struct source *from, enum compression compression,
                     struct pack_writer *pack, struct deb_control **out, struct err *e);

#endif
