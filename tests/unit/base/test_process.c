/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/capture.h"
#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SH(script) ((const char *const[]){"sh", "-c", script, NULL})

static int run(struct process_options o, int *status)
{
    struct err e = ERR_INIT;
    int rc = process_run(&o, status, &e);
    char line[1024];
    if (rc < 0)
        print_message("# %s\n", err_line(&e, line, sizeof(line)));
    return rc;
}

static void test_output(void **state)
{
    (void)state;
    AUTO_BUF out = BUF_INIT(100);
    AUTO_BUF errors = BUF_INIT(100);
    int status = -1;
    assert_int_equal(run((struct process_options){.argv = SH("echo one; echo two >&2; exit 3"),
                                                  .output = &out,
                                                  .errors = &errors},
                         &status),
                     0);
    assert_int_equal(status, 3);
    assert_string_equal(buf_str(&out), "one\n");
    assert_string_equal(buf_str(&errors), "two\n");
}

static void test_input(void **state)
{
    (void)state;
    size_t len = 3 << 20;
    AUTO_FREE char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    AUTO_BUF out = BUF_INIT(4 << 20);
    int status = -1;
    struct process_options o = {.argv = (const char *const[]){"cat", NULL},
                                .input = text,
                                .input_len = len,
                                .output = &out};
    assert_int_equal(run(o, &status), 0);
    assert_int_equal(status, 0);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, text, len);
    /* A child that never reads its input must not hurt either. */
    o.argv = (const char *const[]){"true", NULL};
    out.len = 0;
    assert_int_equal(run(o, &status), 0);
    assert_int_equal(out.len, 0);
}

static void test_bounds(void **state)
{
    (void)state;
    AUTO_BUF out = BUF_INIT(1000);
    int status = -1;
    /* An endless writer is killed as soon as it exceeds the bound. */
    assert_int_equal(run((struct process_options){.argv = SH("yes"), .output = &out}, &status),
                     -ERR_INPUT);
    assert_int_equal(status, -1);
    AUTO_BUF tail = BUF_INIT(10);
    assert_int_equal(
        run((struct process_options){.argv = SH("i=0; while [ $i -lt 3000 ]; do echo $i >&2; "
                                                "i=$((i+1)); done"),
                                     .errors = &tail},
            &status),
        0);
    assert_string_equal(buf_str(&tail), "2998\n2999\n");
    AUTO_BUF exact = BUF_INIT(4);
    assert_int_equal(
        run((struct process_options){.argv = SH("echo abc"), .output = &exact}, &status), 0);
    assert_string_equal(buf_str(&exact), "abc\n");
}

static void test_environment(void **state)
{
    (void)state;
    AUTO_BUF out = BUF_INIT(1000);
    int status = -1;
    assert_int_equal(setenv("SECRET", "1", 1), 0);
    struct process_options o = {.argv = (const char *const[]){"/usr/bin/env", NULL},
                                .output = &out};
    assert_int_equal(run(o, &status), 0);
    assert_string_equal(buf_str(&out), "PATH=" PATH_DEFAULT "\nHOME=/\nLC_ALL=C.UTF-8\nTZ=UTC\n");
    out.len = 0;
    o.env = (const char *const[]){"A=b", NULL};
    assert_int_equal(run(o, &status), 0);
    assert_string_equal(buf_str(&out), "A=b\n");
    out.len = 0;
    o.argv = (const char *const[]){"pwd", NULL};
    o.cwd = "/usr";
    assert_int_equal(run(o, &status), 0);
    assert_string_equal(buf_str(&out), "/usr\n");
}

