/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/claims.h"

#include "attest/dependency.h"
#include "verifier/evidence/expected.h"

#include <string.h>

enum { TEXT_MAX = 4096 };

void claims_dispose(struct claims *c)
{
    buf_dispose(&c->plan);
    contradictions_dispose(&c->contradictions);
}

/* ---- the plan ---- */

static int read_plan(const struct jcur *internal, struct claims *c, struct finding *f,
                     struct err *e)
{
    struct jcur plan;
    struct digest said;
    struct digest found;
    int rc = jcur_get(internal, "plan", &plan, e);
    if (rc == 0)
        rc = jcur_open_object(&plan, e);
    if (rc == 0)
        rc = jcur_get_digest(internal, "planDigest", &said, e);
    if (rc == 0)
        rc = jcs_format(plan.value, &c->plan, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, c->plan.data, c->plan.len, &found, e);
    if (rc < 0)
        return rc;
    c->document = plan.value;
    c->plan_digest = found;
    if (!digest_equal(&said, &found))
        return finding_set(f, FINDING_REJECTED,
                           "the provenance contradicts itself: its plan does not have the digest "
                           "that it names");
    rc = jcur_get_string(&plan, "name", TEXT_MAX, &c->plan_name, e);
    return rc < 0 ? rc : jcur_get_string(&plan, "arch", TEXT_MAX, &c->plan_arch, e);
}

static int count_of(const struct jcur *plan, const char *key, size_t max, size_t *count,
                    struct err *e)
{
    struct jcur list;
    int rc = jcur_get(plan, key, &list, e);
    return rc < 0 ? rc : jcur_array(&list, max, count, e);
}

/* As assay-build would refuse it, said before anything is built. */
static int check_limits(struct claims *c, struct err *e)
{
    struct jcur plan = jcur_root((json_t *)(uintptr_t)c->document, "the plan");
    size_t outputs = 0;
    int rc = count_of(&plan, "inputs", CLAIMS_INPUTS_MAX, &c->input_count, e);
    if (rc == 0)
        rc = count_of(&plan, "steps", CLAIMS_STEPS_MAX, &c->step_count, e);
    if (rc == 0)
        rc = count_of(&plan, "outputs", CLAIMS_OUTPUTS_MAX, &outputs, e);
    return rc;
}

/*
 * An input that no step takes would be vouched for and never looked at: nothing of the build shows
 * that it was there.
 */
static int check_inputs_used(const struct claims *c, struct finding *f, struct err *e)
{
    AUTO_JSON json_t *used = json_object();
    const json_t *steps = json_object_get(c->document, "steps");
    const json_t *inputs = json_object_get(c->document, "inputs");
    int rc = used == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < c->step_count; i++) {
        const json_t *in = json_object_get(json_array_get(steps, i), "in");
        for (size_t k = 0; rc == 0 && k < json_array_size(in); k++) {
            const char *id = json_string_value(json_array_get(in, k));
            rc = id != NULL ? json_put(used, id, json_true(), e) : 0;
        }
    }
    for (size_t i = 0; rc == 0 && i < c->input_count; i++) {
        const char *id = json_string_value(json_object_get(json_array_get(inputs, i), "id"));
        if (id == NULL || json_object_get(used, id) == NULL)
            return finding_set(f, FINDING_REJECTED,
                               "the plan has the input '%.128s', which no step takes",
                               id != NULL ? id : "");
    }
    return rc;
}

/* ---- what is read of the rest ---- */

static int read_builder(const struct jcur *details, struct claims *c, struct err *e)
{
    struct jcur builder;
    int rc = jcur_get(details, "builder", &builder, e);
    if (rc == 0)
        rc = jcur_get_string(&builder, "id", TEXT_MAX, &c->builder_id, e);
    if (rc < 0)
        return rc;
    const json_t *tools = json_object_get(builder.value, "builderDependencies");
    c->builder_sha256 = json_string_value(
        json_object_get(json_object_get(json_array_get(tools, 0), "digest"), "sha256"));
    c->byproducts = json_object_get(details->value, "byproducts");
    return 0;
}

static int read_parts(const struct statement *statement, struct claims *c, struct finding *f,
                      struct err *e)
{
    struct jcur root = jcur_root(statement->predicate, "the provenance");
    struct jcur definition;
    struct jcur details;
    struct jcur internal;
    const char *build_type = "";
    int rc = jcur_get(&root, "buildDefinition", &definition, e);
    if (rc == 0)
        rc = jcur_get(&root, "runDetails", &details, e);
    if (rc == 0)
        rc = jcur_get_string(&definition, "buildType", TEXT_MAX, &build_type, e);
    if (rc == 0 && strcmp(build_type, CLAIMS_BUILD_TYPE) != 0)
        return finding_set(f, FINDING_REJECTED,
                           "the build type '%.200s' is not one that can be rebuilt here",
                           build_type);
    if (rc == 0)
        rc = jcur_get(&definition, "internalParameters", &internal, e);
    if (rc == 0)
        rc = read_plan(&internal, c, f, e);
    if (rc == 0 && !finding_any(f))
        rc = check_limits(c, e);
    if (rc == 0 && !finding_any(f))
        rc = check_inputs_used(c, f, e);
    return rc == 0 ? read_builder(&details, c, e) : rc;
}

