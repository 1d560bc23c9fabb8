/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/log.h"

#include "base/file.h"
#include "store/log/log_internal.h"
#include "store/log/proof.h"
#include "store/log/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* ---- opening ---------------------------------------------------------------- */

static int read_vkey(struct tlog *log, struct err *e)
{
    AUTO_FREE char *file = NULL;
    AUTO_BUF text = BUF_INIT(NOTE_VKEY_MAX + 1);
    int rc = path_join(&file, log->path, "vkey", e);
    if (rc == 0)
        rc = file_read(file, &text, e);
    if (rc < 0)
        return rc;
    if (text.len == 0 || text.data[text.len - 1] != '\n')
        return err_set(e, ERR_LOG, "'%s' is not one line", file);
    rc = note_key_parse(buf_str(&text), text.len - 1, &log->key, e);
    if (rc == -ERR_INPUT)
        return err_set(e, ERR_LOG, "'%s' is not a verifier key", file);
    if (rc < 0)
        return rc;
    text.data[text.len - 1] = '\0';
    return str_copy(&log->vkey, buf_str(&text), e);
}

int tlog_key_file(const char *path, char **out, struct err *e)
{
    return path_join(out, path, "key.pem", e);
}

static int read_signing_key(struct tlog *log, const char *passphrase, struct err *e)
{
    AUTO_FREE char *file = NULL;
    int rc = tlog_key_file(log->path, &file, e);
    if (rc == 0)
        rc = signing_key_read(file, passphrase, &log->signing, e);
    if (rc < 0)
        return rc;
    if (!public_key_equal(signing_key_public(log->signing), log->key->key))
        return err_set(e, ERR_LOG, "the key '%s' is not that of the log's vkey", file);
    return 0;
}

int tlog_attach(const char *path, const char *passphrase, struct tlog **out, struct err *e)
{
    AUTO_TLOG struct tlog *log = array_new(1, sizeof(*log));
    AUTO_FREE char *file = NULL;
    struct stat st;
    if (log == NULL)
        return err_oom(e);
    if (stat(path, &st) < 0) {
        enum err_code code = errno == ENOENT || errno == ENOTDIR ? ERR_INPUT : ERR_HOST;
        return err_os_code(e, code, errno, "cannot open log '%s'", path);
    }
    log->note = (struct buf)BUF_INIT(NOTE_MAX);
    log_lock_init(&log->lock);
    int rc = str_copy(&log->path, path, e);
    if (rc == 0)
        rc = path_join(&file, path, "log.db", e);
    if (rc == 0)
        rc = read_vkey(log, e);
    if (rc == 0 && passphrase != NULL)
        rc = read_signing_key(log, passphrase, e);
    /* Before SQLite has it: who opens it for writing cuts off what does not check. */
    if (rc == 0 && passphrase != NULL)
        rc = log_wal_check(file, e);
    if (rc == 0)
        rc = log_db_open(file, passphrase != NULL, &log->db, e);
    if (rc < 0)
        return err_wrap(e, "cannot open log '%s'", path);
    *out = steal_ptr(&log);
    return 0;
}

void tlog_close(struct tlog *log)
{
    if (log == NULL)
        return;
    log_db_close(log->db);
    signing_key_free(log->signing);
    note_key_free(log->key);
    buf_dispose(&log->note);
    log_lock_dispose(&log->lock);
    free(log->vkey);
    free(log->path);
    free(log);
}

/* ---- what is known of it ------------------------------------------------------- */

int tlog_open(const char *path, const char *passphrase, struct tlog **out, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    int rc = tlog_attach(path, passphrase, &log, e);
    if (rc == 0)
        rc = tlog_begin(log, false, e);
    if (rc < 0)
        return rc;
    log_db_rollback(log->db);
    if (passphrase != NULL && (rc = tlog_catch_up(log, e)) < 0)
        return rc;
    *out = steal_ptr(&log);
    return 0;
}

uint64_t tlog_size(const struct tlog *log)
{
    return log->head.size;
}

const struct checkpoint *tlog_head(const struct tlog *log)
{
    return &log->head;
}

const struct note_key *tlog_key(const struct tlog *log)
{
    return log->key;
}

const char *tlog_vkey(const struct tlog *log)
{
    return log->vkey;
}

/* ---- reading ----------------------------------------------------------------------- */

int tlog_checkpoint(struct tlog *log, struct buf *out, struct err *e)
{
    int rc = tlog_begin(log, false, e);
    if (rc < 0)
        return rc;
    log_db_rollback(log->db);
    return buf_add(out, log->note.data, log->note.len, e);
}

