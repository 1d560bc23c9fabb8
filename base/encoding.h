/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal and base64 (RFC 4648 section 4, padded), strict on input; numbers in digits. */
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
 * and any byte outside the alphabet (ERR_INPUT).
 */
int base64_decode(const char *text, size_t len, struct buf *out, struct err *e);
/*
 * As readers of proto3 JSON in the field take it: both alphabets, padding or none, bits left over,
 * and characters that are in no alphabet skipped; it ends at the first '='. Nothing is malformed:
 * only for bytes that a signature covers once they are decoded. Fails when out's max is reached.
 */
int base64_decode_lenient(const char *text, size_t len, struct buf *out, struct err *e);

/* How many of the bytes, from the first on, are digits of the base (at most 16; letters of either
 * case), and their value, 0 of none; DIGITS_TOO_MANY when it takes more than 64 bits. */
#define DIGITS_TOO_MANY SIZE_MAX
size_t digits_read(const void *text, size_t len, unsigned base, uint64_t *out);

#endif
