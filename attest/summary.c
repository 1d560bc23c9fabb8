/* SPDX-License-Identifier: Apache-2.0 */
/* From an attestation to its summary document. Members of foreign predicates are taken when they
 * have the type that the format gives them, and left out otherwise. */
#include "attest/summary.h"

#include <string.h>

/* The member at `key` when it is text. */
static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int put_text_at(json_t *to, const char *name, const json_t *from, const char *key,
                       struct err *e)
{
    const char *text = text_at(from, key);
    return text == NULL ? 0 : json_put_string(to, name, text, e);
}

/* A reference to the member at `key` when it has this type. */
static int put_value_at(json_t *to, const char *name, const json_t *from, const char *key,
                        json_type type, struct err *e)
{
    json_t *value = json_object_get(from, key);
    if (value == NULL || json_typeof(value) != type)
        return 0;
    return json_put(to, name, json_incref(value), e);
}

/* "sha256:…" of a DigestSet: its SHA-256, else its first other algorithm by name. */
static int put_digest_at(json_t *to, json_t *set, struct err *e)
{
    AUTO_FREE char *text = NULL;
    const char *best = text_at(set, "sha256") != NULL ? "sha256" : NULL;
    const char *algorithm;
    json_t *value;
    if (best == NULL)
        json_object_foreach(set, algorithm, value) if (json_is_string(value) &&
                                                       (best == NULL || strcmp(algorithm, best) <
                                                                            0)) best = algorithm;
    if (best == NULL)
        return 0;
    int rc = str_format(&text, e, "%s:%s", best, text_at(set, best));
    return rc < 0 ? rc : json_put_string(to, "digest", text, e);
}

static int put_descriptor(json_t *to, const json_t *descriptor, struct err *e)
{
    json_t *row = json_object();
    int rc = json_push(to, row, e);
    if (rc < 0 || (rc = put_text_at(row, "name", descriptor, "name", e)) < 0 ||
        (rc = put_digest_at(row, json_object_get(descriptor, "digest"), e)) < 0 ||
        (rc = put_text_at(row, "uri", descriptor, "uri", e)) < 0)
        return rc;
    return put_text_at(row, "mediaType", descriptor, "mediaType", e);
}

/* An array of ResourceDescriptors, each as {name, digest, uri, mediaType}. */
static int put_descriptors(json_t *to, const char *name, const json_t *from, const char *key,
                           struct err *e)
{
    const json_t *array = json_object_get(from, key);
    if (!json_is_array(array))
        return 0;
    json_t *rows = json_array();
    int rc = json_put(to, name, rows, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(array); i++)
        rc = put_descriptor(rows, json_array_get(array, i), e);
    return rc;
}

static int put_provenance(json_t *to, const json_t *predicate, struct err *e)
{
    const json_t *definition = json_object_get(predicate, "buildDefinition");
    const json_t *details = json_object_get(predicate, "runDetails");
    const json_t *builder = json_object_get(details, "builder");
    const json_t *metadata = json_object_get(details, "metadata");
    const json_t *internal = json_object_get(definition, "internalParameters");
    json_t *p = json_object();
    int rc;
    if ((rc = json_put(to, "provenance", p, e)) < 0 ||
        (rc = put_text_at(p, "builder", builder, "id", e)) < 0 ||
        (rc = put_value_at(p, "builderVersion", builder, "version", JSON_OBJECT, e)) < 0 ||
        (rc = put_descriptors(p, "tools", builder, "builderDependencies", e)) < 0 ||
        (rc = put_text_at(p, "buildType", definition, "buildType", e)) < 0 ||
        (rc = put_text_at(p, "plan", internal, "planDigest", e)) < 0 ||
        (rc = put_value_at(p, "parameters", definition, "externalParameters", JSON_OBJECT, e)) <
            0 ||
        (rc = put_text_at(p, "startedOn", metadata, "startedOn", e)) < 0 ||
        (rc = put_text_at(p, "finishedOn", metadata, "finishedOn", e)) < 0 ||
        (rc = put_descriptors(p, "inputs", definition, "resolvedDependencies", e)) < 0)
        return rc;
    return put_descriptors(p, "byproducts", details, "byproducts", e);
}

static int put_policy(json_t *to, const json_t *policy, struct err *e)
{
    json_t *row = json_object();
    int rc = json_put(to, "policy", row, e);
    if (rc < 0 || (rc = put_text_at(row, "uri", policy, "uri", e)) < 0)
        return rc;
    return put_digest_at(row, json_object_get(policy, "digest"), e);
}

