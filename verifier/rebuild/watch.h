/* SPDX-License-Identifier: Apache-2.0 */
/* What a rebuild is at, on a terminal: which step of how many, its kind, and for how long. */
#ifndef ASSAY_VERIFIER_REBUILD_WATCH_H
#define ASSAY_VERIFIER_REBUILD_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

enum { WATCH_LINE_MAX = 64 };

struct watch {
    struct progress *progress; /* NULL: nothing is shown, and the builder is not asked */
    const json_t *steps;       /* of the plan; borrowed */
    int64_t start;             /* monotonic_ms() */
    size_t step, nth, of;      /* of the last one that began; of = 0: none yet */
    char line[WATCH_LINE_MAX]; /* what the builder has printed of one, so far */
    size_t len;
};

void watch_start(struct watch *w, bool allowed, const json_t *plan);
/* For struct sandbox_options: what the builder prints, or, with no bytes, that a second is over. */
void watch_see(void *context, const uint8_t *data, size_t len);
void watch_end(struct watch *w);

#endif
