/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verification from end to end: signature, provenance, subject, policy, other verifiers'
 * rebuilds, rebuild, comparison; and the verdict.
 */
#ifndef ASSAY_VERIFIER_VERIFICATION_H
#define ASSAY_VERIFIER_VERIFICATION_H

#include "verifier/report/verdict.h"

enum { VERIFICATION_ATTESTATIONS_MAX = 128 };

struct verification_options {
    const char *artifact;            /* file, OCI layout directory, or stored machine */
    const char *bundle;              /* the provenance's bundle or envelope */
    const char *policy;              /* file */
    const char *const *attestations; /* other verifiers' signed verdicts */
    size_t attestation_count;        /* at most VERIFICATION_ATTESTATIONS_MAX */
    const char *resource_uri;        /* what the verdicts are about; NULL = file:NAME */
    const char *own_id;              /* this verifier's; NULL = it has none */
    const struct public_key *own_key;
    const char *scratch; /* existing directory */
    bool rebuild;
    const char *builder; /* assay-build; needed with rebuild, as all below */
    const char *store;
    const char *materials; /* a self-contained plan with inputs that the store lacks; NULL = none */
    unsigned jobs;
};

/*
 * 0 when a verdict was reached, whatever it is. Negative when none could be, which is the caller's
 * own mistake: a wrong policy (ERR_USAGE), an artifact or evidence that is not there, an artifact
 * that has no digest (ERR_INPUT), a builder that is none, a host that has no memory (ERR_HOST).
 */
int verification_run(const struct verification_options *options, struct verdict *verdict,
                     struct err *e);

#endif
