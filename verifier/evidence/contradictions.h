/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two statements, member by member: what one has to be, and what was signed. Each member that
 * differs is named by its path ("predicate.buildDefinition.resolvedDependencies[0].uri").
 *
 * Null, empty and absent are one (SLSA v1). Members that neither in-toto v1 nor SLSA v1 defines
 * mean nothing, so they contradict nothing; neither does runDetails.metadata, which nobody can
 * build again. Both are listed as passed over.
 */
#ifndef ASSAY_VERIFIER_EVIDENCE_CONTRADICTIONS_H
#define ASSAY_VERIFIER_EVIDENCE_CONTRADICTIONS_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

enum { CONTRADICTIONS_LISTED = 50 };

struct contradictions {
    json_t *list; /* array of texts, the first ones; NULL before the first */
    size_t count; /* of all */
    json_t
        *passed; /* array of paths that were passed over, the first ones; NULL before the first */
};

/* In what has to be, this stands for what is not known beforehand. */
enum contradictions_any {
    ANY_TEXT,   /* any text, also none */
    ANY_SHA256, /* 64 lower-case hex digits */
    ANY_HEX,    /* lower-case hex digits, an even number of them */
};
/* New; NULL when there is no memory. */
json_t *contradictions_any(enum contradictions_any what);

/* Adds what contradicts `wanted` in `found`; both are whole statements, or parts of them at `path`.
 */
int contradictions_find(const json_t *wanted, const json_t *found, const char *path,
                        struct contradictions *out, struct err *e);
void contradictions_dispose(struct contradictions *c);
/* The first one, and how many more there are, as a clause. */
void contradictions_clause(const struct contradictions *c, char *text, size_t size);

#endif
