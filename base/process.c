/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include "base/capture.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char env_path[] = "PATH=" PATH_DEFAULT;
static const char *const env_default[] = {env_path, "HOME=/", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

/* What the child needs, all made before the fork: after it only async-signal-safe calls are made.
 */
struct child {
    const char *program;
    char *const *argv;
    char *const *env;
    const char *cwd;
    int in;      /* becomes stdin */
    int out;     /* becomes stdout */
    int err;     /* becomes stderr; -1 = inherited */
    int channel; /* becomes PROCESS_CHANNEL; -1 = none */
    int report;  /* errno of a failed start; closed by a successful exec */
    pid_t parent;
};

int process_find_in(const char *directories, const char *name, char **out, struct err *e)
{
    if (strchr(name, '/') != NULL)
        return str_copy(out, name, e);
    for (const char *dir = directories != NULL ? directories : ""; *dir != '\0';) {
        size_t len = strcspn(dir, ":");
        AUTO_FREE char *path = NULL;
        int rc = str_format(&path, e, "%.*s/%s", (int)len, dir, name);
        if (rc < 0)
            return rc;
        struct stat st;
        if (*dir == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0) {
            *out = steal_ptr(&path);
            return 0;
        }
        dir += len + (dir[len] == ':');
    }
    return err_set(e, ERR_UNDECIDED, "cannot run '%s': no such program in %s", name,
                   directories != NULL ? directories : "PATH");
}

int process_find(const char *name, char **out, struct err *e)
{
    return process_find_in(PATH_DEFAULT, name, out, e);
}

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
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static __attribute__((noreturn)) void child_run(const struct child *c)
{
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        child_fail(c, errno);
    if (getppid() != c->parent)
        _exit(126);
    reset_signals();
    /* The sources are all above 3 (see fd_above), so no dup2 overwrites a later source. */
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

/* Descriptors made here are not those that the child will have: a caller may have closed its own.
 */
static int fd_above(int *fd, struct err *e)
{
    if (*fd > PROCESS_CHANNEL)
        return 0;
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, PROCESS_CHANNEL + 1);
    if (moved < 0)
        return err_os(e, errno, "cannot duplicate a descriptor");
    (void)close(*fd);
    *fd = moved;
    return 0;
}

static int make_pipe(int *readable, int *writable, struct err *e)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_os(e, errno, "cannot make a pipe");
    *readable = fds[0];
    *writable = fds[1];
    int rc = fd_above(readable, e);
    if (rc == 0)
        rc = fd_above(writable, e);
    if (rc == 0 && fcntl(*readable, F_SETFL, O_NONBLOCK) != 0)
        rc = err_os(e, errno, "cannot set up a pipe");
    return rc;
}

/* The text waits in the socket: nothing has to be sent while the child runs. */
static int make_channel(const char *text, int *ours, int *theirs, struct err *e)
{
    int fds[2];
    size_t len = strlen(text);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return err_os(e, errno, "cannot make a socket");
    *ours = fds[0];
    *theirs = fds[1];
    int rc = fd_above(ours, e);
    if (rc == 0)
        rc = fd_above(theirs, e);
    if (rc == 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) != 0)
        rc = err_os(e, errno, "cannot set up a socket");
    if (rc < 0)
        return rc;
    ssize_t n = send(*ours, text, len, MSG_NOSIGNAL);
    if (n < 0 || (size_t)n != len)
        return err_os(e, n < 0 ? errno : EMSGSIZE, "cannot write to a socket");
    return 0;
}

static int open_null(int flags, int *out, struct err *e)
{
    *out = open("/dev/null", flags | O_CLOEXEC | O_NOCTTY);
    if (*out < 0)
        return err_os(e, errno, "cannot open '/dev/null'");
    return fd_above(out, e);
}

/* The input is a file in memory: nothing has to be fed while the child runs, so nothing can block.
 */
static int open_input(const struct process_options *o, int *out, struct err *e)
{
    if (o->input == NULL)
        return open_null(O_RDONLY, out, e);
    *out = memfd_create("input", MFD_CLOEXEC);
    if (*out < 0)
        return err_os(e, errno, "cannot make a file in memory");
    int rc = fd_above(out, e);
    if (rc == 0)
        rc = fd_write_all(*out, o->input, o->input_len, "standard input", e);
    if (rc == 0 && lseek(*out, 0, SEEK_SET) != 0)
        rc = err_os(e, errno, "cannot rewind a file in memory");
    return rc;
}

/* Reaps; the group is killed first, while the zombie still keeps its number from being reused. */
static int reap(pid_t pid, int *status, struct err *e)
{
    int raw = 0;
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0) {
        if (errno != EINTR)
            return err_os(e, errno, "cannot wait for a process");
    }
    (void)kill(-pid, SIGKILL);
    cleanup_forget_child(pid);
    while (waitpid(pid, &raw, 0) < 0) {
        if (errno != EINTR)
            return err_os(e, errno, "cannot wait for a process");
    }
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return 0;
}

static void kill_child(pid_t pid)
{
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL); /* it may not have made its group yet */
}

