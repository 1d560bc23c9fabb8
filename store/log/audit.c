/* SPDX-License-Identifier: Apache-2.0 */
/* The full check of a log: every entry, every stored tree node, every checkpoint. */
#include "base/file.h"
#include "store/log/log_internal.h"
#include "store/log/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* A checkpoint that the log must pass through. */
struct landmark {
    bool wanted;
    struct checkpoint checkpoint;
};

struct audit {
    struct tlog *log;
    const struct note_key *key;
    struct merkle_range range; /* of the entries read so far */
    uint64_t nodes;
    uint64_t checkpoints;
    struct checkpoint head;
    struct landmark against;
    uint64_t locked; /* checkpoints up to that of the lock */
    bool lockless;   /* the lock file is not looked at */
};

/* A node that the entries give must be the one that is stored. */
static int compare_node(void *context, unsigned level, uint64_t index,
                        const struct merkle_hash *hash, struct err *e)
{
    struct audit *a = context;
    struct merkle_hash stored;
    int rc = log_db_node(a->log->db, level, index, &stored, e);
    if (rc < 0)
        return rc;
    a->nodes++;
    if (merkle_equal(hash, &stored))
        return 0;
    if (level == 0)
        return err_set(e, ERR_LOG,
                       "entry %" PRIu64 " does not have the hash that the tree has of it: the "
                       "entry or its leaf hash was altered",
                       index);
    return err_set(e, ERR_LOG, "tree node %u/%" PRIu64 " was altered", level, index);
}

static int add_entry(struct audit *a, uint64_t index, struct err *e)
{
    const struct merkle_sink sink = {.context = a, .node = compare_node};
    AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
    struct merkle_hash leaf;
    bool found = false;
    int rc = log_db_entry(a->log->db, index, &entry, &found, e);
    if (rc == 0 && !found)
        return err_set(e, ERR_LOG, "entry %" PRIu64 " is missing", index);
    if (rc == 0)
        rc = merkle_leaf(entry.data, entry.len, &leaf, e);
    if (rc == 0)
        rc = merkle_range_add(&a->range, &leaf, &sink, e);
    return rc;
}

/* The lock's checkpoint, when it is of this size, has this root. */
static int check_locked(struct audit *a, const struct merkle_hash *root, bool found, struct err *e)
{
    const struct log_lock *lock = &a->log->lock;
    uint64_t size = a->range.size;
    if (!lock->there || size > lock->head.size)
        return 0;
    a->locked += found;
    if (size < lock->head.size)
        return 0;
    return merkle_equal(root, &lock->head.root) ? 0 : tlog_lock_forked(lock, e);
}

/* The checkpoint of the entries read so far, when one was signed, has their root. */
static int check_checkpoint(struct audit *a, bool required, struct err *e)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    struct checkpoint c;
    struct merkle_hash root;
    uint64_t size = a->range.size;
    bool found = false;
    int rc = log_db_checkpoint(a->log->db, size, &note, &found, e);
    if (rc < 0)
        return rc;
    bool wanted = a->against.wanted && a->against.checkpoint.size == size;
    const struct log_lock *lock = &a->log->lock;
    if (!found && required)
        return err_set(e, ERR_LOG, "checkpoint %" PRIu64 " is missing", size);
    if (!found && !wanted && !(lock->there && lock->head.size == size))
        return 0;
    rc = merkle_range_root(&a->range, &root, e);
    if (rc < 0)
        return rc;
    if (wanted && !merkle_equal(&root, &a->against.checkpoint.root))
        return err_set(e, ERR_LOG,
                       "the first %" PRIu64 " entries are not those of the checkpoint given", size);
    rc = check_locked(a, &root, found, e);
    if (rc < 0 || !found)
        return rc;
    rc = checkpoint_open(note.data, note.len, a->key, &c, e);
    if (rc == -ERR_HOST)
        return rc;
    if (rc < 0) {
        (void)err_recode(e, ERR_LOG);
        return err_wrap(e, "checkpoint %" PRIu64, size);
    }
    if (c.size != size)
        return err_set(e, ERR_LOG, "checkpoint %" PRIu64 " is of size %" PRIu64, size, c.size);
    if (!merkle_equal(&root, &c.root))
        return err_set(e, ERR_LOG,
                       "the first %" PRIu64 " entries do not give the root of checkpoint %" PRIu64
                       ": an entry was altered, or the log signed two histories",
                       size, size);
    a->checkpoints++;
    a->head = c;
    return 0;
}

/* Nothing is in the tables but what was read. */
static int check_counts(const struct audit *a, struct err *e)
{
    struct log_db_counts counts;
    int rc = log_db_counts(a->log->db, &counts, e);
    if (rc < 0)
        return rc;
    if (counts.entries != a->range.size || counts.nodes != a->nodes ||
        counts.checkpoints != a->checkpoints)
        return err_set(
            e, ERR_LOG, "it has %s, %s, %s, where %" PRIu64 ", %" PRIu64 ", %" PRIu64 " belong",
            COUNTED(counts.entries, "entry"), COUNTED(counts.nodes, "tree node"),
            COUNTED(counts.checkpoints, "checkpoint"), a->range.size, a->nodes, a->checkpoints);
    const struct log_lock *lock = &a->log->lock;
    if (lock->there && a->locked != lock->checkpoints)
        return err_set(e, ERR_LOG,
                       "%" PRIu64 " checkpoints up to that of %" PRIu64
                       " entries are there, %" PRIu64 " were signed",
                       a->locked, lock->head.size, lock->checkpoints);
    return 0;
}

