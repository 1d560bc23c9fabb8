/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/expected.h"

#include "attest/dependency.h"
#include "attest/statement.h"
#include "verifier/evidence/claims.h"

#include <string.h>

enum { TEXT_MAX = 4096, NAME_BYTES_MAX = 200 };

/* As docs/formats/plan.md has it: what a builder would write a file under. */
static bool name_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");
    return n > 0 && n <= NAME_BYTES_MAX && name[n] == '\0' && strchr("._+-", name[0]) == NULL;
}

static int put_list(json_t *object, const char *key, json_t **out, struct err *e)
{
    json_t *list = json_array();
    int rc = json_put(object, key, list, e); /* owns it */
    if (rc == 0)
        *out = list;
    return rc;
}

static int put_object(json_t *object, const char *key, json_t **out, struct err *e)
{
    json_t *child = json_object();
    int rc = json_put(object, key, child, e);
    if (rc == 0)
        *out = child;
    return rc;
}

/* A descriptor whose SHA-256 only a build gives. */
static int push_unknown(json_t *list, const char *name, json_t **digests, struct err *e)
{
    json_t *row = json_object();
    int rc = json_push(list, row, e);
    if (rc == 0)
        rc = json_put_string(row, "name", name, e);
    if (rc == 0)
        rc = put_object(row, "digest", digests, e);
    if (rc == 0)
        rc = json_put(*digests, "sha256", contradictions_any(ANY_SHA256), e);
    return rc;
}

/* ---- subjects: the outputs ---- */

static int add_subject(const struct jcur *output, json_t *subjects, struct err *e)
{
    const char *name = "";
    const char *media_type = "";
    struct jcur at;
    struct jcur more;
    json_t *digests = NULL;
    const char *algorithm;
    json_t *step;
    int rc = jcur_get(output, "name", &at, e);
    if (rc == 0)
        rc = jcur_string(&at, TEXT_MAX, &name, e);
    if (rc == 0 && !name_valid(name))
        rc = jcur_fail(&at, e, "'%.100s' is not a plain file name", name);
    if (rc == 0)
        rc = jcur_get_string(output, "mediaType", TEXT_MAX, &media_type, e);
    if (rc == 0)
        rc = push_unknown(subjects, name, &digests, e);
    if (rc == 0)
        rc = json_put_string(json_array_get(subjects, json_array_size(subjects) - 1), "mediaType",
                             media_type, e);
    if (rc < 0 || !jcur_opt(output, "digests", &more))
        return rc;
    if ((rc = jcur_open_object(&more, e)) < 0)
        return rc;
    if (json_object_size(more.value) > CLAIMS_DIGESTS_MAX)
        return jcur_fail(&more, e, "more than %d digests", CLAIMS_DIGESTS_MAX);
    json_object_foreach(more.value, algorithm, step)
    {
        if ((rc = json_put(digests, algorithm, contradictions_any(ANY_HEX), e)) < 0)
            return rc;
    }
    return 0;
}

static int add_subjects(const struct jcur *plan, json_t *statement, struct err *e)
{
    json_t *subjects = NULL;
    struct jcur outputs;
    size_t count = 0;
    int rc = put_list(statement, "subject", &subjects, e);
    if (rc == 0)
        rc = jcur_get(plan, "outputs", &outputs, e);
    if (rc == 0)
        rc = jcur_array(&outputs, CLAIMS_OUTPUTS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur output = jcur_item(&outputs, i);
        rc = add_subject(&output, subjects, e);
    }
    return rc;
}

/* ---- dependencies: the inputs ---- */

static int add_dependency(const struct jcur *input, json_t *dependencies, struct err *e)
{
    const char *id = "";
    struct digest digest;
    json_t *descriptor = NULL;
    int rc = jcur_get_string(input, "id", TEXT_MAX, &id, e);
    if (rc == 0)
        rc = jcur_get_digest(input, "digest", &digest, e);
    if (rc == 0)
        rc = dependency_descriptor(id, &digest, json_object_get(input->value, "from"), &descriptor,
                                   e);
    return rc < 0 ? rc : json_push(dependencies, descriptor, e);
}

