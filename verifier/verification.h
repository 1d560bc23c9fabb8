/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifications from end to end: signature, provenance, subject, policy, other verifiers' rebuilds,
 * rebuild, comparison; and a verdict for each artifact. What several artifacts share are the policy
 * and the rebuild of a plan; evidence counts for the artifact that it is about, and for no other.
 */
#ifndef ASSAY_VERIFIER_VERIFICATION_H
#define ASSAY_VERIFIER_VERIFICATION_H

#include "verifier/report/verdict.h"

enum { VERIFICATION_ATTESTATIONS_MAX = 128 };

/* Where the rebuilt artifacts are left, and whether they are there. */
struct verification_keep {
    const char *directory; /* that is not there yet; NULL = they are removed */
    bool done;
    struct err failure; /* why they could not be left there; the verdicts stand all the same */
};

struct verification_options {
    const char *policy;              /* file */
    const char *const *attestations; /* other verifiers' signed verdicts */
    size_t attestation_count;        /* at most VERIFICATION_ATTESTATIONS_MAX */
    const char *resource_uri;        /* what the verdict is about; NULL = file:NAME */
    const char *own_id;              /* this verifier's; NULL = it has none */
    const struct public_key *own_key;
    const char *scratch; /* existing directory */
    bool rebuild;
    bool only;           /* build what the artifacts need, and nothing else of the plan */
    const char *builder; /* assay-build; needed with rebuild, as all below */
    const char *store;
    const char *materials; /* a self-contained plan with inputs that the store lacks; NULL = none */
    unsigned jobs;
    bool quiet; /* no progress, not even on a terminal */
    struct verification_keep *keep;
};

/* A bundle or envelope of provenance: the file, and what it is called. */
struct verification_bundle {
    const char *path;
    const char *name;
};

struct verification_target {
    const char *artifact; /* file, OCI layout directory, or stored machine */
    const char *name;     /* what it is called: its path, or a registry's reference */
    /*
     * Of several, the first counts that is all it should be but for what only a rebuild tells; of
     * none, the verdict is that the evidence is missing.
     */
    const struct verification_bundle *bundles;
    size_t bundle_count;
    /* Of one that was pulled: */
    const struct digest *pulled;   /* its manifest's digest; NULL = it was here */
    const struct digest *expected; /* what it has to be; NULL = anything */
};

/* What came of one: a verdict, or the reason why there can be none. */
struct verification_outcome {
    struct verdict verdict;
    struct err failure; /* ERR_NONE: a verdict was reached */
};

/*
 * An outcome that is a failure already (the artifact could not be had) stays what it is.
 *
 * 0 when each artifact has its outcome, whatever it is. An outcome without a verdict is the
 * caller's own mistake with that artifact: it or its evidence is not there, or it has no digest
 * (ERR_INPUT). Negative when nothing can be said of any: a wrong policy (ERR_USAGE), a builder that
 * is none, a host that has no memory (ERR_HOST).
 */
int verification_run(const struct verification_options *options,
                     const struct verification_target *targets, size_t count,
                     struct verification_outcome *outcomes, struct err *e);

#endif