static int put_vsa(json_t *to, json_t *predicate, struct err *e)
{
    const char *key;
    json_t *value;
    json_t *v = json_object();
    int rc;
    if ((rc = json_put(to, "verification", v, e)) < 0 ||
        (rc = put_text_at(v, "verifier", json_object_get(predicate, "verifier"), "id", e)) < 0 ||
        (rc = put_text_at(v, "time", predicate, "timeVerified", e)) < 0 ||
        (rc = put_text_at(v, "resource", predicate, "resourceUri", e)) < 0 ||
        (rc = put_policy(v, json_object_get(predicate, "policy"), e)) < 0 ||
        (rc = put_text_at(v, "result", predicate, "verificationResult", e)) < 0 ||
        (rc = put_value_at(v, "levels", predicate, "verifiedLevels", JSON_ARRAY, e)) < 0 ||
        (rc = put_descriptors(v, "inputs", predicate, "inputAttestations", e)) < 0)
        return rc;
    json_object_foreach(predicate, key,
                        value) if (str_starts(key, "assay_") &&
                                   (rc = json_put(v, key, json_incref(value), e)) < 0) return rc;
    return 0;
}

/* The statement's part of the summary. */
static int put_statement(json_t *to, const struct statement *s, struct err *e)
{
    json_t *o = json_object();
    int rc;
    if ((rc = json_put(to, "statement", o, e)) < 0 ||
        (rc = put_text_at(o, "type", s->document, "_type", e)) < 0 ||
        (rc = json_put_string(o, "predicateType", s->predicate_type, e)) < 0 ||
        (rc = put_descriptors(o, "subjects", s->document, "subject", e)) < 0)
        return rc;
    if (strcmp(s->predicate_type, PROVENANCE_TYPE) == 0)
        return put_provenance(o, s->predicate, e);
    if (strcmp(s->predicate_type, VSA_TYPE) == 0)
        return put_vsa(o, s->predicate, e);
    return 0;
}

static int put_signatures(json_t *to, const struct dsse_envelope *envelope, struct err *e)
{
    json_t *rows = json_array();
    int rc = json_put(to, "signatures", rows, e);
    for (size_t i = 0; rc == 0 && i < envelope->signature_count; i++) {
        json_t *row = json_object();
        rc = json_push(rows, row, e);
        if (rc == 0)
            rc = json_put_string(row, "keyid", envelope->signatures[i].keyid, e);
        if (rc == 0)
            rc = json_put_u64(row, "size", envelope->signatures[i].sig_len, e);
    }
    return rc;
}

static int put_envelope(json_t *to, const struct dsse_envelope *envelope, struct err *e)
{
    struct digest digest;
    const char *form = envelope->bundle_type != NULL ? "bundle" : "envelope";
    int rc = digest_bytes(DIGEST_SHA256, envelope->payload, envelope->payload_len, &digest, e);
    if (rc < 0 || (rc = json_put_string(to, "form", form, e)) < 0 ||
        (envelope->bundle_type != NULL &&
         (rc = json_put_string(to, "mediaType", envelope->bundle_type, e)) < 0) ||
        (envelope->hint != NULL && (rc = json_put_string(to, "hint", envelope->hint, e)) < 0) ||
        (envelope->bundle_type != NULL && (rc = dsse_put_log_evidence(to, envelope, e)) < 0) ||
        (rc = json_put_string(to, "payloadType", envelope->payload_type, e)) < 0 ||
        (rc = json_put_u64(to, "payloadSize", envelope->payload_len, e)) < 0 ||
        (rc = json_put_digest(to, "payloadDigest", &digest, e)) < 0)
        return rc;
    return put_signatures(to, envelope, e);
}

/* Whether the document is a statement itself, by the member that only statements have. */
static bool is_statement(const json_t *document)
{
    return json_object_get(document, "_type") != NULL;
}

int summary_make(const void *data, size_t len, const char *what, json_t **out, struct err *e)
{
    const struct json_limits limits = {.bytes = DSSE_DOCUMENT_MAX, .depth = STATEMENT_DEPTH_MAX};
    AUTO_JSON json_t *document = NULL;
    AUTO_JSON json_t *summary = json_object();
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_STATEMENT struct statement *statement = NULL;
    const void *body = data;
    size_t body_len = len;
    int rc = summary == NULL ? err_oom(e) : json_parse(data, len, what, &limits, &document, e);
    if (rc < 0)
        return rc;
    if (is_statement(document)) {
        rc = json_put_string(summary, "form", "statement", e);
    } else if ((rc = dsse_parse(data, len, what, &envelope, e)) == 0) {
        rc = put_envelope(summary, envelope, e);
        body = envelope->payload;
        body_len = envelope->payload_len;
    }
    if (rc < 0)
        return rc;
    if (envelope == NULL || dsse_is_intoto(envelope)) {
        if ((rc = statement_parse(body, body_len, what, &statement, e)) < 0)
            return envelope == NULL ? rc : err_wrap(e, "the payload is no in-toto statement");
        if ((rc = put_statement(summary, statement, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&summary);
    return 0;
}
