/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of a verification; nobody else includes it. */
#ifndef ASSAY_VERIFIER_VERIFICATION_INTERNAL_H
#define ASSAY_VERIFIER_VERIFICATION_INTERNAL_H

#include "verifier/compare/artifact.h"
#include "verifier/evidence/claims.h"
#include "verifier/evidence/others.h"
#include "verifier/verification.h"

/* Everything that the checks of one run share. */
struct run {
    const struct verification_options *options;
    struct verdict *verdict;
    struct policy *policy;
    struct artifact artifact;
    struct evidence provenance;
    const struct statement_subject *subject;
    const struct policy_signer *signer; /* who may speak for the builder */
    struct claims claims;
    struct others others;
    char *resource_uri;
    bool decided; /* a verdict was reached: no later check runs */
};

/* Reaches the verdict with one more failed check. Always 0, for `return run_decide(…)`. */
int run_decide(struct run *run, enum verdict_kind kind, enum err_code code, const char *id,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The members that differ become the verdict's explanation, unless it has one. */
int run_list(struct run *run, const struct contradictions *c, struct err *e);

/* Whether this verifier signs with a key of a builder: then its rebuild is none that counts. */
bool run_is_builder(const struct run *run);

/* verification_rebuild.c */
/* Builds the plan again and compares; decides unless all is the same. */
int run_rebuild(struct run *run, struct err *e);
/* Adds to the verdict what became of a machine that was changed after it was signed. */
void run_explain_stranger(struct run *run);

#endif
