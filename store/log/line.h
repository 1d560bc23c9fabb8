/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the text formats beside: strict decimal numbers, base64 hashes, one line at a time. */
#ifndef ASSAY_STORE_LOG_LINE_H
#define ASSAY_STORE_LOG_LINE_H

#include "store/log/merkle.h"

#include "base/buf.h"

/* A line without its line feed. Borrowed. */
struct line {
    const char *text;
    size_t len;
};

/* Takes the next line; false at the end and when the last line has no line feed. */
bool line_next(struct reader *r, struct line *out);
bool line_is(const struct line *line, const char *text);
/* The line starts with `prefix`; *rest is what follows. */
bool line_after(const struct line *line, const char *prefix, struct line *rest);
/* Decimal, no sign, no leading zeros, at most MERKLE_SIZE_MAX. */
bool line_number(const struct line *line, uint64_t *out);
/* Base64 of 32 bytes. */
bool line_hash(const struct line *line, struct merkle_hash *out);
/* Appends base64 and a line feed. */
int line_add_hash(const struct merkle_hash *hash, struct buf *out, struct err *e);

#endif
