/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((noreturn)) void child_fail(const struct child *c, int errnum)
{
    ssize_t n = write(c->report, &errnum, sizeof(errnum));
    _exit(n == (ssize_t)sizeof(errnum) ? 127 : 126);
}

/* Ignored signals survive exec; a program must not see what its caller chose to ignore. */
static void reset_signals(void)
{
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL);
}

/* In the guard's child. */
static __attribute__((noreturn)) void run_program(const struct child *c, pid_t guard)
{
    sigset_t none;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        child_fail(c, errno);
    if (getppid() != guard)
        _exit(126);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* The sources are all above 3, so no dup2 overwrites a later source. */
    if (dup2(c->in, 0) < 0 || dup2(c->out, 1) < 0 || (c->err >= 0 && dup2(c->err, 2) < 0))
        child_fail(c, errno);
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0)
        child_fail(c, errno);
    if (c->channel >= 0 && dup2(c->channel, PROCESS_CHANNEL) < 0)
        child_fail(c, errno);
    if (c->cwd != NULL && chdir(c->cwd) != 0)
        child_fail(c, errno);
    execve(c->program, c->argv, c->env);
    child_fail(c, errno);
}

/* ---- the guard --------------------------------------------------------------------------------
 */

/* Kills each number in the text that a blank follows; false: none may be killed. */
static bool kill_listed(const char *text, ssize_t len)
{
    pid_t pid = 0;
    bool any = false;
    for (ssize_t i = 0; i < len; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
            continue;
        }
        if (pid > 1 && kill(pid, SIGKILL) == 0)
            any = true;
        pid = 0;
    }
    return any;
}

/*
 * Until nothing is left: what is killed leaves its own children to us, who are next. Where the
 * kernel lists no children, those of the group are killed by whom we work for.
 */
static void end_children(void)
{
    char text[4096];
    for (;;) {
        int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
        if (fd >= 0)
            (void)close(fd);
        /* A number that the buffer cuts comes whole the next time. */
        if (n <= 0 || !kill_listed(text, n))
            return;
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
            return;
    }
}

/* What has ended; true when the program has. */
static bool reap_ended(pid_t program, int *status)
{
    bool over = false;
    int raw = 0;
    for (pid_t pid; (pid = waitpid(-1, &raw, WNOHANG)) > 0;) {
        if (pid != program)
            continue;
        over = true;
        *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    }
    return over;
}

/* The parent's death comes as a signal, too (PR_SET_PDEATHSIG): any one makes us look. */
static int wait_for_end(const struct child *c, pid_t program, const sigset_t *all)
{
    int status = 128 + SIGKILL;
    while (!reap_ended(program, &status)) {
        int number = sigwaitinfo(all, NULL);
        if (number == CHILD_END || getppid() != c->parent)
            break;
    }
    return status;
}

void child_guard(const struct child *c)
{
    sigset_t all;
    const pid_t self = getpid();
    (void)sigfillset(&all);
    if (setpgid(0, 0) != 0)
        child_fail(c, errno);
    reset_signals();
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || prctl(PR_SET_PDEATHSIG, SIGUSR2) != 0)
        child_fail(c, errno);
    if (getppid() != c->parent)
        _exit(126);
    /* fork() would run what libraries registered to be run; only the thread that forked is here. */
    pid_t program = _Fork();
    if (program < 0)
        child_fail(c, errno);
    if (program == 0)
        run_program(c, self);
    /* The pipes end when those do who use them. */
    (void)syscall(SYS_close_range, 0U, ~0U, 0U);
    int status = wait_for_end(c, program, &all);
    end_children();
    _exit(status);
}
