/* SPDX-License-Identifier: Apache-2.0 */
/*
 * in-toto Statement v1 and the predicates that Assay writes: SLSA provenance v1
 * and SLSA verification summary (VSA) v1 (docs/formats/attestations.md, "Statement").
 */
#ifndef ASSAY_ATTEST_STATEMENT_H
#define ASSAY_ATTEST_STATEMENT_H

#include "base/digest.h"
#include "base/json.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define STATEMENT_TYPE_V01 "https://in-toto.io/Statement/v0.1"
#define PROVENANCE_TYPE "https://slsa.dev/provenance/v1"
#define VSA_TYPE "https://slsa.dev/verification_summary/v1"

enum {
    STATEMENT_SUBJECTS_MAX = 16384,
    STATEMENT_NAME_MAX = 4096, /* bytes of a name or URI */
    STATEMENT_BYTES_MAX = 32 * 1024 * 1024,
    STATEMENT_DEPTH_MAX = 128, /* a plan may be 64 deep, and lies four levels down */
};

/* A ResourceDescriptor; name, uri and media_type may be NULL (absent). *out is new. */
int resource_descriptor(const char *name, const char *uri, const struct digest *digest,
                        const char *media_type, json_t **out, struct err *e);

/*
 * A Statement v1. `subjects` is a non-empty array of ResourceDescriptors, each with a digest.
 * Takes both references, on failure too.
 */
int statement_new(json_t *subjects_taken, const char *predicate_type, json_t *predicate_taken,
                  json_t **out, struct err *e);

struct provenance {
    const char *build_type;
    json_t *external_parameters; /* borrowed, as all below */
    json_t *internal_parameters;
    json_t *resolved_dependencies; /* array of ResourceDescriptors */
    const char *builder_id;
    json_t *builder_version;      /* object string -> string; may be NULL */
    json_t *builder_dependencies; /* array; may be NULL */
    json_t *byproducts;           /* array; may be NULL */
};
/* The predicate. Carries no times: the unsigned statement is itself reproducible. *out is new. */
int provenance_predicate(const struct provenance *p, json_t **out, struct err *e);

struct vsa {
    const char *verifier_id;
    json_t *verifier_version; /* object; may be NULL */
    const char *time_verified;
    const char *resource_uri;
    const char *policy_uri;
    struct digest policy_digest;
    json_t *input_attestations; /* array of ResourceDescriptors; may be NULL */
    bool passed;
    json_t *verified_levels; /* array of strings */
    json_t *extensions;      /* members "assay_…" merged into the predicate; may be NULL */
};
/* slsaVersion is "1.2". An extension that is not named "assay_…" or a malformed time: ERR_HOST. */
int vsa_predicate(const struct vsa *v, json_t **out, struct err *e);

struct statement_subject {
    const char *name; /* "" when absent */
    struct digest sha256;
};

/* A statement that was read. Strings are borrowed from `document`. */
struct statement {
    json_t *document;
    const char *predicate_type;
    json_t *predicate;                  /* object, owned; empty when the document has none */
    struct statement_subject *subjects; /* those that have a sha256; others are skipped */
    size_t subject_count;
};
/*
 * Takes v1 and v0.1; unknown members are ignored as in-toto demands; bounded; duplicate members
 * are refused. A sha256 that is not 64 lower-case hex digits is ERR_INPUT, as is anything
 * malformed.
 */
int statement_parse(const void *data, size_t len, const char *what, struct statement **out,
                    struct err *e);
void statement_free(struct statement *s);
/* The subject with this SHA-256, NULL when there is none. Names do not matter. Borrowed. */
const struct statement_subject *statement_find(const struct statement *s,
                                               const struct digest *digest);

static inline void scope_statement(struct statement **s)
{
    statement_free(*s);
}
#define AUTO_STATEMENT AUTO(scope_statement)

#endif
