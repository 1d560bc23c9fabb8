/* SPDX-License-Identifier: Apache-2.0 */
/* An ar archive (static libraries, Debian packages) as an object. */
#ifndef ASSAY_FORMATS_AR_AR_OBJECT_H
#define ASSAY_FORMATS_AR_AR_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_ar;

#endif