static void test_inherits_nothing(void **state)
{
    (void)state;
    AUTO_BUF out = BUF_INIT(1000);
    int status = -1;
    int leak = open("/", O_RDONLY | O_DIRECTORY); /* on purpose without O_CLOEXEC */
    assert_true(leak > 2);
    assert_true(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    struct process_options o = {.argv = SH("ls /proc/self/fd | wc -l; kill -TERM $$; echo alive"),
                                .output = &out};
    assert_int_equal(run(o, &status), 0);
    (void)signal(SIGTERM, SIG_DFL);
    (void)close(leak);
    assert_string_equal(buf_str(&out), "4\n"); /* 0, 1, 2 and ls's own directory */
    assert_int_equal(status, 128 + SIGTERM);
}

static void test_not_there(void **state)
{
    (void)state;
    int status = -1;
    const char *const nowhere[] = {"no-such-program-anywhere", NULL};
    const char *const missing[] = {"/no/such/program", NULL};
    const char *const directory[] = {"/usr", NULL};
    assert_int_equal(run((struct process_options){.argv = nowhere}, &status), -ERR_UNDECIDED);
    assert_int_equal(run((struct process_options){.argv = missing}, &status), -ERR_UNDECIDED);
    assert_int_equal(run((struct process_options){.argv = directory}, &status), -ERR_HOST);
    assert_int_equal(status, -1);
}

static void test_timeout(void **state)
{
    (void)state;
    int status = -1;
    bool timed_out = false;
    AUTO_BUF out = BUF_INIT(100);
    /* The grandchild keeps the pipe open: neither it nor the pipe may outlive the timeout. */
    struct process_options o = {
        .argv = SH("sleep 600 & echo $!; wait"), .output = &out, .timeout_seconds = 1};
    int64_t before = monotonic_ms();
    assert_int_equal(run(o, &status), -ERR_HOST);
    assert_int_equal(status, -1);
    o.timed_out = &timed_out;
    out.len = 0;
    assert_int_equal(run(o, &status), 0);
    assert_true(timed_out);
    assert_int_equal(status, 128 + SIGKILL);
    assert_true(monotonic_ms() - before < 20000);
    pid_t orphan = (pid_t)strtol(buf_str(&out), NULL, 10);
    assert_true(orphan > 1);
    for (int i = 0; i < 200 && kill(orphan, 0) == 0; i++) {
        AUTO_FREE char *path = NULL;
        struct err e = ERR_INIT;
        assert_int_equal(str_format(&path, &e, "/proc/%d/stat", (int)orphan), 0);
        AUTO_FCLOSE FILE *f = fopen(path, "re");
        char c = 'Z';
        if (f == NULL || fscanf(f, "%*d %*s %c", &c) != 1 || c == 'Z')
            return; /* gone, or dead and waiting for its reaper */
        (void)usleep(10000);
    }
    assert_int_equal(kill(orphan, 0), -1);
}

static void test_orphans_end(void **state)
{
    (void)state;
    int status = -1;
    AUTO_BUF out = BUF_INIT(100);
    int64_t before = monotonic_ms();
    struct process_options o = {.argv = SH("sleep 600 & echo done"), .output = &out};
    assert_int_equal(run(o, &status), 0);
    assert_int_equal(status, 0);
    assert_string_equal(buf_str(&out), "done\n");
    assert_true(monotonic_ms() - before < 20000);
}

struct seen {
    size_t bytes;
    size_t enough;
};

static bool look(void *context, const uint8_t *data, size_t len)
{
    struct seen *s = context;
    (void)data;
    s->bytes += len;
    return s->bytes < s->enough;
}

static void test_sink(void **state)
{
    (void)state;
    int status = -1;
    struct seen s = {.enough = 1000000};
    struct process_options o = {.argv = SH("yes"), .sink = look, .sink_context = &s};
    assert_int_equal(run(o, &status), 0);
    assert_int_equal(status, 128 + SIGKILL);
    assert_true(s.bytes >= s.enough);
    s = (struct seen){.enough = 1000000};
    o.argv = SH("echo abc");
    assert_int_equal(run(o, &status), 0);
    assert_int_equal(status, 0);
    assert_int_equal(s.bytes, 4);
}

static bool keep(void *context, const uint8_t *data, size_t len)
{
    struct err e = ERR_INIT;
    return buf_add(context, data, len, &e) == 0;
}

static void test_channel(void **state)
{
    (void)state;
    int status = -1;
    AUTO_BUF out = BUF_INIT(100);
    AUTO_BUF answer = BUF_INIT(100);
    struct process_options o = {
        .argv = SH("head -n 1 <&3; echo yes >&3; ls /proc/self/fd | wc -l"),
        .output = &out,
        .channel_text = "ready?\n",
        .channel_sink = keep,
        .channel_context = &answer,
    };
    assert_int_equal(run(o, &status), 0);
    assert_string_equal(buf_str(&out), "ready?\n5\n"); /* 0 to 3, and ls's own directory */
    assert_string_equal(buf_str(&answer), "yes\n");
    /* One that does not read what was sent to it still answers. */
    answer.len = 0;
    o.argv = SH("echo no >&3; exit 4");
    assert_int_equal(run(o, &status), 0);
    assert_int_equal(status, 4);
    assert_string_equal(buf_str(&answer), "no\n");
}

static void test_signal_status(void **state)
{
    (void)state;
    int status = -1;
    assert_int_equal(run((struct process_options){.argv = SH("kill -SEGV $$")}, &status), 0);
    assert_int_equal(status, 128 + SIGSEGV);
}

/* ---- what a program leaves behind, and how long it may take -----------------------------------
 */

/* A FIFO whose writers are those that must end: reading it ends when they have. */
struct watch {
    char path[64];
    int fd;
};

static void watch_open(struct watch *w)
{
    char dir[] = "/tmp/assay-watch.XXXXXX";
    assert_non_null(mkdtemp(dir));
    (void)snprintf(w->path, sizeof(w->path), "%s/f", dir);
    assert_int_equal(mkfifo(w->path, 0600), 0);
    w->fd = open(w->path, O_RDWR | O_CLOEXEC);
    assert_true(w->fd >= 0);
}

/* Until `count` of them have said that they run. Then only theirs are the writing ends. */
static void watch_begin(struct watch *w, unsigned count)
{
    char c = 0;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(read(w->fd, &c, 1), 1);
    int readable = open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    assert_true(readable >= 0);
    assert_int_equal(fcntl(readable, F_SETFL, 0), 0);
    (void)close(w->fd);
    w->fd = readable;
}

/* Blocks until all have ended. */
static void watch_end(struct watch *w)
{
    char c = 0;
    assert_int_equal(read(w->fd, &c, 1), 0);
    (void)close(w->fd);
    (void)unlink(w->path);
    *strrchr(w->path, '/') = '\0';
    (void)rmdir(w->path);
}

/* Two that stay, one of them in a session of its own. FIFO is $0. */
#define TWO_STAY                                                                                   \
    "setsid sh -c 'exec >>\"$0\"; printf x; exec sleep 3600' \"$0\" &"                             \
    "(exec >>\"$0\"; printf x; exec sleep 3600) &"

static const char two_stay_until_told[] = TWO_STAY "read line; exit 5";
static const char two_stay_wait[] = TWO_STAY "wait";
static const char two_stay_stubborn[] = TWO_STAY "trap '' TERM HUP; wait";

static void test_daemons_end(void **state)
{
    (void)state;
    struct watch w;
    watch_open(&w);
    int status = -1;
    /* The program waits until both run, which another FIFO tells it. */
    const char *const argv[] = {"sh", "-c", two_stay_until_told, w.path, NULL};
    struct err e = ERR_INIT;
    AUTO_PROCESS struct process *p = NULL;
    bool ended = false;
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    AUTO_BUF out = BUF_INIT(100);
    const struct process_options o = {.argv = argv, .output = &out};
    assert_int_equal(process_start(&o, &p, &e), 0);
    watch_begin(&w, 2);
    assert_int_equal(process_talk(p, "go\n", 3, &ended, &e), 0);
    assert_true(ended);
    assert_int_equal(process_finish(p, &status, &e), 0);
    assert_int_equal(status, 5);
    watch_end(&w);
}

/* Whoever runs it is killed at once, and can do nothing about those that it started. */
static void test_killed_with_us(void **state)
{
    (void)state;
    struct watch w;
    watch_open(&w);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int status = -1;
        struct err e = ERR_INIT;
        const char *const argv[] = {"sh", "-c", two_stay_wait, w.path, NULL};
        const struct process_options o = {.argv = argv};
        _exit(process_run(&o, &status, &e) == 0 ? 0 : 1);
    }
    watch_begin(&w, 2);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    watch_end(&w);
}

