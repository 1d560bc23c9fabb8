/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical tar: POSIX pax with one way to say each thing (docs/formats/tar.md). Streaming; memory
 * does not grow with sizes. */
#ifndef ASSAY_FORMATS_TAR_TAR_WRITER_H
#define ASSAY_FORMATS_TAR_TAR_WRITER_H

#include "base/progress.h"
#include "formats/stream/sink.h"
#include "formats/tree/view.h"

struct tar_options {
    const struct tree *tree; /* the view's: its packs */
    struct cas *cas;
    struct progress *progress;
    bool layer;  /* an OCI layer: names that would be read as whiteouts (".wh.…") are refused */
    bool sparse; /* pages of zeros are left out (GNU's sparse format 1.0) */
};

/* ERR_INPUT when the tree holds what tar cannot: sockets, '=' in an attribute's name, device
 * numbers above 2^21-1. */
int tar_write(const struct tar_options *options, const struct view *v, struct sink out,
              struct err *e);

#endif
