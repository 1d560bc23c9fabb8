/* SPDX-License-Identifier: Apache-2.0 */
/* Layout directories: where blobs are, and an image as one of its own, for skopeo, umoci and their
 * like. */
#ifndef ASSAY_FORMATS_OCI_OCI_LAYOUT_WRITE_H
#define ASSAY_FORMATS_OCI_OCI_LAYOUT_WRITE_H

#include "base/digest.h"
#include "store/cas/cas.h"

/*
 * Writes `path`: oci-layout, index.json with the one manifest, or index of manifests, named
 * `ref_name` (NULL: unnamed), and everything that it names. A temporary directory
 * beside it, synced, then renamed; an OCI layout or empty directory that has the
 * name is replaced, anything else there is ERR_USAGE. ERR_INPUT when the manifest
 * is malformed or a blob is missing or damaged.
 */
int oci_layout_export(struct cas *cas, const struct digest *manifest, const char *ref_name,
                      const char *path, struct err *e);

/* Where a layout directory has a blob. ERR_INPUT for any digest but SHA-256. Caller frees. */
int oci_blob_path(const char *layout, const struct digest *digest, char **out, struct err *e);

#endif
