/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document as an object: each value is a field under its path (docs/formats/json.md). */
#ifndef ASSAY_FORMATS_JSON_JSON_OBJECT_H
#define ASSAY_FORMATS_JSON_JSON_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_json;

#endif
