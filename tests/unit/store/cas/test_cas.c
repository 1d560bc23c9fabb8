/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store: blobs, their writers and readers, damage, concurrency, sudden death. */
#include "tests/unit/store/cas/cas_common.h"

#include "base/workers.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- blobs ---- */

static void test_blobs(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest a;
    struct digest empty;
    struct digest again;
    put(cas, "hello", &a);
    put(cas, "", &empty);
    put(cas, "hello", &again);
    assert_true(digest_equal(&a, &again));
    is_text(cas, &a, "hello");
    is_text(cas, &empty, "");
    uint64_t size = 0;
    assert_true(cas_has(cas, &a, &size));
    assert_int_equal(size, 5);
    assert_true(cas_has(cas, &empty, NULL));
    AUTO_FREE char *path = blob_path(&a);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0444);

    const uint8_t *map = NULL;
    size_t len = 9;
    assert_int_equal(cas_map(cas, &empty, &map, &len, &e), 0);
    assert_non_null(map);
    assert_int_equal(len, 0);
    cas_unmap(map, len);
    assert_int_equal(cas_map(cas, &a, &map, &len, &e), 0);
    assert_int_equal(len, 5);
    assert_memory_equal(map, "hello", 5);
    cas_unmap(map, len);

    int fd = -1;
    assert_int_equal(cas_open_blob(cas, &a, &fd, &size, &e), 0);
    char text[6] = {0};
    assert_int_equal(read(fd, text, 5), 5); /* the offset is at the start */
    assert_string_equal(text, "hello");
    (void)close(fd);
    AUTO_BUF small = BUF_INIT(4);
    fails(cas_get(cas, &a, &small, &e), ERR_INPUT, &e, "too large");
    assert_int_equal(entries("tmp"), 0);
}

static void test_missing(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest digest;
    struct digest wide;
    int fd = -1;
    AUTO_BUF out = BUF_INIT(10);
    assert_int_equal(digest_bytes(DIGEST_SHA256, "x", 1, &digest, &e), 0);
    assert_int_equal(digest_bytes(DIGEST_SHA512, "x", 1, &wide, &e), 0);
    assert_false(cas_has(cas, &digest, NULL));
    assert_false(cas_has(cas, &wide, NULL));
    fails(cas_get(cas, &digest, &out, &e), ERR_INPUT, &e, "is not in store");
    fails(cas_open_blob(cas, &wide, &fd, NULL, &e), ERR_INPUT, &e, "sha256 digests only");
    struct cas_writer *w = NULL;
    fails(cas_writer_new(cas, &wide, 1, &w, &e), ERR_INPUT, &e, "sha256 digests only");
}

