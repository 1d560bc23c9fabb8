/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transparency log: an RFC 6962 Merkle tree over entries kept in SQLite
 * (WAL, synchronous FULL), with C2SP checkpoints signed as notes by the log's
 * own Ed25519 key. docs/formats/log.md is the normative description.
 *
 * Invariants: an entry that was acknowledged survives a crash at any instant; a
 * checkpoint that was signed is never contradicted: it is committed in the same
 * transaction as the entries it covers, and then kept outside the database too
 * (lock.h), before anybody sees it. A database that is behind is not written to.
 *
 * Any number of processes may read and append at the same time. A struct tlog
 * is used by one thread at a time and does not cross a fork.
 */
#ifndef ASSAY_STORE_LOG_LOG_H
#define ASSAY_STORE_LOG_LOG_H

#include "attest/key.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/host.h"
#include "store/log/checkpoint.h"

enum { LOG_ENTRY_MAX = 65535 /* C2SP tlog-tiles: uint16 length */ };

struct tlog;

/*
 * Makes a log directory with log.db, the encrypted key.pem and the public vkey; all or nothing.
 * `origin`: C2SP key name (a bare host name is what every client takes). Whatever exists at
 * `path` is left alone (ERR_USAGE).
 */
int tlog_create(const char *path, const char *origin, const char *passphrase, struct err *e);
/* The same with the lock outside of the directory, in the new file `lock`; NULL: in it. */
int tlog_create_locked(const char *path, const char *lock, const char *origin,
                       const char *passphrase, struct err *e);
/*
 * `passphrase` NULL opens for reading only. Verifies the newest checkpoint's signature, that
 * the stored tree gives its root, and that the database has all that the lock says was signed:
 * ERR_LOG when they disagree. ERR_INPUT when there is no log.
 */
int tlog_open(const char *path, const char *passphrase, struct tlog **out, struct err *e);
/* The file with the log's private key; not looked for. Caller frees. */
int tlog_key_file(const char *path, char **out, struct err *e);
void tlog_close(struct tlog *log);
/* Of the newest checkpoint that this object has seen. */
uint64_t tlog_size(const struct tlog *log);
const struct checkpoint *tlog_head(const struct tlog *log); /* borrowed */
const struct note_key *tlog_key(const struct tlog *log);    /* borrowed */
const char *tlog_vkey(const struct tlog *log);              /* its text; borrowed */

struct tlog_item {
    const void *data;
    size_t len; /* at most LOG_ENTRY_MAX, else ERR_INPUT */
};
/* Appends all of them or none, under one new checkpoint; *first is the index of the first. Durable
 * when it returns. */
int tlog_append_all(struct tlog *log, const struct tlog_item *items, size_t count, uint64_t *first,
                    struct err *e);
/* Appends and signs a new checkpoint; *index is the entry's. Durable when it returns. */
int tlog_append(struct tlog *log, const void *entry, size_t len, uint64_t *index, struct err *e);
/*
 * The same, but bytes that the log has are not added again: indices[i] (of `count`) is where the
 * first entry of items[i]'s bytes is. So what was not heard to be acknowledged may be said again.
 */
int tlog_record_all(struct tlog *log, const struct tlog_item *items, size_t count,
                    uint64_t *indices, struct err *e);
int tlog_record(struct tlog *log, const void *entry, size_t len, uint64_t *index, struct err *e);
/* The latest signed checkpoint (note text and signatures). Appends. */
int tlog_checkpoint(struct tlog *log, struct buf *out, struct err *e);
/* An entry, after its place in the tree of the newest checkpoint was verified. ERR_INPUT when there
 * is none. */
int tlog_entry(struct tlog *log, uint64_t index, struct buf *out, struct err *e);
/* The first entry that equals these bytes. */
int tlog_find(struct tlog *log, const void *entry, size_t len, bool *found, uint64_t *index,
              struct err *e);
/* c2sp.org/tlog-proof@v1 of an entry against the latest checkpoint. Appends. */
int tlog_prove(struct tlog *log, uint64_t index, struct buf *out, struct err *e);
/* Consistency proof (proof.h) from a checkpoint, whose signature this verifies, to the newest.
 * ERR_LOG when this log does not continue it. Appends. */
int tlog_prove_consistency(struct tlog *log, const void *note, size_t len, struct buf *out,
                           struct err *e);

static inline void scope_tlog(struct tlog **l)
{
    tlog_close(*l);
}
#define AUTO_TLOG AUTO(scope_tlog)

struct tlog_audit_options {
    const struct note_key *key; /* the key that must have signed; NULL = the log's own vkey */
    const void *against;        /* a signed checkpoint that the log must continue; NULL = none */
    size_t against_len;
    const char *lock;                                               /* tlog_move_lock: where to */
    void (*progress)(void *context, uint64_t done, uint64_t total); /* may be NULL */
    void *context;
};
struct tlog_audit {
    struct checkpoint head;
    uint64_t checkpoints; /* how many were verified */
};
/* Reads everything: hashes every entry again, compares every stored tree node, verifies every
 * checkpoint. ERR_LOG names the first thing that is wrong. */
int tlog_audit(const char *path, const struct tlog_audit_options *options, struct tlog_audit *out,
               struct err *e);

/*
 * For a log whose lock file is missing or malformed: audits all else, against a checkpoint that was
 * kept (`options` must have one), and makes the lock afresh. ERR_USAGE when it has its lock.
 */
int tlog_relock(const char *path, const struct tlog_audit_options *options, struct tlog_audit *out,
                struct err *e);

/*
 * Audits, and moves the lock to the new file `options->lock`, outside of the directory: then
 * restoring the whole directory from a backup does not restore the lock with it.
 */
int tlog_move_lock(const char *path, const struct tlog_audit_options *options,
                   struct tlog_audit *out, struct err *e);

/* Offline: the proof shows that `entry` is in a log whose key is `vkey`. ERR_LOG when not. */
int tlog_proof_check(const void *proof, size_t proof_len, const char *vkey, const void *entry,
                     size_t entry_len, uint64_t *index, uint64_t *size, struct err *e);

#endif
