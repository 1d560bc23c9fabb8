/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another verifier's verdict (a SLSA verification summary as docs/formats/verdict.md has it), and
 * whether it shows one more independent rebuild of this artifact from this plan.
 */
#ifndef ASSAY_VERIFIER_EVIDENCE_OTHERS_H
#define ASSAY_VERIFIER_EVIDENCE_OTHERS_H

#include "verifier/evidence/evidence.h"

/* What every verdict has to be about, and who cannot give one. All borrowed. */
struct others_question {
    const struct policy_identity *verifiers;
    size_t verifier_count;
    struct digest artifact;
    const char *artifact_name;
    struct digest plan;
    const char *resource_uri;
    const struct policy_identity *builders; /* whom the policy trusts to build */
    size_t builder_count;
    const char *own_id;               /* this verifier's; NULL = not known */
    const struct public_key *own_key; /* NULL = not known */
    bool rebuilds;                    /* this verifier rebuilds itself */
};

/* Whose verdicts counted. */
struct others {
    struct policy_signer *counted; /* owned */
    size_t count;
    size_t room;
    size_t own;   /* verdicts of this verifier itself, beside its rebuild: not counted */
    size_t again; /* further verdicts of one that counted */
};

/*
 * Reads one and adds it. A verdict that does not hold is a finding; a second one of the same
 * verifier, by name or by key, holds and does not count.
 */
int others_add(struct others *o, const struct others_question *q, const char *path,
               struct evidence *ev, struct finding *f, struct err *e);
void others_dispose(struct others *o);

#endif
