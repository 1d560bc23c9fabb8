/* SPDX-License-Identifier: Apache-2.0 */
/* The log: what it does, and that every altered row is found. */
#include "base/file.h"
#include "store/log/db.h"
#include "store/log/log.h"
#include "store/log/proof.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ORIGIN "log.example.org"
#define PASS "correct horse"

enum { ENTRIES = 13 };

static char *top;  /* a temporary directory */
static char *good; /* a log of ENTRIES entries in it; tests work on copies */

static const char *why(const struct err *e)
{
    static char line[4096];
    return err_line(e, line, sizeof(line));
}

static char *joined(const char *a, const char *b)
{
    struct err e = ERR_INIT;
    char *out = NULL;
    assert_int_equal(path_join(&out, a, b, &e), 0);
    return out;
}

static void entry_text(uint64_t index, char text[64])
{
    (void)snprintf(text, 64, "this is entry %llu", (unsigned long long)index);
}

static void append(struct tlog *log, uint64_t index)
{
    struct err e = ERR_INIT;
    char text[64];
    uint64_t got;
    entry_text(index, text);
    assert_int_equal(tlog_append(log, text, strlen(text), &got, &e), 0);
    assert_int_equal(got, index);
}

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_TLOG struct tlog *log = NULL;
    if (dir_make_temp("/tmp", "assay-test-log-", &top, &e) < 0)
        return -1;
    good = joined(top, "good");
    if (tlog_create(good, ORIGIN, PASS, &e) < 0 || tlog_open(good, PASS, &log, &e) < 0)
        return -1;
    for (uint64_t i = 0; i < ENTRIES; i++)
        append(log, i);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(top, &e);
    free(good);
    free(top);
    return rc;
}

static void copy_file(const char *from, const char *to, const char *name)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *a = joined(from, name);
    AUTO_FREE char *b = joined(to, name);
    AUTO_BUF data = BUF_INIT(1 << 24);
    assert_int_equal(file_read(a, &data, &e), 0);
    /* Not file_replace: nothing here has to survive a crash, and syncing is slow. */
    (void)unlink(b);
    AUTO_CLOSE int fd = open(b, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, data.data, data.len, b, &e), 0);
}

/* A copy of the good log under a new name; caller frees. */
static char *copy_log(const char *name)
{
    struct err e = ERR_INIT;
    char *path = joined(top, name);
    assert_int_equal(dir_make(path, &e), 0);
    copy_file(good, path, "log.db");
    copy_file(good, path, "vkey");
    copy_file(good, path, "key.pem");
    copy_file(good, path, "lock");
    return path;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

/* Changes rows as somebody would who can write the file, and leaves the guards as they were. */
static void tamper(const char *path, const char *sql)
{
    AUTO_FREE char *file = joined(path, "log.db");
    const char *triggers = strstr(log_db_schema, "CREATE TRIGGER");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    run_sql(db, "DROP TRIGGER entry_update; DROP TRIGGER entry_delete; DROP TRIGGER node_update;"
                "DROP TRIGGER node_delete; DROP TRIGGER checkpoint_update;"
                "DROP TRIGGER checkpoint_delete");
    run_sql(db, sql);
    assert_non_null(triggers);
    run_sql(db, triggers);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int audit(const char *path, const void *against, size_t len, struct err *e)
{
    struct tlog_audit_options options = {.against = against, .against_len = len};
    struct tlog_audit result;
    return tlog_audit(path, &options, &result, e);
}

static int open_log(const char *path, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    return tlog_open(path, NULL, &log, e);
}

/* ---- what it does ---------------------------------------------------------------- */

static void test_schema_file(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(1 << 20);
    assert_int_equal(file_read("schemas/log.sql", &text, &e), 0);
    assert_string_equal(buf_str(&text), log_db_schema);
}

static void test_read_back(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(good, NULL, &log, &e), 0);
    assert_int_equal(tlog_size(log), ENTRIES);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
        AUTO_BUF proof = BUF_INIT(PROOF_MAX);
        char text[64];
        bool found = false;
        uint64_t index = 99;
        uint64_t size = 0;
        entry_text(i, text);
        assert_int_equal(tlog_entry(log, i, &entry, &e), 0);
        assert_string_equal(buf_str(&entry), text);
        assert_int_equal(tlog_find(log, text, strlen(text), &found, &index, &e), 0);
        assert_true(found);
        assert_int_equal(index, i);
        assert_int_equal(tlog_prove(log, i, &proof, &e), 0);
        assert_int_equal(tlog_proof_check(proof.data, proof.len, tlog_vkey(log), text, strlen(text),
                                          &index, &size, &e),
                         0);
        assert_int_equal(index, i);
        assert_int_equal(size, ENTRIES);
        assert_int_equal(
            tlog_proof_check(proof.data, proof.len, tlog_vkey(log), "x", 1, &index, &size, &e),
            -ERR_LOG);
    }
    AUTO_BUF none = BUF_INIT(LOG_ENTRY_MAX);
    bool found = true;
    uint64_t index;
    assert_int_equal(tlog_entry(log, ENTRIES, &none, &e), -ERR_INPUT);
    assert_int_equal(tlog_prove(log, UINT64_MAX, &none, &e), -ERR_INPUT);
    assert_int_equal(tlog_find(log, "never", 5, &found, &index, &e), 0);
    assert_false(found);
    assert_int_equal(tlog_append(log, "x", 1, &index, &e), -ERR_USAGE);
    assert_int_equal(audit(good, NULL, 0, &e), 0);
}