static void test_expectations(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest right;
    struct digest got;
    uint64_t size = 0;
    assert_int_equal(digest_bytes(DIGEST_SHA256, "hello", 5, &right, &e), 0);
    static const struct {
        const char *text;
        uint64_t size;
        const char *says;
    } wrong[] = {{"hellO", 5, "expected was sha256:"},
                 {"hello", 6, "it is 5 bytes long, expected were 6"},
                 {"hell", CAS_SIZE_UNKNOWN, "expected was sha256:"},
                 {"", 0, "expected was sha256:"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        AUTO_CAS_WRITER struct cas_writer *w = NULL;
        assert_int_equal(cas_writer_new(cas, &right, wrong[i].size, &w, &e), 0);
        assert_int_equal(cas_writer_write(w, wrong[i].text, strlen(wrong[i].text), &e), 0);
        fails(cas_writer_commit(w, &got, &size, &e), ERR_INPUT, &e, wrong[i].says);
    }
    {
        AUTO_CAS_WRITER struct cas_writer *w = NULL;
        assert_int_equal(cas_writer_new(cas, &right, 5, &w, &e), 0);
        fails(cas_writer_write(w, "hello!", 6, &e), ERR_INPUT, &e, "at least 6 bytes");
    }
    assert_int_equal(entries("tmp"), 0);
    assert_int_equal(entries("blobs/sha256"), 0);
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    assert_int_equal(cas_writer_new(cas, &right, 5, &w, &e), 0);
    assert_int_equal(cas_writer_write(w, "hel", 3, &e), 0);
    assert_int_equal(cas_writer_write(w, "lo", 2, &e), 0);
    assert_int_equal(entries("blobs/sha256"), 0);
    assert_int_equal(cas_writer_commit(w, &got, &size, &e), 0);
    assert_true(digest_equal(&got, &right));
    assert_int_equal(size, 5);
    is_text(cas, &right, "hello");
}

static void test_direct(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    struct digest digest;
    uint64_t size = 0;
    assert_int_equal(cas_writer_new(cas, NULL, CAS_SIZE_UNKNOWN, &w, &e), 0);
    int fd = cas_writer_fd(w);
    assert_int_equal(pwrite(fd, "world", 5, 6), 5);
    assert_int_equal(pwrite(fd, "hello ", 6, 0), 6);
    assert_int_equal(cas_writer_commit(w, &digest, &size, &e), 0);
    assert_int_equal(size, 11);
    is_text(cas, &digest, "hello world");
}

static void test_files(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    AUTO_FREE char *in = at("in");
    AUTO_FREE char *out = at("out");
    struct digest digest;
    struct digest other;
    uint64_t size = 0;
    fails(cas_import_file(cas, in, NULL, &digest, &size, &e), ERR_INPUT, &e, "cannot open");
    fails(cas_import_file(cas, dir, NULL, &digest, &size, &e), ERR_INPUT, &e, "no regular file");
    assert_int_equal(file_replace(in, "data", 4, 0600, &e), 0);
    assert_int_equal(cas_import_file(cas, in, NULL, &digest, &size, &e), 0);
    assert_int_equal(size, 4);
    put(cas, "other", &other);
    fails(cas_import_file(cas, in, &other, &digest, &size, &e), ERR_INPUT, &e, "expected was");
    assert_int_equal(cas_export_file(cas, &digest, out, &e), 0);
    AUTO_BUF text = BUF_INIT(10);
    assert_int_equal(file_read(out, &text, &e), 0);
    assert_string_equal(buf_str(&text), "data");
    struct stat st;
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
}

/* ---- damage ---- */

static void damaged_everywhere(struct cas *cas, const struct digest *digest)
{
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT(1000);
    int fd = -1;
    const uint8_t *map = NULL;
    size_t len = 0;
    AUTO_FREE char *path = at("exported");
    fails(cas_get(cas, digest, &out, &e), ERR_INPUT, &e, "is damaged");
    fails(cas_open_blob(cas, digest, &fd, NULL, &e), ERR_INPUT, &e, "is damaged");
    fails(cas_map(cas, digest, &map, &len, &e), ERR_INPUT, &e, "is damaged");
    fails(cas_export_file(cas, digest, path, &e), ERR_INPUT, &e, "is damaged");
    assert_int_equal(fd, -1);
    assert_int_equal(access(path, F_OK), -1);
    bool damaged = false;
    assert_int_equal(cas_check(cas, digest, &damaged, &e), 0);
    assert_true(damaged);
}

static void test_damage(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest digest;
    put(cas, "hello", &digest);
    is_text(cas, &digest, "hello");
    AUTO_FREE char *path = blob_path(&digest);
    static const char *const bad[] = {"hellO", "hello!"};
    for (size_t i = 0; i < 2; i++) {
        overwrite(path, bad[i]); /* though this open store wrote and knew it */
        damaged_everywhere(cas, &digest);
        put(cas, "hello", &digest); /* the right bytes mend it */
        is_text(cas, &digest, "hello");
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 4), 0);
    damaged_everywhere(cas, &digest);
    AUTO_CAS struct cas *reader = open_store(CAS_READ_ONLY);
    damaged_everywhere(reader, &digest);
    struct digest twin;
    put(cas, "another", &twin);
    AUTO_FREE char *twin_path = blob_path(&twin);
    assert_int_equal(rename(twin_path, path), 0); /* another good blob under this name */
    damaged_everywhere(cas, &digest);
    (void)e;
}

static void test_no_regular_file(void **state)
{
    (void)state;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest digest;
    put(cas, "hello", &digest);
    AUTO_FREE char *path = blob_path(&digest);
    AUTO_FREE char *aside = at("aside");
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink("../../aside", path), 0); /* to the right bytes, even */
    damaged_everywhere(cas, &digest);
    assert_false(cas_has(cas, &digest, NULL));
    put(cas, "hello", &digest);
    is_text(cas, &digest, "hello");
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    damaged_everywhere(cas, &digest); /* and does not hang */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    damaged_everywhere(cas, &digest);
    put(cas, "hello", &digest); /* it is set apart, and not thrown away */
    is_text(cas, &digest, "hello");
    assert_int_equal(entries("damaged"), 1);
    assert_int_equal(entries("tmp"), 0);
}

