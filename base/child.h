/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of process_run: a guard, and below it the program. The kernel tells a child of
 * its parent's death, but not a grandchild, and programs start programs: `git` one that fetches,
 * a credential helper an agent. The guard stays, adopts whatever loses its parent below it
 * (PR_SET_CHILD_SUBREAPER), and ends all of it when the program ends, when it is told to, or when
 * whom it works for is gone.
 */
#ifndef ASSAY_BASE_CHILD_H
#define ASSAY_BASE_CHILD_H

#include <signal.h>
#include <sys/types.h>

/* To the guard: end all of it, now. */
#define CHILD_END SIGUSR1

/* All made before the fork: after it only async-signal-safe calls are made. */
struct child {
    const char *program;
    char *const *argv;
    char *const *env;
    const char *cwd; /* NULL = unchanged */
    int in;          /* becomes stdin; like all of these above PROCESS_CHANNEL */
    int out;         /* becomes stdout */
    int err;         /* becomes stderr; -1 = inherited */
    int channel;     /* becomes PROCESS_CHANNEL; -1 = none */
    int report;      /* errno of a failed start; closed by a successful exec */
    pid_t parent;
};

/*
 * In the process that fork made, which leads its own group then. Its exit status is the program's,
 * or 128 + signal. SIGTERM and its like, to the group, are for the program: the guard ends when
 * nothing is left of it.
 */
__attribute__((noreturn)) void child_guard(const struct child *c);

#endif
