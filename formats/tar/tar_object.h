/* SPDX-License-Identifier: Apache-2.0 */
/* A tar of any dialect as an object, to compare it with others (docs/formats/object.md). */
#ifndef ASSAY_FORMATS_TAR_TAR_OBJECT_H
#define ASSAY_FORMATS_TAR_TAR_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_tar;

#endif
