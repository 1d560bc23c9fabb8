/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include "base/capture.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { STREAMS = 3 };

static const char env_path[] = "PATH=" PATH_DEFAULT;
static const char *const env_default[] = {env_path, "HOME=/", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

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
    int in, feed, out_read, out_write, err_read, err_write, report_read, report_write, ours, theirs;
};
#define PIPES_NONE ((struct pipes){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1})

static void pipes_close(const struct pipes *p)
{
    const int fds[] = {p->in,        p->feed,        p->out_read,     p->out_write, p->err_read,
                       p->err_write, p->report_read, p->report_write, p->ours,      p->theirs};
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

/* The end that is ours does not block; the child's does. */
static int open_feed(struct pipes *p, struct err *e)
{
    int rc = make_pipe(&p->in, &p->feed, e);
    if (rc == 0 && (fcntl(p->in, F_SETFL, 0) != 0 || fcntl(p->feed, F_SETFL, O_NONBLOCK) != 0))
        rc = err_os(e, errno, "cannot set up a pipe");
    return rc;
}

static int pipes_open(const struct process_options *o, bool fed, struct pipes *p, struct err *e)
{
    int rc = make_pipe(&p->report_read, &p->report_write, e);
    if (rc == 0)
        rc = fed ? open_feed(p, e) : open_input(o, &p->in, e);
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

struct process {
    struct process_options o;
    struct pipes pipes;
    struct capture_stream streams[STREAMS];
    struct capture_limits limits;
    struct capture_feed feed;
    pid_t pid; /* of the guard; 0 = reaped */
    int pidfd;
};

/* What comes first. */
static int64_t deadline_of(const struct process_options *o)
{
    int64_t own =
        o->timeout_seconds == 0 ? -1 : monotonic_ms() + (int64_t)o->timeout_seconds * 1000;
    bool given = o->limits.deadline_ms > 0 && (own < 0 || o->limits.deadline_ms < own);
    return given ? o->limits.deadline_ms : own;
}

static void set_streams(struct process *p)
{
    const struct process_options *o = &p->o;
    const struct capture_stream streams[STREAMS] = {
        {.fd = p->pipes.out_read,
         .name = "standard output",
         .buf = o->output,
         .sink = o->sink,
         .sink_context = o->sink_context},
        {.fd = p->pipes.err_read, .name = "standard error", .buf = o->errors, .tail = true},
        {.fd = p->pipes.ours,
         .name = "the channel",
         .sink = o->channel_sink,
         .sink_context = o->channel_context},
    };
    memcpy(p->streams, streams, sizeof(streams));
    p->feed.fd = p->pipes.feed;
}

/* The guard ends all of it, what left the group included, and then itself. */
static void end_all(struct process *p)
{
    int ignored_status = 0;
    struct err ignored = ERR_INIT;
    if (p->pid == 0)
        return;
    (void)kill(p->pid, CHILD_END);
    (void)reap(p->pid, &ignored_status, &ignored);
    p->pid = 0;
}

static int start(struct process *p, const char *program, struct err *e)
{
    const struct process_options *o = &p->o;
    const struct child c = {
        .program = program,
        .argv = process_words(o->argv),
        .env = process_words(o->env != NULL ? o->env : env_default),
        .cwd = o->cwd,
        .in = p->pipes.in,
        .out = p->pipes.out_write,
        .err = p->pipes.err_write,
        .channel = p->pipes.theirs,
        .report = p->pipes.report_write,
        .parent = getpid(),
    };
    p->limits.deadline_ms = deadline_of(o);
    p->limits.idle_ms = (int64_t)o->limits.idle_seconds * 1000;
    pid_t pid = fork();
    if (pid < 0)
        return err_os(e, errno, "cannot start a process");
    if (pid == 0)
        child_guard(&c);
    (void)setpgid(pid, pid); /* as it does itself: whoever comes first */
    cleanup_child(pid, true);
    p->pid = pid;
    close_in_parent(&p->pipes);
    int rc = started(p->pipes.report_read, o->argv[0], e);
    if (rc < 0)
        return rc;
    p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
    return p->pidfd < 0 ? err_os(e, errno, "cannot watch a process") : 0;
}

static int open_process(const struct process_options *o, bool fed, struct process **out,
                        struct err *e)
{
    AUTO_FREE char *program = NULL;
    AUTO_PROCESS struct process *p = NULL;
    int rc = process_find(o->argv[0], &program, e);
    if (rc < 0)
        return rc;
    if ((p = malloc(sizeof(*p))) == NULL)
        return err_oom(e);
    *p = (struct process){.o = *o, .pipes = PIPES_NONE, .pidfd = -1};
    if ((rc = pipes_open(o, fed, &p->pipes, e)) < 0)
        return rc;
    set_streams(p);
    if ((rc = start(p, program, e)) < 0)
        return rc;
    *out = steal_ptr(&p);
    return 0;
}

static int follow(struct process *p, enum capture_end *end, struct err *e)
{
    int rc = capture_run(p->streams, STREAMS, &p->feed, p->pidfd, &p->limits, end, e);
    return rc < 0 ? err_wrap(e, "running '%s'", p->o.argv[0]) : 0;
}

/* Why it was killed before its end. */
static int cut_off(const struct process *p, enum capture_end end, struct err *e)
{
    const struct process_options *o = &p->o;
    if (end == CAPTURE_IDLE)
        return err_set(e, ERR_HOST, "'%s' was killed: it said nothing for %s (--stall)", o->argv[0],
                       COUNTED(o->limits.idle_seconds, "second"));
    if (p->limits.deadline_ms == o->limits.deadline_ms)
        return err_set(e, ERR_HOST, "'%s' was killed: the time that --timeout gives is over",
                       o->argv[0]);
    return err_set(e, ERR_HOST, "'%s' took longer than %s and was killed", o->argv[0],
                   COUNTED(o->timeout_seconds, "second"));
}

/* Waits for the end, or makes it. */
static int conclude(struct process *p, int *status, struct err *e)
{
    enum capture_end end = CAPTURE_ENDED;
    int how = 0;
    int rc = follow(p, &end, e);
    if (rc < 0)
        return rc;
    if (end != CAPTURE_ENDED)
        (void)kill(p->pid, CHILD_END);
    rc = reap(p->pid, &how, e);
    p->pid = 0;
    if (rc < 0)
        return rc;
    if (p->o.timed_out != NULL)
        *p->o.timed_out = end == CAPTURE_EXPIRED;
    else if (end == CAPTURE_EXPIRED || end == CAPTURE_IDLE)
        return cut_off(p, end, e);
    *status = how;
    return 0;
}

int process_run(const struct process_options *options, int *status, struct err *e)
{
    AUTO_PROCESS struct process *p = NULL;
    int rc = open_process(options, false, &p, e);
    return rc < 0 ? rc : conclude(p, status, e);
}

int process_start(const struct process_options *options, struct process **out, struct err *e)
{
    return open_process(options, true, out, e);
}

int process_talk(struct process *p, const void *data, size_t len, bool *ended, struct err *e)
{
    enum capture_end end = CAPTURE_ENDED;
    p->feed.data = data;
    p->feed.len = len;
    int rc = follow(p, &end, e);
    p->feed.len = 0;
    if (rc == 0 && (end == CAPTURE_EXPIRED || end == CAPTURE_IDLE))
        rc = cut_off(p, end, e);
    if (rc == 0)
        *ended = end == CAPTURE_ENDED;
    return rc;
}

int process_finish(struct process *p, int *status, struct err *e)
{
    if (p->pipes.feed >= 0)
        (void)close(p->pipes.feed);
    p->pipes.feed = -1;
    p->feed.fd = -1;
    return conclude(p, status, e);
}

void process_free(struct process *p)
{
    if (p == NULL)
        return;
    end_all(p);
    pipes_close(&p->pipes);
    if (p->pidfd >= 0)
        (void)close(p->pidfd);
    free(p);
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
