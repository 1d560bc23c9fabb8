/* SPDX-License-Identifier: Apache-2.0 */
/* The store's quota, and holding a store open for somebody who only reads it. */
#include "tests/unit/store/cas/cas_common.h"

#include "base/workers.h"

#include <stdatomic.h>

static struct cas *limited(uint64_t limit)
{
    struct err e = ERR_INIT;
    struct cas *cas = open_store(CAS_CREATE);
    assert_int_equal(cas_quota_set(cas, limit, &e), 0);
    cas_close(cas);
    return open_store(CAS_CREATE);
}

static uint64_t used(struct cas *cas)
{
    struct err e = ERR_INIT;
    bool has = false;
    uint64_t limit = 0;
    uint64_t bytes = 0;
    assert_int_equal(cas_quota_get(cas, &has, &limit, &bytes, &e), 0);
    return bytes;
}

static int try_put(struct cas *cas, const char *text, struct digest *digest, struct err *e)
{
    return cas_put(cas, text, strlen(text), digest, e);
}

static void test_limit(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest a;
    struct digest b;
    AUTO_CAS struct cas *cas = limited(10);
    assert_int_equal(try_put(cas, "123456", &a, &e), 0);
    assert_int_equal(used(cas), 6);
    assert_int_equal(try_put(cas, "12345", &b, &e), -ERR_HOST);
    assert_int_equal(digest_bytes(DIGEST_SHA256, "12345", 5, &b, &e), 0);
    assert_false(cas_has(cas, &b, NULL));
    assert_int_equal(try_put(cas, "123456", &a, &e), 0); /* is there */
    assert_int_equal(used(cas), 6);
    assert_int_equal(try_put(cas, "1234", &b, &e), 0); /* exactly full */
    assert_int_equal(used(cas), 10);
    assert_int_equal(try_put(cas, "", &b, &e), 0);
    assert_int_equal(try_put(cas, "x", &b, &e), -ERR_HOST);
}

static void test_early(void **state)
{
    (void)state;
    enum { CHUNK = 65536 };
    struct err e = ERR_INIT;
    struct digest wanted = {.alg = DIGEST_SHA256};
    AUTO_CAS struct cas *cas = limited(1000);
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    static const uint8_t chunk[CHUNK];
    /* A size that is known is refused at once; one that is not within a MiB. */
    assert_int_equal(cas_writer_new(cas, &wanted, 1001, &w, &e), -ERR_HOST);
    assert_int_equal(cas_writer_new(cas, NULL, CAS_SIZE_UNKNOWN, &w, &e), 0);
    int rc = 0;
    size_t written = 0;
    for (; rc == 0 && written < (size_t)4 << 20; written += CHUNK)
        rc = cas_writer_write(w, chunk, CHUNK, &e);
    assert_int_equal(rc, -ERR_HOST);
    assert_true(written <= ((size_t)1 << 20) + 2 * CHUNK);
    assert_int_equal(used(cas), 0);
}

static void test_recount(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest a;
    struct cas *cas = limited(10);
    char path[4096];
    assert_int_equal(try_put(cas, "123456", &a, &e), 0);
    cas_close(cas);
    /* Another program removed a blob without counting. Nobody looks at the blobs for that; */
    char hex[DIGEST_TEXT_MAX];
    (void)snprintf(path, sizeof(path), "%s/blobs/sha256/%s", store, digest_hex(&a, hex));
    assert_int_equal(unlink(path), 0);
    cas = open_store(CAS_CREATE);
    assert_int_equal(used(cas), 6);
    cas_close(cas);
    /* when a writer died, somebody does. */
    (void)snprintf(path, sizeof(path), "%s/tmp/w1-0", store);
    assert_int_equal(file_replace(path, "half", 4, 0600, &e), 0);
    cas = open_store(CAS_CREATE);
    assert_int_equal(used(cas), 0);
    assert_int_equal(try_put(cas, "1234567890", &a, &e), 0);
    const struct cas_gc_options options = {.dry_run = false};
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    assert_int_equal(cas_gc(cas, &options, &result, &e), 0);
    assert_int_equal(used(cas), 0);
    assert_int_equal(cas_quota_set(cas, 0, &e), 0);
    cas_close(cas);
    cas = open_store(CAS_CREATE);
    assert_int_equal(try_put(cas, "more than ten bytes", &a, &e), 0);
    cas_close(cas);
}

