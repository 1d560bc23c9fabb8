/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts: what is temporary goes, the process dies of the signal, and nothing else is touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *dir;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-cleanup.", &dir, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

static size_t entries(void)
{
    size_t n = 0;
    AUTO_CLOSEDIR DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    return n - 2;
}

/* `body` in a child whose messages are not ours; what became of it. */
static int in_child(void (*body)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err e = ERR_INIT;
        AUTO_FREE char *said = NULL;
        /* What this process has for temporary is the parent's. */
        dir_keep(dir);
        if (path_join(&said, dir, "said", &e) != 0)
            _exit(90);
        int fd = open(said, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || dup2(fd, 2) != 2)
            _exit(91);
        /* A test that runs in the background, or under nohup, ignores them. */
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGHUP, SIG_DFL);
        cleanup_start("assay-test");
        body();
        _exit(0);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return how;
}

static void said(const char *text)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *path = NULL;
    AUTO_BUF got = BUF_INIT(4096);
    assert_int_equal(path_join(&path, dir, "said", &e), 0);
    assert_int_equal(file_read(path, &got, &e), 0);
    assert_string_equal(buf_str(&got), text);
    assert_int_equal(unlink(path), 0);
}

static int number;

static void make_all_and_die(void)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *temp = NULL;
    AUTO_FREE char *inside = NULL;
    AUTO_FREE char *file = NULL;
    struct atomic_file f = ATOMIC_FILE_INIT;
    if (dir_make_temp(dir, "a.", &temp, &e) != 0 || path_join(&inside, temp, "b/c", &e) != 0 ||
        dir_make(inside, &e) != 0 || path_join(&file, dir, "out", &e) != 0 ||
        atomic_file_open(&f, file, 0600, &e) != 0)
        _exit(92);
    if (entries() != 3)
        _exit(93);
    (void)raise(number);
    _exit(94);
}

static void test_all_goes(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        number = numbers[i];
        int how = in_child(make_all_and_die);
        assert_true(WIFSIGNALED(how));
        assert_int_equal(WTERMSIG(how), number);
        said("assay-test: interrupted\n");
        assert_int_equal(entries(), 0);
    }
}

/* What has its final name is not temporary any more. */
static void finish_and_die(void)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *temp = NULL;
    AUTO_FREE char *file = NULL;
    if (dir_make_temp(dir, "kept.", &temp, &e) != 0 || path_join(&file, dir, "out", &e) != 0 ||
        file_replace(file, "x", 1, 0600, &e) != 0)
        _exit(92);
    dir_keep(temp);
    (void)raise(SIGTERM);
}

static void test_kept(void **state)
{
    (void)state;
    int how = in_child(finish_and_die);
    assert_true(WIFSIGNALED(how));
    said("assay-test: interrupted\n");
    assert_int_equal(entries(), 2);
}

static void die_ignored(void)
{
    (void)raise(SIGHUP);
    _exit(7);
}

static void ignore_first(void)
{
    (void)signal(SIGHUP, SIG_IGN);
    cleanup_start("assay-test");
    /* The handler of the first start would still be there, were it not for the line above. */
    die_ignored();
}

static void test_ignored_stays_ignored(void **state)
{
    (void)state;
    int how = in_child(ignore_first);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 7);
    said("");
}

static void defer_and_die(void)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *file = NULL;
    if (path_join(&file, dir, "whole", &e) != 0)
        _exit(92);
    cleanup_defer();
    cleanup_defer();
    (void)raise(SIGTERM);
    cleanup_resume();
    if (file_replace(file, "x", 1, 0600, &e) != 0)
        _exit(93);
    cleanup_resume();
    _exit(94);
}

static void test_deferred(void **state)
{
    (void)state;
    int how = in_child(defer_and_die);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGTERM);
    said("assay-test: interrupted\n");
    assert_int_equal(entries(), 1);
}

/* A thread that signals the process once `made` can be seen. */
static char *made;
static pid_t whom;

static void *signal_when_made(void *context)
{
    (void)context;
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (access(made, F_OK) != 0)
        (void)usleep(1000);
    (void)kill(whom, SIGTERM);
    return NULL;
}

/* A program of the host that traps the signal and cleans up, and one that does not care. */
static void run_and_die(void)
{
    static const char script[] = "exec 2>/dev/null; trap 'echo bye >cleaned; exit' TERM\n"
                                 "touch made\n"
                                 "while :; do sleep 0.05; done\n";
    struct err e = ERR_INIT;
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct process_options o = {.argv = argv, .cwd = dir};
    int status = 0;
    pthread_t thread;
    whom = getpid();
    if (path_join(&made, dir, "made", &e) != 0 ||
        pthread_create(&thread, NULL, signal_when_made, NULL) != 0)
        _exit(92);
    (void)process_run(&o, &status, &e);
    _exit(93);
}

static void test_children(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *cleaned = NULL;
    int how = in_child(run_and_die);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGTERM);
    assert_int_equal(path_join(&cleaned, dir, "cleaned", &e), 0);
    assert_int_equal(access(cleaned, F_OK), 0);
    said("assay-test: interrupted\n");
}

/* A child between fork and exec must not take the parent's things along. */
static void fork_and_kill(void)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *temp = NULL;
    if (dir_make_temp(dir, "mine.", &temp, &e) != 0)
        _exit(92);
    pid_t pid = fork();
    if (pid == 0) {
        (void)raise(SIGTERM);
        _exit(93);
    }
    int how = 0;
    if (waitpid(pid, &how, 0) != pid || !WIFEXITED(how) || WEXITSTATUS(how) != 128 + SIGTERM)
        _exit(94);
    _exit(access(temp, F_OK) == 0 ? 0 : 95);
}

static void test_fork(void **state)
{
    (void)state;
    int how = in_child(fork_and_kill);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    said("");
}

/* Many threads that make and remove all the time. */
static void *make_and_remove(void *context)
{
    (void)context;
    for (;;) {
        struct err e = ERR_INIT;
        AUTO_FREE char *temp = NULL;
        AUTO_FREE char *file = NULL;
        if (dir_make_temp(dir, "busy.", &temp, &e) != 0 || path_join(&file, temp, "f", &e) != 0 ||
            file_replace(file, "x", 1, 0600, &e) != 0 || dir_remove(temp, &e) != 0)
            return NULL;
    }
}

static void busy_and_die(void)
{
    enum { THREADS = 4, ROUNDS = 50 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, make_and_remove, NULL) != 0)
            _exit(92);
    for (int i = 0; i < ROUNDS; i++) {
        struct err e = ERR_INIT;
        AUTO_FREE char *temp = NULL;
        if (dir_make_temp(dir, "main.", &temp, &e) != 0 || dir_remove(temp, &e) != 0)
            _exit(93);
    }
    (void)raise(SIGTERM);
}

static void test_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int how = in_child(busy_and_die);
        assert_true(WIFSIGNALED(how));
        said("assay-test: interrupted\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ignored_stays_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deferred, setup, teardown),
        cmocka_unit_test_setup_teardown(test_children, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fork, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
