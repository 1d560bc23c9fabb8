/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log's database (schemas/log.sql) and nothing of Merkle trees or
 * signatures: typed reads and writes of rows, transactions, SQLite's settings.
 * A database is hostile input: its schema must be the one we write, sizes are bounded.
 *
 * Errors: ERR_LOG for a damaged or foreign database, ERR_HOST for I/O, a full
 * disk, and a lock that is held for longer than DB_BUSY_SECONDS.
 */
#ifndef ASSAY_STORE_LOG_DB_H
#define ASSAY_STORE_LOG_DB_H

#include "base/buf.h"
#include "store/log/merkle.h"

enum { DB_BUSY_SECONDS = 60 };

struct log_db;

/* The text of schemas/log.sql. */
extern const char log_db_schema[];

/* A new empty database; the file must not exist. */
int log_db_create(const char *path, struct log_db **out, struct err *e);
/* Whether the log has a lock file (store/log/lock.h): it is a part of every log but old ones. */
int log_db_locked(struct log_db *db, bool *out, struct err *e);
/* Within a write transaction: from now on it has. */
int log_db_set_locked(struct log_db *db, struct err *e);
/* An existing one; `write` false opens it read-only, also from a read-only directory. */
int log_db_open(const char *path, bool write, struct log_db **out, struct err *e);
void log_db_close(struct log_db *db);
const char *log_db_path(const struct log_db *db); /* borrowed */

/* A write transaction excludes other writers; a read transaction sees one state throughout. */
int log_db_begin(struct log_db *db, bool write, struct err *e);
/* Durable when it returns 0. On failure the transaction is undone. */
int log_db_commit(struct log_db *db, struct err *e);
/* Ends a transaction without effect; harmless when there is none. */
void log_db_rollback(struct log_db *db);

int log_db_add_entry(struct log_db *db, uint64_t index, const void *data, size_t len,
                     struct err *e);
int log_db_add_node(struct log_db *db, unsigned level, uint64_t index,
                    const struct merkle_hash *hash, struct err *e);
int log_db_add_checkpoint(struct log_db *db, uint64_t size, const void *note, size_t len,
                          struct err *e);

/* *found says whether there is such a row; bytes are appended. */
int log_db_entry(struct log_db *db, uint64_t index, struct buf *out, bool *found, struct err *e);
int log_db_checkpoint(struct log_db *db, uint64_t size, struct buf *out, bool *found,
                      struct err *e);
/* The checkpoint of the largest size. */
int log_db_head(struct log_db *db, uint64_t *size, struct buf *out, bool *found, struct err *e);
/* A missing node is ERR_LOG: proofs only ask for nodes that the tree must have. */
int log_db_node(struct log_db *db, unsigned level, uint64_t index, struct merkle_hash *out,
                struct err *e);
/* The first leaf with this hash. */
int log_db_find(struct log_db *db, const struct merkle_hash *leaf, uint64_t *index, bool *found,
                struct err *e);

/* One more than the largest index of an entry and of a leaf hash; O(log n). */
struct log_db_ends {
    uint64_t entries, leaves;
};
int log_db_ends(struct log_db *db, struct log_db_ends *out, struct err *e);
/* Number of rows; O(n). */
struct log_db_counts {
    uint64_t entries, nodes, checkpoints;
};
int log_db_counts(struct log_db *db, struct log_db_counts *out, struct err *e);
/* SQLite's own check of the file's structure; ERR_LOG with its first complaint. O(n). */
int log_db_check(struct log_db *db, struct err *e);

static inline void scope_log_db(struct log_db **db)
{
    log_db_close(*db);
}
#define AUTO_LOG_DB AUTO(scope_log_db)

#endif