/* The last read fails, so that what was read before is never taken for good. */
static void test_stream(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest digest;
    put(cas, "hello", &digest);
    struct cas_stream *s = NULL;
    size_t got = 0;
    char text[8];
    assert_int_equal(cas_stream_open(cas, &digest, &s, &e), 0);
    assert_int_equal(cas_stream_read(s, text, 3, &got, &e), 0);
    assert_int_equal(got, 3);
    assert_int_equal(cas_stream_read(s, text, 8, &got, &e), 0);
    assert_int_equal(got, 2);
    assert_int_equal(cas_stream_read(s, text, 8, &got, &e), 0);
    assert_int_equal(got, 0);
    assert_int_equal(cas_stream_read(s, text, 8, &got, &e), 0);
    assert_int_equal(got, 0);
    cas_stream_close(s);
    AUTO_FREE char *path = blob_path(&digest);
    overwrite(path, "HELLO");
    assert_int_equal(cas_stream_open(cas, &digest, &s, &e), 0);
    assert_int_equal(cas_stream_read(s, text, 8, &got, &e), 0);
    assert_int_equal(got, 5);
    fails(cas_stream_read(s, text, 8, &got, &e), ERR_INPUT, &e, "is damaged");
    cas_stream_close(s);
    cas_stream_close(NULL);
}

/* Blobs large enough for the thread that reads ahead, with ends on and beside the edges of its
 * chunks. */
enum { EDGE = 4 * 1024 * 1024, STEP = 100003 };

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 2654435761U >> 13);
}

static void stream_all(struct cas *cas, const struct digest *digest, size_t size, int wanted)
{
    struct err e = ERR_INIT;
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    static uint8_t chunk[STEP];
    size_t at = 0;
    size_t got = 1;
    int rc = cas_stream_open(cas, digest, &s, &e);
    while (rc == 0 && got != 0) {
        rc = cas_stream_read(s, chunk, sizeof(chunk), &got, &e);
        for (size_t i = 0; wanted == 0 && rc == 0 && i < got; i++) {
            if (chunk[i] != pattern(at + i))
                fail_msg("byte %zu of %zu is wrong", at + i, size);
        }
        at += rc == 0 ? got : 0;
    }
    assert_int_equal(rc, wanted);
    assert_int_equal(at, size);
    if (wanted != 0) /* and it stays so */
        fails(cas_stream_read(s, chunk, 1, &got, &e), ERR_INPUT, &e, "its bytes are sha256:");

    /* Left in the middle, for a reason that a damaged blob explains. */
    struct err reason = ERR_INIT;
    AUTO_CAS_STREAM struct cas_stream *half = NULL;
    assert_int_equal(cas_stream_open(cas, digest, &half, &e), 0);
    assert_int_equal(cas_stream_read(half, chunk, 7, &got, &e), 0);
    int given = err_set(&reason, ERR_UNDECIDED, "stopped in the middle");
    rc = cas_stream_finish(half, given, &reason);
    if (wanted == 0)
        fails(rc, ERR_UNDECIDED, &reason, "stopped in the middle");
    else
        fails(rc, ERR_INPUT, &reason, "is damaged");
}

