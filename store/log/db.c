/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/db.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

/* Of a database without a lock file beside it, as they were once; and of all now. */
enum { VERSION_UNLOCKED = 1, VERSION_LOCKED = 2 };

enum {
    SCHEMA_MAX = 64 * 1024,         /* bytes of the schema's text */
    VALUE_MAX = 2 * 1024 * 1024,    /* bytes of a value or row */
    JOURNAL_KEEP = 4 * 1024 * 1024, /* bytes of the write-ahead log that stay after a checkpoint */
};

enum statement {
    BEGIN_READ,
    BEGIN_WRITE,
    COMMIT,
    ROLLBACK,
    ADD_ENTRY,
    ADD_NODE,
    ADD_CHECKPOINT,
    GET_ENTRY,
    GET_CHECKPOINT,
    GET_HEAD,
    GET_NODE,
    FIND_LEAF,
    ENTRY_END,
    LEAF_END,
    COUNT_ENTRIES,
    COUNT_NODES,
    COUNT_CHECKPOINTS,
    CHECK_FILE,
    GET_VERSION,
    SET_VERSION,
    STATEMENTS
};

static const char *const statement_text[STATEMENTS] = {
    [BEGIN_READ] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_ENTRY] = "INSERT INTO entry (idx, data) VALUES (?1, ?2)",
    [ADD_NODE] = "INSERT INTO node (level, idx, hash) VALUES (?1, ?2, ?3)",
    [ADD_CHECKPOINT] = "INSERT INTO checkpoint (size, note) VALUES (?1, ?2)",
    [GET_ENTRY] = "SELECT data FROM entry WHERE idx = ?1",
    [GET_CHECKPOINT] = "SELECT note FROM checkpoint WHERE size = ?1",
    [GET_HEAD] = "SELECT note, size FROM checkpoint ORDER BY size DESC LIMIT 1",
    [GET_NODE] = "SELECT hash FROM node WHERE level = ?1 AND idx = ?2",
    [FIND_LEAF] = "SELECT min(idx) FROM node WHERE level = 0 AND hash = ?1",
    [ENTRY_END] = "SELECT max(idx) + 1 FROM entry",
    [LEAF_END] = "SELECT max(idx) + 1 FROM node WHERE level = 0",
    [COUNT_ENTRIES] = "SELECT count(*) FROM entry",
    [COUNT_NODES] = "SELECT count(*) FROM node",
    [COUNT_CHECKPOINTS] = "SELECT count(*) FROM checkpoint",
    [CHECK_FILE] = "PRAGMA integrity_check(1)",
    [GET_VERSION] = "PRAGMA user_version",
    [SET_VERSION] = "PRAGMA user_version = 2",
};

struct log_db {
    sqlite3 *handle;
    char *path;
    sqlite3_stmt *statements[STATEMENTS];
};

/* ---- errors ------------------------------------------------------------------ */

static enum err_code error_class(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
    case SQLITE_TOOBIG:
        return ERR_LOG;
    default:
        return ERR_HOST;
    }
}

static int db_error(const struct log_db *db, int rc, const char *doing, struct err *e)
{
    const char *why = db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    int system = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
    if (error_class(rc) == ERR_LOG)
        return err_set(e, ERR_LOG, "cannot %s '%s': the log's database is damaged: %s", doing,
                       db->path, why);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return err_oom(e);
    case SQLITE_FULL:
        return err_set(e, ERR_HOST, "cannot %s '%s': the disk is full", doing, db->path);
    case SQLITE_BUSY:
        return err_set(e, ERR_HOST, "cannot %s '%s': another process held its lock for %d seconds",
                       doing, db->path, DB_BUSY_SECONDS);
    default:
        return (rc & 0xff) == SQLITE_IOERR && system != 0
                   ? err_os(e, system, "cannot %s '%s'", doing, db->path)
                   : err_set(e, ERR_HOST, "cannot %s '%s': %s", doing, db->path, why);
    }
}

/* ---- statements ---------------------------------------------------------------- */

