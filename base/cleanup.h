/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not outlive this run: its temporary files and directories, and the programs that it
 * started. On SIGINT, SIGTERM and SIGHUP they go first, and then the process dies of that signal.
 *
 * All who make something temporary under a name say so here: dir_make_temp, private_dir and
 * atomic_file (base/file.h, base/private_dir.h) do it for their callers.
 */
#ifndef ASSAY_BASE_CLEANUP_H
#define ASSAY_BASE_CLEANUP_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * From now on the signals are handled; `program` (borrowed, for ever) names it in the one line that
 * is said then. What the caller chose to ignore (nohup, background jobs) stays ignored. SIGPIPE is
 * ignored too: whom we talk to may go, and the work goes on.
 */
void cleanup_start(const char *program);

/* `path` goes with us. To be said before it is made. */
int cleanup_path(const char *path, struct err *e);
/* It has gone, or it is no longer temporary. Nothing happens when it was never said. */
void cleanup_forget(const char *path);

/*
 * The running child `pid` goes with us. `gently`: it is a guard (base/child.h), and its process
 * group gets SIGTERM and a moment to clean up, before all below it is killed. To be forgotten
 * before it is reaped.
 */
void cleanup_child(pid_t pid, bool gently);
void cleanup_forget_child(pid_t pid);

/* In between, a signal waits: for a few system calls that belong together. They nest. */
void cleanup_defer(void);
void cleanup_resume(void);

#endif
