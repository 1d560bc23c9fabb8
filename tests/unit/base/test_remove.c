/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that their maker did not want to go. As root and, where the test is root, as somebody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOBODY = 65534, DEEP = 850, WIDE = 3000 };

static char *dir;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_make_temp("/tmp", "assay-test-remove.", &dir, &e);
    if (rc == 0 && geteuid() == 0)
        rc = chown(dir, NOBODY, NOBODY);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

/* Makes the tree t in the working directory; false when it cannot. */
typedef bool maker(void);

static bool make_deep(void)
{
    if (mkdir("t", 0700) != 0 || chdir("t") != 0)
        return false;
    for (int i = 0; i < DEEP; i++) {
        if (mkdir("a-name-that-is-not-short", 0700) != 0 || chdir("a-name-that-is-not-short") != 0)
            return false;
    }
    return close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0)) == 0;
}

/* Two deep trees side by side, so that names are moved up to where there are some. */
static bool make_deep_twice(void)
{
    AUTO_CLOSE int start = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!make_deep() || fchdir(start) != 0 || chdir("t") != 0 || mkdir("r00000000", 0700) != 0 ||
        chdir("r00000000") != 0)
        return false;
    return make_deep();
}

static bool make_closed(void)
{
    return mkdir("t", 0700) == 0 && mkdir("t/a", 0700) == 0 && mkdir("t/a/b", 0700) == 0 &&
           mkdir("t/a/b/c", 0700) == 0 && mkdir("t/a/b/c/d", 0700) == 0 &&
           close(open("t/a/b/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0)) == 0 &&
           chmod("t/a/b/c/d", 0) == 0 && chmod("t/a/b/c", 0) == 0 && chmod("t/a/b", 0500) == 0 &&
           chmod("t/a", 0300) == 0 && chmod("t", 0) == 0;
}

static bool make_wide(void)
{
    char name[32];
    if (mkdir("t", 0700) != 0 || mkdir("t/x", 0700) != 0)
        return false;
    for (int i = 0; i < WIDE; i++) {
        (void)snprintf(name, sizeof(name), "t/x/%d", i);
        if (i % 2 == 0 ? mkdir(name, 0) != 0
                       : close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0)) != 0)
            return false;
    }
    return true;
}

static bool make_links(void)
{
    return mkdir("t", 0700) == 0 && mkdir("kept", 0700) == 0 && symlink("../kept", "t/link") == 0 &&
           symlink("nowhere", "t/dangling") == 0 && mkfifo("t/fifo", 0) == 0 &&
           close(open("kept/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0;
}

/* In a process of its own: with its rights, and its working directory. 0: t is gone. */
static int made_and_removed(maker *make, uid_t uid)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int start = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (uid != geteuid() && (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0))
            _exit(100);
        if (start < 0 || fchdir(start) != 0 || !make() || fchdir(start) != 0)
            _exit(101);
        if (access("t", F_OK) != 0)
            _exit(102);
        int rc = remove_tree(start, "t");
        _exit(rc != 0 ? rc : access("t", F_OK) == 0);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void goes(maker *make)
{
    assert_int_equal(made_and_removed(make, geteuid()), 0);
    if (geteuid() == 0) {
        struct err e = ERR_INIT;
        AUTO_FREE char *kept = NULL;
        assert_int_equal(path_join(&kept, dir, "kept", &e), 0);
        assert_int_equal(dir_remove(kept, &e), 0);
        assert_int_equal(made_and_removed(make, NOBODY), 0);
    }
}

static void test_deep(void **state)
{
    (void)state;
    goes(make_deep_twice);
}

static void test_closed(void **state)
{
    (void)state;
    goes(make_closed);
}

static void test_wide(void **state)
{
    (void)state;
    goes(make_wide);
}

static void test_links(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *file = NULL;
    goes(make_links);
    assert_int_equal(path_join(&file, dir, "kept/file", &e), 0);
    assert_int_equal(access(file, F_OK), 0);
}

/* What is not ours stays, and is said to. */
static void test_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_int_equal(dir_remove("/proc/self", &e), -ERR_HOST);
    assert_int_equal(remove_tree(AT_FDCWD, "/nowhere/at/all"), 0);
    if (geteuid() != 0)
        assert_int_equal(remove_tree(AT_FDCWD, "/etc/passwd"), EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wide, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