static int statement_get(struct log_db *db, enum statement id, sqlite3_stmt **out, struct err *e)
{
    if (db->statements[id] == NULL) {
        int rc = sqlite3_prepare_v3(db->handle, statement_text[id], -1, SQLITE_PREPARE_PERSISTENT,
                                    &db->statements[id], NULL);
        if (rc != SQLITE_OK)
            return db_error(db, rc, "read", e);
    }
    *out = db->statements[id];
    return 0;
}

/* Ready for its next use; values that were bound are not kept. */
static void statement_done(sqlite3_stmt *s)
{
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
}

static int run(struct log_db *db, enum statement id, const char *doing, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, id, &s, e);
    if (rc < 0)
        return rc;
    int step = sqlite3_step(s);
    rc = step == SQLITE_DONE || step == SQLITE_ROW ? 0 : db_error(db, step, doing, e);
    statement_done(s);
    return rc;
}

int log_db_begin(struct log_db *db, bool write, struct err *e)
{
    return run(db, write ? BEGIN_WRITE : BEGIN_READ, write ? "write" : "read", e);
}

int log_db_commit(struct log_db *db, struct err *e)
{
    int rc = run(db, COMMIT, "write", e);
    if (rc < 0)
        log_db_rollback(db);
    else
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return rc;
}

void log_db_rollback(struct log_db *db)
{
    struct err ignored = ERR_INIT;
    if (sqlite3_get_autocommit(db->handle) == 0)
        (void)run(db, ROLLBACK, "read", &ignored);
}

/* ---- writing -------------------------------------------------------------------- */

static int bind_blob(sqlite3_stmt *s, int at, const void *data, size_t len)
{
    return sqlite3_bind_blob64(s, at, len == 0 ? "" : data, len, SQLITE_STATIC);
}

static int insert(struct log_db *db, sqlite3_stmt *s, int bound, struct err *e)
{
    int step = bound == SQLITE_OK ? sqlite3_step(s) : bound;
    int rc = step == SQLITE_DONE ? 0 : db_error(db, step, "write", e);
    statement_done(s);
    return rc;
}

static int add_row(struct log_db *db, enum statement id, uint64_t key, const void *data, size_t len,
                   struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, id, &s, e);
    if (rc < 0)
        return rc;
    int bound = sqlite3_bind_int64(s, 1, (sqlite3_int64)key);
    if (bound == SQLITE_OK)
        bound = bind_blob(s, 2, data, len);
    return insert(db, s, bound, e);
}

int log_db_add_entry(struct log_db *db, uint64_t index, const void *data, size_t len, struct err *e)
{
    return add_row(db, ADD_ENTRY, index, data, len, e);
}

int log_db_add_checkpoint(struct log_db *db, uint64_t size, const void *note, size_t len,
                          struct err *e)
{
    return add_row(db, ADD_CHECKPOINT, size, note, len, e);
}

int log_db_add_node(struct log_db *db, unsigned level, uint64_t index,
                    const struct merkle_hash *hash, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, ADD_NODE, &s, e);
    if (rc < 0)
        return rc;
    int bound = sqlite3_bind_int64(s, 1, (sqlite3_int64)level);
    if (bound == SQLITE_OK)
        bound = sqlite3_bind_int64(s, 2, (sqlite3_int64)index);
    if (bound == SQLITE_OK)
        bound = bind_blob(s, 3, hash->bytes, MERKLE_HASH_SIZE);
    return insert(db, s, bound, e);
}

/* ---- reading -------------------------------------------------------------------- */

/* Appends column 0 of the row that `step` brought; `key`, when not NULL, is column 1. */
static int take_blob(struct log_db *db, sqlite3_stmt *s, int step, struct buf *out, uint64_t *key,
                     bool *found, struct err *e)
{
    *found = step == SQLITE_ROW;
    if (step == SQLITE_DONE)
        return 0;
    if (step != SQLITE_ROW)
        return db_error(db, step, "read", e);
    const void *data = sqlite3_column_blob(s, 0);
    int len = sqlite3_column_bytes(s, 0);
    if (sqlite3_column_type(s, 0) != SQLITE_BLOB || (len > 0 && data == NULL))
        return err_set(e, ERR_LOG, "cannot read '%s': a value has the wrong type", db->path);
    if (key != NULL)
        *key = (uint64_t)sqlite3_column_int64(s, 1);
    if ((size_t)len > out->max - out->len)
        return err_set(e, ERR_LOG, "cannot read '%s': a value is too long", db->path);
    return len == 0 ? 0 : buf_add(out, data, (size_t)len, e);
}

