/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/provenance.h"

#include "attest/dependency.h"
#include "attest/statement.h"

#include <string.h>

/* Appends a descriptor to an array. */
static int push_descriptor(json_t *array, const char *name, const char *uri,
                           const struct digest *digest, const char *media_type, struct err *e)
{
    json_t *descriptor = NULL;
    int rc = resource_descriptor(name, uri, digest, media_type, &descriptor, e);
    return rc < 0 ? rc : json_push(array, descriptor, e);
}

enum {
    DIGEST_TEXT_BYTES = 256,
    BUILDER_ID_ROOM = 4096, /* --builder-id may be longer than ours */
};

/* Of SHA-512. */
static const char longest_hex[] =
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000";

/* The digest that a step gave as text becomes one of the subject's. */
static int put_digest(const struct plan *plan, const struct execution *x, struct cas *cas,
                      const struct plan_digest *d, json_t *set, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DIGEST_TEXT_BYTES);
    const struct executed_step *s = &x->steps[d->step];
    if (s->fate == STEP_NOT_NEEDED || !s->has_output)
        return 0;
    if (cas == NULL) /* its length is all that counts */
        return json_put_string(set, d->name, longest_hex, e);
    int rc = cas_get(cas, &s->digest, &text, e);
    if (rc < 0)
        return rc;
    const char *hex = strrchr(buf_str(&text), ':');
    hex = hex != NULL ? hex + 1 : buf_str(&text);
    size_t n = strspn(hex, "0123456789abcdef");
    if (n == 0 || n % 2 != 0 || (strcmp(hex + n, "") != 0 && strcmp(hex + n, "\n") != 0) ||
        strlen(buf_str(&text)) != text.len)
        return err_set(e, ERR_INPUT, "step '%s' gave no digest", plan->steps[d->step].id);
    return json_put(set, d->name, json_stringn(hex, n), e);
}

static int put_subject(const struct plan *plan, const struct execution *x, struct cas *cas,
                       const struct plan_output *o, json_t *subjects, struct err *e)
{
    json_t *descriptor = NULL;
    int rc = resource_descriptor(o->name, NULL, &x->steps[o->step].digest, o->media_type,
                                 &descriptor, e);
    if (rc < 0 || (rc = json_push(subjects, descriptor, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < o->digest_count; i++)
        rc = put_digest(plan, x, cas, &o->digests[i], json_object_get(descriptor, "digest"), e);
    return rc;
}

static int put_subjects(const struct plan *plan, const struct execution *x, struct cas *cas,
                        json_t *subjects, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->output_count; i++) {
        const struct executed_step *s = &x->steps[plan->outputs[i].step];
        if (s->fate != STEP_NOT_NEEDED && s->has_output)
            rc = put_subject(plan, x, cas, &plan->outputs[i], subjects, e);
    }
    return rc;
}

static int put_dependencies(const struct plan *plan, json_t *dependencies, struct err *e)
{
    for (size_t i = 0; i < plan->input_count; i++) {
        const struct plan_input *in = &plan->inputs[i];
        json_t *descriptor = NULL;
        int rc = dependency_descriptor(in->id, &in->digest, in->from, &descriptor, e);
        if (rc < 0 || (rc = json_push(dependencies, descriptor, e)) < 0)
            return rc;
    }
    return 0;
}

static int put_byproducts(const struct plan *plan, const struct execution *x, json_t *byproducts,
                          struct err *e)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        AUTO_FREE char *name = NULL;
        if (x->steps[i].fate == STEP_NOT_NEEDED || !x->steps[i].has_output)
            continue;
        int rc = str_format(&name, e, "step/%s", plan->steps[i].id);
        if (rc < 0 ||
            (rc = push_descriptor(byproducts, name, NULL, &x->steps[i].digest, NULL, e)) < 0)
            return rc;
    }
    return 0;
}

