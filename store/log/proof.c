/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/proof.h"

#include "base/encoding.h"
#include "store/log/line.h"

#include <inttypes.h>
#include <string.h>

static int add_path(const struct merkle_proof *path, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < path->count; i++) {
        int rc = line_add_hash(&path->hashes[i], out, e);
        if (rc < 0)
            return rc;
    }
    return buf_add_str(out, "\n", e);
}

/* Hash lines up to and with the empty line. */
static int read_path(struct reader *r, const char *what, struct merkle_proof *out, struct err *e)
{
    struct line line;
    out->count = 0;
    while (line_next(r, &line)) {
        if (line.len == 0)
            return 0;
        if (out->count == MERKLE_PROOF_MAX)
            return err_set(e, ERR_INPUT, "malformed %s: more than %d hashes", what,
                           MERKLE_PROOF_MAX);
        if (!line_hash(&line, &out->hashes[out->count]))
            return err_set(e, ERR_INPUT,
                           "malformed %s: hash %zu is not the base64 of a SHA-256 hash", what,
                           out->count + 1);
        out->count++;
    }
    return err_set(e, ERR_INPUT, "malformed %s: it ends before its checkpoint", what);
}

/* What is left of the document. */
static int read_rest(const struct reader *r, const char *what, uint8_t **out, size_t *out_len,
                     struct err *e)
{
    size_t len = reader_left(r);
    if (len == 0)
        return err_set(e, ERR_INPUT, "malformed %s: it has no checkpoint", what);
    uint8_t *p = malloc(len);
    if (p == NULL)
        return err_oom(e);
    memcpy(p, r->p, len);
    *out = p;
    *out_len = len;
    return 0;
}

/* ---- inclusion ------------------------------------------------------------- */

static const char what_proof[] = "log proof";

int proof_format(const struct tlog_proof *proof, struct buf *out, struct err *e)
{
    int rc = buf_add_str(out, PROOF_HEADER "\n", e);
    if (rc == 0 && proof->extra != NULL) {
        rc = buf_add_str(out, "extra ", e);
        if (rc == 0)
            rc = base64_encode(proof->extra, proof->extra_len, out, e);
        if (rc == 0)
            rc = buf_add_str(out, "\n", e);
    }
    if (rc == 0)
        rc = buf_addf(out, e, "index %" PRIu64 "\n", proof->index);
    if (rc == 0)
        rc = add_path(&proof->path, out, e);
    if (rc == 0)
        rc = buf_add(out, proof->checkpoint, proof->checkpoint_len, e);
    return rc;
}

static int read_extra(const struct line *coded, struct tlog_proof *proof, struct err *e)
{
    AUTO_BUF raw = BUF_INIT(PROOF_EXTRA_MAX);
    int rc = base64_decode(coded->text, coded->len, &raw, e);
    if (rc < 0)
        return err_wrap(e, "malformed %s: extra data", what_proof);
    proof->extra_len = raw.len;
    proof->extra = (uint8_t *)buf_steal(&raw);
    return proof->extra == NULL ? err_oom(e) : 0;
}

int proof_parse(const void *data, size_t len, struct tlog_proof **out, struct err *e)
{
    if (len > PROOF_MAX)
        return err_set(e, ERR_INPUT, "malformed %s: longer than %d bytes", what_proof, PROOF_MAX);
    struct reader r = {.p = data, .end = (const uint8_t *)data + len};
    struct line line;
    struct line rest;
    if (!line_next(&r, &line) || !line_is(&line, PROOF_HEADER))
        return err_set(e, ERR_INPUT, "not a %s (its first line is not '%s')", what_proof,
                       PROOF_HEADER);
    AUTO_PROOF struct tlog_proof *proof = array_new(1, sizeof(*proof));
    if (proof == NULL)
        return err_oom(e);
    bool more = line_next(&r, &line);
    if (more && line_after(&line, "extra ", &rest)) {
        int rc = read_extra(&rest, proof, e);
        if (rc < 0)
            return rc;
        more = line_next(&r, &line);
    }
    if (!more || !line_after(&line, "index ", &rest) || !line_number(&rest, &proof->index))
        return err_set(e, ERR_INPUT, "malformed %s: no index line", what_proof);
    int rc = read_path(&r, what_proof, &proof->path, e);
    if (rc == 0)
        rc = read_rest(&r, what_proof, &proof->checkpoint, &proof->checkpoint_len, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&proof);
    return 0;
}

