/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/capture.h"
#include "base/file.h"
#include "base/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *dir;  /* a private directory of the host */
static char *out;  /* shown at /out; empty at the start of each test */
static char *view; /* a file shown read-only */
static char spy[4096];

static char *at(const char *name)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    assert_int_equal(path_join(&path, dir, name, &e), 0);
    return path;
}

/* The helpers are beside the unit tests in the build directory. */
static int find_spy(void)
{
    ssize_t n = readlink("/proc/self/exe", spy, sizeof(spy) - 32);
    for (int up = 0; n > 0 && up < 4; up++) {
        spy[n] = '\0';
        char *slash = strrchr(spy, '/');
        if (slash == NULL)
            return -1;
        n = slash - spy;
    }
    if (n <= 0)
        return -1;
    static const char rest[] = "/helpers/spy";
    memcpy(spy + n, rest, sizeof(rest));
    return access(spy, X_OK);
}

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    if (find_spy() != 0 || dir_make_temp("/tmp", "assay-test-sandbox.", &dir, &e) != 0)
        return -1;
    out = at("out");
    view = at("view");
    return file_replace(view, "secret\n", 7, 0600, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(view);
    free(out);
    free(dir);
    return rc;
}

static int fresh(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    (void)chmod(out, 0755);
    int rc = dir_remove(out, &e);
    return rc == 0 ? dir_make(out, &e) : rc;
}

struct told {
    struct buf output;
    struct buf errors;
    struct sandbox_result result;
    int code;
    char line[1024];
};

static void told_dispose(struct told *t)
{
    buf_dispose(&t->output);
    buf_dispose(&t->errors);
}

#define AUTO_TOLD                                                                                  \
    AUTO(told_dispose)                                                                             \
    struct told
#define TOLD_INIT                                                                                  \
    {                                                                                              \
        .output = BUF_INIT(1 << 20), .errors = BUF_INIT(1 << 12)                                   \
    }

/* The spy's deed, with /out writable and the view at /in/view; `o` may set limits. */
static void run(struct told *t, struct sandbox_options o, const char *deed, const char *arg)
{
    const char *const argv[] = {"/bin/spy", deed, arg, NULL};
    const struct sandbox_view views[] = {{spy, "/bin/spy"}, {view, "/in/view"}};
    struct err e = ERR_INIT;
    o.argv = argv;
    o.views = views;
    o.view_count = 2;
    o.writable = out;
    o.output = &t->output;
    o.errors = &t->errors;
    if (o.timeout_seconds == 0)
        o.timeout_seconds = 60;
    t->output.len = 0;
    t->errors.len = 0;
    t->code = sandbox_run(&o, &t->result, &e);
    (void)err_line(&e, t->line, sizeof(t->line));
    if (t->code != 0)
        print_message("# %s\n", t->line);
}

static void test_work(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    run(&t, (struct sandbox_options){0}, "work", NULL);
    assert_int_equal(t.code, 0);
    assert_int_equal(t.result.status, 7);
    assert_false(t.result.timed_out);
    assert_string_equal(buf_str(&t.output), "to stdout\n");
    assert_string_equal(buf_str(&t.errors), "to stderr\n");
    assert_non_null(strstr(t.result.fences, "user, mount, pid, ipc, uts, network"));
    AUTO_FREE char *path = at("out/dir/result");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(st.st_mode & 07777, 0644);
    run(&t, (struct sandbox_options){0}, "crash", NULL);
    assert_int_equal(t.code, 0);
    assert_int_equal(t.result.status, 128 + SIGABRT);
}