/* Within a transaction: the entry and the proof that it is in the head's tree. */
static int proven_entry(struct tlog *log, uint64_t index, struct buf *entry,
                        struct merkle_proof *proof, struct err *e)
{
    const struct merkle_source source = tlog_source(log);
    struct merkle_hash leaf;
    struct merkle_hash stored;
    bool found = false;
    if (index >= log->head.size)
        return err_set(e, ERR_INPUT, "there is no entry %" PRIu64 ", the log has %" PRIu64, index,
                       log->head.size);
    int rc = log_db_entry(log->db, index, entry, &found, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_LOG, "entry %" PRIu64 " is missing", index);
    if (rc == 0)
        rc = merkle_leaf(entry->data, entry->len, &leaf, e);
    if (rc == 0)
        rc = log_db_node(log->db, 0, index, &stored, e);
    if (rc == 0 && !merkle_equal(&leaf, &stored))
        rc = err_set(e, ERR_LOG, "entry %" PRIu64 " does not have the hash that the tree has of it",
                     index);
    if (rc == 0)
        rc = merkle_prove_inclusion(&source, index, log->head.size, proof, e);
    if (rc == 0)
        rc = merkle_check_inclusion(&leaf, index, log->head.size, proof, &log->head.root, e);
    return rc;
}

/* The same as a transaction of its own. */
static int read_entry(struct tlog *log, uint64_t index, struct buf *entry,
                      struct merkle_proof *proof, struct err *e)
{
    int rc = tlog_begin(log, false, e);
    if (rc < 0)
        return rc;
    rc = proven_entry(log, index, entry, proof, e);
    log_db_rollback(log->db);
    return rc < 0 ? err_wrap(e, "log '%s'", log->path) : 0;
}

int tlog_entry(struct tlog *log, uint64_t index, struct buf *out, struct err *e)
{
    AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
    struct merkle_proof proof;
    int rc = read_entry(log, index, &entry, &proof, e);
    if (rc == 0 && entry.len > 0)
        rc = buf_add(out, entry.data, entry.len, e);
    return rc;
}

int tlog_find(struct tlog *log, const void *entry, size_t len, bool *found, uint64_t *index,
              struct err *e)
{
    struct merkle_hash leaf;
    uint64_t at = 0;
    bool some = false;
    int rc = merkle_leaf(entry, len, &leaf, e);
    if (rc == 0)
        rc = tlog_begin(log, false, e);
    if (rc < 0)
        return rc;
    rc = log_db_find(log->db, &leaf, &at, &some, e);
    log_db_rollback(log->db);
    if (rc < 0)
        return rc;
    *found = some && at < log->head.size;
    if (*found)
        *index = at;
    return 0;
}

int tlog_prove(struct tlog *log, uint64_t index, struct buf *out, struct err *e)
{
    AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
    struct tlog_proof proof = {.index = index};
    int rc = read_entry(log, index, &entry, &proof.path, e);
    if (rc < 0)
        return rc;
    proof.checkpoint = log->note.data;
    proof.checkpoint_len = log->note.len;
    return proof_format(&proof, out, e);
}

/* Within a transaction. */
static int prove_since(struct tlog *log, const struct checkpoint *old, struct merkle_proof *proof,
                       struct err *e)
{
    const struct merkle_source source = tlog_source(log);
    proof->count = 0;
    if (old->size > log->head.size)
        return err_set(e, ERR_LOG,
                       "it has %s, fewer than the %" PRIu64
                       " of the checkpoint: it was rolled back, or it is another log",
                       COUNTED(log->head.size, "entry"), old->size);
    if (old->size == 0)
        return 0;
    int rc = merkle_prove_consistency(&source, old->size, log->head.size, proof, e);
    if (rc == 0)
        rc = merkle_check_consistency(old->size, log->head.size, proof, &old->root, &log->head.root,
                                      e);
    return rc;
}

int tlog_prove_consistency(struct tlog *log, const void *note, size_t len, struct buf *out,
                           struct err *e)
{
    struct checkpoint old;
    struct tlog_consistency proof = {0};
    int rc = checkpoint_open(note, len, log->key, &old, e);
    if (rc < 0)
        return err_wrap(e, "the checkpoint to start from");
    rc = tlog_begin(log, false, e);
    if (rc < 0)
        return rc;
    rc = prove_since(log, &old, &proof.path, e);
    log_db_rollback(log->db);
    if (rc < 0)
        return err_wrap(e, "log '%s' does not continue the checkpoint", log->path);
    proof.old_size = old.size;
    proof.checkpoint = log->note.data;
    proof.checkpoint_len = log->note.len;
    return consistency_format(&proof, out, e);
}

int tlog_proof_check(const void *proof, size_t proof_len, const char *vkey, const void *entry,
                     size_t entry_len, uint64_t *index, uint64_t *size, struct err *e)
{
    AUTO_NOTE_KEY struct note_key *key = NULL;
    AUTO_PROOF struct tlog_proof *p = NULL;
    struct checkpoint checkpoint = {0};
    int rc = note_key_parse(vkey, strlen(vkey), &key, e);
    if (rc == 0)
        rc = proof_parse(proof, proof_len, &p, e);
    if (rc == 0)
        rc = proof_check(p, key, entry, entry_len, &checkpoint, e);
    if (rc < 0 || p == NULL)
        return rc;
    *index = p->index;
    *size = checkpoint.size;
    return 0;
}