static void test_freed_while_it_runs(void **state)
{
    (void)state;
    struct watch w;
    watch_open(&w);
    struct err e = ERR_INIT;
    struct process *p = NULL;
    const char *const argv[] = {"sh", "-c", two_stay_stubborn, w.path, NULL};
    const struct process_options o = {.argv = argv};
    assert_int_equal(process_start(&o, &p, &e), 0);
    watch_begin(&w, 2);
    process_free(p);
    watch_end(&w);
}

static void test_limits(void **state)
{
    (void)state;
    int status = -1;
    AUTO_BUF out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    char line[1024];
    struct process_options o = {.argv = SH("sleep 3600"), .output = &out};
    o.limits.idle_seconds = 1;
    assert_int_equal(process_run(&o, &status, &e), -ERR_HOST);
    assert_string_equal(err_line(&e, line, sizeof(line)),
                        "'sh' was killed: it said nothing for 1 second (--stall)");
    /* A program that says something every now and then is not idle, and its time ends, too. */
    o.argv = SH("while sleep 0.1; do echo; done");
    o.limits.idle_seconds = 3600;
    o.limits.deadline_ms = monotonic_ms() + 1000;
    e = (struct err)ERR_INIT;
    assert_int_equal(process_run(&o, &status, &e), -ERR_HOST);
    assert_string_equal(err_line(&e, line, sizeof(line)),
                        "'sh' was killed: the time that --timeout gives is over");
    assert_true(out.len > 0);
    /* Time that is over before it begins. */
    e = (struct err)ERR_INIT;
    assert_int_equal(process_run(&o, &status, &e), -ERR_HOST);
    assert_int_equal(status, -1);
}

