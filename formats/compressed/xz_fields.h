/* SPDX-License-Identifier: Apache-2.0 */
/* What an .xz file says of how it was compressed. */
#ifndef ASSAY_FORMATS_COMPRESSED_XZ_FIELDS_H
#define ASSAY_FORMATS_COMPRESSED_XZ_FIELDS_H

#include "formats/object/object.h"

/* "check"; "dictionary.level", the dictionary's size, which the level decides; "blocks", of which
 * several threads make several. What cannot be read is left out. */
int xz_fields(struct object *o, const uint8_t *head, size_t len, struct err *e);

#endif
