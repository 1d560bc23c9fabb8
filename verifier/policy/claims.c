/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/policy/claims.h"

#include "base/file.h"
#include "base/version.h"

#include <string.h>

enum { TEXT_MAX = 4096 };

void claims_dispose(struct claims *c)
{
    buf_dispose(&c->plan);
}

static int reject(struct err *e, const char *why)
{
    return err_set(e, ERR_REJECTED, "the provenance contradicts itself: %s", why);
}

/* A ResourceDescriptor's sha256, as hex text. */
static const char *descriptor_sha256(const json_t *descriptor)
{
    return json_string_value(json_object_get(json_object_get(descriptor, "digest"), "sha256"));
}

/* Whether the descriptor names the digest that `text` ("sha256:…") says. */
static bool same_digest(const json_t *descriptor, const json_t *text)
{
    const char *hex = descriptor_sha256(descriptor);
    const char *digest = json_string_value(text);
    return hex != NULL && digest != NULL && str_starts(digest, "sha256:") &&
           strcmp(digest + 7, hex) == 0;
}

static int check_plan(const struct jcur *plan, const struct jcur *digest, struct claims *c,
                      struct err *e)
{
    struct digest said;
    struct digest found;
    struct buf bytes = BUF_INIT(CLAIMS_PLAN_MAX);
    c->plan = bytes;
    int rc = jcur_digest(digest, &said, e);
    if (rc == 0)
        rc = jcs_format(plan->value, &c->plan, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, c->plan.data, c->plan.len, &found, e);
    if (rc < 0)
        return rc;
    if (!digest_equal(&said, &found))
        return reject(e, "its plan does not have the digest that it names");
    c->plan_digest = found;
    rc = jcur_get_string(plan, "name", TEXT_MAX, &c->plan_name, e);
    /* It will name a file of the rebuild. */
    if (rc == 0 && (!relpath_valid(c->plan_name) || strchr(c->plan_name, '/') != NULL))
        rc = reject(e, "its plan's name is no file name");
    if (rc == 0)
        rc = jcur_get_string(plan, "arch", TEXT_MAX, &c->plan_arch, e);
    return rc;
}

static int check_inputs(const struct jcur *plan, const struct jcur *definition, struct claims *c,
                        struct err *e)
{
    struct jcur inputs;
    struct jcur dependencies;
    size_t n = 0;
    size_t m = 0;
    int rc = jcur_get(plan, "inputs", &inputs, e);
    if (rc == 0)
        rc = jcur_array(&inputs, CLAIMS_INPUTS_MAX, &n, e);
    if (rc == 0)
        rc = jcur_get(definition, "resolvedDependencies", &dependencies, e);
    if (rc == 0)
        rc = jcur_array(&dependencies, CLAIMS_INPUTS_MAX, &m, e);
    if (rc < 0)
        return rc;
    if (n != m)
        return reject(e, "its dependencies are not the plan's inputs");
    for (size_t i = 0; i < n; i++)
        if (!same_digest(json_array_get(dependencies.value, i),
                         json_object_get(json_array_get(inputs.value, i), "digest")))
            return reject(e, "its dependencies are not the plan's inputs");
    c->input_count = n;
    return 0;
}

static int check_outputs(const struct jcur *plan, const struct statement *s, struct err *e)
{
    struct jcur outputs;
    size_t n = 0;
    int rc = jcur_get(plan, "outputs", &outputs, e);
    if (rc == 0)
        rc = jcur_array(&outputs, 256, &n, e);
    if (rc < 0)
        return rc;
    if (n != s->subject_count)
        return reject(e, "its subjects are not the plan's outputs");
    for (size_t i = 0; i < n; i++) {
        const char *name =
            json_string_value(json_object_get(json_array_get(outputs.value, i), "name"));
        if (name == NULL || strcmp(name, s->subjects[i].name) != 0)
            return reject(e, "its subjects are not the plan's outputs");
    }
    return 0;
}