/* A count of another run of the kernel, and of a collection that did not come to its end. */
static void test_recount_after_power_cut(void **state)
{
    (void)state;
    static const char *const says[] = {"", "11111111-2222-3333-4444-555555555555\n"};
    struct err e = ERR_INIT;
    struct digest a;
    struct cas *cas = limited(10);
    char blob[4096];
    char lock[4096];
    char hex[DIGEST_TEXT_MAX];
    (void)snprintf(lock, sizeof(lock), "%s/lock", store);
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
        assert_int_equal(try_put(cas, "123456", &a, &e), 0);
        cas_close(cas);
        (void)snprintf(blob, sizeof(blob), "%s/blobs/sha256/%s", store, digest_hex(&a, hex));
        assert_int_equal(unlink(blob), 0);
        assert_int_equal(file_replace(lock, says[i], strlen(says[i]), 0644, &e), 0);
        cas = open_store(CAS_CREATE);
        assert_int_equal(used(cas), 0);
    }
    cas_close(cas);
}

/* In the place of a damaged blob: what it has more, or less, is counted. */
static void test_mended(void **state)
{
    (void)state;
    static const char *const damaged[] = {"12345678", "1"};
    struct err e = ERR_INIT;
    struct digest a;
    char path[4096];
    char hex[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        struct cas *cas = limited(20);
        assert_int_equal(try_put(cas, "123456", &a, &e), 0);
        (void)snprintf(path, sizeof(path), "%s/blobs/sha256/%s", store, digest_hex(&a, hex));
        assert_int_equal(file_replace(path, damaged[i], strlen(damaged[i]), 0444, &e), 0);
        assert_int_equal(cas_quota_set(cas, 20, &e), 0); /* counts */
        cas_close(cas);
        cas = open_store(CAS_CREATE);
        assert_int_equal(used(cas), strlen(damaged[i]));
        assert_int_equal(try_put(cas, "123456", &a, &e), 0);
        assert_int_equal(used(cas), 6);
        cas_close(cas);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1 2\n",
        "00000000000000000010 0000000000000000000x\n",
        "00000000000000000010 00000000000000000000",
        "00000000000000000010 00000000000000000000\n\n",
        "99999999999999999999 00000000000000000000\n",
    };
    char path[4096];
    cas_close(limited(10));
    (void)snprintf(path, sizeof(path), "%s/quota", store);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_INIT;
        struct cas *cas = NULL;
        assert_int_equal(file_replace(path, bad[i], strlen(bad[i]), 0644, &e), 0);
        assert_int_equal(cas_open(store, 0, &cas, &e), -ERR_INPUT);
        assert_null(cas);
    }
    struct err e = ERR_INIT;
    struct cas *cas = NULL;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(cas_open(store, 0, &cas, &e) < 0);
}

struct crowd {
    struct cas *cas;
    atomic_int stored;
};

static int put_one(void *context, size_t i, struct err *e)
{
    struct crowd *c = context;
    struct err why = ERR_INIT;
    struct digest digest;
    char text[16];
    (void)snprintf(text, sizeof(text), "%010zu", i);
    (void)e;
    if (try_put(c->cas, text, &digest, &why) == 0)
        atomic_fetch_add(&c->stored, 1);
    return 0;
}

static void test_threads(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = limited(105);
    struct crowd crowd = {.cas = cas};
    assert_int_equal(workers_run(8, 40, put_one, &crowd, &e), 0);
    assert_int_equal(atomic_load(&crowd.stored), 10);
    assert_int_equal(used(cas), 100);
}

static void test_hold(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    const struct cas_gc_options options = {.dry_run = false};
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    int fd = -1;
    assert_int_equal(cas_hold(store, &fd, &e), -ERR_INPUT); /* there is none */
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    assert_int_equal(cas_hold(store, &fd, &e), 0);
    assert_true(fd >= 0);
    assert_int_equal(cas_gc(cas, &options, &result, &e), -ERR_HOST);
    assert_int_equal(close(fd), 0);
    assert_int_equal(cas_gc(cas, &options, &result, &e), 0);
    cas_close(steal_ptr(&cas));
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/lock", store);
    assert_int_equal(unlink(path), 0); /* a layout of others has none */
    assert_int_equal(cas_hold(store, &fd, &e), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(cas_hold(store, &fd, &e) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limit),   TEST(test_early),
        TEST(test_recount), TEST(test_hostile),
        TEST(test_threads), TEST(test_hold),
        TEST(test_mended),  TEST(test_recount_after_power_cut),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
