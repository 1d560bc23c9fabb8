/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char *dir;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-file.", &dir, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

static char *at(const char *name)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    assert_int_equal(path_join(&path, dir, name, &e), 0);
    return path;
}

static void test_replace(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = at("a");
    umask(077);
    assert_int_equal(file_replace(path, "one", 3, 0644, &e), 0);
    umask(022);
    assert_int_equal(file_replace(path, "second", 6, 0644, &e), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    AUTO_BUF text = BUF_INIT(6);
    assert_int_equal(file_read(path, &text, &e), 0);
    assert_string_equal(buf_str(&text), "second");
    AUTO_BUF small = BUF_INIT(5);
    assert_int_equal(file_read(path, &small, &e), -ERR_INPUT);
}

static size_t entries(void)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n - 2;
}

static void test_abandoned(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = at("never");
    size_t before = entries();
    {
        AUTO_ATOMIC_FILE f = ATOMIC_FILE_INIT;
        assert_int_equal(atomic_file_open(&f, path, 0644, &e), 0);
        assert_int_equal(fd_write_all(f.fd, "half", 4, path, &e), 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(entries(), before + 1);
    }
    assert_int_equal(entries(), before);
}

static void test_missing(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = at("missing");
    AUTO_BUF text = BUF_INIT(10);
    assert_int_equal(file_read(path, &text, &e), -ERR_INPUT);
    assert_int_equal(file_read(dir, &text, &e), -ERR_INPUT); /* a directory */
    AUTO_FREE char *fifo = at("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(file_read(fifo, &text, &e), -ERR_INPUT); /* and does not hang */
}

static void test_beneath(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *link = at("escape");
    AUTO_FREE char *sub = at("sub/deep");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(dir_make(sub, &e), 0);
    AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(open_beneath(fd, "escape", O_RDONLY, 0, &e), -ERR_INPUT);
    assert_int_equal(open_beneath(fd, "../x", O_RDONLY, 0, &e), -ERR_INPUT);
    assert_int_equal(open_beneath(fd, "/etc/passwd", O_RDONLY, 0, &e), -ERR_INPUT);
    AUTO_CLOSE int inside = open_beneath(fd, "sub/deep/f", O_WRONLY | O_CREAT, 0600, &e);
    assert_true(inside >= 0);
}

static void test_remove_keeps_outside(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *kept = at("kept");
    AUTO_FREE char *kept_file = at("kept/file");
    AUTO_FREE char *gone = at("gone");
    AUTO_FREE char *link = at("gone/link");
    assert_int_equal(dir_make(kept, &e), 0);
    assert_int_equal(file_replace(kept_file, "x", 1, 0600, &e), 0);
    assert_int_equal(dir_make(gone, &e), 0);
    assert_int_equal(symlink("../kept", link), 0);
    assert_int_equal(dir_remove(gone, &e), 0);
    assert_int_equal(access(gone, F_OK), -1);
    assert_int_equal(access(kept_file, F_OK), 0);
    assert_int_equal(dir_remove(gone, &e), 0); /* again: nothing to do */
}

static void test_relpath(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b", "...", "a/..b", "a b/c", ".hidden"};
    static const char *const bad[] = {"",  "/",  "/a",   "a/",  "a//b",
                                      ".", "..", "a/..", "./a", "a/./b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(relpath_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(relpath_valid(bad[i]));
    assert_string_equal(path_base("a/b/c"), "c");
    assert_string_equal(path_base("c"), "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_beneath),
        cmocka_unit_test(test_remove_keeps_outside),
        cmocka_unit_test(test_relpath),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
