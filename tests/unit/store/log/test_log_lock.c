/* SPDX-License-Identifier: Apache-2.0 */
/* The lock: a database that has lost what was signed is not believed and not written to. */
#include "base/file.h"
#include "store/log/lock.h"
#include "store/log/log.h"
#include "store/log/wal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ORIGIN "log.example.org"
#define PASS "correct horse"

enum { ENTRIES = 10 };

static char *top;

static char *joined(const char *a, const char *b)
{
    struct err e = ERR_INIT;
    char *out = NULL;
    assert_int_equal(path_join(&out, a, b, &e), 0);
    return out;
}

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-lock-", &top, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(top, &e);
    free(top);
    return rc;
}

static void copy_file(const char *from, const char *to, const char *name)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *a = joined(from, name);
    AUTO_FREE char *b = joined(to, name);
    AUTO_BUF data = BUF_INIT(1 << 24);
    if (access(a, F_OK) != 0) {
        (void)unlink(b);
        return;
    }
    assert_int_equal(file_read(a, &data, &e), 0);
    AUTO_CLOSE int fd = open(b, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    if (data.len > 0)
        assert_int_equal(fd_write_all(fd, data.data, data.len, b, &e), 0);
}

static const char *const files[] = {"log.db", "log.db-wal", "vkey", "key.pem", "lock"};

/* As `cp -r` copies a log at whatever moment; caller frees. */
static char *copy_log(const char *from, const char *name)
{
    struct err e = ERR_INIT;
    char *path = joined(top, name);
    assert_int_equal(dir_remove(path, &e), 0);
    assert_int_equal(dir_make(path, &e), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        copy_file(from, path, files[i]);
    return path;
}

static void append(struct tlog *log, uint64_t index)
{
    struct err e = ERR_INIT;
    char text[64];
    uint64_t got;
    (void)snprintf(text, sizeof(text), "this is entry %llu", (unsigned long long)index);
    assert_int_equal(tlog_append(log, text, strlen(text), &got, &e), 0);
    assert_int_equal(got, index);
}

/*
 * A log of ENTRIES entries whose last ones are in the write-ahead log only, copied while its writer
 * is alive; `early` is the same at half of them. Caller frees.
 */
static char *live_log(const char *name, char **early)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *path = joined(top, "live");
    AUTO_FREE char *early_name = NULL;
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(dir_remove(path, &e), 0);
    assert_int_equal(tlog_create(path, ORIGIN, PASS, &e), 0);
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    assert_int_equal(str_format(&early_name, &e, "%s.early", name), 0);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        append(log, i);
        if (i + 1 == ENTRIES / 2 && early != NULL)
            *early = copy_log(path, early_name);
    }
    return copy_log(path, name);
}

static int audit(const char *path, struct err *e)
{
    struct tlog_audit_options options = {0};
    struct tlog_audit result;
    return tlog_audit(path, &options, &result, e);
}

/* Reading, writing and auditing all refuse, and say what `word` is in. */
static void refuses(const char *path, const char *word)
{
    struct err e = ERR_INIT;
    AUTO_TLOG struct tlog *log = NULL;
    char line[4096];
    assert_int_equal(tlog_open(path, NULL, &log, &e), -ERR_LOG);
    assert_int_equal(tlog_open(path, PASS, &log, &e), -ERR_LOG);
    assert_int_equal(audit(path, &e), -ERR_LOG);
    if (strstr(err_line(&e, line, sizeof(line)), word) == NULL)
        fail_msg("not '%s': %s", word, line);
}

static uint64_t size_of(const char *path)
{
    struct err e = ERR_INIT;
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(path, NULL, &log, &e), 0);
    return tlog_size(log);
}

