/* SPDX-License-Identifier: Apache-2.0 */
/* Files with holes, read and written: the bytes are those of the file without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/sparse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIZE = 1 << 20, PAGE = 4096 };

static char *dir;
static uint8_t bytes[SIZE];

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-sparse.", &dir, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

static int fresh(void)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, dir, "file", &e), 0);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* Reads all of `fd` from `from` on, which has to be `bytes` up to `size`; gives how many holes. */
static size_t assert_read(int fd, size_t from, size_t size)
{
    struct sparse_reader r = {.fd = fd};
    uint8_t chunk[3 * PAGE + 1];
    size_t at = from;
    size_t holes = 0;
    size_t got = 1;
    uint64_t zeros = 0;
    while (got + zeros > 0) {
        assert_int_equal(sparse_read(&r, chunk, sizeof(chunk), &got, &zeros), 0);
        assert_true(got == 0 || zeros == 0);
        assert_true(got + zeros <= size - at);
        for (size_t i = 0; i < zeros; i++)
            assert_int_equal(bytes[at + i], 0);
        assert_memory_equal(chunk, bytes + at, got);
        holes += zeros > 0;
        at += got + (size_t)zeros;
    }
    assert_int_equal(at, size);
    return holes;
}

/* Data at both ends, across a page's end, of a single byte, or only zeros. */
static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        size_t spots[4];
        size_t count;
        size_t size;
    } shapes[] = {
        {{0, 5 * PAGE - 1, 5 * PAGE, SIZE - 1}, 4, SIZE},
        {{100 * PAGE + 7}, 1, SIZE - 5},
        {{0}, 1, 3 * PAGE + 1},
        {{0}, 0, SIZE - 1},
        {{0}, 0, 0},
        {{0}, 1, 1},
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct err e = ERR_INIT;
        struct digest ours;
        struct digest wanted;
        uint64_t size = 0;
        memset(bytes, 0, sizeof(bytes));
        for (size_t k = 0; k < shapes[i].count; k++)
            bytes[shapes[i].spots[k]] = 1;
        AUTO_CLOSE int fd = fresh();
        assert_int_equal(sparse_write(fd, bytes, shapes[i].size, 0, "a file", &e), 0);
        assert_int_equal(ftruncate(fd, (off_t)shapes[i].size), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        (void)assert_read(fd, 0, shapes[i].size);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(digest_fd(DIGEST_SHA256, fd, &ours, &size, &e), 0);
        assert_int_equal(digest_bytes(DIGEST_SHA256, bytes, shapes[i].size, &wanted, &e), 0);
        assert_true(digest_equal(&ours, &wanted));
        assert_int_equal(size, shapes[i].size);
    }
}

/* From where the file stands, in a hole. */
static void test_from_here(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CLOSE int fd = fresh();
    memset(bytes, 0, sizeof(bytes));
    bytes[SIZE / 2] = 1;
    assert_int_equal(sparse_write(fd, bytes, SIZE, 0, "a file", &e), 0);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    assert_int_equal(lseek(fd, 10, SEEK_SET), 10);
    (void)assert_read(fd, 10, SIZE);
}

/* A pipe has no holes, and what says that it has no bytes may have some. */
static void test_no_file(void **state)
{
    (void)state;
    int ends[2];
    struct sparse_reader r = {.fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
    size_t got = 0;
    uint64_t zeros = 0;
    char text[64];
    memset(bytes, 0, sizeof(bytes));
    bytes[1] = 1;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], bytes, 9000), 9000);
    close(ends[1]);
    assert_int_equal(assert_read(ends[0], 0, 9000), 0);
    close(ends[0]);
    assert_int_equal(sparse_read(&r, text, sizeof(text), &got, &zeros), 0);
    assert_int_equal(zeros, 0);
    assert_true(got > 5 && memcmp(text, "Name:", 5) == 0);
    close(r.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_from_here),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
