/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored Cartesi machines, run as their run configuration says and in no other
 * way (docs/formats/cartesi-run.md).
 */
#ifndef ASSAY_RUNNER_CARTESI_H
#define ASSAY_RUNNER_CARTESI_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cartesi_options {
    const char *machine; /* directory or tar */
    const char *run;     /* the run configuration's file */
    const char *bundle;  /* signed provenance that must have it as a subject; NULL = none */
    const char *policy;  /* whom to trust for it; NULL without a bundle */
    const char *const *attestations; /* other verifiers' signed verdicts of it */
    size_t attestation_count;
    const char *store;    /* blob store to rebuild it from; NULL = it is not rebuilt */
    const char *emulator; /* program: a path, or a name that is looked for in `path` */
    const char *path;     /* directories as in PATH; NULL: none */
    const char *scratch;  /* existing directory: the machine that runs is a private copy below it */
    const char *const *extra; /* further options for the emulator */
    size_t extra_count;
    void (*show)(void *context, const char *line); /* each line that the guest prints */
    void (*warn)(void *context, const char *text);
    void *context;
};

struct cartesi_result {
    char machine[80]; /* its root hash, as it was computed */
    int status;       /* the emulator's */
    uint64_t lines;
};

/*
 * ERR_REJECTED: the machine or its config is not the one of the run
 * configuration, the bundle does not vouch for that, or an option would make it
 * another machine. ERR_INPUT: something is malformed. ERR_UNDECIDED: there is no
 * emulator. Nothing is started before all of it was checked.
 */
int cartesi_run(const struct cartesi_options *options, struct cartesi_result *result,
                struct err *e);

#endif