static void run_sql(const char *path, const char *sql)
{
    AUTO_FREE char *file = joined(path, "log.db");
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- what a database can lose ----------------------------------------------------- */

static void test_sound(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = live_log("sound", NULL);
    assert_int_equal(size_of(path), ENTRIES);
    assert_int_equal(audit(path, &e), 0);
}

/* Whatever bit of the write-ahead log changes: all entries are there, or the log says that not. */
static void test_flipped(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *good = live_log("good", NULL);
    AUTO_FREE char *wal = joined(good, "log.db-wal");
    AUTO_BUF bytes = BUF_INIT(1 << 24);
    unsigned noticed = 0;
    assert_int_equal(file_read(wal, &bytes, &e), 0);
    for (size_t i = 0; i < 80; i++) {
        AUTO_FREE char *path = copy_log(good, "flipped");
        AUTO_FREE char *file = joined(path, "log.db-wal");
        size_t at = i < 40 ? i : (i * 2654435761u) % bytes.len;
        uint8_t changed = bytes.data[at] ^ (uint8_t)(1u << (i % 8));
        AUTO_CLOSE int fd = open(file, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
        int rc = audit(path, &e);
        AUTO_TLOG struct tlog *log = NULL;
        int opened = tlog_open(path, NULL, &log, &e);
        if (opened == 0)
            assert_int_equal(tlog_size(log), ENTRIES);
        noticed += rc != 0;
        if (rc == 0)
            assert_int_equal(opened, 0);
        else if (i % 16 == 0) /* deriving the key takes its time */
            assert_int_equal(tlog_open(path, PASS, &log, &e), -ERR_LOG);
    }
    assert_true(noticed > 30);
}

static void test_rows_removed(void **state)
{
    (void)state;
    AUTO_FREE char *good = live_log("good", NULL);
    static const struct {
        const char *sql;
        const char *word;
    } losses[] = {
        {"DELETE FROM checkpoint WHERE size = 10; DELETE FROM entry WHERE idx = 9;"
         "DELETE FROM node WHERE idx >= 9 >> level AND (idx + 1) << level > 9",
         "signed a checkpoint of 10 entries"},
        {"DELETE FROM checkpoint WHERE size = 10", "10 entries"},
    };
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        AUTO_FREE char *path = copy_log(good, "removed");
        AUTO_FREE char *sql = NULL;
        struct err e = ERR_INIT;
        assert_int_equal(
            str_format(&sql, &e,
                       "CREATE TEMP TABLE t AS SELECT sql FROM sqlite_schema WHERE type = "
                       "'trigger'; DROP TRIGGER entry_delete; DROP TRIGGER node_delete;"
                       "DROP TRIGGER checkpoint_delete; PRAGMA foreign_keys = OFF; %s;"
                       "CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT "
                       "raise(ABORT, 'the log only grows'); END;"
                       "CREATE TRIGGER node_delete BEFORE DELETE ON node BEGIN SELECT "
                       "raise(ABORT, 'the log only grows'); END;"
                       "CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT "
                       "raise(ABORT, 'the log only grows'); END",
                       losses[i].sql),
            0);
        run_sql(path, sql);
        refuses(path, losses[i].word);
    }
}

/* A checkpoint in the middle: nobody opens it, and the audit counts. */
static void test_middle_checkpoint(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char line[4096];
    AUTO_FREE char *path = live_log("middle", NULL);
    run_sql(path, "DROP TRIGGER checkpoint_delete; DELETE FROM checkpoint WHERE size = 4;"
                  "CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT "
                  "raise(ABORT, 'the log only grows'); END");
    assert_int_equal(audit(path, &e), -ERR_LOG);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "11 were signed"));
}

static void test_older_database(void **state)
{
    (void)state;
    char *early = NULL;
    AUTO_FREE char *path = live_log("restored", &early);
    AUTO_FREE char *kept = early;
    copy_file(kept, path, "log.db");
    copy_file(kept, path, "log.db-wal");
    refuses(path, "older copy");
}

static void test_without_wal(void **state)
{
    (void)state;
    AUTO_FREE char *path = live_log("walless", NULL);
    AUTO_FREE char *wal = joined(path, "log.db-wal");
    assert_int_equal(unlink(wal), 0);
    refuses(path, "write-ahead log");
}

/* The same sizes, another history, by the same key. */
static void test_fork(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char *early = NULL;
    AUTO_FREE char *path = live_log("fork", &early);
    AUTO_FREE char *other = early;
    {
        AUTO_TLOG struct tlog *log = NULL;
        uint64_t index;
        assert_int_equal(tlog_open(other, PASS, &log, &e), 0);
        for (int i = 0; i < ENTRIES; i++)
            assert_int_equal(tlog_append(log, "another", 7, &index, &e), 0);
    }
    copy_file(other, path, "log.db");
    copy_file(other, path, "log.db-wal");
    refuses(path, "another history");
}

