/*
 * The transparency log: an RFC 6962 Merkle tree over entries kept in SQLite
 * (WAL, synchronous FULL), with C2SP checkpoints signed as notes by the log's
 * own Ed25519 key.
 *
 * Invariants: an entry that was acknowledged survives a crash at any instant; a
 * checkpoint that was signed is never contradicted (the checkpoint is committed
 * in the same transaction as the entries it covers, before anybody sees it).
 */
#ifndef ASSAY_STORE_LOG_LOG_H
#define ASSAY_STORE_LOG_LOG_H

#include "attest/key.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/host.h"

enum { LOG_ENTRY_MAX = 65535 /* C2SP tlog-tiles: uint16 length */ };

struct tlog;

/* Makes a log directory: log.db, the encrypted key and the public vkey. `origin`: C2SP key name (a
 * bare host name). */
int tlog_create(const char *path, const char *origin, const char *passphrase, struct err *e);
/* `passphrase` NULL opens for reading only. Verifies the stored checkpoint and tree head; ERR_LOG
 * when they disagree. */
int tlog_open(const char *path, const char *passphrase, struct tlog **out, struct err *e);
void tlog_close(struct tlog *log);
uint64_t tlog_size(const struct tlog *log);
const char *tlog_vkey(const struct tlog *log); /* borrowed */
/* Appends and signs a new checkpoint; *index is the entry's. Durable when it returns. */
int tlog_append(struct tlog *log, const void *entry, size_t len, uint64_t *index, struct err *e);
/* The latest signed checkpoint (note text and signatures). Appends. */
int tlog_checkpoint(struct tlog *log, struct buf *out, struct err *e);
int tlog_entry(struct tlog *log, uint64_t index, struct buf *out, struct err *e);
/* c2sp.org/tlog-proof@v1 of an entry against the latest checkpoint. Appends. */
int tlog_prove(struct tlog *log, uint64_t index, struct buf *out, struct err *e);

static inline void scope_tlog(struct tlog **l)
{
    tlog_close(*l);
}
#define AUTO_TLOG AUTO(scope_tlog)

/* Offline: the proof shows that `entry` is in a log whose key is `vkey`. ERR_LOG when not. */
int tlog_proof_check(const void *proof, size_t proof_len, const char *vkey, const void *entry,
                     size_t entry_len, uint64_t *index, uint64_t *size, struct err *e);

#endif
