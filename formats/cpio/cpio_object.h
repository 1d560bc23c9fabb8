/* SPDX-License-Identifier: Apache-2.0 */
/* A cpio archive, or several one behind the other as initrds have them, as an object. */
#ifndef ASSAY_FORMATS_CPIO_CPIO_OBJECT_H
#define ASSAY_FORMATS_CPIO_CPIO_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_cpio;

#endif
