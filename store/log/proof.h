/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs as documents: c2sp.org/tlog-proof@v1 (docs/formats/log.md, "Proofs"),
 * and consistency proofs in the form of the witness protocol's add-checkpoint
 * request, so that the same file can be sent to a witness.
 * All checks here are offline: a verifier key, the document, the entry.
 */
#ifndef ASSAY_STORE_LOG_PROOF_H
#define ASSAY_STORE_LOG_PROOF_H

#include "store/log/checkpoint.h"

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"

enum { PROOF_MAX = NOTE_MAX + 64 * 1024, PROOF_EXTRA_MAX = 32 * 1024 };

/* An entry is in the tree of a checkpoint. */
struct tlog_proof {
    uint8_t *extra; /* what the document carries beside; NULL when there is none */
    size_t extra_len;
    uint64_t index;
    struct merkle_proof path;
    uint8_t *checkpoint; /* the signed note, verbatim */
    size_t checkpoint_len;
};

/* Appends. `extra` may be NULL. */
int proof_format(const struct tlog_proof *proof, struct buf *out, struct err *e);
/* Strict; ERR_INPUT. Verifies nothing. */
int proof_parse(const void *data, size_t len, struct tlog_proof **out, struct err *e);
void proof_free(struct tlog_proof *proof);
/* The entry is leaf proof->index of the log whose key is `key`; *checkpoint is the one it was shown
 * under. ERR_LOG when not. */
int proof_check(const struct tlog_proof *proof, const struct note_key *key, const void *entry,
                size_t entry_len, struct checkpoint *checkpoint, struct err *e);

/* The tree of a checkpoint continues the first old_size entries. */
struct tlog_consistency {
    uint64_t old_size;
    struct merkle_proof path;
    uint8_t *checkpoint;
    size_t checkpoint_len;
};

int consistency_format(const struct tlog_consistency *proof, struct buf *out, struct err *e);
int consistency_parse(const void *data, size_t len, struct tlog_consistency **out, struct err *e);
void consistency_free(struct tlog_consistency *proof);
/*
 * The document's checkpoint is signed by `key` and continues `old`, a
 * checkpoint that the caller trusts already. Old size 0 is continued by all, and its
 * document has no hashes. *checkpoint is the new one. ERR_LOG when not.
 */
int consistency_check(const struct tlog_consistency *proof, const struct note_key *key,
                      const struct checkpoint *old, struct checkpoint *checkpoint, struct err *e);

static inline void scope_proof(struct tlog_proof **p)
{
    proof_free(*p);
}
static inline void scope_consistency(struct tlog_consistency **p)
{
    consistency_free(*p);
}
#define AUTO_PROOF AUTO(scope_proof)
#define AUTO_CONSISTENCY AUTO(scope_consistency)

#endif
