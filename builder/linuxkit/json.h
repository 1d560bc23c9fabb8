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

/* A number of 64 bits, for which jansson has no integer: one above INT64_MAX is a text that only
 * linuxkit_json_format knows. Caller owns *out. */
int linuxkit_json_unsigned(uint64_t value, json_t **out, struct err *e);

/* Appends. */
int linuxkit_json_format(const json_t *value, unsigned indent, struct buf *out, struct err *e);

#endif
