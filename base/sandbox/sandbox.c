/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side: checks the options, prepares all that needs memory, makes
 * the namespaces, reads what the program prints, and ends it in time.
 */
#include "base/sandbox/sandbox.h"

#include "base/capture.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "base/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

/* Envelope v1: what every sandboxed program sees, whoever runs it. */
static const char *const env_fixed[] = {
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "HOME=/homeless",
    "LC_ALL=C.UTF-8",
    "LANG=C.UTF-8",
    "TZ=UTC",
    "TERM=dumb",
    "USER=builder",
    "LOGNAME=builder",
    "SOURCE_DATE_EPOCH=0",
    "PYTHONHASHSEED=0",
    "ZERO_AR_DATE=1",
    NULL,
};

static const char *const stage_words[] = {
    [STAGE_IDENTITY] = "cannot map the user",
    [STAGE_MOUNTS] = "cannot mount (Linux 5.12 or newer is needed)",
    [STAGE_VIEW] = "cannot show", /* told apart in report_error */
    [STAGE_DEVICE] = "cannot show the devices null, zero, full and urandom",
    [STAGE_PROC] = "cannot mount proc (in a container, its masked /proc forbids that)",
    [STAGE_ROOT] = "cannot change the root",
    [STAGE_HOSTNAME] = "cannot set the host name",
    [STAGE_PRIVILEGES] = "cannot drop privileges",
    [STAGE_STDIO] = "cannot arrange descriptors",
    [STAGE_LIMITS] = "cannot set resource limits",
    [STAGE_FILTER] = "cannot install the system call filter (CONFIG_SECCOMP_FILTER is needed)",
    [STAGE_START] = "cannot start a process",
    [STAGE_EXEC] = "cannot run",
};

/* ---- options ---- */

static bool beneath(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* One mount over or under another would make what is seen depend on their order. */
static int check_view(const struct sandbox_options *o, size_t i, struct err *e)
{
    static const char *const own[] = {"/out", "/tmp", "/proc", "/dev"};
    const char *inside = o->views[i].inside;
    if (o->views[i].host == NULL || inside == NULL || inside[0] != '/' ||
        !relpath_valid(inside + 1))
        return err_set(e, ERR_USAGE,
                       "cannot show a file in the sandbox at '%s': not a plain "
                       "absolute path",
                       inside == NULL ? "" : inside);
    for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++) {
        if (beneath(inside, own[k]))
            return err_set(e, ERR_USAGE,
                           "cannot show a file in the sandbox at '%s': '%s' is the "
                           "sandbox's own",
                           inside, own[k]);
    }
    for (size_t k = 0; k < i; k++) {
        if (beneath(inside, o->views[k].inside) || beneath(o->views[k].inside, inside))
            return err_set(e, ERR_USAGE, "cannot show files in the sandbox at both '%s' and '%s'",
                           o->views[k].inside, inside);
    }
    return 0;
}