static void test_create(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = joined(top, "created");
    AUTO_FREE char *key = joined(path, "key.pem");
    AUTO_FREE char *nowhere = joined(top, "missing/log");
    struct stat st;
    assert_int_equal(tlog_create(path, "two words", PASS, &e), -ERR_USAGE);
    assert_int_equal(tlog_create(path, "a+b", PASS, &e), -ERR_USAGE);
    assert_int_equal(tlog_create(path, "", PASS, &e), -ERR_USAGE);
    assert_int_equal(tlog_create(path, ORIGIN, "", &e), -ERR_USAGE);
    assert_int_equal(lstat(path, &st), -1);
    assert_int_equal(tlog_create(good, ORIGIN, PASS, &e), -ERR_USAGE);
    assert_true(tlog_create(nowhere, ORIGIN, PASS, &e) < 0);
    assert_int_equal(tlog_create(path, ORIGIN, PASS, &e), 0);
    assert_int_equal(lstat(key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(open_log(path, &e), 0);
    assert_int_equal(audit(path, NULL, 0, &e), 0);
    assert_int_equal(open_log(nowhere, &e), -ERR_INPUT);
    /* Nothing of the refused attempts is left behind. */
    AUTO_CLOSEDIR DIR *dir = opendir(top);
    assert_non_null(dir);
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
        assert_false(str_starts(d->d_name, ".assay"));
}

static void test_keys(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("keys");
    AUTO_FREE char *other = joined(top, "other");
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(path, "wrong", &log, &e), -ERR_USAGE);
    assert_int_equal(tlog_create(other, ORIGIN, PASS, &e), 0);
    copy_file(other, path, "key.pem");
    assert_int_equal(tlog_open(path, PASS, &log, &e), -ERR_LOG);
    copy_file(other, path, "vkey");
    assert_int_equal(tlog_open(path, PASS, &log, &e), -ERR_LOG);
    assert_int_equal(open_log(path, &e), -ERR_LOG);
    assert_null(log);
}

static void test_append_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("bounds");
    AUTO_FREE uint8_t *big = calloc(1, LOG_ENTRY_MAX + 1);
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF out = BUF_INIT(LOG_ENTRY_MAX);
    uint64_t index = 0;
    assert_non_null(big);
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    assert_int_equal(tlog_append(log, big, LOG_ENTRY_MAX + 1, &index, &e), -ERR_INPUT);
    assert_int_equal(tlog_append_all(log, NULL, 0, &index, &e), -ERR_USAGE);
    assert_int_equal(tlog_append(log, big, LOG_ENTRY_MAX, &index, &e), 0);
    assert_int_equal(index, ENTRIES);
    assert_int_equal(tlog_append(log, NULL, 0, &index, &e), 0);
    assert_int_equal(tlog_entry(log, index, &out, &e), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(tlog_entry(log, ENTRIES, &out, &e), 0);
    assert_int_equal(out.len, LOG_ENTRY_MAX);
    const struct tlog_item items[] = {{"a", 1}, {"b", 1}, {big, LOG_ENTRY_MAX + 1}};
    assert_int_equal(tlog_append_all(log, items, 3, &index, &e), -ERR_INPUT);
    assert_int_equal(tlog_append_all(log, items, 2, &index, &e), 0);
    assert_int_equal(index, ENTRIES + 2);
    assert_int_equal(tlog_size(log), ENTRIES + 4);
    assert_int_equal(audit(path, NULL, 0, &e), 0);
}

/* Every checkpoint is continued by all later ones, and by no fork. */
static void test_consistency(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("history");
    AUTO_FREE char *fork_path = copy_log("forked");
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_TLOG struct tlog *fork = NULL;
    struct buf notes[12];
    uint64_t index;
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    for (size_t i = 0; i < 12; i++) {
        notes[i] = (struct buf)BUF_INIT(NOTE_MAX);
        assert_int_equal(tlog_checkpoint(log, &notes[i], &e), 0);
        append(log, ENTRIES + i);
    }
    assert_int_equal(tlog_open(fork_path, PASS, &fork, &e), 0);
    for (size_t i = 0; i < 14; i++)
        assert_int_equal(tlog_append(fork, "another", 7, &index, &e), 0);
    for (size_t i = 0; i < 12; i++) {
        AUTO_BUF proof = BUF_INIT(PROOF_MAX);
        AUTO_CONSISTENCY struct tlog_consistency *read = NULL;
        struct checkpoint old;
        struct checkpoint new;
        assert_int_equal(tlog_prove_consistency(log, notes[i].data, notes[i].len, &proof, &e), 0);
        assert_int_equal(consistency_parse(proof.data, proof.len, &read, &e), 0);
        assert_int_equal(checkpoint_open(notes[i].data, notes[i].len, tlog_key(log), &old, &e), 0);
        assert_int_equal(consistency_check(read, tlog_key(log), &old, &new, &e), 0);
        assert_int_equal(new.size, ENTRIES + 12);
        assert_int_equal(audit(path, notes[i].data, notes[i].len, &e), 0);
        /* The forks have the first ENTRIES entries in common. */
        int want = i == 0 ? 0 : -ERR_LOG;
        AUTO_BUF none = BUF_INIT(PROOF_MAX);
        assert_int_equal(tlog_prove_consistency(fork, notes[i].data, notes[i].len, &none, &e),
                         want);
        assert_int_equal(audit(fork_path, notes[i].data, notes[i].len, &e), want);
        /* A log that was rolled back does not continue what it once signed. */
        assert_int_equal(audit(good, notes[i].data, notes[i].len, &e), want);
        buf_dispose(&notes[i]);
    }
}

/* ---- what was altered is found ------------------------------------------------------ */

struct alteration {
    const char *sql;
    bool open_finds; /* it is in what opening looks at */
    int entry;       /* reading this entry finds it; -1 = none does */
    const char *named;
};

static const struct alteration alterations[] = {
    {"UPDATE entry SET data = x'00' WHERE idx = 5", false, 5, "entry 5 does not have the hash"},
    {"UPDATE entry SET data = CAST('this is entry 4' AS BLOB) WHERE idx = 5", false, 5, "entry 5 "},
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 5", false, 5, "entry 5 "},
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 5", false, 4, "entry 5 "},
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND idx = 2", false, 7, "node 1/2 "},
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND idx = 1", false, 0, "node 2/1 "},
    /* 13 = 8 + 4 + 1: these three nodes are what the root is made of. */
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 3 AND idx = 0", true, -1, "node 3/0 "},
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND idx = 2", true, -1, "node 2/2 "},
    {"UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 12", true, -1, "entry 12 "},
    {"DELETE FROM node WHERE level = 1 AND idx = 2", false, 7, "node 1/2 is missing"},
    {"DELETE FROM node WHERE level = 3", true, -1, "node 3/0 is missing"},
    {"PRAGMA foreign_keys = OFF; DELETE FROM entry WHERE idx = 5", false, 5, "entry 5 is missing"},
    {"UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 12) WHERE size = 13",
     true, -1, "checkpoint 13"},
    {"UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 2) WHERE size = 3",
     false, -1, "checkpoint 3"},
    {"UPDATE checkpoint SET note = CAST(replace(CAST(note AS TEXT), char(10) || '3' || char(10), "
     "char(10) || '4' || char(10)) AS BLOB) WHERE size = 3",
     false, -1, "checkpoint 3: the signature"},
    {"UPDATE checkpoint SET note = x'00' WHERE size = 13", true, -1, "checkpoint 13: malformed"},
    {"UPDATE checkpoint SET note = x'' WHERE size = 0", false, -1, "checkpoint 0: malformed"},
    {"DELETE FROM checkpoint WHERE size = 13", true, -1, "13 entries"},
    {"DELETE FROM checkpoint WHERE size = 0", false, -1, "checkpoint 0 is missing"},
    {"DELETE FROM checkpoint", true, -1, "no checkpoint"},
    {"INSERT INTO entry (idx, data) VALUES (13, x'00')", true, -1, "14 entries"},
    {"INSERT INTO node (level, idx, hash) VALUES (0, 13, zeroblob(32))", true, -1, "tree nodes"},
    {"INSERT INTO node (level, idx, hash) VALUES (40, 0, zeroblob(32))", false, -1, "tree nodes"},
    {"INSERT INTO checkpoint (size, note) SELECT 4000, note FROM checkpoint WHERE size = 13", true,
     -1, "entry 13 is missing"},
    {"UPDATE checkpoint SET size = 4000 WHERE size = 13", true, -1, "entry 13 is missing"},
};

static void check_alteration(const struct alteration *a, const char *path)
{
    struct err e = ERR_INIT;
    if (audit(path, NULL, 0, &e) != -ERR_LOG || strstr(why(&e), a->named) == NULL)
        fail_msg("%s: the audit says: %s", a->sql, why(&e));
    int rc = open_log(path, &e);
    if ((rc == -ERR_LOG) != a->open_finds)
        fail_msg("%s: opening gives %d: %s", a->sql, rc, why(&e));
    if (a->entry < 0 || rc < 0)
        return;
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(path, NULL, &log, &e), 0);
    AUTO_BUF out = BUF_INIT(PROOF_MAX);
    assert_int_equal(tlog_prove(log, (uint64_t)a->entry, &out, &e), -ERR_LOG);
    assert_int_equal(tlog_entry(log, (uint64_t)a->entry, &out, &e), -ERR_LOG);
    assert_int_equal(out.len, 0);
}