static void test_read_ahead(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    static const size_t sizes[] = {EDGE - 1, EDGE, EDGE + 1, EDGE + 256 * 1024 - 1, 3 * EDGE + 7};
    AUTO_FREE uint8_t *bytes = malloc(3 * EDGE + 7);
    AUTO_FREE char *out = at("out");
    assert_non_null(bytes);
    for (size_t i = 0; i < 3 * EDGE + 7; i++)
        bytes[i] = pattern(i);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct digest digest;
        size_t got = 0;
        assert_int_equal(cas_put(cas, bytes, sizes[i], &digest, &e), 0);
        AUTO_CAS struct cas *reader = open_store(CAS_READ_ONLY);
        struct cas_stream *s = NULL;
        stream_all(reader, &digest, sizes[i], 0);
        /* Left at once, and after some bytes. */
        assert_int_equal(cas_stream_open(reader, &digest, &s, &e), 0);
        cas_stream_close(s);
        assert_int_equal(cas_stream_open(reader, &digest, &s, &e), 0);
        uint8_t first = 0;
        assert_int_equal(cas_stream_read(s, &first, 1, &got, &e), 0);
        assert_int_equal(got, 1);
        assert_int_equal(first, pattern(0));
        cas_stream_close(s);
        /* Known to be good by now, and not known. */
        assert_int_equal(cas_export_file(reader, &digest, out, &e), 0);
        AUTO_BUF copy = BUF_INIT(3 * EDGE + 7);
        assert_int_equal(file_read(out, &copy, &e), 0);
        assert_int_equal(copy.len, sizes[i]);
        assert_memory_equal(copy.data, bytes, sizes[i]);
        AUTO_FREE char *path = blob_path(&digest);
        let_a_tick_pass();
        assert_int_equal(chmod(path, 0644), 0);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "\0\1\2\3", 4, (off_t)sizes[i] - 4), 4);
        (void)close(fd);
        stream_all(reader, &digest, sizes[i], -ERR_INPUT);
        fails(cas_export_file(reader, &digest, out, &e), ERR_INPUT, &e, "is damaged");
    }
}

/* ---- the host fails ---- */

static void test_no_room(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char big[8192];
    struct digest digest;
    int rc = cas_put(cas, big, sizeof(big), &digest, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    fails(rc, ERR_HOST, &e, "cannot write to store");
    assert_int_equal(entries("tmp"), 0);
    assert_int_equal(entries("blobs/sha256"), 0);
    assert_int_equal(cas_put(cas, big, sizeof(big), &digest, &e), 0);
}

static void test_read_only(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest digest;
    {
        AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
        put(cas, "hello", &digest);
    }
    AUTO_FREE char *lock = at("lock");
    AUTO_FREE char *temp = at("tmp");
    AUTO_FREE char *actions = at("actions");
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(temp), 0);
    assert_int_equal(rmdir(actions), 0);
    size_t before = entries(".");
    AUTO_CAS struct cas *cas = open_store(CAS_READ_ONLY);
    is_text(cas, &digest, "hello");
    struct cas_writer *w = NULL;
    bool found = true;
    json_t *value = NULL;
    fails(cas_writer_new(cas, NULL, 1, &w, &e), ERR_HOST, &e, "opened read-only");
    fails(cas_ref_set(cas, "x", "a/b", &digest, 5, &e), ERR_HOST, &e, "opened read-only");
    assert_int_equal(cas_action_get(cas, &digest, &value, &found, &e), 0);
    assert_false(found);
    AUTO_JSON json_t *doc = json_object();
    assert_int_equal(cas_action_put(cas, &digest, doc, &e), 0);
    struct cas_gc_options options = {0};
    struct cas_gc_result result = {0};
    fails(cas_gc(cas, &options, &result, &e), ERR_HOST, &e, "opened read-only");
    assert_int_equal(entries("."), before);
}

static void test_lower(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *lower = open_store(CAS_CREATE);
    AUTO_FREE char *upper_path = at("upper");
    AUTO_CAS struct cas *upper = NULL;
    assert_int_equal(cas_open(upper_path, CAS_CREATE, &upper, &e), 0);
    struct digest below;
    struct digest above;
    put(lower, "below", &below);
    put(upper, "above", &above);
    assert_false(cas_has(upper, &below, NULL));
    cas_set_lower(upper, lower);
    uint64_t size = 0;
    assert_true(cas_has(upper, &below, &size));
    assert_int_equal(size, 5);
    is_text(upper, &below, "below");
    is_text(upper, &above, "above");
    assert_false(cas_has(lower, &above, NULL));
    AUTO_FREE char *path = blob_path(&below);
    overwrite(path, "BELOW");
    int fd = -1;
    fails(cas_open_blob(upper, &below, &fd, NULL, &e), ERR_INPUT, &e, "is damaged");
    put(upper, "below", &below); /* a copy of its own, beside the damaged one */
    is_text(upper, &below, "below");
}

/* ---- many at once ---- */

enum { SHARED = 20, CROWD = 6 };

