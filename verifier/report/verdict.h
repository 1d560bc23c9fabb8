/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: what came of one verification, as a list of checks, as a report
 * for people and machines, and as a SLSA verification summary that the verifier signs.
 */
#ifndef ASSAY_VERIFIER_REPORT_VERDICT_H
#define ASSAY_VERIFIER_REPORT_VERDICT_H

#include "attest/key.h"
#include "base/cli.h"
#include "base/digest.h"

#include <jansson.h>

enum verdict_kind { VERDICT_REPRODUCED, VERDICT_DIFFERS, VERDICT_REJECTED, VERDICT_UNVERIFIABLE };

enum { VERDICT_CHECKS_MAX = 16, VERDICT_TEXT_MAX = 512 };

struct verdict_check {
    const char *id; /* "signature", "policy", …: static */
    bool passed;
    char text[VERDICT_TEXT_MAX];
};

struct verdict {
    enum verdict_kind kind;
    char reason[VERDICT_TEXT_MAX]; /* one line */
    struct verdict_check checks[VERDICT_CHECKS_MAX];
    size_t check_count;
    char *artifact_name; /* the subject's name when it is known, else the file's */
    struct digest artifact_digest;
    uint64_t artifact_size;
    struct digest policy_digest;
    char *policy_name;
    json_t *attestations; /* array of ResourceDescriptors: everything that was read as evidence */
    json_t *rebuild;      /* object, or NULL when none ran */
    json_t *explanation;  /* object: where the artifact and its rebuild differ; NULL = not told */
    uint64_t rebuilds;    /* independent ones that agree, this verifier's included */
};

void verdict_dispose(struct verdict *v);
const char *verdict_name(enum verdict_kind kind);
void verdict_check_add(struct verdict *v, const char *id, bool passed, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The report for --json (schemas/report.schema.json). */
int verdict_report(const struct verdict *v, json_t **out, struct err *e);
/* The report for people. */
void verdict_print(const struct verdict *v, const struct cli *cli);
/* The in-toto statement (VSA, schemas/verdict.schema.json), canonical bytes. Appends. */
int verdict_statement(const struct verdict *v, const char *verifier_id, const char *resource_uri,
                      int64_t now, struct buf *out, struct err *e);
/* The statement, signed: a Sigstore bundle. Appends. */
int verdict_bundle(const struct verdict *v, const char *verifier_id, const char *resource_uri,
                   int64_t now, const struct signing_key *key, struct buf *out, struct err *e);

#endif