static void test_altered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_FREE char *path = copy_log("altered");
        tamper(path, alterations[i].sql);
        check_alteration(&alterations[i], path);
        assert_int_equal(dir_remove(path, &e), 0);
    }
}

/* Who rewrites an entry and every hash above it still cannot sign. */
static void test_rewritten(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("rewritten");
    AUTO_FREE char *fresh = joined(top, "fresh");
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_FREE char *attach = NULL;
    assert_int_equal(tlog_create(fresh, ORIGIN, PASS, &e), 0);
    assert_int_equal(tlog_open(fresh, PASS, &log, &e), 0);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t index;
        char text[64];
        entry_text(i, text);
        if (i == 5)
            text[0] = 'T';
        assert_int_equal(tlog_append(log, text, strlen(text), &index, &e), 0);
    }
    tlog_close(steal_ptr(&log));
    assert_int_equal(str_format(&attach, &e,
                                "ATTACH '%s/log.db' AS f; DELETE FROM node;"
                                "INSERT INTO node SELECT * FROM f.node; UPDATE entry SET data = "
                                "(SELECT data FROM f.entry e WHERE e.idx = entry.idx)",
                                fresh),
                     0);
    tamper(path, attach);
    assert_int_equal(open_log(path, &e), -ERR_LOG);
    assert_int_equal(audit(path, NULL, 0, &e), -ERR_LOG);
    assert_non_null(strstr(why(&e), "the first 6 entries do not give the root of checkpoint 6"));
    /* With the checkpoints too it is another log, and the key that people know shows it. */
    copy_file(fresh, path, "log.db");
    assert_int_equal(open_log(path, &e), -ERR_LOG);
    assert_int_equal(audit(path, NULL, 0, &e), -ERR_LOG);
}

