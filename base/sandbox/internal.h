/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of the sandbox; nobody else includes it. */
#ifndef ASSAY_BASE_SANDBOX_INTERNAL_H
#define ASSAY_BASE_SANDBOX_INTERNAL_H

#include "base/sandbox/sandbox.h"

#include <linux/filter.h>
#include <sys/types.h>

enum { SANDBOX_ID = 1000, SANDBOX_VIEWS_MAX = 256 };

/* Where making the sandbox failed; sandbox.c has the words. */
enum stage {
    STAGE_IDENTITY,
    STAGE_MOUNTS,
    STAGE_VIEW, /* `index` says which; view_count is the writable directory */
    STAGE_DEVICE,
    STAGE_PROC,
    STAGE_ROOT,
    STAGE_HOSTNAME,
    STAGE_PRIVILEGES,
    STAGE_STDIO,
    STAGE_LIMITS,
    STAGE_FILTER,
    STAGE_START,
    STAGE_EXEC,
};

/* One record on the report pipe, from inside to the caller; written in one piece. */
struct report {
    int32_t failed; /* 0: `value` is the program's wait status; 1: `value` is an errno */
    int32_t stage;
    int32_t index;
    int32_t value;
};

/*
 * All that the new processes need. Made before the clone: the caller may have threads, so after it
 * nothing may allocate, lock or use stdio.
 */
struct enclosure {
    char *const *argv;
    char *const *env;
    const struct sandbox_view *views;
    size_t view_count;
    const char *writable;
    /* Detached copies of the views' mounts and, last, of the writable directory; -1: to be made
     * inside. */
    int trees[SANDBOX_VIEWS_MAX + 1];
    struct sock_fprog filter;
    uint64_t memory_bytes;
    uint64_t file_bytes;
    unsigned processes;
    uid_t uid;
    gid_t gid;
    int out;    /* write end of the program's stdout */
    int err;    /* of its stderr */
    int report; /* write end of the report pipe */
    int alive;  /* read end of a pipe that ends when the caller dies */
};

/* Inside, after the clone: fills *r, which `failure` sends. Always false, for `return fail(…)`. */
bool fail_at(struct report *r, enum stage stage, size_t index);

/* namespaces.c */
/* As fork: *pid is 0 in the child. *fences is written in the parent. */
int namespaces_clone(pid_t *pid, int *pidfd, const char **fences, struct err *e);
/* ERR_HOST, with what to enable on this host. */
int namespaces_refused(int errnum, struct err *e);
/* Inside: maps the caller's uid and gid to SANDBOX_ID. */
bool namespaces_identity(const struct enclosure *s, struct report *r);

/* mounts.c */
/* Outside: a privileged caller copies the mounts with its own rights, which it loses inside. */
int mounts_prepare(struct enclosure *s, struct err *e);
/* Inside: makes the new root and enters it. *proc_fd is a proc of our own that shows all processes.
 */
bool mounts_enter(struct enclosure *s, int *proc_fd, struct report *r);

/* filter.c */
/* The program's filter as BPF; caller frees *code. */
int filter_make(struct sock_filter **code, unsigned short *count, struct err *e);

/* init.c */
/* Inside: pid 1. Never returns. */
__attribute__((noreturn)) void init_main(struct enclosure *s);

/* supervise.c */
/* Inside, pid 1: reaps, bounds the number of tasks, returns the program's wait status. */
int supervise(pid_t program, int listener_pipe, int child_signals, int proc_fd, unsigned limit);

/* sweep.c */
/* Outside, afterwards: only directories and plain files without set-id bits are below dirfd. */
int sweep_directory(int dirfd, const char *path, struct err *e);

#endif
