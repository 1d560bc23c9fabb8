/* Subprocesses on the host (no shell): explicit argv and environment, captured bounded output. */
#ifndef ASSAY_BASE_PROCESS_H
#define ASSAY_BASE_PROCESS_H

#include "base/buf.h"

struct process_options {
    const char *const
        *argv; /* NULL-terminated; argv[0] is looked up in PATH_DEFAULT when it has no '/' */
    const char *const *env; /* NULL-terminated "K=V"; NULL = PATH, HOME=/, LC_ALL=C.UTF-8, TZ=UTC */
    const char *cwd;        /* NULL = unchanged */
    const void *input;      /* fed to stdin; NULL = /dev/null */
    size_t input_len;
    struct buf *output; /* stdout, bounded by its max (excess is an error); NULL = /dev/null */
    struct buf *errors; /* stderr, its last bytes up to max are kept; NULL = inherited */
    unsigned timeout_seconds; /* 0 = none; on expiry the process group is killed, ERR_HOST */
};

/* *status is the exit status 0..255, or 128+signal. Not starting at all is an error (ERR_HOST). */
int process_run(const struct process_options *options, int *status, struct err *e);

#endif
