/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch stores: blobs of one open store, which become artifacts or go away. */
#include "tests/unit/store/cas/cas_common.h"

#include <sys/wait.h>

static struct err e;

static char *beneath(const char *parent, const char *name)
{
    char *path = NULL;
    assert_int_equal(path_join(&path, parent, name, &e), 0);
    return path;
}

/* The one file in a directory of the store; NULL when there is none. */
static char *only_file(const char *name)
{
    AUTO_FREE char *path = beneath(store, name);
    char *found = NULL;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        assert_null(found);
        found = beneath(path, entry->d_name);
    }
    (void)closedir(d);
    return found;
}

static void file_is(const char *path, const char *text, ino_t *inode)
{
    AUTO_BUF out = BUF_INIT(1000);
    struct stat st;
    assert_int_equal(file_read(path, &out, &e), 0);
    assert_string_equal(buf_str(&out), text);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    *inode = st.st_ino;
}

static void test_private(void **state)
{
    (void)state;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE | CAS_SCRATCH);
    AUTO_CAS struct cas *other = open_store(0);
    struct digest a, b, again;
    uint64_t size = 0;
    int fd = -1;
    assert_int_equal(cas_put(cas, "one", 3, &a, &e), 0);
    assert_int_equal(cas_put(cas, "three", 5, &b, &e), 0);
    assert_int_equal(cas_put(cas, "one", 3, &again, &e), 0);
    assert_true(digest_equal(&a, &again));
    is_text(cas, &a, "one");
    is_text(cas, &b, "three");
    assert_true(cas_has(cas, &b, &size));
    assert_int_equal(size, 5);
    assert_int_equal(cas_open_blob(cas, &b, &fd, &size, &e), 0);
    close(fd);
    assert_false(cas_has(other, &a, NULL));
    assert_null(only_file("blobs/sha256"));
    /* What the store has already is the store's. */
    assert_int_equal(cas_put(other, "shared", 6, &again, &e), 0);
    assert_int_equal(cas_put(cas, "shared", 6, &again, &e), 0);
    cas_close(steal_ptr(&cas));
    assert_null(only_file("tmp"));
    is_text(other, &again, "shared");
    assert_false(cas_has(other, &a, NULL));
    AUTO_FREE char *kept = only_file("blobs/sha256");
    assert_non_null(kept);
    assert_int_equal(unlink(kept), 0);
}

static void test_artifacts(void **state)
{
    (void)state;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE | CAS_SCRATCH);
    AUTO_FREE char *one = beneath(dir, "one");
    AUTO_FREE char *two = beneath(dir, "two");
    struct digest d, other;
    struct stat before;
    ino_t first = 0, second = 0;
    assert_int_equal(cas_put(cas, "bytes", 5, &d, &e), 0);
    assert_int_equal(cas_put(cas, "others", 6, &other, &e), 0);
    assert_int_equal(cas_export_file(cas, &d, one, &e), 0);
    file_is(one, "bytes", &first);
    /* Once only: a second artifact is a file of its own, and the blob can be read still. */
    assert_int_equal(cas_export_file(cas, &d, two, &e), 0);
    file_is(two, "bytes", &second);
    assert_true(first != second);
    is_text(cas, &d, "bytes");
    /* A name that is taken: replaced, in one piece. */
    assert_int_equal(cas_export_file(cas, &other, two, &e), 0);
    file_is(two, "others", &second);
    cas_close(steal_ptr(&cas));
    assert_null(only_file("tmp"));
    file_is(one, "bytes", &first);
    assert_int_equal(stat(one, &before), 0);
    assert_int_equal(before.st_nlink, 1);
    assert_int_equal(unlink(one), 0);
    assert_int_equal(unlink(two), 0);
}

/* To another file system, which cannot be linked to. */
static void test_other_file_system(void **state)
{
    (void)state;
    struct stat here, there;
    AUTO_FREE char *shm = NULL;
    assert_int_equal(stat(dir, &here), 0);
    if (stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev)
        return; /* e2e/61-build.t mounts one */
    assert_int_equal(dir_make_temp("/dev/shm", "assay-test-scratch.", &shm, &e), 0);
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE | CAS_SCRATCH);
    AUTO_FREE char *path = beneath(shm, "far");
    struct digest d;
    ino_t inode;
    assert_int_equal(cas_put(cas, "far", 3, &d, &e), 0);
    assert_int_equal(cas_export_file(cas, &d, path, &e), 0);
    file_is(path, "far", &inode);
    assert_int_equal(dir_remove(shm, &e), 0);
}

/* Somebody wrote into the temporary file: it is no artifact, and no blob. */
static void test_touched(void **state)
{
    (void)state;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE | CAS_SCRATCH);
    AUTO_FREE char *path = beneath(dir, "bad");
    struct digest d;
    struct stat st;
    assert_int_equal(cas_put(cas, "right", 5, &d, &e), 0);
    AUTO_FREE char *temp = only_file("tmp");
    assert_non_null(temp);
    AUTO_CLOSE int fd = open(temp, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "wrong!", 6), 6);
    assert_int_equal(cas_export_file(cas, &d, path, &e), -ERR_INPUT);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(cas_open_blob(cas, &d, &fd, NULL, &e), -ERR_INPUT);
}

static void test_sudden_death(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct cas *cas = NULL;
        struct digest d;
        int rc = cas_open(store, CAS_CREATE | CAS_SCRATCH, &cas, &e);
        _exit(rc == 0 && cas_put(cas, "left", 4, &d, &e) == 0 ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    AUTO_FREE char *left = only_file("tmp");
    assert_non_null(left);
    cas_close(open_store(0));
    assert_null(only_file("tmp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_private), TEST(test_artifacts),    TEST(test_other_file_system),
        TEST(test_touched), TEST(test_sudden_death),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
