/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON with 64-bit unsigned numbers, which config.json has and jansson's
 * integers do not: they pass through jansson as two's complement.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_NUMBERS_H
#define ASSAY_FORMATS_MACHINE_MACHINE_NUMBERS_H

#include "base/json.h"

/* As json_parse; integers in [0, 2^64), none negative, no fractions or exponents. */
int machine_json_parse(const void *data, size_t len, const char *what, json_t **out, struct err *e);
/* The unsigned number here. */
int machine_json_u64(const struct jcur *c, uint64_t *out, struct err *e);
/*
 * One line, keys in byte order, no spaces, escapes as section 2 says; integers
 * as unsigned. Appends.
 */
int machine_json_format(json_t *value, struct buf *out, struct err *e);

#endif
