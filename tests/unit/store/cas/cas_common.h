/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a temporary directory, fresh for each test: shared by test_cas*.c. */
#ifndef ASSAY_TESTS_UNIT_STORE_CAS_CAS_COMMON_H
#define ASSAY_TESTS_UNIT_STORE_CAS_CAS_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/cas/cas.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static char *dir;
static char *store; /* a fresh path for each test */

static inline int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-cas.", &dir, &e);
}

static inline int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

static inline int fresh(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    free(store);
    return path_join(&store, dir, "store", &e);
}

static inline int wipe(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(store, &e);
    free(store);
    store = NULL;
    return rc;
}

static inline char *at(const char *name)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    assert_int_equal(path_join(&path, store, name, &e), 0);
    return path;
}

static inline char *blob_path(const struct digest *digest)
{
    char hex[DIGEST_TEXT_MAX];
    char name[DIGEST_TEXT_MAX + 16];
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(digest, hex));
    return at(name);
}

static inline struct cas *open_store(unsigned flags)
{
    struct err e = ERR_INIT;
    struct cas *cas = NULL;
    int rc = cas_open(store, flags, &cas, &e);
    if (rc != 0)
        fail_msg("cas_open: %s", e.frame[0]);
    return cas;
}

static inline void fails(int rc, enum err_code code, const struct err *e, const char *says)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(rc, -(int)code);
    if (strstr(err_line(e, line, sizeof(line)), says) == NULL)
        fail_msg("'%s' does not say '%s'", line, says);
}

static inline void put(struct cas *cas, const char *text, struct digest *digest)
{
    struct err e = ERR_INIT;
    assert_int_equal(cas_put(cas, text, strlen(text), digest, &e), 0);
}

static inline void is_text(struct cas *cas, const struct digest *digest, const char *text)
{
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT(1000000);
    assert_int_equal(cas_get(cas, digest, &out, &e), 0);
    assert_int_equal(out.len, strlen(text));
    assert_string_equal(buf_str(&out), text);
}

static inline size_t entries(const char *name)
{
    AUTO_FREE char *path = at(name);
    size_t n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n - 2;
}

/* File times have the granularity of the kernel's tick: what happens within one cannot be told
 * apart. */
static inline void let_a_tick_pass(void)
{
    const struct timespec tick = {.tv_nsec = 25000000};
    (void)nanosleep(&tick, NULL);
}

static inline void overwrite(const char *path, const char *text)
{
    let_a_tick_pass();
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) { /* an ordinary user's own read-only file */
        assert_int_equal(chmod(path, 0644), 0);
        fd = open(path, O_WRONLY | O_CLOEXEC);
    }
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, wipe)

#endif
