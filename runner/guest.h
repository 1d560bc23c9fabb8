/* SPDX-License-Identifier: Apache-2.0 */
/* Boots a guest and watches its console. */
#ifndef ASSAY_RUNNER_GUEST_H
#define ASSAY_RUNNER_GUEST_H

#include "runner/machine.h"

#include <stdbool.h>

enum guest_end {
    GUEST_EXPECTED,    /* the expected line was printed; the emulator was ended then */
    GUEST_POWERED_OFF, /* it asked for that, and for nothing else */
    GUEST_RESET,    /* it asked for a reset: a reboot, or a panic that it was told to reboot on */
    GUEST_PANICKED, /* it told its panic device, or powered off with a failure's status */
    GUEST_EXPIRED,  /* the timeout passed */
};

struct guest_options {
    const struct machine *machine;
    struct machine_boot boot;
    const char *expect; /* NULL = its own end is what is wanted */
    unsigned timeout_seconds;
    void (*show)(void *context, const char *line); /* each console line; NULL = none */
    void *show_context;
};

struct guest_result {
    enum guest_end end;
    uint64_t lines;       /* that the guest printed */
    int64_t milliseconds; /* wall clock */
    char last[256];       /* the last line, cut */
};

/* "expected", "powered-off", "reset", "panicked", "expired". Static. */
const char *guest_end_name(enum guest_end end);

/*
 * ERR_UNDECIDED when the emulator is not installed; ERR_INPUT when kernel or initrd cannot be read,
 * or the emulator refuses them; ERR_HOST when it fails, with its own words. Nothing of it is left
 * running.
 */
int guest_run(const struct guest_options *options, struct guest_result *result, struct err *e);

#endif