/* ---- agreement ---- */

static int compare(const json_t *wanted, const struct statement *statement,
                   struct contradictions *out, struct err *e)
{
    int rc =
        contradictions_find(json_object_get(wanted, "subject"),
                            json_object_get(statement->document, "subject"), "subject", out, e);
    if (rc == 0)
        rc = contradictions_find(json_object_get(wanted, "predicate"), statement->predicate,
                                 "predicate", out, e);
    return rc;
}

static int check_agreement(const struct statement *statement, struct claims *c, struct finding *f,
                           struct err *e)
{
    AUTO_JSON json_t *wanted = NULL;
    char clause[FINDING_TEXT_MAX];
    int rc = expected_statement(c->document, &c->plan_digest, &wanted, e);
    if (rc == 0)
        rc = compare(wanted, statement, &c->contradictions, e);
    if (rc < 0 || c->contradictions.count == 0)
        return rc;
    contradictions_clause(&c->contradictions, clause, sizeof(clause));
    return finding_set(f, FINDING_REJECTED, "the provenance contradicts itself: %s", clause);
}

int claims_read(const struct statement *statement, struct claims *out, struct finding *f,
                struct err *e)
{
    struct claims c = {.plan = BUF_INIT(CLAIMS_PLAN_MAX)};
    struct err why = ERR_INIT;
    int rc = read_parts(statement, &c, f, &why);
    if (rc == 0 && !finding_any(f))
        rc = check_agreement(statement, &c, f, &why);
    rc = finding_of_error(f, FINDING_REJECTED, rc, &why);
    if (rc < 0) {
        *e = why;
        claims_dispose(&c);
        return rc;
    }
    *out = c;
    return 0;
}

int claims_compare(const struct statement *statement, json_t *rebuilt, struct contradictions *out,
                   struct err *e)
{
    json_t *builder = json_object_get(
        json_object_get(json_object_get(rebuilt, "predicate"), "runDetails"), "builder");
    json_t *tool = json_array_get(json_object_get(builder, "builderDependencies"), 0);
    int rc = json_put(builder, "id", contradictions_any(ANY_TEXT), e);
    if (rc == 0)
        rc = json_put(json_object_get(tool, "digest"), "sha256", contradictions_any(ANY_SHA256), e);
    return rc < 0 ? rc : compare(rebuilt, statement, out, e);
}

const json_t *claims_descriptor(const json_t *list, size_t *at, const char *name)
{
    for (; *at < json_array_size(list); (*at)++) {
        const json_t *d = json_array_get(list, *at);
        const char *own = json_string_value(json_object_get(d, "name"));
        if (own != NULL && strcmp(own, name) == 0)
            return d;
    }
    return NULL;
}

/* In the order of the signed list; what only the rebuild has comes last. */
static int fill(const json_t *given, json_t *holder, const char *key, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    const json_t *made = json_object_get(holder, key);
    size_t at = 0;
    size_t taken = 0;
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(given); i++) {
        json_t *theirs = json_array_get(given, i);
        const char *name = json_string_value(json_object_get(theirs, "name"));
        size_t from = at;
        json_t *ours =
            name != NULL ? (json_t *)(uintptr_t)claims_descriptor(made, &from, name) : NULL;
        if (ours != NULL) {
            at = from + 1;
            taken++;
        }
        rc = json_push(list, json_incref(ours != NULL ? ours : theirs), e);
    }
    for (size_t i = 0; rc == 0 && taken < json_array_size(made) && i < json_array_size(made); i++) {
        json_t *ours = json_array_get(made, i);
        const char *name = json_string_value(json_object_get(ours, "name"));
        at = 0;
        if (name == NULL || claims_descriptor(given, &at, name) == NULL)
            rc = json_push(list, json_incref(ours), e);
    }
    return rc == 0 ? json_put(holder, key, steal_ptr(&list), e) : rc;
}

int claims_fill(const struct statement *statement, json_t *rebuilt, struct err *e)
{
    json_t *details = json_object_get(json_object_get(rebuilt, "predicate"), "runDetails");
    const json_t *signed_details = json_object_get(statement->predicate, "runDetails");
    int rc = fill(json_object_get(statement->document, "subject"), rebuilt, "subject", e);
    return rc == 0 ? fill(json_object_get(signed_details, "byproducts"), details, "byproducts", e)
                   : rc;
}

static const char *descriptor_sha256(const json_t *descriptor)
{
    return json_string_value(json_object_get(json_object_get(descriptor, "digest"), "sha256"));
}

void claims_first_divergence(const json_t *theirs, const json_t *ours, const json_t *needs,
                             const char **step)
{
    size_t at = 0;
    *step = NULL;
    for (size_t i = 0; i < json_array_size(ours) && *step == NULL; i++) {
        const json_t *mine = json_array_get(ours, i);
        const char *name = json_string_value(json_object_get(mine, "name"));
        if (name == NULL || json_object_get(needs, name) == NULL)
            continue;
        const char *a = descriptor_sha256(mine);
        const char *b = descriptor_sha256(claims_descriptor(theirs, &at, name));
        if (a == NULL || b == NULL || strcmp(a, b) != 0)
            *step = name;
    }
}
