/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verification from end to end: signature, policy, subject, provenance,
 * rebuild, comparison, other verifiers' rebuilds; and the verdict.
 */
#ifndef ASSAY_VERIFIER_VERIFICATION_H
#define ASSAY_VERIFIER_VERIFICATION_H

#include "verifier/report/verdict.h"

struct verification_options {
    const char *artifact;            /* file, OCI layout directory, or stored machine */
    const char *bundle;              /* the provenance's bundle or envelope */
    const char *policy;              /* file */
    const char *const *attestations; /* other verifiers' signed verdicts */
    size_t attestation_count;
    const char *scratch; /* existing directory */
    bool rebuild;
    const char *builder; /* assay-build; needed with rebuild, as all below */
    const char *store;
    const char *materials; /* a self-contained plan with inputs that the store lacks; NULL = none */
    unsigned jobs;
};

/*
 * 0 when a verdict was reached, whatever it is: *code is the exit code that it
 * stands for (0, 1, 3, 5 or 6). Negative when none could be: a wrong policy
 * (ERR_USAGE), an unreadable artifact or bundle (ERR_INPUT), a host that failed (ERR_HOST).
 */
int verification_run(const struct verification_options *options, struct verdict *verdict,
                     enum err_code *code, struct err *e);

#endif
