/* SPDX-License-Identifier: Apache-2.0 */
/* Images as volumes of format oci: not their files, but a part of their OCI layout. */
#ifndef ASSAY_BUILDER_LOCK_OCI_VOLUME_H
#define ASSAY_BUILDER_LOCK_OCI_VOLUME_H

#include "builder/linuxkit/document.h"
#include "builder/plan/locked.h"
#include "store/cas/cas.h"

/*
 * Adds the documents and layers of the image `root` (an index or a manifest) of
 * the layout directory as inputs: of an index the images of the volume's
 * platforms, all when it says none. Every blob is checked. ERR_INPUT.
 */
int oci_volume_lock(const char *layout, const struct digest *root, const struct linuxkit_volume *v,
                    size_t volume, struct cas *cas, struct locked *out, struct err *e);

#endif
