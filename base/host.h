/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's non-deterministic facts: clock, randomness, terminal. They reach code only through
 * this struct, passed in, so tests pass a fake one and nothing that reaches an
 * artifact can read them by accident.
 */
#ifndef ASSAY_BASE_HOST_H
#define ASSAY_BASE_HOST_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct host {
    void *context;
    int64_t (*now)(void *context); /* seconds since the epoch */
    int (*random)(void *context, void *out, size_t len, struct err *e);
};

/* The real one: clock_gettime and getrandom. Static. */
const struct host *host_real(void);
/* "2026-11-22T01:02:03Z" into `out` of 21 bytes at least; returns it. RFC 3339, years 0 to 9999. */
char *time_format(int64_t seconds, char *out);
/* Strict reading of the same form. */
bool time_parse(const char *text, int64_t *seconds);

#endif
