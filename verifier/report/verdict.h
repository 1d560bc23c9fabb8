/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: what came of one verification, as a list of checks, as a report
 * for people and machines, and as a SLSA verification summary that the verifier signs
 * (docs/formats/verdict.md).
 */
#ifndef ASSAY_VERIFIER_REPORT_VERDICT_H
#define ASSAY_VERIFIER_REPORT_VERDICT_H

#include "attest/key.h"
#include "base/cli.h"
#include "base/digest.h"

#include <jansson.h>

enum verdict_kind {
    VERDICT_REPRODUCED,
    VERDICT_DIFFERS,
    VERDICT_BUILD_FAILED,
    VERDICT_INCONCLUSIVE,
    VERDICT_INPUT_UNAVAILABLE,
    VERDICT_REJECTED,
};

enum { VERDICT_CHECKS_MAX = 16, VERDICT_TEXT_MAX = 512 };

struct verdict_check {
    const char *id; /* "signature", "policy", …: static */
    bool passed;
    char text[VERDICT_TEXT_MAX];
};

struct verdict {
    enum verdict_kind kind;
    enum err_code code;            /* the exit code that it stands for */
    char reason[VERDICT_TEXT_MAX]; /* one clause; foreign text in it */
    struct verdict_check checks[VERDICT_CHECKS_MAX];
    size_t check_count;
    char *artifact_name;  /* the subject's name when it is known, else the file's */
    char *reference;      /* of a registry that it was pulled from; NULL = it was here */
    struct digest pulled; /* the manifest's that the reference named then */
    struct digest artifact_digest;
    uint64_t artifact_size;
    struct digest policy_digest;
    char *policy_name;
    json_t *attestations; /* array of ResourceDescriptors: everything that was read as evidence */
    json_t *rebuild;      /* object, or NULL when none ran to its end */
    json_t *steps;        /* array of descriptors: what each step of the rebuild gave; or NULL */
    json_t *explanation;  /* object: where the artifact and its rebuild differ; NULL = not told */
    uint64_t rebuilds;    /* independent ones that agree, this verifier's included */
    bool rebuilt_here; /* this verifier's own rebuild gave the artifact, whether it counts or not */
    size_t log_entries; /* of the evidence's bundles, which nobody checked */
    size_t timestamps;
};

void verdict_dispose(struct verdict *v);
const char *verdict_name(enum verdict_kind kind);
/* The texts may be foreign: they are cut between characters and made UTF-8. */
void verdict_check_add(struct verdict *v, const char *id, bool passed, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void verdict_reach(struct verdict *v, enum verdict_kind kind, enum err_code code, const char *fmt,
                   ...) __attribute__((format(printf, 4, 5)));

/* The report for --json (schemas/report.schema.json). */
int verdict_report(const struct verdict *v, json_t **out, struct err *e);
/* The report for people. */
void verdict_print(const struct verdict *v, const struct cli *cli);

struct verdict_signer {
    const struct signing_key *key;
    const char *verifier_id;
    const char *resource_uri;
    int64_t now;
};
/*
 * The in-toto statement (VSA, schemas/verdict.schema.json), canonical bytes, signed in a Sigstore
 * bundle, with a final newline. It is shortened until the bundle has at most `max` bytes: first the
 * differences that are listed and the texts, then the names of what was read as evidence. Appends.
 */
int verdict_bundle(const struct verdict *v, const struct verdict_signer *signer, size_t max,
                   struct buf *out, struct err *e);
/*
 * The list that stands beside the signed verdict, which names it by digest: canonical JSON of
 * `steps`. Nothing when there is none. Appends.
 */
int verdict_steps(const struct verdict *v, struct buf *out, struct err *e);

#endif
