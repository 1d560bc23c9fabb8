/* SPDX-License-Identifier: Apache-2.0 */
/* Making the namespaces, and saying in one line what to enable when the host refuses. */
#include "base/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

/* <linux/sched.h> cannot be included beside <sched.h> everywhere; this is clone_args, version 0. */
struct clone3_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

#define FENCES_REST "; no-new-privileges, no capabilities, seccomp"

/* What a kernel may lack is tried first and left out only when it says that it does not know it. */
static const struct {
    uint64_t flags;
    const char *fences;
} attempts[] = {
    {CLONE_NEWTIME | CLONE_NEWCGROUP,
     "namespaces: user, mount, pid, ipc, uts, network, time, cgroup" FENCES_REST},
    {CLONE_NEWCGROUP, "namespaces: user, mount, pid, ipc, uts, network, cgroup" FENCES_REST},
    {CLONE_NEWTIME, "namespaces: user, mount, pid, ipc, uts, network, time" FENCES_REST},
    {0, "namespaces: user, mount, pid, ipc, uts, network" FENCES_REST},
};

static const uint64_t always =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;

/* The first byte of a small file, 0 when it cannot be read. */
static char first_byte(const char *path)
{
    char c = 0;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, &c, 1) != 1)
        c = 0;
    return c;
}

int namespaces_refused(int errnum, struct err *e)
{
    static const struct {
        const char *path;
        char refuses;
        const char *enable;
    } switches[] = {
        {"/proc/sys/kernel/unprivileged_userns_clone", '0',
         "sysctl -w kernel.unprivileged_userns_clone=1"},
        {"/proc/sys/user/max_user_namespaces", '0', "sysctl -w user.max_user_namespaces=10000"},
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
         "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
    };
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (first_byte(switches[i].path) == switches[i].refuses)
            return err_set(e, ERR_HOST,
                           "cannot make the sandbox: this host refuses user namespaces; enable "
                           "them with `%s` as root",
                           switches[i].enable);
    }
    return err_os(e, errnum,
                  "cannot make the sandbox: this host refuses user namespaces (see sysctl "
                  "user.max_*_namespaces; in a container, allow clone3, unshare and mount; a "
                  "chroot cannot have them)");
}

int namespaces_clone(pid_t *pid, int *pidfd, const char **fences, struct err *e)
{
    int errnum = EINVAL;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]) && errnum == EINVAL; i++) {
        int fd = -1;
        struct clone3_args args = {
            .flags = always | attempts[i].flags | CLONE_PIDFD,
            .pidfd = (uint64_t)(uintptr_t)&fd,
            .exit_signal = SIGCHLD,
        };
        long r = syscall(SYS_clone3, &args, sizeof(args));
        if (r == 0) {
            *pid = 0;
            return 0;
        }
        if (r > 0) {
            *pid = (pid_t)r;
            *pidfd = fd;
            *fences = attempts[i].fences;
            return 0;
        }
        errnum = errno;
    }
    if (errnum == EAGAIN || errnum == ENOMEM)
        return err_os(e, errnum, "cannot make the sandbox: cannot start a process");
    return namespaces_refused(errnum, e);
}

static bool write_file(const char *path, const char *text, size_t len)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, len) == (ssize_t)len;
}

/* "1000 <outside> 1\n" without stdio; returns its length. */
static size_t map_line(char *line, uint32_t outside)
{
    static const char head[] = "1000 ";
    static const char tail[] = " 1\n";
    char digits[10];
    size_t n = 0;
    size_t len = sizeof(head) - 1;
    memcpy(line, head, len);
    do {
        digits[n++] = (char)('0' + outside % 10);
        outside /= 10;
    } while (outside > 0);
    while (n > 0)
        line[len++] = digits[--n];
    memcpy(line + len, tail, sizeof(tail));
    return len + sizeof(tail) - 1;
}

bool namespaces_identity(const struct enclosure *s, struct report *r)
{
    char line[32];
    _Static_assert(SANDBOX_ID == 1000, "map_line writes it out");
    /* The files are ours to write only while we are dumpable; a caller with keys may not be. */
    int dumpable = prctl(PR_GET_DUMPABLE);
    if (dumpable != 1 && prctl(PR_SET_DUMPABLE, 1) != 0)
        return fail_at(r, STAGE_IDENTITY, 0);
    /* Without this an unprivileged process may not map a group: it could drop one that denies. */
    if (!write_file("/proc/self/setgroups", "deny", 4) ||
        !write_file("/proc/self/gid_map", line, map_line(line, s->gid)) ||
        !write_file("/proc/self/uid_map", line, map_line(line, s->uid)))
        return fail_at(r, STAGE_IDENTITY, 0);
    /* From here on nobody of our uid may look into this copy of the caller's memory. */
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        return fail_at(r, STAGE_IDENTITY, 0);
    return true;
}
