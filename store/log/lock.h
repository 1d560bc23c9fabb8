/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock: the newest checkpoint that the log has signed, in a file outside the database
 * (docs/formats/log.md, "The lock"). What the database loses, it does not lose with it.
 *
 * It only moves forward: a writer holds the log's directory, compares the file with what it has
 * read, and replaces it by rename.
 */
#ifndef ASSAY_STORE_LOG_LOCK_H
#define ASSAY_STORE_LOG_LOCK_H

#include "store/log/checkpoint.h"

#define LOG_LOCK_NAME "lock"

struct log_lock {
    bool there;
    struct checkpoint head;
    uint64_t checkpoints; /* how many the log has signed up to this one */
    struct buf note;      /* the signed note of the head */
    struct buf text;      /* the whole file */
};

void log_lock_init(struct log_lock *lock);
void log_lock_dispose(struct log_lock *lock);

/* Reads it afresh; a missing one is no error. ERR_LOG when it is malformed or not signed by `key`.
 */
int log_lock_read(const char *directory, const struct note_key *key, struct log_lock *lock,
                  struct err *e);
/*
 * Where the lock is: LOG/lock, or what that name, a symbolic link, leads to, there or not. Outside
 * of the directory it is not rolled back with it when a backup is restored. Caller frees.
 */
int log_lock_place(const char *directory, char **out, struct err *e);
/* A path for a new lock outside of the log as an absolute one. ERR_USAGE unless it can be made. */
int log_lock_absolute(const char *directory, const char *given, char **out, struct err *e);
/* By whoever holds the log: LOG/lock becomes a link to `place`, durably. */
int log_lock_link(const char *directory, const char *place, struct err *e);
/* Waits until no other writer is at the log; caller closes *fd. ERR_HOST after DB_BUSY_SECONDS. */
int log_lock_hold(const char *directory, int *fd, struct err *e);
/*
 * By whoever holds the log: the file, which must be as `lock` has it, becomes one of this
 * checkpoint, durably; `lock` too. ERR_LOG when somebody else has changed it.
 */
int log_lock_swap(const char *directory, struct log_lock *lock, const struct checkpoint *head,
                  const struct buf *note, uint64_t checkpoints, struct err *e);

#endif
