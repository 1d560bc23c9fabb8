/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the new namespaces: pid 1 builds the world, gives up every power,
 * starts the program and looks after it. When pid 1 ends, the kernel kills
 * whatever is left in the pid namespace, daemons included.
 */
#include "base/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Where pid 1 keeps the report pipe; 0, 1 and 2 are the program's. */
enum { REPORT_FD = 3 };

bool fail_at(struct report *r, enum stage stage, size_t index)
{
    *r = (struct report){
        .failed = 1, .stage = (int32_t)stage, .index = (int32_t)index, .value = errno};
    return false;
}

static __attribute__((noreturn)) void finish(int fd, const struct report *r)
{
    ssize_t n = write(fd, r, sizeof(*r));
    _exit(n == (ssize_t)sizeof(*r) ? 0 : 1);
}

/* Dies with the caller, also when the caller died before prctl could be heard. */
static bool die_with_parent(const struct enclosure *s, struct report *r)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return fail_at(r, STAGE_PRIVILEGES, 0);
    struct pollfd p = {.fd = s->alive, .events = POLLIN};
    if (poll(&p, 1, 0) != 0)
        _exit(1);
    return true;
}

/* The caller's handlers point into its code and its ignored signals would survive exec. */
static bool reset_signals(int *child_signals, struct report *r)
{
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
        return fail_at(r, STAGE_STDIO, 0);
    *child_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *child_signals >= 0 || fail_at(r, STAGE_STDIO, 0);
}

static bool drop_privileges(struct report *r)
{
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                               SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
            return fail_at(r, STAGE_PRIVILEGES, 1);
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
        syscall(SYS_capset, &header, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_DUMPABLE, 0) != 0)
        return fail_at(r, STAGE_PRIVILEGES, 1);
    return true;
}

/* Without powers, what the caller promised must be there: an early word beats a program's riddle.
 */
static bool check_access(const struct enclosure *s, struct report *r)
{
    for (size_t i = 0; i < s->view_count; i++) {
        if (faccessat(AT_FDCWD, s->views[i].inside, R_OK, AT_EACCESS) != 0)
            return fail_at(r, STAGE_VIEW, i);
    }
    if (s->writable != NULL && faccessat(AT_FDCWD, "/out", W_OK | X_OK, AT_EACCESS) != 0)
        return fail_at(r, STAGE_VIEW, s->view_count);
    return true;
}

static int above(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

/* stdin is nothing, stdout and stderr are the pipes, the report pipe is 3; all else is closed. */
static bool arrange_descriptors(const struct enclosure *s, int *child_signals, int *proc_fd,
                                int *listener_pipe, struct report *r)
{
    int out = above(s->out);
    int err = above(s->err);
    int report = above(s->report);
    int signals = above(*child_signals);
    int proc = above(*proc_fd);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    null = null < 0 ? null : above(null);
    if (out < 0 || err < 0 || report < 0 || signals < 0 || proc < 0 || null < 0 ||
        dup3(report, REPORT_FD, O_CLOEXEC) < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
        dup2(err, 2) < 0 || dup3(signals, 4, O_CLOEXEC) < 0 || dup3(proc, 5, O_CLOEXEC) < 0 ||
        syscall(SYS_close_range, 6U, ~0U, 0U) != 0 || pipe2(listener_pipe, O_CLOEXEC) != 0)
        return fail_at(r, STAGE_STDIO, 0);
    *child_signals = 4;
    *proc_fd = 5;
    return true;
}

/* The lower of what is wanted and what the caller itself may have. */
static bool limit(int what, uint64_t wanted)
{
    struct rlimit l;
    if (getrlimit((__rlimit_resource_t)what, &l) != 0)
        return false;
    if (l.rlim_max == RLIM_INFINITY || l.rlim_max > wanted)
        l.rlim_max = wanted;
    l.rlim_cur = l.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

static bool set_limits(const struct enclosure *s)
{
    return limit(RLIMIT_AS, s->memory_bytes) && limit(RLIMIT_FSIZE, s->file_bytes) &&
           limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 4096) &&
           limit(RLIMIT_STACK, (uint64_t)8 << 20) && limit(RLIMIT_MEMLOCK, 65536) &&
           limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_NICE, 0) && limit(RLIMIT_RTPRIO, 0);
}

/*
 * Between clone and exec. The descriptor table is shared with pid 1 until exec, which is how the
 * filter's listener gets there: no descriptor can be sent once the filter stands.
 */
static __attribute__((noreturn)) void start_program(const struct enclosure *s, int listener_pipe)
{
    struct report r = {0};
    sigset_t none;
    sigemptyset(&none);
    (void)setsid();
    /* Addresses are the same in every run: a program that prints one reproduces, and its bug is
     * found by varying this on purpose, not by chance. */
    if (personality(ADDR_NO_RANDOMIZE) < 0 || !set_limits(s)) {
        (void)fail_at(&r, STAGE_LIMITS, 0);
        finish(REPORT_FD, &r);
    }
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
        syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0) {
        (void)fail_at(&r, STAGE_STDIO, 0);
        finish(REPORT_FD, &r);
    }
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER, &s->filter);
    if (listener < 0 ||
        write(listener_pipe, &listener, sizeof(listener)) != (ssize_t)sizeof(listener)) {
        (void)fail_at(&r, STAGE_FILTER, 0);
        finish(REPORT_FD, &r);
    }
    execve(s->argv[0], s->argv, s->env);
    (void)fail_at(&r, STAGE_EXEC, 0);
    finish(REPORT_FD, &r);
}

static bool build_world(struct enclosure *s, int *proc_fd, struct report *r)
{
    static const char host[] = "localhost";
    static const char domain[] = "(none)";
    (void)umask(0);
    if (!namespaces_identity(s, r) || !mounts_enter(s, proc_fd, r))
        return false;
    if (sethostname(host, sizeof(host) - 1) != 0 || setdomainname(domain, sizeof(domain) - 1) != 0)
        return fail_at(r, STAGE_HOSTNAME, 0);
    (void)umask(022);
    /* Changing credentials clears the death signal on some paths, so it is asked for again. */
    return drop_privileges(r) && die_with_parent(s, r) && check_access(s, r);
}

void init_main(struct enclosure *s)
{
    struct report r = {0};
    int child_signals = -1;
    int proc_fd = -1;
    int listener_pipe[2] = {-1, -1};
    (void)setsid();
    if (!die_with_parent(s, &r) || !reset_signals(&child_signals, &r) ||
        !build_world(s, &proc_fd, &r))
        finish(s->report, &r);
    if (!arrange_descriptors(s, &child_signals, &proc_fd, listener_pipe, &r))
        finish(s->report, &r);
    long program =
        syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), NULL, NULL, NULL, 0UL);
    if (program < 0) {
        (void)fail_at(&r, STAGE_START, 0);
        finish(REPORT_FD, &r);
    }
    if (program == 0)
        start_program(s, listener_pipe[1]);
    r.value = supervise((pid_t)program, listener_pipe[0], child_signals, proc_fd, s->processes);
    finish(REPORT_FD, &r);
}