/* Everybody writes the same blobs in another order, one of their own, and a reference. */
static int crowd_member(struct cas *cas, size_t who, struct err *e)
{
    struct digest digest;
    char text[64];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < SHARED; i++) {
        (void)snprintf(text, sizeof(text), "shared %zu", (i + who * 3) % SHARED);
        rc = cas_put(cas, text, strlen(text), &digest, e);
        AUTO_BUF back = BUF_INIT(64);
        if (rc == 0)
            rc = cas_get(cas, &digest, &back, e);
        if (rc == 0 && strcmp(buf_str(&back), text) != 0)
            rc = err_set(e, ERR_INPUT, "read back '%s'", buf_str(&back));
    }
    (void)snprintf(text, sizeof(text), "own-%zu", who);
    if (rc == 0)
        rc = cas_put(cas, text, strlen(text), &digest, e);
    if (rc == 0)
        rc = cas_ref_set(cas, text, "text/plain", &digest, strlen(text), e);
    return rc;
}

static int crowd_thread(void *context, size_t i, struct err *e)
{
    return crowd_member(context, i, e);
}

static void crowd_outcome(void)
{
    struct err e = ERR_INIT;
    AUTO_CAS struct cas *cas = open_store(0);
    AUTO(cas_listing_dispose) struct cas_listing listing = {0};
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    assert_int_equal(cas_list(cas, &listing, &e), 0);
    assert_int_equal(listing.count, SHARED + CROWD);
    assert_int_equal(listing.stranger_count, 0);
    for (size_t i = 0; i < listing.count; i++) {
        bool damaged = true;
        assert_int_equal(cas_check(cas, &listing.blobs[i].digest, &damaged, &e), 0);
        assert_false(damaged);
    }
    assert_int_equal(cas_ref_list(cas, &refs, &e), 0);
    assert_int_equal(refs.count, CROWD);
    assert_int_equal(entries("tmp"), 0);
}

static void test_threads(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    {
        AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
        int rc = workers_run(CROWD, CROWD, crowd_thread, cas, &e);
        if (rc != 0)
            fail_msg("%s", e.frame[0]);
    }
    crowd_outcome();
}

static void test_processes(void **state)
{
    (void)state;
    pid_t pids[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct err e = ERR_INIT;
            struct cas *cas = NULL;
            int rc = cas_open(store, CAS_CREATE, &cas, &e); /* all of them make it */
            if (rc == 0)
                rc = crowd_member(cas, i, &e);
            cas_close(cas);
            if (rc != 0)
                fprintf(stderr, "# %s\n", e.frame[0]);
            _exit(-rc);
        }
    }
    for (size_t i = 0; i < CROWD; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    crowd_outcome();
}

/* A writer that is killed half-way, some bytes further each time. */
static void test_killed(void **state)
{
    (void)state;
    cas_close(open_store(CAS_CREATE));
    for (size_t turn = 0; turn < 5; turn++) {
        int ready[2];
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct err e = ERR_INIT;
            struct cas *cas = NULL;
            struct cas_writer *w = NULL;
            if (cas_open(store, 0, &cas, &e) != 0 || cas_writer_new(cas, NULL, 99, &w, &e) != 0)
                _exit(1);
            for (size_t i = 0; i < turn; i++)
                (void)cas_writer_write(w, "half-written", 12, &e);
            (void)!write(ready[1], "x", 1);
            for (;;)
                (void)pause();
        }
        char byte;
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
        assert_int_equal(entries("tmp"), 1);
        {
            /* The living writer's file is left alone by others that open the store. */
            struct cas *other = open_store(0);
            assert_int_equal(entries("tmp"), 1);
            cas_close(other);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(entries("blobs/sha256"), 0);
        cas_close(open_store(0));
        assert_int_equal(entries("tmp"), 0);
    }
    AUTO_CAS struct cas *cas = open_store(0);
    struct digest digest;
    put(cas, "the next run", &digest);
    is_text(cas, &digest, "the next run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blobs),      TEST(test_missing),   TEST(test_expectations),    TEST(test_direct),
        TEST(test_files),      TEST(test_damage),    TEST(test_no_regular_file), TEST(test_stream),
        TEST(test_read_ahead), TEST(test_no_room),   TEST(test_read_only),       TEST(test_lower),
        TEST(test_threads),    TEST(test_processes), TEST(test_killed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