/* Whatever surrounds the caller, the program sees the same. */
static void test_sees_the_same(void **state)
{
    (void)state;
    AUTO_TOLD a = TOLD_INIT;
    AUTO_TOLD b = TOLD_INIT;
    run(&a, (struct sandbox_options){0}, "see", NULL);
    assert_int_equal(a.code, 0);
    assert_int_equal(a.result.status, 0);
    const char *text = buf_str(&a.output);
    assert_non_null(strstr(text, "uid 1000 1000 gid 1000 1000"));
    assert_non_null(strstr(text, "host localhost domain (none)"));
    assert_non_null(strstr(text, "cwd /\n"));
    assert_non_null(strstr(text, "umask 022\n"));
    assert_non_null(strstr(text, "pid 2 parent 1 session 2 group 2\n"));
    assert_non_null(strstr(text, "CapBnd:\t0000000000000000\n"));
    assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
    assert_non_null(strstr(text, "Seccomp:\t2\n"));
    assert_null(strstr(text, "fd 3 "));
    assert_null(strstr(text, "/etc"));

    int leak = open("/", O_RDONLY | O_DIRECTORY);
    char *home = getcwd(NULL, 0);
    assert_int_equal(chdir("/tmp"), 0);
    mode_t mask = umask(077);
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    assert_int_equal(setenv("LC_ALL", "tr_TR.UTF-8", 1), 0);
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    sigset_t set;
    sigfillset(&set);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    run(&b, (struct sandbox_options){0}, "see", NULL);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)umask(mask);
    assert_int_equal(chdir(home), 0);
    free(home);
    (void)close(leak);
    assert_int_equal(b.code, 0);
    assert_string_equal(buf_str(&b.output), text);
}

static void test_escape(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    run(&t, (struct sandbox_options){0}, "escape", "/in/view");
    assert_int_equal(t.code, 0);
    const char *text = buf_str(&t.output);
    if (t.result.status != 0)
        print_message("%s", text);
    assert_int_equal(t.result.status, 0);
    assert_null(strstr(text, "ALLOWED"));
    assert_non_null(strstr(text, "escapes: 0\n"));
    assert_non_null(strstr(text, "socket unix: EPERM\n"));
    assert_non_null(strstr(text, "write to the view: EROFS\n"));
    AUTO_BUF now = BUF_INIT(100);
    struct err e = ERR_INIT;
    assert_int_equal(file_read(view, &now, &e), 0);
    assert_string_equal(buf_str(&now), "secret\n");
}

static void test_process_limits(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    run(&t, (struct sandbox_options){.processes = 10}, "forks", NULL);
    assert_int_equal(t.code, 0);
    assert_string_equal(buf_str(&t.output), "forks 9 EAGAIN\n");
    run(&t, (struct sandbox_options){.processes = 10}, "threads", NULL);
    assert_int_equal(t.code, 0);
    assert_string_equal(buf_str(&t.output), "threads 9 EAGAIN\n");
    run(&t, (struct sandbox_options){0}, "forks", NULL);
    assert_string_equal(buf_str(&t.output), "forks 63 EAGAIN\n");
    int64_t before = monotonic_ms();
    run(&t, (struct sandbox_options){.processes = 8, .timeout_seconds = 1}, "bomb", NULL);
    assert_int_equal(t.code, 0);
    assert_true(t.result.timed_out);
    assert_true(monotonic_ms() - before < 30000);
}

static void test_sizes(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    run(&t, (struct sandbox_options){.file_bytes = 1 << 20}, "huge", NULL);
    assert_int_equal(t.code, 0);
    assert_string_equal(buf_str(&t.output), "wrote 1048576 EFBIG\n");
    run(&t, (struct sandbox_options){0}, "tmp", NULL);
    assert_int_equal(t.code, 0);
    assert_string_equal(buf_str(&t.output), "wrote 67108864 ENOSPC\n");
    run(&t, (struct sandbox_options){0}, "flood", NULL);
    assert_int_equal(t.code, -ERR_INPUT);
}

