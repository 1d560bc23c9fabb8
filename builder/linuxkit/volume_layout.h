/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside the blobs of a volume of format oci: an OCI layout with LinuxKit's own bytes.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_VOLUME_LAYOUT_H
#define ASSAY_BUILDER_LINUXKIT_VOLUME_LAYOUT_H

#include "builder/plan/step_kind.h"

/* The file index.json, of the one image `root` (an index or a manifest of that media type) with its
 * full name. Appends. */
int linuxkit_volume_index(const struct step_input *root, const char *media_type, const char *name,
                          struct buf *out, struct err *e);

#endif
