/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy: who must have signed what, and how many independent rebuilds must
 * agree (schemas/policy.schema.json, docs/formats/policy.md). No field that
 * matters for security has an implicit default: all must be stated.
 */
#ifndef ASSAY_VERIFIER_POLICY_POLICY_H
#define ASSAY_VERIFIER_POLICY_POLICY_H

#include "attest/dsse.h"
#include "attest/key.h"
#include "base/digest.h"
#include "base/json.h"

#define POLICY_TYPE ASSAY_URI "policy/v1"

enum {
    POLICY_BYTES_MAX = 1024 * 1024,
    POLICY_ITEMS_MAX = 256, /* artifacts, builders, verifiers, keys of one of them */
    POLICY_REBUILDS_MAX = 64,
};

/* A name (a builder's or a verifier's id) and the keys that may speak for it. */
struct policy_identity {
    const char *id;
    struct public_key **keys;
    size_t key_count;
};

struct policy {
    json_t *document;       /* owns the strings */
    struct digest digest;   /* of the file's bytes */
    const char *name;       /* "" when it has none */
    const char **artifacts; /* globs (fnmatch) over subject names */
    size_t artifact_count;
    struct policy_identity *builders;
    size_t builder_count;
    struct policy_identity *verifiers;
    size_t verifier_count;
    uint64_t rebuilds_minimum;
};

/* A policy is a configuration file: anything wrong with it is ERR_USAGE. */
int policy_parse(const void *data, size_t len, const char *what, struct policy **out,
                 struct err *e);
int policy_read(const char *path, struct policy **out, struct err *e);
void policy_free(struct policy *p);

/* Whether a key is one of theirs. */
bool policy_has_key(const struct policy_identity *identities, size_t count,
                    const struct public_key *key);

/* Whether the policy speaks about an artifact of this name. */
bool policy_covers(const struct policy *p, const char *artifact_name);

/* A key of the policy that signed something, and for whom it may speak. Borrowed. */
struct policy_signer {
    const struct policy_identity *identity;
    const struct public_key *key;
};
struct policy_signers {
    struct policy_signer *items; /* owned */
    size_t count;
};
/*
 * Every key of the identities that signed the envelope (both implementations accept); a key of two
 * identities stands there twice. None is a value, not an error.
 */
int policy_find_signers(const struct policy_identity *identities, size_t count,
                        const struct dsse_envelope *envelope, struct policy_signers *out,
                        struct err *e);
/* The signer that may speak for this id, NULL when none of them may. */
const struct policy_signer *policy_signer_for(const struct policy_signers *signers, const char *id);
void policy_signers_dispose(struct policy_signers *signers);

static inline void scope_policy(struct policy **p)
{
    policy_free(*p);
}
#define AUTO_POLICY AUTO(scope_policy)

#endif
