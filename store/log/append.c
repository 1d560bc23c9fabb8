/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending: one writer at a time holds the log from before it looks until the lock has moved. The
 * order is: entries, nodes and checkpoint in one transaction, which is synced; then the lock, which
 * is synced; then the answer.
 */
#include "store/log/log_internal.h"

static int sink_node(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash,
                     struct err *e)
{
    struct tlog *log = context;
    return log_db_add_node(log->db, level, index, hash, e);
}

/* What one append makes. */
struct addition {
    struct merkle_range range;
    struct checkpoint head;
    struct buf note;
    bool again; /* what is there already is not added again */
};

/* *index is where the item is now. */
static int add_item(struct tlog *log, struct addition *a, const struct tlog_item *item,
                    uint64_t *index, struct err *e)
{
    const struct merkle_sink sink = {.context = log, .node = sink_node};
    struct merkle_hash leaf;
    bool found = false;
    int rc = merkle_leaf(item->data, item->len, &leaf, e);
    if (rc == 0 && !a->again)
        rc = log_db_find(log->db, &leaf, index, &found, e);
    if (rc < 0 || found)
        return rc;
    *index = a->range.size;
    rc = log_db_add_entry(log->db, *index, item->data, item->len, e);
    return rc < 0 ? rc : merkle_range_add(&a->range, &leaf, &sink, e);
}

/* Within a write transaction: the entries, their nodes, the checkpoint over them. */
static int write_items(struct tlog *log, const struct tlog_item *items, size_t count,
                       uint64_t *indices, struct addition *a, struct err *e)
{
    int rc = 0;
    a->range = log->range;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_item(log, a, &items[i], &indices[i], e);
    a->head = log->head;
    a->head.size = a->range.size;
    if (rc < 0 || a->range.size == log->head.size)
        return rc;
    rc = merkle_range_root(&a->range, &a->head.root, e);
    if (rc == 0)
        rc = checkpoint_sign(&a->head, log->signing, &a->note, e);
    if (rc == 0)
        rc = log_db_add_checkpoint(log->db, a->head.size, a->note.data, a->note.len, e);
    return rc;
}

/* With the log held, in a transaction. A log of before there were locks gets its first one. */
static int move_lock(struct tlog *log, struct err *e)
{
    struct log_db_counts counts;
    if (log->lock.there && log->lock.head.size == log->head.size)
        return 0;
    int rc = log_db_counts(log->db, &counts, e);
    return rc < 0 ? rc
                  : log_lock_swap(log->path, &log->lock, &log->head, &log->note, counts.checkpoints,
                                  e);
}

int tlog_catch_up(struct tlog *log, struct err *e)
{
    AUTO_CLOSE int held = -1;
    if (log->lock.there && log->lock.head.size == log->head.size)
        return 0;
    int rc = log_lock_hold(log->path, &held, e);
    if (rc == 0 && (rc = tlog_begin(log, false, e)) < 0)
        return rc;
    if (rc == 0)
        rc = move_lock(log, e);
    log_db_rollback(log->db);
    return rc == 0 ? 0 : err_wrap(e, "cannot write to log '%s'", log->path);
}

/* Committed: the lock follows, and what this object knows. */
static int settle(struct tlog *log, struct addition *a, struct err *e)
{
    int rc = log_lock_swap(log->path, &log->lock, &a->head, &a->note, log->lock.checkpoints + 1, e);
    if (rc < 0)
        return err_wrap(e,
                        "the entries are in the database of log '%s', but its lock file could not "
                        "be moved (append them again: they get the same places)",
                        log->path);
    tlog_set_head(log, &a->head, &a->range, &a->note);
    return 0;
}

/* With the log held. */
static int append(struct tlog *log, const struct tlog_item *items, size_t count, uint64_t *indices,
                  struct addition *a, struct err *e)
{
    int rc = tlog_begin(log, true, e);
    if (rc < 0)
        return rc;
    rc = move_lock(log, e);
    if (rc == 0)
        rc = write_items(log, items, count, indices, a, e);
    bool added = rc == 0 && a->head.size > log->head.size;
    if (added)
        rc = log_db_set_locked(log->db, e);
    if (added && rc == 0)
        rc = log_db_commit(log->db, e);
    if (!added || rc < 0)
        log_db_rollback(log->db);
    if (rc < 0)
        return err_wrap(e, "cannot append to log '%s'", log->path);
    return added ? settle(log, a, e) : 0;
}

static int check_items(const struct tlog *log, const struct tlog_item *items, size_t count,
                       struct err *e)
{
    if (log->signing == NULL)
        return err_set(e, ERR_USAGE, "log '%s' is open for reading only", log->path);
    if (count == 0)
        return err_set(e, ERR_USAGE, "there is nothing to append to log '%s'", log->path);
    for (size_t i = 0; i < count; i++)
        if (items[i].len > LOG_ENTRY_MAX)
            return err_set(e, ERR_INPUT, "an entry of %zu bytes is too long for a log (at most %d)",
                           items[i].len, LOG_ENTRY_MAX);
    return 0;
}

static int add_all(struct tlog *log, const struct tlog_item *items, size_t count, bool again,
                   uint64_t *indices, struct err *e)
{
    AUTO_CLOSE int held = -1;
    struct addition a = {.note = BUF_INIT(NOTE_MAX), .again = again};
    int rc = check_items(log, items, count, e);
    if (rc == 0 && (rc = log_lock_hold(log->path, &held, e)) < 0)
        rc = err_wrap(e, "cannot append to log '%s'", log->path);
    if (rc == 0)
        rc = append(log, items, count, indices, &a, e);
    buf_dispose(&a.note);
    return rc;
}

int tlog_append_all(struct tlog *log, const struct tlog_item *items, size_t count, uint64_t *first,
                    struct err *e)
{
    AUTO_FREE uint64_t *indices = array_new(count + 1, sizeof(*indices));
    if (indices == NULL)
        return err_oom(e);
    int rc = add_all(log, items, count, true, indices, e);
    if (rc == 0)
        *first = indices[0];
    return rc;
}

int tlog_append(struct tlog *log, const void *entry, size_t len, uint64_t *index, struct err *e)
{
    const struct tlog_item item = {.data = entry, .len = len};
    return tlog_append_all(log, &item, 1, index, e);
}

int tlog_record_all(struct tlog *log, const struct tlog_item *items, size_t count,
                    uint64_t *indices, struct err *e)
{
    return add_all(log, items, count, false, indices, e);
}

int tlog_record(struct tlog *log, const void *entry, size_t len, uint64_t *index, struct err *e)
{
    const struct tlog_item item = {.data = entry, .len = len};
    return tlog_record_all(log, &item, 1, index, e);
}
