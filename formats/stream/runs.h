/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that lie in pieces within others: a file of a file system, a disk in an image that grows.
 * What no piece gives is zeros.
 */
#ifndef ASSAY_FORMATS_STREAM_RUNS_H
#define ASSAY_FORMATS_STREAM_RUNS_H

#include "formats/stream/bytes.h"

struct run {
    uint64_t at;  /* in the bytes that come out */
    uint64_t len; /* at least 1 */
    uint64_t from;
};

struct runs {
    struct run *list;
    size_t count;
    size_t room;
};

void runs_dispose(struct runs *r);
#define AUTO_RUNS AUTO(runs_dispose) struct runs

/* Behind the last one; one that goes on where the last ended lengthens it. ERR_INPUT for one that
 * begins before the last ends. `name` is for the error. */
int runs_add(struct runs *r, const struct run *run, const char *name, struct err *e);
/* Takes the list, also on failure. Pieces must lie within `whole`, which is kept; what lies behind
 * `size` is cut off. One piece that is all is a slice. */
int bytes_of_runs(struct bytes *whole, struct runs *taken, uint64_t size, const char *name,
                  struct bytes **out, struct err *e);

#endif