static int check_options(const struct sandbox_options *o, struct err *e)
{
    if (o->output == NULL || o->errors == NULL || o->argv == NULL || o->argv[0] == NULL ||
        o->argv[0][0] != '/')
        return err_set(e, ERR_USAGE,
                       "cannot run a sandbox without an absolute program path and "
                       "two buffers");
    if (o->view_count > SANDBOX_VIEWS_MAX)
        return err_set(e, ERR_USAGE, "cannot show %zu files in a sandbox: at most %d",
                       o->view_count, SANDBOX_VIEWS_MAX);
    for (size_t i = 0; i < o->view_count; i++) {
        int rc = check_view(o, i, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- what came of it ---- */

static int report_error(const struct enclosure *s, const struct report *r, struct err *e)
{
    bool input = r->value == ENOENT || r->value == ENOTDIR || r->value == EACCES ||
                 r->value == ELOOP || r->value == EINVAL || r->value == EROFS;
    size_t index = r->index < 0 ? 0 : (size_t)r->index;
    if (r->stage == STAGE_VIEW && index < s->view_count)
        return err_os_code(e, input ? ERR_INPUT : ERR_HOST, r->value,
                           "cannot show '%s' in the sandbox", s->views[index].host);
    if (r->stage == STAGE_VIEW)
        return err_os_code(e, input ? ERR_INPUT : ERR_HOST, r->value,
                           "cannot let the sandbox write to '%s'", s->writable);
    if (r->stage == STAGE_EXEC)
        return err_os_code(e, input ? ERR_INPUT : ERR_HOST, r->value,
                           "cannot run '%s' in the sandbox", s->argv[0]);
    /* AppArmor and its like let the namespace be made and then give no power in it. */
    if ((r->stage == STAGE_IDENTITY || r->stage == STAGE_MOUNTS) &&
        (r->value == EPERM || r->value == EACCES))
        return namespaces_refused(r->value, e);
    if (r->stage < 0 || (size_t)r->stage >= sizeof(stage_words) / sizeof(stage_words[0]))
        return err_set(e, ERR_HOST, "cannot make the sandbox");
    return err_os(e, r->value, "cannot make the sandbox: %s", stage_words[r->stage]);
}

/* ---- descriptors ---- */

enum { PIPE_OUT, PIPE_ERR, PIPE_REPORT, PIPE_ALIVE, PIPES };

struct descriptors {
    int readable[PIPES];
    int writable[PIPES];
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void descriptors_close(struct descriptors *d)
{
    for (size_t i = 0; i < PIPES; i++) {
        close_fd(&d->readable[i]);
        close_fd(&d->writable[i]);
    }
}

static int descriptors_open(struct descriptors *d, struct err *e)
{
    for (size_t i = 0; i < PIPES; i++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0)
            return err_os(e, errno, "cannot make a pipe");
        d->readable[i] = fds[0];
        d->writable[i] = fds[1];
        if (i != PIPE_ALIVE && fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0)
            return err_os(e, errno, "cannot set up a pipe");
    }
    return 0;
}

static void trees_close(struct enclosure *s)
{
    for (size_t i = 0; i <= SANDBOX_VIEWS_MAX; i++)
        close_fd(&s->trees[i]);
}

/* ---- the run ---- */

static void kill_all(int pidfd)
{
    /* pid 1 dies, and the kernel kills the rest of its pid namespace before it can be reaped. */
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0U);
}

static int wait_for(pid_t pid, struct err *e)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    cleanup_forget_child(pid);
    while (waitpid(pid, NULL, 0) < 0) {
        if (errno != EINTR)
            return err_os(e, errno, "cannot wait for the sandbox");
    }
    return 0;
}

static int conclude(const struct enclosure *s, int report_fd, enum capture_end end,
                    struct sandbox_result *result, struct err *e)
{
    struct report r;
    ssize_t n = read(report_fd, &r, sizeof(r));
    if (n == (ssize_t)sizeof(r) && r.failed != 0)
        return report_error(s, &r, e);
    if (end == CAPTURE_EXPIRED) {
        result->timed_out = true;
        result->status = 128 + SIGKILL;
        return 0;
    }
    if (n != (ssize_t)sizeof(r))
        return err_set(e, ERR_HOST, "the sandbox was killed from outside");
    result->status = WIFSIGNALED(r.value) ? 128 + WTERMSIG(r.value) : WEXITSTATUS(r.value);
    return 0;
}

static bool see_errors(void *context, const uint8_t *data, size_t len)
{
    const struct sandbox_options *o = context;
    o->watch(o->watch_context, data, len);
    return true;
}

static bool see_second(void *context, const uint8_t *data, size_t len)
{
    const struct sandbox_options *o = context;
    (void)data;
    (void)len;
    o->watch(o->watch_context, NULL, 0);
    return true;
}

/* A clock that becomes readable each second; -1 when there is none, or nobody looks at it. */
static int open_seconds(const struct sandbox_options *o)
{
    const struct itimerspec each = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    int fd = o->watch != NULL ? timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) : -1;
    if (fd >= 0)
        (void)timerfd_settime(fd, 0, &each, NULL);
    return fd;
}

static int follow(const struct sandbox_options *o, const struct descriptors *d, int pidfd,
                  enum capture_end *end, struct err *e)
{
    AUTO_CLOSE int seconds_fd = open_seconds(o);
    void *context = (void *)(uintptr_t)o;
    struct capture_stream streams[] = {
        {.fd = d->readable[PIPE_OUT], .name = "the sandboxed program's output", .buf = o->output},
        {.fd = d->readable[PIPE_ERR],
         .name = "standard error",
         .buf = o->errors,
         .tail = true,
         .sink = o->watch != NULL ? see_errors : NULL,
         .sink_context = context},
        {.fd = seconds_fd, .name = "the clock", .sink = see_second, .sink_context = context},
    };
    int64_t seconds = o->timeout_seconds == 0 ? 3600 : o->timeout_seconds;
    const struct capture_limits limits = {.deadline_ms = monotonic_ms() + seconds * 1000};
    return capture_run(streams, 3, NULL, pidfd, &limits, end, e);
}

