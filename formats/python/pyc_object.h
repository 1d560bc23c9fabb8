/* SPDX-License-Identifier: Apache-2.0 */
/* Python's bytecode in a file (PEP 552) as an object (docs/formats/python.md). */
#ifndef ASSAY_FORMATS_PYTHON_PYC_OBJECT_H
#define ASSAY_FORMATS_PYTHON_PYC_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_pyc;

#endif