/* How many entries to read: as many as the newest checkpoint covers. */
static int head_size(struct audit *a, uint64_t *out, struct err *e)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    bool found = false;
    int rc = log_db_head(a->log->db, out, &note, &found, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_LOG, "it has no checkpoint");
    if (rc == 0 && !a->log->lock.there && !a->lockless)
        rc = tlog_lock_missing(a->log, e);
    if (rc == 0 && a->log->lock.there && a->log->lock.head.size > *out)
        rc = tlog_lock_behind(&a->log->lock, *out, e);
    if (rc == 0 && a->against.wanted && a->against.checkpoint.size > *out)
        rc = err_set(e, ERR_LOG,
                     "it has %s, fewer than the %" PRIu64
                     " of the checkpoint given: it was rolled back, or it is another log",
                     COUNTED(*out, "entry"), a->against.checkpoint.size);
    return rc;
}

/* Within a transaction. */
static int read_all(struct audit *a, const struct tlog_audit_options *options, struct err *e)
{
    uint64_t size = 0;
    int rc = head_size(a, &size, e);
    if (rc == 0)
        rc = check_checkpoint(a, true, e); /* of size 0: what the log was created with */
    for (uint64_t i = 0; rc == 0 && i < size; i++) {
        rc = add_entry(a, i, e);
        if (rc == 0)
            rc = check_checkpoint(a, i + 1 == size, e);
        if (rc == 0 && options->progress != NULL)
            options->progress(options->context, i + 1, size);
    }
    if (rc == 0)
        rc = check_counts(a, e);
    return rc == 0 ? log_db_check(a->log->db, e) : rc;
}

/* All of an open log; `lockless`: whatever its lock file is. */
static int audit_log(struct tlog *log, const struct tlog_audit_options *options, bool lockless,
                     struct tlog_audit *out, struct err *e)
{
    struct audit a = {
        .log = log, .key = options->key == NULL ? log->key : options->key, .lockless = lockless};
    int rc = 0;
    if (options->against != NULL) {
        a.against.wanted = true;
        rc = checkpoint_open(options->against, options->against_len, a.key, &a.against.checkpoint,
                             e);
        if (rc < 0)
            return err_wrap(e, "the checkpoint to audit against");
    }
    rc = log_wal_check(log_db_path(log->db), e);
    if (rc < 0)
        return err_wrap(e, "log '%s'", log->path);
    rc = lockless ? log_db_begin(log->db, false, e) : tlog_begin_bare(log, false, e);
    if (rc == 0)
        rc = read_all(&a, options, e);
    log_db_rollback(log->db);
    if (rc < 0)
        return err_wrap(e, "log '%s'", log->path);
    out->head = a.head;
    out->checkpoints = a.checkpoints;
    return 0;
}

int tlog_audit(const char *path, const struct tlog_audit_options *options, struct tlog_audit *out,
               struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    int rc = tlog_attach(path, NULL, &log, e);
    return rc == 0 ? audit_log(log, options, false, out, e) : rc;
}

/* After the audit, which has verified the head. */
static int make_lock(struct tlog *log, const struct tlog_audit *audited, struct err *e)
{
    AUTO_FREE char *file = NULL;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    bool found = false;
    int rc = log_db_checkpoint(log->db, audited->head.size, &note, &found, e);
    if (rc == 0)
        rc = log_lock_place(log->path, &file, e);
    if (rc < 0 || file == NULL)
        return rc;
    if (unlink(file) != 0 && errno != ENOENT)
        return err_os(e, errno, "cannot remove '%s'", file);
    log_lock_dispose(&log->lock);
    log_lock_init(&log->lock);
    return log_lock_swap(log->path, &log->lock, &audited->head, &note, audited->checkpoints, e);
}

int tlog_relock(const char *path, const struct tlog_audit_options *options, struct tlog_audit *out,
                struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_CLOSE int held = -1;
    struct err why = ERR_INIT;
    if (options->against == NULL)
        return err_set(e, ERR_USAGE,
                       "a lock is made from a checkpoint that was kept: there is none");
    int rc = tlog_attach(path, NULL, &log, e);
    if (rc == 0)
        rc = log_lock_hold(path, &held, e);
    if (rc < 0)
        return rc;
    rc = log_lock_read(path, log->key, &log->lock, &why);
    if (rc < 0 && rc != -ERR_LOG) {
        *e = why;
        return rc;
    }
    if (rc == 0 && log->lock.there)
        return err_set(e, ERR_USAGE, "log '%s' has its lock file", path);
    rc = audit_log(log, options, true, out, e);
    return rc == 0 ? make_lock(log, out, e) : rc;
}

/* With the log held. A file outside that was the lock before stays there. */
static int move_to(struct tlog *log, const char *place, struct err *e)
{
    int rc = log_lock_read(log->path, log->key, &log->lock, e);
    if (rc == 0 && !log->lock.there)
        rc = err_set(e, ERR_LOG, "log '%s' has lost its lock file ('assay log relock')", log->path);
    if (rc == 0)
        rc = file_replace(place, log->lock.text.data, log->lock.text.len, MODE_BY_UMASK, e);
    if (rc < 0)
        return rc;
    rc = log_lock_link(log->path, place, e);
    if (rc < 0)
        (void)unlink(place);
    return rc;
}

int tlog_move_lock(const char *path, const struct tlog_audit_options *options,
                   struct tlog_audit *out, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_CLOSE int held = -1;
    AUTO_FREE char *place = NULL;
    int rc = log_lock_absolute(path, options->lock, &place, e);
    if (rc == 0)
        rc = tlog_attach(path, NULL, &log, e);
    if (rc == 0)
        rc = log_lock_hold(path, &held, e);
    if (rc == 0)
        rc = audit_log(log, options, false, out, e);
    return rc == 0 ? move_to(log, place, e) : rc;
}
