/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times as programs write them. */
#ifndef ASSAY_VERIFIER_EXPLAIN_DATE_H
#define ASSAY_VERIFIER_EXPLAIN_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct date {
    size_t len;      /* of the text; 0: there is none */
    bool complete;   /* year, month, day, hour and minute are known */
    bool zoned;      /* and the distance to UTC */
    int64_t seconds; /* since 1970, of what is complete, as if UTC */
    int32_t offset;  /* seconds east of UTC */
};

/* The date or time at the beginning of the text. */
struct date date_read(const uint8_t *text, size_t len);
/* The same at `at`, where no longer number or word is cut in two. */
struct date date_at(const uint8_t *text, size_t at, size_t len);

#endif