static void test_foreign_database(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("foreign");
    AUTO_FREE char *file = joined(path, "log.db");
    static const char *const changes[] = {
        "DROP TRIGGER entry_update",
        "CREATE TABLE more (x)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM node; END",
        "DROP INDEX node_leaf",
        "PRAGMA user_version = 3",
        "PRAGMA application_id = 1",
        "PRAGMA journal_mode = DELETE",
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        sqlite3 *db = NULL;
        copy_file(good, path, "log.db");
        assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
        run_sql(db, changes[i]);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        if (open_log(path, &e) != -ERR_LOG || audit(path, NULL, 0, &e) != -ERR_LOG)
            fail_msg("accepted: %s", changes[i]);
    }
    assert_int_equal(file_replace(file, "not a database at all", 21, 0600, &e), 0);
    assert_int_equal(open_log(path, &e), -ERR_LOG);
    assert_int_equal(file_replace(file, "", 0, 0600, &e), 0);
    assert_int_equal(open_log(path, &e), -ERR_LOG);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("../good/log.db", file), 0);
    assert_int_equal(open_log(path, &e), -ERR_INPUT);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(open_log(path, &e), -ERR_INPUT);
}

/* An object that has seen a head refuses one that does not continue it. */
static void test_rolled_back(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("rollback");
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF out = BUF_INIT(NOTE_MAX);
    uint64_t index;
    assert_int_equal(tlog_open(path, PASS, &log, &e), 0);
    tamper(path, "DELETE FROM checkpoint WHERE size > 12; DELETE FROM entry WHERE idx > 11;"
                 "DELETE FROM node WHERE level = 0 AND idx > 11");
    assert_int_equal(open_log(path, &e), -ERR_LOG); /* without its lock it is a sound log of 12 */
    assert_int_equal(tlog_checkpoint(log, &out, &e), -ERR_LOG);
    assert_int_equal(tlog_append(log, "x", 1, &index, &e), -ERR_LOG);
    assert_int_equal(tlog_prove(log, 0, &out, &e), -ERR_LOG);
}

