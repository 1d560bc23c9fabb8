/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what a child process prints, bounded in bytes and in time. The one
 * loop under process_run and sandbox_run.
 */
#ifndef ASSAY_BASE_CAPTURE_H
#define ASSAY_BASE_CAPTURE_H

#include "base/buf.h"

/* One pipe that the child writes to. */
struct capture_stream {
    int fd;           /* read end, non-blocking; -1 = none or ended; borrowed */
    const char *name; /* in errors: "standard output" */
    struct buf *buf;  /* NULL = not kept */
    bool tail;        /* keep the last max bytes instead of refusing more than max */
    /* Sees every chunk first; false = enough was seen, stop. NULL = none. */
    bool (*sink)(void *context, const uint8_t *data, size_t len);
    void *sink_context;
};

/* One pipe that the child reads from. Who has one ignores SIGPIPE. */
struct capture_feed {
    int fd; /* write end, non-blocking; -1 = none, or nobody reads it any more; borrowed */
    const uint8_t *data; /* what is left to be fed */
    size_t len;
};

struct capture_limits {
    int64_t deadline_ms; /* on the scale of monotonic_ms(); negative = none */
    int64_t idle_ms;     /* so long without a byte on any stream; 0 = any time */
};

enum capture_end {
    CAPTURE_ENDED,   /* end_fd became readable; the streams were drained */
    CAPTURE_EXPIRED, /* the deadline passed */
    CAPTURE_IDLE,    /* nothing moved for too long */
    CAPTURE_STOPPED, /* a sink said stop */
};

/* CLOCK_MONOTONIC in milliseconds: for deadlines only, never for anything written. */
int64_t monotonic_ms(void);

/*
 * Polls until end_fd (a pidfd) is readable, then drains what the pipes still hold. `feed` may be
 * NULL. A stream that exceeds its buffer's max is ERR_INPUT. Does not kill or close anything.
 */
int capture_run(struct capture_stream *streams, size_t count, struct capture_feed *feed, int end_fd,
                const struct capture_limits *limits, enum capture_end *end, struct err *e);

#endif