/* Waits for the exec: the report pipe gives an errno, or ends. */
static int started(int report, const char *name, struct err *e)
{
    int errnum = 0;
    ssize_t n;
    if (fcntl(report, F_SETFL, 0) != 0)
        return err_os(e, errno, "cannot set up a pipe");
    do {
        n = read(report, &errnum, sizeof(errnum));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_os(e, errno, "cannot run '%s'", name);
    if (n == 0)
        return 0;
    return err_os_code(e, errnum == ENOENT ? ERR_UNDECIDED : ERR_HOST, errnum, "cannot run '%s'",
                       name);
}

struct pipes {
    int in, out_read, out_write, err_read, err_write, report_read, report_write, ours, theirs;
};

static void pipes_close(const struct pipes *p)
{
    const int fds[] = {p->in,          p->out_read,     p->out_write, p->err_read, p->err_write,
                       p->report_read, p->report_write, p->ours,      p->theirs};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            (void)close(fds[i]);
    }
}

static void close_in_parent(struct pipes *p)
{
    int *const fds[] = {&p->in, &p->out_write, &p->err_write, &p->report_write, &p->theirs};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
}

static int pipes_open(const struct process_options *o, struct pipes *p, struct err *e)
{
    int rc = make_pipe(&p->report_read, &p->report_write, e);
    if (rc == 0)
        rc = open_input(o, &p->in, e);
    if (rc == 0 && (o->output != NULL || o->sink != NULL))
        rc = make_pipe(&p->out_read, &p->out_write, e);
    else if (rc == 0)
        rc = open_null(O_WRONLY, &p->out_write, e);
    if (rc == 0 && o->errors != NULL)
        rc = make_pipe(&p->err_read, &p->err_write, e);
    if (rc == 0 && o->channel_text != NULL)
        rc = make_channel(o->channel_text, &p->ours, &p->theirs, e);
    return rc;
}

static int follow(const struct process_options *o, const struct pipes *p, pid_t pid,
                  int64_t deadline, enum capture_end *end, struct err *e)
{
    struct capture_stream streams[] = {
        {.fd = p->out_read,
         .name = "standard output",
         .buf = o->output,
         .sink = o->sink,
         .sink_context = o->sink_context},
        {.fd = p->err_read, .name = "standard error", .buf = o->errors, .tail = true},
        {.fd = p->ours,
         .name = "the channel",
         .sink = o->channel_sink,
         .sink_context = o->channel_context},
    };
    int rc = started(p->report_read, o->argv[0], e);
    if (rc < 0)
        return rc;
    AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
    if (pidfd < 0)
        return err_os(e, errno, "cannot watch a process");
    rc = capture_run(streams, 3, pidfd, deadline, end, e);
    return rc < 0 ? err_wrap(e, "running '%s'", o->argv[0]) : 0;
}

static int run(const struct process_options *o, struct child *c, struct pipes *p, int *status,
               struct err *e)
{
    int64_t deadline =
        o->timeout_seconds == 0 ? -1 : monotonic_ms() + (int64_t)o->timeout_seconds * 1000;
    enum capture_end end = CAPTURE_ENDED;
    pid_t pid = fork();
    if (pid < 0)
        return err_os(e, errno, "cannot start a process");
    if (pid == 0)
        child_run(c);
    cleanup_child(pid, true);
    close_in_parent(p);
    int rc = follow(o, p, pid, deadline, &end, e);
    if (rc < 0 || end != CAPTURE_ENDED)
        kill_child(pid);
    int how = 0;
    struct err ignored = ERR_INIT;
    int reaped = reap(pid, &how, rc < 0 ? &ignored : e);
    if (rc < 0)
        return rc;
    if (reaped < 0)
        return reaped;
    if (o->timed_out != NULL)
        *o->timed_out = end == CAPTURE_EXPIRED;
    else if (end == CAPTURE_EXPIRED)
        return err_set(e, ERR_HOST, "'%s' took longer than %u seconds and was killed", o->argv[0],
                       o->timeout_seconds);
    *status = how;
    return 0;
}

int process_run(const struct process_options *options, int *status, struct err *e)
{
    AUTO_FREE char *program = NULL;
    int rc = process_find(options->argv[0], &program, e);
    if (rc < 0)
        return rc;
    struct pipes p = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
    rc = pipes_open(options, &p, e);
    if (rc == 0) {
        struct child c = {
            .program = program,
            .argv = process_words(options->argv),
            .env = process_words(options->env != NULL ? options->env : env_default),
            .cwd = options->cwd,
            .in = p.in,
            .out = p.out_write,
            .err = p.err_write,
            .channel = p.theirs,
            .report = p.report_write,
            .parent = getpid(),
        };
        rc = run(options, &c, &p, status, e);
    }
    pipes_close(&p);
    return rc;
}

int process_beside(const char *name, char **out, struct err *e)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return err_os(e, errno, "cannot find this program (is /proc mounted?)");
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return err_set(e, ERR_HOST, "cannot find this program's directory");
    slash[1] = 0;
    return str_format(out, e, "%s%s", self, name);
}