static bool one_line(void *context, const uint8_t *data, size_t len)
{
    struct buf *b = context;
    struct err e = ERR_INIT;
    assert_int_equal(buf_add(b, data, len, &e), 0);
    return b->data[b->len - 1] != '\n';
}

static void test_talk(void **state)
{
    (void)state;
    int status = -1;
    bool ended = true;
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT(4 << 20);
    AUTO_PROCESS struct process *p = NULL;
    struct process_options o = {
        .argv = (const char *const[]){"cat", NULL}, .sink = one_line, .sink_context = &out};
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert_int_equal(process_start(&o, &p, &e), 0);
    for (int i = 0; i < 3; i++) {
        out.len = 0;
        assert_int_equal(process_talk(p, "hello\n", 6, &ended, &e), 0);
        assert_false(ended);
        assert_string_equal(buf_str(&out), "hello\n");
    }
    /* More than either pipe holds goes both ways at once. */
    size_t len = 3 << 20;
    AUTO_FREE char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    text[len - 1] = '\n';
    out.len = 0;
    assert_int_equal(process_talk(p, text, len, &ended, &e), 0);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, text, len);
    assert_int_equal(process_finish(p, &status, &e), 0);
    assert_int_equal(status, 0);
    process_free(steal_ptr(&p));
    /* One that reads nothing and goes. */
    o.argv = SH("exit 4");
    assert_int_equal(process_start(&o, &p, &e), 0);
    assert_int_equal(process_talk(p, text, len, &ended, &e), 0);
    assert_true(ended);
    assert_int_equal(process_finish(p, &status, &e), 0);
    assert_int_equal(status, 4);
}

/* Descriptors 0 to 2 closed in the caller: the child's three must still be right. */
static void test_closed_stdio(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(0);
        (void)close(1);
        (void)close(2);
        struct err e = ERR_INIT;
        AUTO_BUF out = BUF_INIT(100);
        AUTO_BUF errors = BUF_INIT(100);
        AUTO_BUF answer = BUF_INIT(100);
        int status = -1;
        struct process_options o = {.argv = SH("cat; echo bad >&2; echo here >&3"),
                                    .input = "good",
                                    .input_len = 4,
                                    .output = &out,
                                    .errors = &errors,
                                    .channel_text = "",
                                    .channel_sink = keep,
                                    .channel_context = &answer};
        int rc = process_run(&o, &status, &e);
        bool fine = rc == 0 && status == 0 && strcmp(buf_str(&out), "good") == 0 &&
                    strcmp(buf_str(&errors), "bad\n") == 0 &&
                    strcmp(buf_str(&answer), "here\n") == 0;
        _exit(fine ? 0 : 1);
    }
    int how = -1;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_inherits_nothing),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_orphans_end),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_channel),
        cmocka_unit_test(test_signal_status),
        cmocka_unit_test(test_daemons_end),
        cmocka_unit_test(test_killed_with_us),
        cmocka_unit_test(test_freed_while_it_runs),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_talk),
        cmocka_unit_test(test_closed_stdio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