static int read_blob(struct log_db *db, enum statement id, uint64_t key, struct buf *out,
                     bool *found, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, id, &s, e);
    if (rc < 0)
        return rc;
    int step = sqlite3_bind_int64(s, 1, (sqlite3_int64)key);
    if (step == SQLITE_OK)
        step = sqlite3_step(s);
    rc = take_blob(db, s, step, out, NULL, found, e);
    statement_done(s);
    return rc;
}

int log_db_entry(struct log_db *db, uint64_t index, struct buf *out, bool *found, struct err *e)
{
    return read_blob(db, GET_ENTRY, index, out, found, e);
}

int log_db_checkpoint(struct log_db *db, uint64_t size, struct buf *out, bool *found, struct err *e)
{
    return read_blob(db, GET_CHECKPOINT, size, out, found, e);
}

int log_db_head(struct log_db *db, uint64_t *size, struct buf *out, bool *found, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, GET_HEAD, &s, e);
    if (rc < 0)
        return rc;
    rc = take_blob(db, s, sqlite3_step(s), out, size, found, e);
    statement_done(s);
    return rc;
}

int log_db_node(struct log_db *db, unsigned level, uint64_t index, struct merkle_hash *out,
                struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, GET_NODE, &s, e);
    if (rc < 0)
        return rc;
    AUTO_BUF hash = BUF_INIT(MERKLE_HASH_SIZE);
    bool found = false;
    int step = sqlite3_bind_int64(s, 1, (sqlite3_int64)level);
    if (step == SQLITE_OK)
        step = sqlite3_bind_int64(s, 2, (sqlite3_int64)index);
    if (step == SQLITE_OK)
        step = sqlite3_step(s);
    rc = take_blob(db, s, step, &hash, NULL, &found, e);
    statement_done(s);
    if (rc < 0)
        return rc;
    if (!found || hash.len != MERKLE_HASH_SIZE)
        return err_set(e, ERR_LOG, "cannot read '%s': tree node %u/%" PRIu64 " is %s", db->path,
                       level, index, found ? "damaged" : "missing");
    memcpy(out->bytes, hash.data, MERKLE_HASH_SIZE);
    return 0;
}

/* The one number of the one row; *some is false when it is NULL. */
static int take_number(struct log_db *db, sqlite3_stmt *s, int step, uint64_t *out, bool *some,
                       struct err *e)
{
    if (step != SQLITE_ROW)
        return db_error(db, step, "read", e);
    sqlite3_int64 v = sqlite3_column_int64(s, 0);
    *some = sqlite3_column_type(s, 0) != SQLITE_NULL;
    if (v < 0)
        return err_set(e, ERR_LOG, "cannot read '%s': a number is negative", db->path);
    *out = (uint64_t)v;
    return 0;
}

static int read_number(struct log_db *db, enum statement id, uint64_t *out, struct err *e)
{
    sqlite3_stmt *s = NULL;
    bool some;
    int rc = statement_get(db, id, &s, e);
    if (rc == 0)
        rc = take_number(db, s, sqlite3_step(s), out, &some, e);
    if (db->statements[id] != NULL)
        statement_done(db->statements[id]);
    return rc;
}

int log_db_find(struct log_db *db, const struct merkle_hash *leaf, uint64_t *index, bool *found,
                struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, FIND_LEAF, &s, e);
    if (rc < 0)
        return rc;
    int step = bind_blob(s, 1, leaf->bytes, MERKLE_HASH_SIZE);
    if (step == SQLITE_OK)
        step = sqlite3_step(s);
    rc = take_number(db, s, step, index, found, e);
    statement_done(s);
    return rc;
}

