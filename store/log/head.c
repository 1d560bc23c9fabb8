/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head: the newest checkpoint of the database, verified, and held against the lock. The
 * database may be ahead of it, by what a writer committed who did not come to move it.
 */
#include "store/log/log_internal.h"
#include "store/log/wal.h"

#include <inttypes.h>
#include <string.h>

static int source_node(void *context, unsigned level, uint64_t index, struct merkle_hash *out,
                       struct err *e)
{
    struct tlog *log = context;
    return log_db_node(log->db, level, index, out, e);
}

struct merkle_source tlog_source(struct tlog *log)
{
    return (struct merkle_source){.context = log, .node = source_node};
}

/* The database holds exactly the entries of this checkpoint, and their stored tree has its root. */
static int check_tree(struct tlog *log, const struct checkpoint *head, struct merkle_range *range,
                      struct err *e)
{
    const struct merkle_source source = tlog_source(log);
    struct log_db_ends ends;
    struct merkle_hash root;
    int rc = log_db_ends(log->db, &ends, e);
    if (rc < 0)
        return rc;
    if (ends.entries != head->size || ends.leaves != head->size)
        return err_set(e, ERR_LOG,
                       "there are entries up to %" PRIu64 " and leaf hashes up to %" PRIu64
                       ", but the newest checkpoint covers %" PRIu64,
                       ends.entries, ends.leaves, head->size);
    rc = merkle_range_load(&source, head->size, range, e);
    if (rc == 0)
        rc = merkle_range_root(range, &root, e);
    if (rc == 0 && !merkle_equal(&root, &head->root))
        rc = err_set(e, ERR_LOG,
                     "the stored tree hashes do not give the root of checkpoint %" PRIu64
                     " (run 'assay-log audit' to find the altered row)",
                     head->size);
    return rc;
}

/* The newer head continues the one that this object has seen. */
static int check_continues(struct tlog *log, const struct checkpoint *head, struct err *e)
{
    const struct merkle_source source = tlog_source(log);
    struct merkle_proof proof;
    if (!log->have_head || log->head.size == 0)
        return 0;
    if (head->size < log->head.size)
        return err_set(e, ERR_LOG,
                       "the newest checkpoint is of size %" PRIu64 ", before it was of %" PRIu64,
                       head->size, log->head.size);
    int rc = merkle_prove_consistency(&source, log->head.size, head->size, &proof, e);
    if (rc == 0)
        rc = merkle_check_consistency(log->head.size, head->size, &proof, &log->head.root,
                                      &head->root, e);
    return rc;
}

void tlog_set_head(struct tlog *log, const struct checkpoint *head,
                   const struct merkle_range *range, struct buf *note)
{
    struct buf old = log->note;
    log->head = *head;
    log->range = *range;
    log->note = *note;
    log->have_head = true;
    *note = old;
}

/* Within a transaction: takes the newest checkpoint, verified, as the head. */
static int load_head(struct tlog *log, struct err *e)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    struct checkpoint head;
    struct merkle_range range;
    uint64_t size = 0;
    bool found = false;
    int rc = log_db_head(log->db, &size, &note, &found, e);
    if (rc < 0)
        return rc;
    if (!found)
        return err_set(e, ERR_LOG, "it has no checkpoint");
    if (log->have_head && note.len == log->note.len &&
        memcmp(note.data, log->note.data, note.len) == 0)
        return 0;
    rc = checkpoint_open(note.data, note.len, log->key, &head, e);
    if (rc == -ERR_INPUT)
        rc = err_recode(e, ERR_LOG); /* a malformed note within the log is the log's failure */
    if (rc < 0)
        return err_wrap(e, "checkpoint %" PRIu64, size);
    if (head.size != size)
        return err_set(e, ERR_LOG, "checkpoint %" PRIu64 " is of size %" PRIu64, size, head.size);
    rc = check_tree(log, &head, &range, e);
    if (rc == 0)
        rc = check_continues(log, &head, e);
    if (rc == 0)
        tlog_set_head(log, &head, &range, &note);
    return rc;
}

/* ---- against the lock ------------------------------------------------------------------ */

int tlog_lock_behind(const struct log_lock *lock, uint64_t size, struct err *e)
{
    return err_set(e, ERR_LOG,
                   "the log has signed a checkpoint of %s (its lock file has it), and "
                   "the database knows of %" PRIu64 " only: entries were lost, by damage, or "
                   "because it is an older copy or lacks its write-ahead log; nothing more is "
                   "signed",
                   COUNTED(lock->head.size, "entry"), size);
}

int tlog_lock_forked(const struct log_lock *lock, struct err *e)
{
    return err_set(e, ERR_LOG,
                   "the first %" PRIu64 " entries are not those of the checkpoint that the log has "
                   "signed (its lock file has it): the database is of another history; nothing "
                   "more is signed",
                   lock->head.size);
}

int tlog_lock_missing(struct tlog *log, struct err *e)
{
    AUTO_FREE char *place = NULL;
    bool locked = false;
    int rc = log_db_locked(log->db, &locked, e);
    if (rc == 0 && !locked)
        rc = log_wal_check(log_db_path(log->db), e); /* no lock tells what was lost */
    if (rc < 0 || !locked || (rc = log_lock_place(log->path, &place, e)) < 0)
        return rc;
    return err_set(
        e, ERR_LOG,
        "its lock file is missing ('%s'): nothing shows that the database has all that "
        "was signed ('assay log relock' makes a new one from a checkpoint that was kept)",
        place);
}

/* Within a transaction: the database has what the lock says. */
static int check_lock(struct tlog *log, struct err *e)
{
    const struct merkle_source source = tlog_source(log);
    struct merkle_range range;
    struct merkle_hash root;
    int rc = 0;
    if (!log->lock.there)
        return tlog_lock_missing(log, e);
    uint64_t size = log->head.size;
    if (size < log->lock.head.size)
        return tlog_lock_behind(&log->lock, size, e);
    rc = merkle_range_load(&source, log->lock.head.size, &range, e);
    if (rc == 0)
        rc = merkle_range_root(&range, &root, e);
    if (rc == 0 && !merkle_equal(&root, &log->lock.head.root))
        rc = tlog_lock_forked(&log->lock, e);
    return rc;
}

/* The lock is read before the database is: a commit comes before its lock. */
int tlog_begin_bare(struct tlog *log, bool write, struct err *e)
{
    bool locked = false;
    int rc = log_lock_read(log->path, log->key, &log->lock, e);
    if (rc == 0)
        rc = log_db_begin(log->db, write, e);
    if (rc < 0 || log->lock.there)
        return rc;
    /* A log of before there were locks may have got its first one in between. */
    rc = log_db_locked(log->db, &locked, e);
    if (rc < 0 || !locked) {
        if (rc < 0)
            log_db_rollback(log->db);
        return rc;
    }
    log_db_rollback(log->db);
    rc = log_lock_read(log->path, log->key, &log->lock, e);
    return rc < 0 ? rc : log_db_begin(log->db, write, e);
}

int tlog_begin(struct tlog *log, bool write, struct err *e)
{
    int rc = tlog_begin_bare(log, write, e);
    if (rc == 0)
        rc = load_head(log, e);
    if (rc == 0)
        rc = check_lock(log, e);
    if (rc == 0)
        return 0;
    log_db_rollback(log->db);
    return err_wrap(e, "log '%s'", log->path);
}
