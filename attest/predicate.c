/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing statements: provenance and verification summaries (docs/formats/attestations.md,
 * "Build provenance").
 */
#include "attest/statement.h"
#include "base/host.h"

#include <string.h>

/* An absent text is left out: in these formats null, empty and absent mean the same. */
static int put_text(json_t *object, const char *key, const char *text, struct err *e)
{
    return text == NULL ? 0 : json_put_string(object, key, text, e);
}

/* Adds a reference to a value that the caller keeps. */
static int put_borrowed(json_t *object, const char *key, json_t *value, struct err *e)
{
    return value == NULL ? 0 : json_put(object, key, json_incref(value), e);
}

/* A new object under `key`; it belongs to `object`. */
static int put_object(json_t *object, const char *key, json_t **out, struct err *e)
{
    json_t *child = json_object();
    int rc = json_put(object, key, child, e);
    if (rc == 0)
        *out = child;
    return rc;
}

static int put_digest_set(json_t *object, const struct digest *digest, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    json_t *set = NULL;
    int rc = put_object(object, "digest", &set, e);
    return rc < 0 ? rc
                  : json_put_string(set, digest_alg_name(digest->alg), digest_hex(digest, hex), e);
}

int resource_descriptor(const char *name, const char *uri, const struct digest *digest,
                        const char *media_type, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    if (object == NULL)
        return err_oom(e);
    int rc;
    if ((rc = put_text(object, "name", name, e)) < 0 ||
        (rc = put_text(object, "uri", uri, e)) < 0 ||
        (rc = put_digest_set(object, digest, e)) < 0 ||
        (rc = put_text(object, "mediaType", media_type, e)) < 0)
        return rc;
    *out = steal_ptr(&object);
    return 0;
}

int statement_new(json_t *subjects_taken, const char *predicate_type, json_t *predicate_taken,
                  json_t **out, struct err *e)
{
    AUTO_JSON json_t *subjects = subjects_taken;
    AUTO_JSON json_t *predicate = predicate_taken;
    AUTO_JSON json_t *statement = json_object();
    if (statement == NULL)
        return err_oom(e);
    if (!json_is_array(subjects) || json_array_size(subjects) == 0)
        return err_set(e, ERR_INPUT, "a statement needs at least one subject");
    for (size_t i = 0; i < json_array_size(subjects); i++)
        if (json_object_size(json_object_get(json_array_get(subjects, i), "digest")) == 0)
            return err_set(e, ERR_INPUT, "subject %zu of the statement has no digest", i);
    if (!json_is_object(predicate))
        return err_set(e, ERR_INPUT, "the predicate of the statement is no object");
    int rc;
    if ((rc = json_put_string(statement, "_type", STATEMENT_TYPE, e)) < 0 ||
        (rc = put_borrowed(statement, "subject", subjects, e)) < 0 ||
        (rc = json_put_string(statement, "predicateType", predicate_type, e)) < 0 ||
        (rc = put_borrowed(statement, "predicate", predicate, e)) < 0)
        return rc;
    *out = steal_ptr(&statement);
    return 0;
}

static int put_build_definition(json_t *predicate, const struct provenance *p, struct err *e)
{
    json_t *definition = NULL;
    int rc;
    if ((rc = put_object(predicate, "buildDefinition", &definition, e)) < 0 ||
        (rc = json_put_string(definition, "buildType", p->build_type, e)) < 0 ||
        (rc = put_borrowed(definition, "externalParameters", p->external_parameters, e)) < 0 ||
        (rc = put_borrowed(definition, "internalParameters", p->internal_parameters, e)) < 0)
        return rc;
    return put_borrowed(definition, "resolvedDependencies", p->resolved_dependencies, e);
}

static int put_run_details(json_t *predicate, const struct provenance *p, struct err *e)
{
    json_t *details = NULL;
    json_t *builder = NULL;
    int rc;
    if ((rc = put_object(predicate, "runDetails", &details, e)) < 0 ||
        (rc = put_object(details, "builder", &builder, e)) < 0 ||
        (rc = json_put_string(builder, "id", p->builder_id, e)) < 0 ||
        (rc = put_borrowed(builder, "version", p->builder_version, e)) < 0 ||
        (rc = put_borrowed(builder, "builderDependencies", p->builder_dependencies, e)) < 0)
        return rc;
    return put_borrowed(details, "byproducts", p->byproducts, e);
}

int provenance_predicate(const struct provenance *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *predicate = json_object();
    if (predicate == NULL)
        return err_oom(e);
    if (!json_is_object(p->external_parameters))
        return err_set(e, ERR_INPUT, "provenance needs its external parameters as an object");
    int rc;
    if ((rc = put_build_definition(predicate, p, e)) < 0 ||
        (rc = put_run_details(predicate, p, e)) < 0)
        return rc;
    *out = steal_ptr(&predicate);
    return 0;
}

static int put_verifier(json_t *predicate, const struct vsa *v, struct err *e)
{
    json_t *verifier = NULL;
    json_t *policy = NULL;
    int rc;
    if ((rc = put_object(predicate, "verifier", &verifier, e)) < 0 ||
        (rc = json_put_string(verifier, "id", v->verifier_id, e)) < 0 ||
        (rc = put_borrowed(verifier, "version", v->verifier_version, e)) < 0 ||
        (rc = put_object(predicate, "policy", &policy, e)) < 0 ||
        (rc = json_put_string(policy, "uri", v->policy_uri, e)) < 0)
        return rc;
    return v->policy_digest.alg == 0 ? 0 : put_digest_set(policy, &v->policy_digest, e);
}

/* Vendor members only: an extension can never take the place of a member of the format. */
static int put_extensions(json_t *predicate, json_t *extensions, struct err *e)
{
    const char *key;
    json_t *value;
    int rc = 0;
    json_object_foreach(extensions, key, value)
    {
        if (!str_starts(key, "assay_"))
            return err_set(e, ERR_HOST, "the extension '%s' of a summary is not named assay_…",
                           key);
        if ((rc = put_borrowed(predicate, key, value, e)) < 0)
            return rc;
    }
    return rc;
}

int vsa_predicate(const struct vsa *v, json_t **out, struct err *e)
{
    AUTO_JSON json_t *predicate = json_object();
    int64_t seconds;
    if (predicate == NULL)
        return err_oom(e);
    if (!time_parse(v->time_verified, &seconds))
        return err_set(e, ERR_HOST, "'%s' is no time for a summary", v->time_verified);
    if (!json_is_array(v->verified_levels))
        return err_set(e, ERR_HOST, "a summary needs its verified levels");
    int rc;
    if ((rc = put_verifier(predicate, v, e)) < 0 ||
        (rc = json_put_string(predicate, "timeVerified", v->time_verified, e)) < 0 ||
        (rc = json_put_string(predicate, "resourceUri", v->resource_uri, e)) < 0 ||
        (rc = put_borrowed(predicate, "inputAttestations", v->input_attestations, e)) < 0 ||
        (rc = json_put_string(predicate, "verificationResult", v->passed ? "PASSED" : "FAILED",
                              e)) < 0 ||
        (rc = put_borrowed(predicate, "verifiedLevels", v->verified_levels, e)) < 0 ||
        (rc = json_put_string(predicate, "slsaVersion", "1.2", e)) < 0 ||
        (rc = put_extensions(predicate, v->extensions, e)) < 0)
        return rc;
    *out = steal_ptr(&predicate);
    return 0;
}
