/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox: runs one program with no network, a read-only view of exactly
 * the named files, one writable directory, its own user, mount, pid, ipc, uts,
 * network, and (where the kernel has them) time and cgroup namespaces, no new
 * privileges, no capabilities, a seccomp filter, and a fixed host name,
 * environment, umask and resource limits. Works rootless and as root, on Linux
 * 5.12 or newer. docs/threat-model.md says what it does not hide.
 *
 * Invariant: there is no weaker mode. If any fence cannot be raised the
 * program is not started and the error (ERR_HOST) says what to enable.
 */
#ifndef ASSAY_BASE_SANDBOX_SANDBOX_H
#define ASSAY_BASE_SANDBOX_SANDBOX_H

#include "base/buf.h"

/*
 * A file or directory of the host, shown read-only at `inside`: absolute, in normal form, not in
 * or above /out, /tmp, /proc, /dev or another view. What is mounted below a directory is shown too.
 * Its contents must be readable by the caller's own uid and groups: inside, root has no powers.
 */
struct sandbox_view {
    const char *host;
    const char *inside;
};

struct sandbox_options {
    const char *const *argv; /* argv[0] is a path inside the sandbox */
    const char *const *env;  /* NULL = the fixed environment (see sandbox.c); else exactly this */
    const struct sandbox_view *views;
    size_t view_count;        /* at most 256 */
    const char *writable;     /* host directory, shown read-write at /out; NULL = none */
    uint64_t memory_bytes;    /* RLIMIT_AS; 0 = 4 GiB */
    uint64_t file_bytes;      /* RLIMIT_FSIZE; 0 = 16 GiB */
    unsigned processes;       /* threads and processes together, our pid 1 apart; 0 = 64. Enforced
                                 at clone(2) by pid 1, since RLIMIT_NPROC does not bind root */
    unsigned timeout_seconds; /* wall clock; 0 = 3600 */
    struct buf *output;       /* captured stdout, bounded by max (excess is ERR_INPUT); required */
    struct buf *errors;       /* captured stderr, its last max bytes; required */
    /* Sees each piece of stderr first, and is called with no bytes about once a second. NULL =
     * nobody */
    void (*watch)(void *context, const uint8_t *data, size_t len);
    void *watch_context;
};

struct sandbox_result {
    int status;         /* exit status, or 128+signal */
    bool timed_out;     /* it was killed at the timeout; status is 128+SIGKILL */
    const char *fences; /* static text: which namespaces were raised, for the verdict's record */
};

/*
 * 0 when the program ran (whatever its status); *result is written then. ERR_HOST when the sandbox
 * could not be made; ERR_INPUT when a view or the program is not there; ERR_USAGE for options that
 * cannot be; ERR_REJECTED when the program left anything but directories and plain files without
 * set-id bits in `writable`, so that a caller may read its results without fear of links.
 * Everything that the program started is dead when this returns, and dies with the caller.
 */
int sandbox_run(const struct sandbox_options *options, struct sandbox_result *result,
                struct err *e);

/*
 * For a program that must never use the network (assay-build calls it first thing):
 * no_new_privs and a seccomp filter under which socket(2), connect(2), ptrace(2) and the like fail
 * with EPERM, for all its threads and for good. Works inside the sandbox too.
 */
int sandbox_deny_network(struct err *e);

#endif
