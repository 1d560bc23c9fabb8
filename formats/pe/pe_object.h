/* SPDX-License-Identifier: Apache-2.0 */
/* A PE file (EFI and Windows programs) as an object (docs/formats/pe.md). */
#ifndef ASSAY_FORMATS_PE_PE_OBJECT_H
#define ASSAY_FORMATS_PE_PE_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_pe;

#endif
