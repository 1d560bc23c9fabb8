/*
 * The sandbox: runs one program with no network, a read-only view of exactly
 * the named files, one writable directory, its own user, mount, pid, ipc, uts,
 * network, and (where the kernel has them) time and cgroup namespaces, no new
 * privileges, no capabilities, a seccomp filter, and a fixed host name,
 * environment, umask and resource limits. Works rootless and as root.
 *
 * Invariant: there is no weaker mode. If any fence cannot be raised the
 * program is not started and the error (ERR_HOST) says what to enable.
 */
#ifndef ASSAY_BASE_SANDBOX_SANDBOX_H
#define ASSAY_BASE_SANDBOX_SANDBOX_H

#include "base/buf.h"

/* A file or directory of the host, shown read-only at `inside` (absolute, normal form). */
struct sandbox_view {
    const char *host;
    const char *inside;
};

struct sandbox_options {
    const char *const *argv; /* argv[0] is a path inside the sandbox */
    const char *const *env;  /* NULL = the fixed environment (see sandbox.c); else exactly this */
    const struct sandbox_view *views;
    size_t view_count;
    const char *writable;       /* host directory, shown read-write at /out; NULL = none */
    uint64_t memory_bytes;      /* RLIMIT_AS; 0 = 4 GiB */
    uint64_t file_bytes;        /* RLIMIT_FSIZE; 0 = 16 GiB */
    unsigned processes;         /* RLIMIT_NPROC is per uid, so this bounds threads+processes by the pid namespace's cgroup or seccomp; 0 = 64 */
    unsigned timeout_seconds;   /* wall clock; 0 = 3600 */
    struct buf *output;         /* captured stdout, bounded by max; required */
    struct buf *errors;         /* captured stderr, its last max bytes; required */
};

struct sandbox_result {
    int status;      /* exit status, or 128+signal */
    bool timed_out;
    const char *fences; /* static text: which namespaces were raised, for the verdict's record */
};

/* 0 when the program ran (whatever its status); ERR_HOST when the sandbox could not be made. */
int sandbox_run(const struct sandbox_options *options, struct sandbox_result *result,
                struct err *e);

/*
 * For a program that must never use the network (assay-build calls it first thing):
 * no_new_privs and a seccomp filter under which socket(2), connect(2), ptrace(2) and the like fail.
 */
int sandbox_deny_network(struct err *e);

#endif
