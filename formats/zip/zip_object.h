/* SPDX-License-Identifier: Apache-2.0 */
/* A zip archive (also .jar, .apk, .whl, .docx) as an object (docs/formats/zip.md). */
#ifndef ASSAY_FORMATS_ZIP_ZIP_OBJECT_H
#define ASSAY_FORMATS_ZIP_ZIP_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_zip;

#endif
