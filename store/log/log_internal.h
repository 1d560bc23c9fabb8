/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the log share; not for others. */
#ifndef ASSAY_STORE_LOG_LOG_INTERNAL_H
#define ASSAY_STORE_LOG_LOG_INTERNAL_H

#include "store/log/db.h"
#include "store/log/lock.h"
#include "store/log/log.h"

struct tlog {
    char *path;
    char *vkey;
    struct note_key *key;
    struct signing_key *signing; /* NULL: open for reading only */
    struct log_db *db;
    struct log_lock lock;
    /* The newest checkpoint that was verified, its note, and its tree's append state. */
    bool have_head;
    struct checkpoint head;
    struct merkle_range range;
    struct buf note;
};

/* Opens the files of a log without looking at its tree. */
int tlog_attach(const char *path, const char *passphrase, struct tlog **out, struct err *e);
/*
 * Starts a transaction in which the head is the database's newest checkpoint, verified, and what
 * the lock says holds: ERR_LOG else. On failure there is none.
 */
int tlog_begin(struct tlog *log, bool write, struct err *e);
/* The same without a look at the newest checkpoint. */
int tlog_begin_bare(struct tlog *log, bool write, struct err *e);
/* Takes *note, and gives back the one before. */
void tlog_set_head(struct tlog *log, const struct checkpoint *head,
                   const struct merkle_range *range, struct buf *note);
/* Moves the lock to the newest checkpoint when it is behind: a writer did not come so far. */
int tlog_catch_up(struct tlog *log, struct err *e);
/* Within a transaction, without a lock file: ERR_LOG unless the log is of before there were any. */
int tlog_lock_missing(struct tlog *log, struct err *e);
/* ERR_LOG: the database has not what was signed. */
int tlog_lock_behind(const struct log_lock *lock, uint64_t size, struct err *e);
int tlog_lock_forked(const struct log_lock *lock, struct err *e);
/* The nodes of the database as the place where proofs are read from. Borrows the log. */
struct merkle_source tlog_source(struct tlog *log);

#endif
