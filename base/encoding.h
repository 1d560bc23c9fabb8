/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal and base64 (RFC 4648 section 4, padded), strict on input. */
#ifndef ASSAY_BASE_ENCODING_H
#define ASSAY_BASE_ENCODING_H

#include "base/buf.h"

/* Appends. */
int hex_encode(const void *data, size_t len, struct buf *out, struct err *e);
int base64_encode(const void *data, size_t len, struct buf *out, struct err *e);
/* Lower-case hex of exactly 2*len digits. */
bool hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len);
/*
 * Appends the decoded bytes. Refuses missing padding, non-zero trailing bits
 * and any byte outside the alphabet (ERR_INPUT). base64_decode_any also takes
 * the URL-safe alphabet (DSSE section 3 asks verifiers to).
 */
int base64_decode(const char *text, size_t len, struct buf *out, struct err *e);
int base64_decode_any(const char *text, size_t len, struct buf *out, struct err *e);

#endif