/* ---- the file itself ------------------------------------------------------------------ */

static void put(const char *path, const char *name, const char *text)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *file = joined(path, name);
    assert_int_equal(file_replace(file, text, strlen(text), 0600, &e), 0);
}

static void test_lock_lost(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *good = live_log("good", NULL);
    AUTO_FREE char *lock = joined(good, "lock");
    AUTO_BUF text = BUF_INIT(1 << 20);
    assert_int_equal(file_read(lock, &text, &e), 0);
    const char *kept = strstr(buf_str(&text), "\n\n") + 2;
    static const char *const bad[] = {
        "",
        "assay log lock v1\n",
        "assay log lock v2\ncheckpoints 11\n\n",
        "assay log lock v1\ncheckpoints 011\n\nx",
        "assay log lock v1\ncheckpoints 11\n\nnot a note\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_FREE char *path = copy_log(good, "bad");
        put(path, "lock", bad[i]);
        refuses(path, "lock file");
    }
    AUTO_FREE char *path = copy_log(good, "lost");
    AUTO_FREE char *gone = joined(path, "lock");
    assert_int_equal(unlink(gone), 0);
    refuses(path, "lock file is missing");
    struct tlog_audit_options options = {0};
    struct tlog_audit result;
    assert_int_equal(tlog_relock(path, &options, &result, &e), -ERR_USAGE);
    options.against = kept;
    options.against_len = strlen(kept);
    assert_int_equal(tlog_relock(good, &options, &result, &e), -ERR_USAGE);
    assert_int_equal(tlog_relock(path, &options, &result, &e), 0);
    assert_int_equal(result.head.size, ENTRIES);
    assert_int_equal(audit(path, &e), 0);
    AUTO_BUF again = BUF_INIT(1 << 20);
    assert_int_equal(file_read(gone, &again, &e), 0);
    assert_string_equal(buf_str(&again), buf_str(&text));
    put(path, "lock", "garbage");
    assert_int_equal(tlog_relock(path, &options, &result, &e), 0);
    assert_int_equal(audit(path, &e), 0);
}

/* A database that is behind the checkpoint that was kept gets no new lock. */
static void test_relock_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char *early = NULL;
    AUTO_FREE char *path = live_log("behind", &early);
    AUTO_FREE char *old = early;
    AUTO_FREE char *lock = joined(path, "lock");
    AUTO_FREE char *old_lock = joined(old, "lock");
    AUTO_BUF text = BUF_INIT(1 << 20);
    assert_int_equal(file_read(lock, &text, &e), 0);
    const char *kept = strstr(buf_str(&text), "\n\n") + 2;
    const struct tlog_audit_options options = {.against = kept, .against_len = strlen(kept)};
    struct tlog_audit result;
    assert_int_equal(unlink(old_lock), 0);
    assert_int_equal(tlog_relock(old, &options, &result, &e), -ERR_LOG);
    assert_int_equal(access(old_lock, F_OK), -1);
}

/* A writer that died between its commit and the lock: the next one goes on from there. */
static void test_lock_behind(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char *early = NULL;
    AUTO_FREE char *path = live_log("ahead", &early);
    AUTO_FREE char *old = early;
    copy_file(old, path, "lock");
    assert_int_equal(size_of(path), ENTRIES);
    assert_int_equal(audit(path, &e), 0);
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    append(log, ENTRIES);
    assert_int_equal(audit(path, &e), 0);
    copy_file(old, path, "log.db");
    copy_file(old, path, "log.db-wal");
    tlog_close(steal_ptr(&log));
    refuses(path, "");
}

/* A log of before there were locks: it is read as it is, and gets its lock when it is written to.
 */
static void test_old_log(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = live_log("old", NULL);
    AUTO_FREE char *lock = joined(path, "lock");
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(unlink(lock), 0);
    run_sql(path, "PRAGMA user_version = 1");
    assert_int_equal(size_of(path), ENTRIES);
    assert_int_equal(audit(path, &e), 0);
    assert_int_equal(access(lock, F_OK), -1);
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    append(log, ENTRIES);
    tlog_close(steal_ptr(&log));
    assert_int_equal(access(lock, F_OK), 0);
    assert_int_equal(audit(path, &e), 0);
    assert_int_equal(unlink(lock), 0);
    refuses(path, "lock file is missing");
}

