/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that change while they are read: at each system call of the reader, others take their
 * places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/sources/directory.h"
#include "formats/tree/tree_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- system calls that the test stands in for ---- */

static int calls;        /* of the reader, so far */
static int deed_at = -1; /* before this one */
static char deed_from[256];
static char deed_to[256];

static bool exchanged;

static void deed(bool wanted)
{
    if (wanted != exchanged &&
        syscall(SYS_renameat2, AT_FDCWD, deed_from, AT_FDCWD, deed_to, 2U) != 0)
        fail_msg("cannot exchange '%s' and '%s': %s", deed_from, deed_to, strerror(errno));
    exchanged = wanted;
}

static void pass(void)
{
    if (calls++ == deed_at)
        deed(true);
}

/* These are what the program's own code calls, before the C library's. */
int openat(int dirfd, const char *path, int flags, ...);
int fstatat(int dirfd, const char *path, struct stat *st, int flags);
ssize_t readlinkat(int dirfd, const char *path, char *out, size_t size);

int openat(int dirfd, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    pass();
    return (int)syscall(SYS_openat, dirfd, path, flags, mode);
}

int fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
    pass();
    return (int)syscall(SYS_newfstatat, dirfd, path, st, flags);
}

ssize_t readlinkat(int dirfd, const char *path, char *out, size_t size)
{
    pass();
    return syscall(SYS_readlinkat, dirfd, path, out, size);
}

/* ---- two trees ---- */

static char *root;

static void put(const char *path, const char *text)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *full = NULL;
    assert_int_equal(path_join(&full, root, path, &e), 0);
    if (text == NULL)
        assert_int_equal(mkdir(full, 0755), 0);
    else if (text[0] == '>')
        assert_int_equal(symlink(text + 1, full), 0);
    else
        assert_int_equal(file_replace(full, text, strlen(text), 0644, &e), 0);
}

/* `other` has the names of `tree`, and says something else everywhere. */
static void make_trees(void)
{
    static const char *const sides[] = {"tree", "other"};
    struct err e = ERR_INIT;
    assert_int_equal(dir_make_temp("/tmp", "assay-test-", &root, &e), 0);
    for (size_t i = 0; i < 2; i++) {
        static const char *const names[] = {"", "/a", "/b", "/b/c"};
        char path[64];
        for (size_t d = 0; d < 4; d++) {
            (void)snprintf(path, sizeof(path), "%s%s", sides[i], names[d]);
            put(path, NULL);
        }
        (void)snprintf(path, sizeof(path), "%s/a/file", sides[i]);
        put(path, sides[i]);
        (void)snprintf(path, sizeof(path), "%s/b/c/file", sides[i]);
        put(path, sides[i]);
        (void)snprintf(path, sizeof(path), "%s/b/link", sides[i]);
        put(path, i == 0 ? ">tree" : ">other");
        (void)snprintf(path, sizeof(path), "%s/x.%s", sides[i], sides[i]);
        put(path, "left out");
        (void)snprintf(path, sizeof(path), "%s/.assayignore", sides[i]);
        put(path, i == 0 ? "x.tree\n" : "x.other\n");
    }
}

static int teardown(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    int rc = dir_remove(root, &e);
    free(root);
    return rc;
}

static int setup(void **state)
{
    (void)state;
    make_trees();
    return 0;
}

static int read_tree(struct digest *out)
{
    AUTO_TREE_BLOB b = TREE_BLOB_INIT;
    AUTO_FREE char *path = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(path_join(&path, root, "tree", &e), 0);
    assert_int_equal(tree_blob_begin(&b, root, &e), 0);
    calls = 0;
    int rc = directory_read(path, NULL, 0, &b, &e);
    deed_at = -1;
    char line[1024];
    if (rc < 0 &&
        (rc != -ERR_INPUT || strstr(err_line(&e, line, sizeof(line)), "while it was read") == NULL))
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    if (rc == 0)
        assert_int_equal(tree_digest(b.tree, out, &e), 0);
    return rc;
}

static void name(char *out, const char *side, const char *path)
{
    (void)snprintf(out, sizeof(deed_from), "%s/%s%s", root, side, path);
}

/*
 * The path, or one of the same directory, changes places with the other tree's: what is read is as
 * it was before, as it is after, or an error.
 */
static void exchange(const char *path, const char *with)
{
    struct digest before;
    struct digest after;
    struct digest got;
    int errors = 0;
    assert_int_equal(read_tree(&before), 0);
    name(deed_from, "tree", path);
    name(deed_to, with == NULL ? "other" : "tree", with == NULL ? path : with);
    deed(true);
    assert_int_equal(read_tree(&after), 0);
    assert_false(digest_equal(&before, &after));
    const int all = calls;
    assert_true(all > 10);
    for (int i = 0; i < all; i++) {
        deed(false); /* back to what it was, */
        deed_at = i; /* and there again in the middle */
        if (read_tree(&got) < 0)
            errors++;
        else if (!digest_equal(&got, &before) && !digest_equal(&got, &after))
            fail_msg("'%s' exchanged at call %d of %d: a tree that never was", path, i, all);
    }
    assert_true(errors > 0);
    deed(false);
}

static void test_exchange(void **state)
{
    (void)state;
    exchange("", NULL);
    exchange("/a", NULL);
    exchange("/b", NULL);
    exchange("/b/c", NULL);
    exchange("/a/file", NULL);
    exchange("/b/link", NULL);
    exchange("/.assayignore", NULL);
    exchange("/a", "/b");
    exchange("/b/c", "/b/link");
    exchange("/a/file", "/b/c");
}

/* Ignored names may come and go. */
static void test_ignored(void **state)
{
    struct digest before;
    struct digest got;
    (void)state;
    assert_int_equal(read_tree(&before), 0);
    const int all = calls;
    name(deed_from, "tree", "/x.tree");
    name(deed_to, "other", "/x.other");
    for (int i = 0; i < all; i++) {
        deed(false);
        deed_at = i;
        assert_int_equal(read_tree(&got), 0);
        assert_true(digest_equal(&got, &before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_ignored),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