int log_db_ends(struct log_db *db, struct log_db_ends *out, struct err *e)
{
    struct log_db_ends ends = {0};
    int rc = read_number(db, ENTRY_END, &ends.entries, e);
    if (rc == 0)
        rc = read_number(db, LEAF_END, &ends.leaves, e);
    if (rc == 0)
        *out = ends;
    return rc;
}

int log_db_counts(struct log_db *db, struct log_db_counts *out, struct err *e)
{
    struct log_db_counts counts = {0};
    int rc = read_number(db, COUNT_ENTRIES, &counts.entries, e);
    if (rc == 0)
        rc = read_number(db, COUNT_NODES, &counts.nodes, e);
    if (rc == 0)
        rc = read_number(db, COUNT_CHECKPOINTS, &counts.checkpoints, e);
    if (rc == 0)
        *out = counts;
    return rc;
}

int log_db_check(struct log_db *db, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = statement_get(db, CHECK_FILE, &s, e);
    if (rc < 0)
        return rc;
    int step = sqlite3_step(s);
    const char *text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    if (step != SQLITE_ROW)
        rc = db_error(db, step, "read", e);
    else if (text == NULL || strcmp(text, "ok") != 0)
        rc = err_set(e, ERR_LOG, "the log's database '%s' is damaged: %s", db->path,
                     text == NULL ? "no answer from SQLite" : text);
    statement_done(s);
    return rc;
}

/* ---- opening ---------------------------------------------------------------------- */

static int exec(struct log_db *db, const char *sql, const char *doing, struct err *e)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_error(db, rc, doing, e);
}

/* Everything that defines the database's behaviour, in one text. Appends. */
static int schema_text(struct log_db *db, struct buf *out, struct err *e)
{
    static const char query[] = "SELECT type || '\t' || name || '\t' || tbl_name || '\t' || sql "
                                "FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    sqlite3_stmt *s = NULL;
    int step = sqlite3_prepare_v2(db->handle, query, -1, &s, NULL);
    if (step != SQLITE_OK)
        return db_error(db, step, "read", e);
    int rc = 0;
    while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
        const unsigned char *row = sqlite3_column_text(s, 0);
        rc = buf_addf(out, e, "%s\n", row == NULL ? "" : (const char *)row);
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = db_error(db, step, "read", e);
    (void)sqlite3_finalize(s);
    return rc;
}