/* Without a lock the write-ahead log itself tells, when more than the last transaction is lost. */
static void test_old_log_flipped(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = live_log("oldflip", NULL);
    AUTO_FREE char *wal = joined(path, "log.db-wal");
    AUTO_FREE char *db = joined(path, "log.db");
    assert_int_equal(log_wal_check(db, &e), 0);
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    AUTO_CLOSE int fd = open(wal, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    off_t at = st.st_size / 2;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(log_wal_check(db, &e), -ERR_LOG);
    /* Nothing is cut off by those who find it: the bit can be turned back. */
    refuses(path, "write-ahead log");
    assert_int_equal(stat(wal, &st), 0);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(size_of(path), ENTRIES);
    assert_int_equal(audit(path, &e), 0);
}

/* ---- the same bytes again ----------------------------------------------------------------- */

static void test_again(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = joined(top, "again");
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF before = BUF_INIT(NOTE_MAX);
    AUTO_BUF after = BUF_INIT(NOTE_MAX);
    const struct tlog_item items[] = {{"a", 1}, {"b", 1}, {"a", 1}, {NULL, 0}, {"", 0}};
    uint64_t at[5];
    uint64_t one = 99;
    assert_int_equal(tlog_create(path, ORIGIN, PASS, &e), 0);
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    assert_int_equal(tlog_record_all(log, items, 5, at, &e), 0);
    assert_true(at[0] == 0 && at[1] == 1 && at[2] == 0 && at[3] == 2 && at[4] == 2);
    assert_int_equal(tlog_size(log), 3);
    assert_int_equal(tlog_checkpoint(log, &before, &e), 0);
    assert_int_equal(tlog_record_all(log, items, 5, at, &e), 0);
    assert_true(at[0] == 0 && at[1] == 1 && at[2] == 0 && at[3] == 2 && at[4] == 2);
    assert_int_equal(tlog_checkpoint(log, &after, &e), 0);
    assert_string_equal(buf_str(&before), buf_str(&after)); /* nothing was signed */
    assert_int_equal(tlog_record(log, "c", 1, &one, &e), 0);
    assert_int_equal(one, 3);
    assert_int_equal(tlog_record(log, "b", 1, &one, &e), 0);
    assert_int_equal(one, 1);
    assert_int_equal(audit(path, &e), 0);
    /* What appends does so. */
    assert_int_equal(tlog_append(log, "b", 1, &one, &e), 0);
    assert_int_equal(one, 4);
    assert_int_equal(tlog_record(log, "b", 1, &one, &e), 0);
    assert_int_equal(one, 1);
    assert_int_equal(audit(path, &e), 0);
}

static int record_one(const char *path)
{
    struct err e = ERR_INIT;
    struct tlog *log = NULL;
    uint64_t index = 99;
    if (tlog_open(path, PASS, &log, &e) != 0 || tlog_record(log, "the same", 8, &index, &e) != 0)
        return 100;
    tlog_close(log);
    return (int)index;
}

static void test_again_together(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    enum { WRITERS = 8 };
    AUTO_FREE char *path = joined(top, "together");
    pid_t pids[WRITERS];
    assert_int_equal(tlog_create(path, ORIGIN, PASS, &e), 0);
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(record_one(path));
    }
    for (int i = 0; i < WRITERS; i++) {
        int how = 0;
        assert_int_equal(waitpid(pids[i], &how, 0), pids[i]);
        assert_true(WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), 0);
    }
    assert_int_equal(size_of(path), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),          cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_rows_removed),   cmocka_unit_test(test_middle_checkpoint),
        cmocka_unit_test(test_older_database), cmocka_unit_test(test_without_wal),
        cmocka_unit_test(test_fork),           cmocka_unit_test(test_lock_lost),
        cmocka_unit_test(test_relock_refused), cmocka_unit_test(test_lock_behind),
        cmocka_unit_test(test_old_log),        cmocka_unit_test(test_old_log_flipped),
        cmocka_unit_test(test_again),          cmocka_unit_test(test_again_together),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
