/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pid 1 does while the program runs: it reaps, and it answers each fork
 * and thread start, which the filter sends here. RLIMIT_NPROC would be the
 * usual bound, but the kernel does not hold the host's root to it, and before
 * Linux 5.14 it counts what the user runs elsewhere.
 */
#include "base/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* num_threads is the 20th field of stat; the 2nd may hold anything but ends at the last ')'. */
static unsigned parse_threads(char *text)
{
    char *p = strrchr(text, ')');
    for (int field = 2; p != NULL && field < 20; field++) {
        p = strchr(p, ' ');
        if (p != NULL)
            p++;
    }
    unsigned n = 0;
    for (; p != NULL && *p >= '0' && *p <= '9' && n < 1000000; p++)
        n = n * 10 + (unsigned)(*p - '0');
    return n;
}

/* Threads of one process; 0 when it has gone meanwhile. */
static unsigned threads_of(int proc_fd, const char *pid)
{
    char text[1024];
    AUTO_CLOSE int dir = openat(proc_fd, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return 0;
    AUTO_CLOSE int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return parse_threads(text);
}

/* Tasks of this pid namespace but pid 1; stops counting at `limit`. Unreadable counts as full. */
static unsigned count_tasks(int proc_fd, unsigned limit)
{
    _Alignas(struct dirent64) char block[4096]; /* glibc's dirent64 is the kernel's */
    unsigned tasks = 0;
    if (lseek(proc_fd, 0, SEEK_SET) != 0)
        return limit;
    for (;;) {
        ssize_t got = getdents64(proc_fd, block, sizeof(block));
        if (got < 0)
            return limit;
        if (got == 0)
            return tasks;
        for (ssize_t at = 0; at < got && tasks < limit;) {
            const struct dirent64 *d = (const void *)(block + at);
            at += d->d_reclen;
            if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && strcmp(d->d_name, "1") != 0)
                tasks += threads_of(proc_fd, d->d_name);
        }
        if (tasks >= limit)
            return tasks;
    }
}

/*
 * One question. "Continue" is safe here, though it lets the call run with whatever its memory then
 * holds: the filter has judged clone's flags, which are in a register, and clone3 is not allowed.
 */
static void answer(int listener, int proc_fd, unsigned limit)
{
    union {
        struct seccomp_notif notif;
        char room[512];
    } in;
    union {
        struct seccomp_notif_resp resp;
        char room[512];
    } out;
    memset(&in, 0, sizeof(in));
    memset(&out, 0, sizeof(out));
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in) != 0)
        return; /* the asker died meanwhile */
    out.resp.id = in.notif.id;
    if (count_tasks(proc_fd, limit) < limit)
        out.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        out.resp.error = -EAGAIN;
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out);
}

/* Reaps all that died. True when the program itself did: *status is its wait status. */
static bool reap(pid_t program, int child_signals, int *status)
{
    /* Several deaths may have merged into one signal, so how many are read does not matter. */
    struct signalfd_siginfo info;
    while (read(child_signals, &info, sizeof(info)) > 0) {
    }
    for (;;) {
        int how = 0;
        pid_t pid = waitpid(-1, &how, WNOHANG);
        if (pid == program) {
            *status = how;
            return true;
        }
        if (pid <= 0)
            return false;
    }
}

int supervise(pid_t program, int listener_pipe, int child_signals, int proc_fd, unsigned limit)
{
    int listener = -1;
    int status = 0;
    struct pollfd fds[3];
    for (;;) {
        fds[0] = (struct pollfd){.fd = child_signals, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = listener_pipe, .events = POLLIN};
        fds[2] = (struct pollfd){.fd = listener, .events = POLLIN};
        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[0].revents != 0 && reap(program, child_signals, &status))
            return status;
        if (fds[1].revents != 0) {
            if (read(listener_pipe, &listener, sizeof(listener)) != (ssize_t)sizeof(listener))
                listener = -1;
            listener_pipe = -1;
        }
        if ((fds[2].revents & POLLIN) != 0)
            answer(listener, proc_fd, limit);
        else if (fds[2].revents != 0)
            listener = -1; /* nobody is left under the filter */
    }
}
