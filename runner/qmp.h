/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What QEMU tells of a guest over QMP, its machine protocol: that it was started, and why it ended.
 * One JSON document a line; what is none, or not about that, is passed over.
 */
#ifndef ASSAY_RUNNER_QMP_H
#define ASSAY_RUNNER_QMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For an emulator that was started with -S: ends the negotiation, then lets the guest run. */
#define QMP_START "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"cont\"}\n"
/* For one that is only to show that it can be started. */
#define QMP_QUIT "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n"

enum { QMP_LINE_MAX = 4096, QMP_REASON_MAX = 32 };

/* The caller zeroes it. */
struct qmp {
    bool started;                /* the guest's first instruction could run */
    bool panicked;               /* it told its panic device */
    char reason[QMP_REASON_MAX]; /* of the end, as QEMU names it: "guest-reset"; "" = none told */
    size_t len;
    bool too_long; /* the line being read was cut, and is passed over */
    char line[QMP_LINE_MAX];
};

/* Always true; usable as process_options.channel_sink. */
bool qmp_feed(void *qmp, const uint8_t *data, size_t len);

#endif