static int check_steps(const struct jcur *plan, const struct jcur *details, struct claims *c,
                       struct err *e)
{
    struct jcur steps;
    struct jcur byproducts;
    size_t n = 0;
    size_t m = 0;
    int rc = jcur_get(plan, "steps", &steps, e);
    if (rc == 0)
        rc = jcur_array(&steps, CLAIMS_STEPS_MAX, &n, e);
    if (rc == 0)
        rc = jcur_get(details, "byproducts", &byproducts, e);
    if (rc == 0)
        rc = jcur_array(&byproducts, CLAIMS_STEPS_MAX, &m, e);
    if (rc < 0)
        return rc;
    if (n != m)
        return reject(e, "its byproducts are not the plan's steps");
    for (size_t i = 0; i < n; i++) {
        const json_t *by = json_array_get(byproducts.value, i);
        const char *name = json_string_value(json_object_get(by, "name"));
        const char *id = json_string_value(json_object_get(json_array_get(steps.value, i), "id"));
        if (name == NULL || id == NULL || !str_starts(name, "step/") || strcmp(name + 5, id) != 0 ||
            descriptor_sha256(by) == NULL)
            return reject(e, "its byproducts are not the plan's steps");
    }
    c->step_count = n;
    c->byproducts = byproducts.value;
    return 0;
}

/* externalParameters hold the recipe and nothing else: a member nobody checks must not slip
 * through. */
static int check_external(const struct jcur *definition, const struct jcur *plan, struct err *e)
{
    static const char *const keys[] = {"recipe", NULL};
    struct jcur external;
    struct jcur recipe;
    struct jcur planned;
    int rc = jcur_get(definition, "externalParameters", &external, e);
    if (rc == 0)
        rc = jcur_object(&external, keys, e);
    if (rc == 0)
        rc = jcur_get(&external, "recipe", &recipe, e);
    if (rc == 0)
        rc = jcur_get(plan, "recipe", &planned, e);
    if (rc == 0 && !json_equal(recipe.value, planned.value))
        rc = reject(e, "its recipe is not the plan's");
    return rc;
}

static int check_builder(const struct jcur *details, struct claims *c, struct err *e)
{
    struct jcur builder;
    int rc = jcur_get(details, "builder", &builder, e);
    return rc < 0 ? rc : jcur_get_string(&builder, "id", TEXT_MAX, &c->builder_id, e);
}

int claims_read(const struct statement *statement, struct claims *out, struct err *e)
{
    struct claims c = {0};
    struct jcur root = jcur_root(statement->predicate, "provenance");
    struct jcur definition;
    struct jcur details;
    struct jcur internal;
    struct jcur plan;
    struct jcur digest;
    const char *build_type = "";
    if (strcmp(statement->predicate_type, PROVENANCE_TYPE) != 0)
        return err_set(e, ERR_INPUT, "the statement is a '%s', not a build provenance",
                       statement->predicate_type);
    int rc = jcur_get(&root, "buildDefinition", &definition, e);
    if (rc == 0)
        rc = jcur_get(&root, "runDetails", &details, e);
    if (rc == 0)
        rc = jcur_get_string(&definition, "buildType", TEXT_MAX, &build_type, e);
    if (rc == 0 && strcmp(build_type, PLAN_BUILD_TYPE) != 0)
        rc = err_set(e, ERR_REJECTED, "the build type '%s' is not one that can be rebuilt here",
                     build_type);
    if (rc == 0)
        rc = jcur_get(&definition, "internalParameters", &internal, e);
    if (rc == 0)
        rc = jcur_get(&internal, "plan", &plan, e);
    if (rc == 0)
        rc = jcur_get(&internal, "planDigest", &digest, e);
    if (rc == 0)
        rc = check_plan(&plan, &digest, &c, e);
    if (rc == 0)
        rc = check_external(&definition, &plan, e);
    if (rc == 0)
        rc = check_inputs(&plan, &definition, &c, e);
    if (rc == 0)
        rc = check_outputs(&plan, statement, e);
    if (rc == 0)
        rc = check_steps(&plan, &details, &c, e);
    if (rc == 0)
        rc = check_builder(&details, &c, e);
    if (rc < 0) {
        claims_dispose(&c);
        return rc;
    }
    *out = c;
    return 0;
}

int claims_first_divergence(const json_t *theirs, const json_t *ours, const char **step,
                            struct err *e)
{
    size_t n = json_array_size(ours);
    if (json_array_size(theirs) != n)
        return err_set(e, ERR_INPUT, "the rebuild ran %zu steps, the signed build %zu", n,
                       json_array_size(theirs));
    *step = NULL;
    for (size_t i = 0; i < n && *step == NULL; i++) {
        const json_t *mine = json_array_get(ours, i);
        const char *a = descriptor_sha256(mine);
        const char *b = descriptor_sha256(json_array_get(theirs, i));
        if (a == NULL || b == NULL || strcmp(a, b) != 0)
            *step = json_string_value(json_object_get(mine, "name"));
    }
    return 0;
}
