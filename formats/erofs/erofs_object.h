/* SPDX-License-Identifier: Apache-2.0 */
/* An EROFS image as an object (docs/formats/erofs.md). */
#ifndef ASSAY_FORMATS_EROFS_EROFS_OBJECT_H
#define ASSAY_FORMATS_EROFS_EROFS_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_erofs;

#endif