static void write_byte(const char *file, size_t at, int byte)
{
    AUTO_CLOSE int fd = open(file, O_WRONLY | O_CLOEXEC);
    const uint8_t value = (uint8_t)byte;
    assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
}

/* Whatever byte of the file changes: the audit finds it, or the log's content is what it was. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = copy_log("flipped");
    AUTO_FREE char *file = joined(path, "log.db");
    AUTO_BUF data = BUF_INIT(1 << 24);
    size_t found = 0;
    uint32_t seed = 12345;
    assert_int_equal(file_read(file, &data, &e), 0);
    for (size_t round = 0; round < 300; round++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = (size_t)(((uint64_t)seed * data.len) >> 32);
        uint8_t mask = (uint8_t)(1u << (seed & 7));
        write_byte(file, at, data.data[at] ^ mask);
        int rc = audit(path, NULL, 0, &e);
        if (rc < 0) {
            write_byte(file, at, data.data[at]);
            found++;
            continue;
        }
        AUTO_TLOG struct tlog *log = NULL;
        assert_int_equal(tlog_open(path, NULL, &log, &e), 0);
        for (uint64_t i = 0; i < ENTRIES; i++) {
            AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
            char text[64];
            entry_text(i, text);
            assert_int_equal(tlog_entry(log, i, &entry, &e), 0);
            assert_string_equal(buf_str(&entry), text);
        }
        write_byte(file, at, data.data[at]);
    }
    assert_true(found > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_file),      cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_create),           cmocka_unit_test(test_keys),
        cmocka_unit_test(test_append_bounds),    cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_altered),          cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_foreign_database), cmocka_unit_test(test_rolled_back),
        cmocka_unit_test(test_flipped_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