static off_t size_of(const char *name)
{
    struct stat st;
    AUTO_FREE char *path = at(name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void test_daemon_dies(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    run(&t, (struct sandbox_options){0}, "daemon", NULL);
    assert_int_equal(t.code, 0);
    assert_int_equal(t.result.status, 0);
    off_t size = size_of("out/heartbeat");
    assert_true(size > 0);
    (void)usleep(100000);
    assert_int_equal(size_of("out/heartbeat"), size);
}

static void test_timeout(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    int64_t before = monotonic_ms();
    run(&t, (struct sandbox_options){.timeout_seconds = 1}, "beat", NULL);
    assert_int_equal(t.code, 0);
    assert_true(t.result.timed_out);
    assert_int_equal(t.result.status, 128 + SIGKILL);
    int64_t took = monotonic_ms() - before;
    assert_true(took >= 1000 && took < 20000);
}

/* What a program leaves is safe to read with the caller's rights, or the run is refused. */
static void test_leavings(void **state)
{
    (void)state;
    static const char *const deeds[] = {"symlink", "setid"};
    AUTO_TOLD t = TOLD_INIT;
    for (size_t i = 0; i < 2; i++) {
        t.result.status = -1;
        run(&t, (struct sandbox_options){0}, deeds[i], NULL);
        assert_int_equal(t.code, -ERR_REJECTED);
        assert_int_equal(t.result.status, -1);
        assert_int_equal(fresh(NULL), 0);
    }
    run(&t, (struct sandbox_options){0}, "closed", NULL);
    assert_int_equal(t.code, -ERR_REJECTED);
    AUTO_FREE char *closed = at("out/closed");
    assert_int_equal(chmod(closed, 0755), 0);
}

static int try(struct sandbox_options o, struct told *t)
{
    struct err e = ERR_INIT;
    o.output = &t->output;
    o.errors = &t->errors;
    int rc = sandbox_run(&o, &t->result, &e);
    print_message("# %s\n", err_line(&e, t->line, sizeof(t->line)));
    return rc;
}

#define VIEWS(...)                                                                                 \
    .views = (const struct sandbox_view[]){__VA_ARGS__},                                           \
    .view_count = sizeof((const struct sandbox_view[]){__VA_ARGS__}) / sizeof(struct sandbox_view)

static void test_bad_options(void **state)
{
    (void)state;
    AUTO_TOLD t = TOLD_INIT;
    const char *const argv[] = {"/bin/spy", "see", NULL};
    const char *const relative[] = {"bin/spy", NULL};
    const struct sandbox_view good = {spy, "/bin/spy"};
    static const char *const bad[] = {"/",     "in",      "/a/../b", "/a//b",  "",       "/out",
                                      "/tmp/", "/proc/1", "/dev",    "/tmp/x", "/out/x", "/a/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
            try((struct sandbox_options){.argv = argv, VIEWS(good, {view, bad[i]})}, &t),
            -ERR_USAGE);
    assert_int_equal(try((struct sandbox_options){.argv = relative, VIEWS(good)}, &t), -ERR_USAGE);
    assert_int_equal(
        try((struct sandbox_options){.argv = argv, VIEWS(good, {view, "/bin/spy/x"})}, &t),
        -ERR_USAGE);
    assert_int_equal(try((struct sandbox_options){.argv = argv, VIEWS(good, {view, "/bin"})}, &t),
                     -ERR_USAGE);
    assert_int_equal(try((struct sandbox_options){.argv = argv, VIEWS(good, good)}, &t),
                     -ERR_USAGE);
    /* Things that are not there, and things that are no files. */
    assert_int_equal(
        try((struct sandbox_options){.argv = argv, VIEWS(good, {"/no/such", "/x"})}, &t),
        -ERR_INPUT);
    assert_non_null(strstr(t.line, "'/no/such'"));
    assert_int_equal(
        try((struct sandbox_options){.argv = argv, VIEWS(good, {"/dev/null", "/x"})}, &t),
        -ERR_INPUT);
    assert_int_equal(
        try((struct sandbox_options){.argv = argv, VIEWS(good), .writable = "/no/such"}, &t),
        -ERR_INPUT);
    assert_int_equal(try((struct sandbox_options){.argv = argv, VIEWS(good), .writable = view}, &t),
                     -ERR_INPUT);
    assert_int_equal(try((struct sandbox_options){.argv = argv, VIEWS({view, "/x"})}, &t),
                     -ERR_INPUT);
}

/* A directory as a view, from a place that only the caller may enter; many views; relative paths.
 */
static void test_views(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_TOLD t = TOLD_INIT;
    AUTO_FREE char *closed = at("private");
    AUTO_FREE char *inner = at("private/inner");
    AUTO_FREE char *file = at("private/inner/file");
    assert_int_equal(dir_make(inner, &e), 0);
    assert_int_equal(file_replace(file, "x", 1, 0600, &e), 0);
    assert_int_equal(chmod(closed, 0700), 0);
    char *home = getcwd(NULL, 0);
    assert_int_equal(chdir(closed), 0);
    const char *const argv[] = {"/bin/spy", "see", NULL};
    int rc = try((struct sandbox_options){.argv = argv,
                                          VIEWS({spy, "/bin/spy"}, {"inner", "/deep/er/dir"},
                                                {"inner/file", "/deep/file"})},
                 &t);
    assert_int_equal(chdir(home), 0);
    free(home);
    assert_int_equal(rc, 0);
    assert_int_equal(t.result.status, 0);
    assert_non_null(strstr(buf_str(&t.output), "mount /deep/er/dir ro,nosuid,nodev"));
    assert_non_null(strstr(buf_str(&t.output), "mount /deep/file ro,nosuid,nodev"));
    assert_null(strstr(buf_str(&t.output), "/out"));
}

/*
 * A host that refuses user namespaces, for real: in a user namespace of our own, its limit is set
 * to 0, as `sysctl user.max_user_namespaces=0` does on a host.
 */
static int refuse(void)
{
    char map[64];
    int uid_len = snprintf(map, sizeof(map), "0 %u 1", geteuid());
    if (unshare(CLONE_NEWUSER) != 0)
        return 10;
    AUTO_CLOSE int fd = open("/proc/self/uid_map", O_WRONLY);
    if (fd < 0 || write(fd, map, (size_t)uid_len) != uid_len)
        return 11;
    AUTO_CLOSE int max = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
    if (max < 0 || write(max, "0", 1) != 1)
        return 12;
    AUTO_TOLD t = TOLD_INIT;
    run(&t, (struct sandbox_options){0}, "work", NULL);
    if (t.code != -ERR_HOST || strstr(t.line, "sysctl -w user.max_user_namespaces=") == NULL)
        return 13;
    AUTO_FREE char *result = at("out/dir");
    return access(result, F_OK) == 0 ? 14 : 0; /* nothing ran in a weaker mode */
}

static void test_refusal(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(refuse());
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(WEXITSTATUS(how), 0);
    assert_true(WIFEXITED(how));
}

/* Killed without warning, the caller takes the sandbox with it. */
static void test_dies_with_parent(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        AUTO_TOLD t = TOLD_INIT;
        run(&t, (struct sandbox_options){0}, "beat", NULL);
        _exit(0);
    }
    for (int i = 0; i < 500 && size_of("out/heartbeat") < 2; i++)
        (void)usleep(10000);
    assert_true(size_of("out/heartbeat") >= 2);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    (void)usleep(100000);
    off_t size = size_of("out/heartbeat");
    (void)usleep(100000);
    assert_int_equal(size_of("out/heartbeat"), size);
}

static int offline(void)
{
    struct err e = ERR_INIT;
    int pair[2];
    if (sandbox_deny_network(&e) != 0)
        return 1;
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM ||
        socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair) >= 0 || errno != EPERM)
        return 2;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) >= 0 || errno != EPERM ||
        unshare(CLONE_NEWUSER) >= 0 || errno != EPERM ||
        syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != EPERM)
        return 3;
    AUTO_CLOSE int fd = open("/dev/null", O_WRONLY);
    if (fd < 0 || write(fd, "x", 1) != 1)
        return 4;
    pid_t pid = fork();
    if (pid == 0)
        _exit(socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 1 : 0);
    int how = -1;
    if (pid < 0 || waitpid(pid, &how, 0) != pid || how != 0)
        return 5;
    return sandbox_deny_network(&e) == 0 ? 0 : 6; /* twice does no harm */
}

static void test_deny_network(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(offline());
    int how = -1;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(work),         TEST(sees_the_same), TEST(escape),  TEST(process_limits),
        TEST(sizes),        TEST(daemon_dies),   TEST(timeout), TEST(leavings),
        TEST(bad_options),  TEST(views),         TEST(refusal), TEST(dies_with_parent),
        TEST(deny_network),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
