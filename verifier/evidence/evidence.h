/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One piece of signed evidence: the provenance of --bundle or another verifier's verdict of
 * --attestation. Both take the same steps, in this order; each step finds nothing, or the one thing
 * that ends them.
 */
#ifndef ASSAY_VERIFIER_EVIDENCE_EVIDENCE_H
#define ASSAY_VERIFIER_EVIDENCE_EVIDENCE_H

#include "attest/statement.h"
#include "verifier/evidence/finding.h"
#include "verifier/policy/policy.h"

struct evidence {
    const char *path;     /* what it is called; borrowed */
    struct digest digest; /* of the file's bytes */
    struct dsse_envelope *envelope;
    struct policy_signers signers;
    struct statement *statement;
};

/* The file: ERR_INPUT when there is none. Then the bundle or envelope in it: malformed otherwise.
 */
int evidence_read(const char *path, struct evidence *out, struct finding *f, struct err *e);
/* The same of a file that is called otherwise. `name` is borrowed. */
int evidence_read_as(const char *path, const char *name, struct evidence *out, struct finding *f,
                     struct err *e);
/* Who signed it, of these identities: "no `who` that the policy trusts signed `what`". */
int evidence_signature(struct evidence *ev, const struct policy_identity *identities, size_t count,
                       const char *who, const char *what, struct finding *f, struct err *e);
/* What was signed: an in-toto statement with this predicate. */
int evidence_statement(struct evidence *ev, const char *predicate_type, const char *what,
                       struct finding *f, struct err *e);
/* The subject with this digest (names do not matter); borrowed. */
int evidence_subject(const struct evidence *ev, const struct digest *digest, const char *name,
                     const struct statement_subject **out, struct finding *f);
/* The signer that may speak for the `role` (builder, verifier) of this id; borrowed. */
int evidence_identity(const struct evidence *ev, const char *id, const char *role,
                      const struct policy_signer **out, struct finding *f);
void evidence_dispose(struct evidence *ev);

#endif