/* The predicate's arrays and objects, owned together. */
struct parts {
    json_t *external;
    json_t *internal;
    json_t *dependencies;
    json_t *version;
    json_t *tools;
    json_t *byproducts;
};

static void parts_dispose(struct parts *p)
{
    json_decref(p->external);
    json_decref(p->internal);
    json_decref(p->dependencies);
    json_decref(p->version);
    json_decref(p->tools);
    json_decref(p->byproducts);
}

static int fill_parts(const struct plan *plan, const struct execution *x,
                      const struct digest *builder_digest, struct parts *p, struct err *e)
{
    p->external = json_object();
    p->internal = json_object();
    p->dependencies = json_array();
    p->version = json_object();
    p->tools = json_array();
    p->byproducts = json_array();
    int rc;
    if ((rc = json_put(p->external, "recipe", json_incref(plan->recipe), e)) < 0 ||
        (rc = json_put(p->internal, "plan", json_incref(plan->document), e)) < 0 ||
        (rc = json_put_digest(p->internal, "planDigest", &plan->digest, e)) < 0 ||
        (rc = put_dependencies(plan, p->dependencies, e)) < 0 ||
        (rc = json_put_string(p->version, "assay", ASSAY_VERSION, e)) < 0 ||
        (rc = push_descriptor(p->tools, "assay-build", NULL, builder_digest, NULL, e)) < 0)
        return rc;
    return put_byproducts(plan, x, p->byproducts, e);
}

int provenance_format(const struct plan *plan, const struct execution *execution, struct cas *cas,
                      const char *builder_id, const struct digest *builder_digest, struct buf *out,
                      struct err *e)
{
    AUTO(parts_dispose) struct parts parts = {0};
    AUTO_JSON json_t *subjects = json_array();
    AUTO_JSON json_t *statement = NULL;
    json_t *predicate = NULL;
    int rc;
    if (subjects == NULL)
        return err_oom(e);
    if ((rc = fill_parts(plan, execution, builder_digest, &parts, e)) < 0 ||
        (rc = put_subjects(plan, execution, cas, subjects, e)) < 0)
        return rc;
    const struct provenance p = {.build_type = PLAN_BUILD_TYPE,
                                 .external_parameters = parts.external,
                                 .internal_parameters = parts.internal,
                                 .resolved_dependencies = parts.dependencies,
                                 .builder_id = builder_id,
                                 .builder_version = parts.version,
                                 .builder_dependencies = parts.tools,
                                 .byproducts = parts.byproducts};
    if ((rc = provenance_predicate(&p, &predicate, e)) < 0 ||
        (rc = statement_new(steal_ptr(&subjects), PROVENANCE_TYPE, predicate, &statement, e)) < 0)
        return rc;
    return jcs_format(statement, out, e);
}

int provenance_check_size(const struct plan *plan, struct err *e)
{
    const struct digest some = {.alg = DIGEST_SHA256};
    AUTO_BUF bytes = BUF_INIT(PROVENANCE_BYTES_MAX);
    AUTO_FREE struct executed_step *steps = array_new(plan->step_count, sizeof(*steps));
    if (steps == NULL)
        return err_oom(e);
    for (size_t i = 0; i < plan->step_count; i++)
        steps[i] = (struct executed_step){.fate = STEP_RUN, .has_output = true, .digest = some};
    const struct execution all = {.steps = steps, .step_count = plan->step_count};
    int rc = provenance_format(plan, &all, NULL, PROVENANCE_BUILDER_ID, &some, &bytes, e);
    if (rc < 0 || bytes.len <= STATEMENT_BYTES_MAX - BUILDER_ID_ROOM)
        return rc;
    return err_set(
        e, ERR_INPUT,
        "the provenance of plan '%s' would have %zu bytes, and at most %d can be signed: "
        "lock fewer artifacts or images at a time, or give long texts as files",
        plan->name, bytes.len, STATEMENT_BYTES_MAX - BUILDER_ID_ROOM);
}
