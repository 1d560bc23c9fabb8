/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/log.h"

#include "base/file.h"
#include "store/log/log_internal.h"
#include "store/log/proof.h"

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
    int rc = str_copy(&log->path, path, e);
    if (rc == 0)
        rc = path_join(&file, path, "log.db", e);
    if (rc == 0)
        rc = read_vkey(log, e);
    if (rc == 0 && passphrase != NULL)
        rc = read_signing_key(log, passphrase, e);
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
    free(log->vkey);
    free(log->path);
    free(log);
}

/* ---- the head ------------------------------------------------------------------ */

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
    if (rc < 0)
        return rc;
    buf_dispose(&log->note);
    log->note = note;
    note = (struct buf)BUF_INIT(0);
    log->head = head;
    log->range = range;
    log->have_head = true;
    return 0;
}

/* Starts a transaction in which the head is the newest. On failure there is none. */
static int begin(struct tlog *log, bool write, struct err *e)
{
    int rc = log_db_begin(log->db, write, e);
    if (rc == 0)
        rc = load_head(log, e);
    if (rc == 0)
        return 0;
    log_db_rollback(log->db);
    return err_wrap(e, "log '%s'", log->path);
}

int tlog_open(const char *path, const char *passphrase, struct tlog **out, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    int rc = tlog_attach(path, passphrase, &log, e);
    if (rc == 0)
        rc = begin(log, false, e);
    if (rc < 0)
        return rc;
    log_db_rollback(log->db);
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

/* ---- appending ------------------------------------------------------------------ */

static int sink_node(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash,
                     struct err *e)
{
    struct tlog *log = context;
    return log_db_add_node(log->db, level, index, hash, e);
}

static int add_item(struct tlog *log, struct merkle_range *range, const struct tlog_item *item,
                    struct err *e)
{
    const struct merkle_sink sink = {.context = log, .node = sink_node};
    struct merkle_hash leaf;
    int rc = merkle_leaf(item->data, item->len, &leaf, e);
    if (rc == 0)
        rc = log_db_add_entry(log->db, range->size, item->data, item->len, e);
    if (rc == 0)
        rc = merkle_range_add(range, &leaf, &sink, e);
    return rc;
}

/* Within a write transaction: the entries, their nodes, the checkpoint over them. */
static int write_items(struct tlog *log, const struct tlog_item *items, size_t count,
                       struct merkle_range *range, struct checkpoint *head, struct buf *note,
                       struct err *e)
{
    int rc = 0;
    *range = log->range;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_item(log, range, &items[i], e);
    *head = log->head;
    head->size = range->size;
    if (rc == 0)
        rc = merkle_range_root(range, &head->root, e);
    if (rc == 0)
        rc = checkpoint_sign(head, log->signing, note, e);
    if (rc == 0)
        rc = log_db_add_checkpoint(log->db, head->size, note->data, note->len, e);
    return rc;
}

int tlog_append_all(struct tlog *log, const struct tlog_item *items, size_t count, uint64_t *first,
                    struct err *e)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    struct merkle_range range;
    struct checkpoint head;
    if (log->signing == NULL)
        return err_set(e, ERR_USAGE, "log '%s' is open for reading only", log->path);
    if (count == 0)
        return err_set(e, ERR_USAGE, "there is nothing to append to log '%s'", log->path);
    for (size_t i = 0; i < count; i++)
        if (items[i].len > LOG_ENTRY_MAX)
            return err_set(e, ERR_INPUT, "an entry of %zu bytes is too long for a log (at most %d)",
                           items[i].len, LOG_ENTRY_MAX);
    int rc = begin(log, true, e);
    if (rc < 0)
        return rc;
    uint64_t at = log->head.size;
    rc = write_items(log, items, count, &range, &head, &note, e);
    if (rc == 0)
        rc = log_db_commit(log->db, e);
    if (rc < 0) {
        log_db_rollback(log->db);
        return err_wrap(e, "cannot append to log '%s'", log->path);
    }
    log->range = range;
    log->head = head;
    struct buf old = log->note;
    log->note = note;
    note = old;
    *first = at;
    return 0;
}

int tlog_append(struct tlog *log, const void *entry, size_t len, uint64_t *index, struct err *e)
{
    const struct tlog_item item = {.data = entry, .len = len};
    return tlog_append_all(log, &item, 1, index, e);
}

/* ---- reading ----------------------------------------------------------------------- */

int tlog_checkpoint(struct tlog *log, struct buf *out, struct err *e)
{
    int rc = begin(log, false, e);
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
    int rc = begin(log, false, e);
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
        rc = begin(log, false, e);
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
                       "it has %" PRIu64 " entries, fewer than the %" PRIu64
                       " of the checkpoint: it was rolled back, or it is another log",
                       log->head.size, old->size);
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
    rc = begin(log, false, e);
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
    struct checkpoint checkpoint;
    int rc = note_key_parse(vkey, strlen(vkey), &key, e);
    if (rc == 0)
        rc = proof_parse(proof, proof_len, &p, e);
    if (rc == 0)
        rc = proof_check(p, key, entry, entry_len, &checkpoint, e);
    if (rc < 0)
        return rc;
    *index = p->index;
    *size = checkpoint.size;
    return 0;
}
