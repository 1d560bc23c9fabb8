/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of a verification; nobody else includes it. */
#ifndef ASSAY_VERIFIER_VERIFICATION_INTERNAL_H
#define ASSAY_VERIFIER_VERIFICATION_INTERNAL_H

#include "verifier/compare/artifact.h"
#include "verifier/evidence/claims.h"
#include "verifier/evidence/others.h"
#include "verifier/rebuild/rebuild.h"
#include "verifier/verification.h"

/* Everything that the checks of one artifact share. */
struct run {
    const struct verification_options *options;
    const struct verification_target *target;
    const struct policy *policy;
    struct verdict *verdict;
    struct artifact artifact;
    struct evidence provenance;
    const struct statement_subject *subject;
    const struct policy_signer *signer; /* who may speak for the builder */
    struct claims claims;
    struct others others;
    char *resource_uri;
    bool decided;  /* a verdict was reached: no later check runs */
    bool stranger; /* a machine, and not what was signed */
    bool failed;   /* there can be no verdict: nothing runs */
};

/* One plan's rebuild, whoever of the artifacts it is for. */
struct shared_rebuild {
    struct digest plan;
    json_t *names; /* with --only: array of the outputs that are built; else NULL */
    struct rebuild rebuild;
};

/* All artifacts, and what they share. */
struct session {
    const struct verification_options *options;
    struct policy *policy;
    struct run *runs;
    size_t count;
    struct shared_rebuild *rebuilds;
    size_t rebuild_count;
};

/* Reaches the verdict with one more failed check. Always 0, for `return run_decide(…)`. */
int run_decide(struct run *run, enum verdict_kind kind, enum err_code code, const char *id,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The members that differ become the verdict's explanation, unless it has one. */
int run_list(struct run *run, const struct contradictions *c, struct err *e);

/* Whether this verifier signs with a key of a builder: then its rebuild is none that counts. */
bool run_is_builder(const struct run *run);

/* verification_rebuild.c */
/* Builds the plan again, unless it was for another artifact, and compares; decides unless all is
 * the same. */
int run_rebuild(struct session *s, struct run *run, struct err *e);
/* Adds to the verdict what became of a machine that was changed after it was signed. */
void run_explain_stranger(struct session *s, struct run *run);
/* Leaves the rebuilt artifacts where they are asked for. */
void session_keep(struct session *s);
void session_dispose_rebuilds(struct session *s);

/* verification_others.c */
/* Counts other verifiers' verdicts, each for the artifact that it is about. */
int session_attestations(struct session *s, struct err *e);
/* Remembers a file as evidence of the verdict, by name and digest. */
int run_add_evidence(struct run *run, const struct evidence *ev, struct err *e);

#endif
