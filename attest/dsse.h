/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DSSE v1.0.2 envelopes inside Sigstore bundles v0.3 with a plain key
 * (docs/formats/attestations.md, "Envelope").
 */
#ifndef ASSAY_ATTEST_DSSE_H
#define ASSAY_ATTEST_DSSE_H

#include "attest/key.h"
#include "base/json.h"

enum {
    DSSE_PAYLOAD_MAX = 32 * 1024 * 1024, /* bytes */
    DSSE_SIGNATURES_MAX = 16,
    DSSE_SIGNATURE_BYTES_MAX = 8 * 1024, /* of one signature */
    DSSE_TYPE_MAX = 256,                 /* bytes of a payloadType */
    DSSE_KEYID_MAX = 1024,               /* bytes of a keyid or of a bundle's hint */
    DSSE_LOG_ENTRIES_MAX = 64,           /* of a bundle; as many time stamps */
    /* Base64 of the largest payload, and room for the rest. */
    DSSE_DOCUMENT_MAX = DSSE_PAYLOAD_MAX / 3 * 4 + 1024 * 1024,
};

struct dsse_signature {
    char *keyid; /* a hint, never evidence; "" when absent */
    uint8_t *sig;
    size_t sig_len;
};

struct dsse_envelope {
    char *payload_type;
    uint8_t *payload; /* the very bytes that were signed */
    size_t payload_len;
    struct dsse_signature *signatures;
    size_t signature_count;
    char *bundle_type; /* the bundle's mediaType; NULL for a bare envelope */
    char *hint;        /* the bundle's publicKey.hint; NULL for a certificate or a bare envelope */
    bool certificate;  /* the bundle names a certificate (chain) in place of a key */
    /* The bundle's entries of transparency logs and RFC 3161 time stamps. Nothing here checks
     * them: who reports about the bundle says so. */
    size_t log_entries;
    size_t timestamps;
};

/* Pre-authentication encoding: "DSSEv1 SP len(type) SP type SP len(body) SP body". Appends. */
int dsse_pae(const char *type, const void *body, size_t len, struct buf *out, struct err *e);
/* A new envelope with one signature, whose keyid is the key's id. */
int dsse_sign(const struct signing_key *key, const char *type, const void *body, size_t len,
              struct dsse_envelope **out, struct err *e);
/*
 * Reads a bare DSSE envelope or a Sigstore bundle (v0.1 to v0.3) that holds one. Duplicate
 * members are refused, unknown ones ignored (the formats demand it); null is absent, and base64 is
 * read leniently, as proto3 JSON is in the field; a bundle's envelope has exactly one signature.
 * ERR_INPUT. `what` names the document.
 */
int dsse_parse(const void *data, size_t len, const char *what, struct dsse_envelope **out,
               struct err *e);
int dsse_read(const char *path, struct dsse_envelope **out, struct err *e);
/* Canonical JSON of the bare envelope, without a final newline. Appends. */
int dsse_format(const struct dsse_envelope *envelope, struct buf *out, struct err *e);
/* The same of a Sigstore bundle v0.3 whose publicKey.hint is the keyid. One signature only;
 * ERR_INPUT when that or the payload is empty. */
int bundle_format(const struct dsse_envelope *envelope, struct buf *out, struct err *e);
void dsse_free(struct dsse_envelope *envelope);
/*
 * Whether `key` signed it (both implementations). A keyid is never evidence: each signature is
 * tried whatever it says. ERR_REJECTED when none verifies.
 */
int dsse_verify(const struct dsse_envelope *envelope, const struct public_key *key, struct err *e);

/*
 * Which of `keys` signed it: signed_by[k] tells of the k-th. A keyid only says which key is tried
 * first, so that one envelope costs one check and not as many as there are keys. Nobody is a value.
 */
int dsse_signers(const struct dsse_envelope *envelope, const struct public_key *const *keys,
                 size_t count, bool *signed_by, struct err *e);

/*
 * Whether the payload's type is in-toto's (MEDIA_INTOTO), or that of one of its
 * predicates (MEDIA_INTOTO_PREFIX). What it claims is in the payload's predicateType only.
 */
bool dsse_is_intoto(const struct dsse_envelope *envelope);

/* "none" or "not checked": what is true of the bundle's log entries and time stamps. Static. */
const char *dsse_log_evidence(const struct dsse_envelope *envelope);
/* The same as a member `logEvidence` {status, entries, timestamps} of a report. */
int dsse_put_log_evidence(json_t *report, const struct dsse_envelope *envelope, struct err *e);

static inline void scope_dsse(struct dsse_envelope **d)
{
    dsse_free(*d);
}
#define AUTO_DSSE AUTO(scope_dsse)

#endif
