/* SPDX-License-Identifier: Apache-2.0 */
/* What a media type says about a part of an image, OCI's or Docker's of the same form. */
#ifndef ASSAY_FORMATS_OCI_OCI_TYPE_H
#define ASSAY_FORMATS_OCI_OCI_TYPE_H

#include "base/media_types.h"

#include <stdbool.h>

bool oci_type_is_index(const char *type);
bool oci_type_is_manifest(const char *type);
/* The configuration of a container's image. */
bool oci_type_is_config(const char *type);
/* The same text, with static lifetime, when it is the type of an index or a manifest; else NULL. */
const char *oci_type_document(const char *type);
/* "none", "gzip" or "zstd"; NULL: it is no type of layers. */
const char *oci_type_compression(const char *type);

#endif
