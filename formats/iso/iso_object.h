/* SPDX-License-Identifier: Apache-2.0 */
/* ISO 9660 with Rock Ridge, Joliet and El Torito, compared (docs/formats/object.md). */
#ifndef ASSAY_FORMATS_ISO_ISO_OBJECT_H
#define ASSAY_FORMATS_ISO_ISO_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_iso;

#endif