void proof_free(struct tlog_proof *proof)
{
    if (proof == NULL)
        return;
    free(proof->extra);
    free(proof->checkpoint);
    free(proof);
}

int proof_check(const struct tlog_proof *proof, const struct note_key *key, const void *entry,
                size_t entry_len, struct checkpoint *checkpoint, struct err *e)
{
    struct checkpoint c;
    struct merkle_hash leaf;
    int rc = checkpoint_open(proof->checkpoint, proof->checkpoint_len, key, &c, e);
    if (rc == 0)
        rc = merkle_leaf(entry, entry_len, &leaf, e);
    if (rc == 0)
        rc = merkle_check_inclusion(&leaf, proof->index, c.size, &proof->path, &c.root, e);
    if (rc == 0)
        *checkpoint = c;
    return rc;
}

/* ---- consistency ------------------------------------------------------------ */

static const char what_consistency[] = "consistency proof";

int consistency_format(const struct tlog_consistency *proof, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e, "old %" PRIu64 "\n", proof->old_size);
    if (rc == 0)
        rc = add_path(&proof->path, out, e);
    if (rc == 0)
        rc = buf_add(out, proof->checkpoint, proof->checkpoint_len, e);
    return rc;
}

int consistency_parse(const void *data, size_t len, struct tlog_consistency **out, struct err *e)
{
    if (len > PROOF_MAX)
        return err_set(e, ERR_INPUT, "malformed %s: longer than %d bytes", what_consistency,
                       PROOF_MAX);
    struct reader r = {.p = data, .end = (const uint8_t *)data + len};
    struct line line;
    struct line rest;
    AUTO_CONSISTENCY struct tlog_consistency *proof = array_new(1, sizeof(*proof));
    if (proof == NULL)
        return err_oom(e);
    if (!line_next(&r, &line) || !line_after(&line, "old ", &rest) ||
        !line_number(&rest, &proof->old_size))
        return err_set(e, ERR_INPUT, "not a %s (its first line is not 'old SIZE')",
                       what_consistency);
    int rc = read_path(&r, what_consistency, &proof->path, e);
    if (rc == 0)
        rc = read_rest(&r, what_consistency, &proof->checkpoint, &proof->checkpoint_len, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&proof);
    return 0;
}

void consistency_free(struct tlog_consistency *proof)
{
    if (proof == NULL)
        return;
    free(proof->checkpoint);
    free(proof);
}

int consistency_check(const struct tlog_consistency *proof, const struct note_key *key,
                      const struct checkpoint *old, struct checkpoint *checkpoint, struct err *e)
{
    struct checkpoint c;
    int rc = checkpoint_open(proof->checkpoint, proof->checkpoint_len, key, &c, e);
    if (rc < 0)
        return rc;
    if (strcmp(old->origin, c.origin) != 0)
        return err_set(e, ERR_LOG, "the checkpoints are of two logs, '%s' and '%s'", old->origin,
                       c.origin);
    if (proof->old_size != old->size)
        return err_set(e, ERR_LOG,
                       "the consistency proof starts at size %" PRIu64
                       ", the old checkpoint is of size %" PRIu64,
                       proof->old_size, old->size);
    if (old->size == 0 && proof->path.count != 0)
        return err_set(e, ERR_LOG, "a consistency proof from size 0 has no hashes, this one has");
    if (old->size != 0)
        rc = merkle_check_consistency(old->size, c.size, &proof->path, &old->root, &c.root, e);
    if (rc == 0)
        *checkpoint = c;
    return rc;
}
