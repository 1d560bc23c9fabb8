/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI image layout as an object: manifests, configurations and layers by their place. */
#ifndef ASSAY_FORMATS_OCI_OCI_OBJECT_H
#define ASSAY_FORMATS_OCI_OCI_OBJECT_H

#include "formats/object/object.h"

/* *out is new; NULL when the directory is no layout. */
int oci_object_open(const char *path, struct budget *budget, struct object **out, struct err *e);

#endif
