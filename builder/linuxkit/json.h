/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as Go's encoding/json writes it with MarshalIndent, which is what
 * LinuxKit leaves in its outputs (docs/formats/linuxkit.md, section 12): members in the
 * order in which they were added, <, > and & escaped, no final newline.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_JSON_H
#define ASSAY_BUILDER_LINUXKIT_JSON_H

#include "base/buf.h"

#include <jansson.h>

/* Appends. A real is 2^64-1, the one number of these documents that jansson has no integer for. */
int linuxkit_json_format(const json_t *value, unsigned indent, struct buf *out, struct err *e);

#endif
