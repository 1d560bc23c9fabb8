/*
 * DSSE v1.0.2 envelopes inside Sigstore bundles v0.3 with a plain key
 * (spec transparency, sections 1 and 12).
 */
#ifndef ASSAY_ATTEST_DSSE_H
#define ASSAY_ATTEST_DSSE_H

#include "attest/key.h"
#include "base/json.h"

#define DSSE_INTOTO_TYPE "application/vnd.in-toto+json"
#define BUNDLE_MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"

enum { DSSE_PAYLOAD_MAX = 32 * 1024 * 1024, DSSE_SIGNATURES_MAX = 16 };

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
};

/* Pre-authentication encoding: appends. */
int dsse_pae(const char *type, const void *body, size_t len, struct buf *out, struct err *e);
int dsse_sign(const struct signing_key *key, const char *type, const void *body, size_t len,
              struct dsse_envelope **out, struct err *e);
/* Reads a bare DSSE envelope or a Sigstore bundle (v0.1 to v0.3) that holds one. */
int dsse_parse(const void *data, size_t len, const char *what, struct dsse_envelope **out,
               struct err *e);
int dsse_read(const char *path, struct dsse_envelope **out, struct err *e);
/* Canonical JSON of the bare envelope / of a Sigstore bundle v0.3 whose hint is the key id.
 * Appends. */
int dsse_format(const struct dsse_envelope *envelope, struct buf *out, struct err *e);
int bundle_format(const struct dsse_envelope *envelope, struct buf *out, struct err *e);
void dsse_free(struct dsse_envelope *envelope);
/* Whether `key` signed it (both implementations). ERR_REJECTED when it did not. */
int dsse_verify(const struct dsse_envelope *envelope, const struct public_key *key, struct err *e);

static inline void scope_dsse(struct dsse_envelope **d)
{
    dsse_free(*d);
}
#define AUTO_DSSE AUTO(scope_dsse)

#endif