static int add_dependencies(const struct jcur *plan, json_t *definition, struct err *e)
{
    json_t *dependencies = NULL;
    struct jcur inputs;
    size_t count = 0;
    int rc = put_list(definition, "resolvedDependencies", &dependencies, e);
    if (rc == 0)
        rc = jcur_get(plan, "inputs", &inputs, e);
    if (rc == 0)
        rc = jcur_array(&inputs, CLAIMS_INPUTS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur input = jcur_item(&inputs, i);
        rc = add_dependency(&input, dependencies, e);
    }
    return rc;
}

/* ---- the definition ---- */

static int add_definition(const struct jcur *plan, const struct digest *plan_digest,
                          json_t *predicate, struct err *e)
{
    json_t *definition = NULL;
    json_t *external = NULL;
    json_t *internal = NULL;
    struct jcur recipe;
    int rc = put_object(predicate, "buildDefinition", &definition, e);
    if (rc == 0)
        rc = json_put_string(definition, "buildType", CLAIMS_BUILD_TYPE, e);
    if (rc == 0)
        rc = put_object(definition, "externalParameters", &external, e);
    if (rc == 0)
        rc = jcur_get(plan, "recipe", &recipe, e);
    if (rc == 0)
        rc = json_put(external, "recipe", json_incref(recipe.value), e);
    if (rc == 0)
        rc = put_object(definition, "internalParameters", &internal, e);
    if (rc == 0)
        rc = json_put(internal, "plan", json_incref(plan->value), e);
    if (rc == 0)
        rc = json_put_digest(internal, "planDigest", plan_digest, e);
    return rc == 0 ? add_dependencies(plan, definition, e) : rc;
}

/* ---- the run ---- */

static int add_builder(const struct jcur *plan, json_t *details, struct err *e)
{
    json_t *builder = NULL;
    json_t *version = NULL;
    json_t *tools = NULL;
    json_t *digests = NULL;
    struct jcur toolchain;
    const char *assay = "";
    int rc = jcur_get(plan, "toolchain", &toolchain, e);
    if (rc == 0)
        rc = jcur_get_string(&toolchain, "assay", TEXT_MAX, &assay, e);
    if (rc == 0)
        rc = put_object(details, "builder", &builder, e);
    if (rc == 0)
        rc = json_put(builder, "id", contradictions_any(ANY_TEXT), e);
    if (rc == 0)
        rc = put_object(builder, "version", &version, e);
    if (rc == 0)
        rc = json_put_string(version, "assay", assay, e);
    if (rc == 0)
        rc = put_list(builder, "builderDependencies", &tools, e);
    return rc == 0 ? push_unknown(tools, "assay-build", &digests, e) : rc;
}

static int add_byproducts(const struct jcur *plan, json_t *details, struct err *e)
{
    json_t *byproducts = NULL;
    json_t *digests = NULL;
    struct jcur steps;
    size_t count = 0;
    int rc = put_list(details, "byproducts", &byproducts, e);
    if (rc == 0)
        rc = jcur_get(plan, "steps", &steps, e);
    if (rc == 0)
        rc = jcur_array(&steps, CLAIMS_STEPS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        AUTO_FREE char *name = NULL;
        struct jcur step = jcur_item(&steps, i);
        const char *id = "";
        rc = jcur_get_string(&step, "id", TEXT_MAX, &id, e);
        if (rc == 0)
            rc = str_format(&name, e, "step/%s", id);
        if (rc == 0)
            rc = push_unknown(byproducts, name, &digests, e);
    }
    return rc;
}

int expected_statement(const json_t *plan, const struct digest *plan_digest, json_t **out,
                       struct err *e)
{
    AUTO_JSON json_t *statement = json_object();
    json_t *predicate = NULL;
    json_t *details = NULL;
    struct jcur root = jcur_root((json_t *)(uintptr_t)plan, "the plan");
    if (statement == NULL)
        return err_oom(e);
    int rc = add_subjects(&root, statement, e);
    if (rc == 0)
        rc = put_object(statement, "predicate", &predicate, e);
    if (rc == 0)
        rc = add_definition(&root, plan_digest, predicate, e);
    if (rc == 0)
        rc = put_object(predicate, "runDetails", &details, e);
    if (rc == 0)
        rc = add_builder(&root, details, e);
    if (rc == 0)
        rc = add_byproducts(&root, details, e);
    if (rc == 0)
        *out = steal_ptr(&statement);
    return rc;
}
