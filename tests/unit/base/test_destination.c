/* SPDX-License-Identifier: Apache-2.0 */
/* Names that lead elsewhere. What commands make of them is in tests/e2e/14-outputs.t. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char *dir;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-destination.", &dir, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

/* Valid until the next call but one. */
static const char *at(const char *name)
{
    static char paths[2][4096];
    static unsigned turn;
    turn ^= 1;
    (void)snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", dir, name);
    return paths[turn];
}

static int check(const char *path)
{
    struct err e = ERR_INIT;
    return destination_check(path, &e);
}

static void holds(const char *path, const char *text)
{
    struct err e = ERR_INIT;
    AUTO_BUF got = BUF_INIT(4096);
    assert_int_equal(file_read(path, &got, &e), 0);
    assert_string_equal(buf_str(&got), text);
}

static void test_stdout_has_names(void **state)
{
    (void)state;
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    static const char *const others[] = {"/dev/stderr", "/dev/fd/11", "/dev/fd/", "/dev/fd/1x",
                                         "./-",         "/dev/null",  ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(destination_is_stdout(names[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(destination_is_stdout(others[i]));
    assert_int_equal(symlink("/dev/stdout", at("link")), 0);
    assert_true(destination_is_stdout(at("link")));
}

static void test_descriptors(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char name[32];
    int fd = open(at("f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd > 2);
    assert_int_equal(write(fd, "one ", 4), 4);
    (void)snprintf(name, sizeof(name), "/dev/fd/%d", fd);
    assert_int_equal(check(name), 0);
    assert_int_equal(destination_write(name, "two", 3, &e), 0);
    holds(at("f"), "one two"); /* where that descriptor stood, not from the file's start */
    assert_int_equal(close(fd), 0);
    assert_int_equal(check(name), -ERR_HOST);
    fd = open(at("f"), O_RDONLY | O_CLOEXEC);
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    assert_int_equal(check(name), -ERR_USAGE);
    assert_int_equal(close(fd), 0);
}

static void test_refused(void **state)
{
    (void)state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", at("socket"));
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(check(at("socket")), -ERR_USAGE);
    assert_int_equal(close(fd), 0);
    assert_int_equal(check(""), -ERR_USAGE);
    assert_int_equal(check(dir), -ERR_USAGE);
    assert_int_equal(check(at("new/")), -ERR_USAGE);
    assert_int_equal(check(at("new/file")), -ERR_USAGE);
    assert_int_equal(check(at("socket/file")), -ERR_USAGE);
    assert_int_equal(symlink("b", at("a")), 0);
    assert_int_equal(symlink("a", at("b")), 0);
    assert_int_equal(check(at("a")), -ERR_USAGE);
}

static void test_links(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct stat st;
    assert_int_equal(mkdir(at("d"), 0700), 0);
    assert_int_equal(symlink("d/../d/file", at("relative")), 0);
    assert_int_equal(symlink(at("relative"), at("absolute")), 0);
    assert_int_equal(destination_write(at("absolute"), "x", 1, &e), 0);
    holds(at("d/file"), "x");
    assert_int_equal(lstat(at("absolute"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(symlink("nowhere/file", at("dangling")), 0);
    assert_int_equal(check(at("dangling")), -ERR_USAGE);
}

/* Nothing is visible until all is there, and nothing stays when it is not. */
static void test_whole(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_int_equal(destination_write(at("f"), "old", 3, &e), 0);
    assert_int_equal(chmod(at("f"), 04751), 0);
    {
        AUTO_DESTINATION d = DESTINATION_INIT;
        const char *path = at("f");
        assert_int_equal(destination_open(&d, path, &e), 0);
        assert_true(d.whole);
        assert_int_equal(destination_put(&d, "new", 3, &e), 0);
        holds(path, "old");
    }
    holds(at("f"), "old");
    assert_int_equal(destination_write(at("f"), "new", 3, &e), 0);
    struct stat st;
    assert_int_equal(stat(at("f"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    assert_int_equal(link(at("f"), at("g")), 0);
    assert_int_equal(destination_write(at("f"), "newer", 5, &e), 0);
    holds(at("g"), "new");
}

static void test_directories(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_int_equal(destination_check_dir(dir, &e), 0);
    assert_int_equal(destination_check_dir(at("new"), &e), 0);
    assert_int_equal(destination_check_dir(at("new/and//deep/"), &e), 0);
    assert_int_equal(destination_check_dir("", &e), -ERR_USAGE);
    assert_int_equal(destination_check_dir("new", &e), 0);
    assert_int_equal(destination_write(at("f"), "x", 1, &e), 0);
    assert_int_equal(destination_check_dir(at("f"), &e), -ERR_USAGE);
    assert_int_equal(destination_check_dir(at("f/below"), &e), -ERR_USAGE);
    assert_int_equal(destination_check_new(at("f"), &e), -ERR_USAGE);
    assert_int_equal(destination_check_new(at("new/"), &e), 0);
    assert_int_equal(destination_check_new(at("new/deep"), &e), -ERR_USAGE);
    assert_int_equal(destination_check_path(dir, &e), 0);
    assert_int_equal(destination_check_path(at("f"), &e), 0);
    assert_int_equal(destination_check_path(at("new/"), &e), 0);
    assert_int_equal(destination_check_path(at("new/f"), &e), -ERR_USAGE);
    assert_int_equal(destination_check_inside(at("f"), &e), 0);
    assert_int_equal(destination_check_inside(at("new"), &e), 0);
    assert_int_equal(symlink("f", at("l")), 0);
    assert_int_equal(destination_check_inside(at("l"), &e), -ERR_USAGE);
    assert_int_equal(destination_check_inside(dir, &e), -ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stdout_has_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