static int run(const struct sandbox_options *o, struct enclosure *s, struct descriptors *d,
               struct sandbox_result *result, struct err *e)
{
    pid_t pid = -1;
    AUTO_CLOSE int pidfd = -1;
    enum capture_end end = CAPTURE_ENDED;
    int rc = namespaces_clone(&pid, &pidfd, &result->fences, e);
    if (rc < 0)
        return rc;
    if (pid == 0) {
        /* While this copy is open the pipe would never end. */
        (void)close(d->writable[PIPE_ALIVE]);
        init_main(s);
    }
    cleanup_child(pid, false);
    close_fd(&d->writable[PIPE_OUT]);
    close_fd(&d->writable[PIPE_ERR]);
    close_fd(&d->writable[PIPE_REPORT]);
    rc = follow(o, d, pidfd, &end, e);
    if (rc < 0 || end != CAPTURE_ENDED)
        kill_all(pidfd);
    struct err ignored = ERR_INIT;
    int waited = wait_for(pid, rc < 0 ? &ignored : e);
    if (rc < 0)
        return rc;
    if (waited < 0)
        return waited;
    return conclude(s, d->readable[PIPE_REPORT], end, result, e);
}

/* supervise.c answers from buffers of 512 bytes. */
static int check_kernel(struct err *e)
{
    struct seccomp_notif_sizes sizes = {0};
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0U, &sizes) != 0)
        return err_os(e, errno,
                      "cannot make the sandbox: this kernel has no seccomp user "
                      "notification (Linux 5.5 or newer is needed)");
    if (sizes.seccomp_notif > 512 || sizes.seccomp_notif_resp > 512)
        return err_set(e, ERR_HOST,
                       "cannot make the sandbox: this kernel's seccomp notifications "
                       "are unknown");
    return 0;
}

static int prepare_and_run(const struct sandbox_options *o, struct enclosure *s,
                           struct sandbox_result *result, struct err *e)
{
    struct descriptors d = {{-1, -1, -1, -1}, {-1, -1, -1, -1}};
    AUTO_FREE struct sock_filter *code = NULL;
    unsigned short count = 0;
    int rc = filter_make(&code, &count, e);
    if (rc == 0)
        rc = mounts_prepare(s, e);
    if (rc == 0)
        rc = descriptors_open(&d, e);
    if (rc == 0) {
        s->filter = (struct sock_fprog){.len = count, .filter = code};
        s->out = d.writable[PIPE_OUT];
        s->err = d.writable[PIPE_ERR];
        s->report = d.writable[PIPE_REPORT];
        s->alive = d.readable[PIPE_ALIVE];
        rc = run(o, s, &d, result, e);
    }
    descriptors_close(&d);
    return rc;
}

int sandbox_run(const struct sandbox_options *options, struct sandbox_result *result, struct err *e)
{
    const struct sandbox_options *o = options;
    struct sandbox_result made = {0};
    AUTO_CLOSE int writable = -1;
    int rc = check_options(o, e);
    if (rc == 0)
        rc = check_kernel(e);
    if (rc < 0)
        return rc;
    /* Held from before the run, so that what is swept is what was shown. */
    if (o->writable != NULL) {
        writable = open(o->writable, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (writable < 0)
            return err_os_code(e, ERR_INPUT, errno, "cannot let the sandbox write to '%s'",
                               o->writable);
    }
    struct enclosure s = {
        .argv = process_words(o->argv),
        .env = process_words(o->env != NULL ? o->env : env_fixed),
        .views = o->views,
        .view_count = o->view_count,
        .writable = o->writable,
        .memory_bytes = o->memory_bytes != 0 ? o->memory_bytes : (uint64_t)4 << 30,
        .file_bytes = o->file_bytes != 0 ? o->file_bytes : (uint64_t)16 << 30,
        .processes = o->processes != 0 ? o->processes : 64,
        .uid = geteuid(),
        .gid = getegid(),
    };
    memset(s.trees, -1, sizeof(s.trees));
    rc = prepare_and_run(o, &s, &made, e);
    trees_close(&s);
    if (rc == 0 && writable >= 0)
        rc = sweep_directory(writable, o->writable, e);
    if (rc == 0)
        *result = made;
    return rc;
}