static int check_schema(struct log_db *db, struct err *e)
{
    struct log_db model = {.path = db->path};
    AUTO_BUF want = BUF_INIT(SCHEMA_MAX);
    AUTO_BUF got = BUF_INIT(SCHEMA_MAX);
    int rc = 0;
    int opened =
        sqlite3_open_v2(":memory:", &model.handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (opened != SQLITE_OK)
        rc = db_error(&model, opened, "check", e);
    if (rc == 0)
        rc = exec(&model, log_db_schema, "check", e);
    if (rc == 0)
        rc = schema_text(&model, &want, e);
    (void)sqlite3_close(model.handle);
    if (rc == 0)
        rc = schema_text(db, &got, e);
    if (rc == -ERR_INPUT || (rc == 0 && strcmp(buf_str(&want), buf_str(&got)) != 0))
        return err_set(e, ERR_LOG, "'%s' does not have the schema of a log's database", db->path);
    return rc;
}

static int configure(struct log_db *db, bool write, struct err *e)
{
    int on = 1;
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_SECONDS * 1000);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    /* Who opens a log that proves to be damaged leaves the write-ahead log as it is. */
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* The side files stay, so that who may not write the directory can read the log at any time. */
    if (write)
        (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    AUTO_FREE char *pragmas = NULL;
    int rc = str_format(&pragmas, e,
                        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                        "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
                        "PRAGMA journal_size_limit = %d; PRAGMA query_only = %s;",
                        JOURNAL_KEEP, write ? "OFF" : "ON");
    return rc < 0 ? rc : exec(db, pragmas, "open", e);
}

/* An object with the file open; `flags` as of sqlite3_open_v2. */
static int db_new(const char *path, int flags, struct log_db **out, struct err *e)
{
    AUTO_LOG_DB struct log_db *db = array_new(1, sizeof(*db));
    if (db == NULL)
        return err_oom(e);
    /* SQLite reads names such as "file:x" in its own way; "./file:x" is a path. */
    int rc = str_format(&db->path, e, "%s%s", path[0] == '/' ? "" : "./", path);
    if (rc < 0)
        return rc;
    int opened = sqlite3_open_v2(db->path, &db->handle,
                                 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
    if (opened != SQLITE_OK)
        return db_error(db, opened, "open", e);
    *out = steal_ptr(&db);
    return 0;
}

/* The answer of a PRAGMA is this text or number. */
static int expect(struct log_db *db, const char *pragma, const char *wanted, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int step = sqlite3_prepare_v2(db->handle, pragma, -1, &s, NULL);
    if (step == SQLITE_OK)
        step = sqlite3_step(s);
    int rc = 0;
    const char *got = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    if (step != SQLITE_ROW)
        rc = db_error(db, step, "open", e);
    else if (got == NULL || strcmp(got, wanted) != 0)
        rc = err_set(e, ERR_LOG, "'%s' is not a log's database of this version", db->path);
    (void)sqlite3_finalize(s);
    return rc;
}

static int version(struct log_db *db, uint64_t *out, struct err *e)
{
    return read_number(db, GET_VERSION, out, e);
}

static int check_version(struct log_db *db, struct err *e)
{
    uint64_t v = 0;
    int rc = version(db, &v, e);
    if (rc == 0 && v != VERSION_UNLOCKED && v != VERSION_LOCKED)
        rc = err_set(e, ERR_LOG, "'%s' is not a log's database of this version", db->path);
    return rc;
}

int log_db_locked(struct log_db *db, bool *out, struct err *e)
{
    uint64_t v = 0;
    int rc = version(db, &v, e);
    if (rc == 0)
        *out = v == VERSION_LOCKED;
    return rc;
}

int log_db_set_locked(struct log_db *db, struct err *e)
{
    bool locked = false;
    int rc = log_db_locked(db, &locked, e);
    return rc < 0 || locked ? rc : run(db, SET_VERSION, "write", e);
}

int log_db_create(const char *path, struct log_db **out, struct err *e)
{
    AUTO_LOG_DB struct log_db *db = NULL;
    struct stat st;
    if (lstat(path, &st) == 0 || errno != ENOENT)
        return err_set(e, ERR_USAGE, "cannot create '%s': it exists already", path);
    int rc = db_new(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, e);
    if (rc < 0 || db == NULL)
        return rc;
    rc = configure(db, true, e);
    if (rc == 0)
        rc = expect(db, "PRAGMA journal_mode = WAL", "wal", e);
    if (rc == 0)
        rc = exec(db, log_db_schema, "create", e);
    if (rc == 0)
        *out = steal_ptr(&db);
    return rc;
}

int log_db_open(const char *path, bool write, struct log_db **out, struct err *e)
{
    AUTO_LOG_DB struct log_db *db = NULL;
    struct stat st;
    if (lstat(path, &st) < 0)
        return err_os_code(e, errno == ENOENT || errno == ENOTDIR ? ERR_INPUT : ERR_HOST, errno,
                           "cannot open '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "cannot open '%s': not a regular file", path);
    int rc = db_new(path, write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, &db, e);
    if (rc < 0 || db == NULL)
        return rc;
    rc = configure(db, write, e);
    if (rc == 0)
        rc = expect(db, "PRAGMA application_id", "1095978055", e);
    if (rc == 0)
        rc = expect(db, "PRAGMA journal_mode", "wal", e);
    if (rc == 0)
        rc = check_version(db, e);
    if (rc == 0)
        rc = check_schema(db, e);
    if (rc == 0)
        *out = steal_ptr(&db);
    return rc;
}

const char *log_db_path(const struct log_db *db)
{
    return db->path;
}

void log_db_close(struct log_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(db->statements[i]);
    (void)sqlite3_close(db->handle);
    free(db->path);
    free(db);
}
