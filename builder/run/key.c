/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/key.h"

static int put_toolchain(json_t *key, const struct plan *plan, const struct step_kind *kind,
                         struct err *e)
{
    AUTO_JSON json_t *toolchain = json_object();
    AUTO_JSON json_t *libraries = json_object();
    if (toolchain == NULL || libraries == NULL)
        return err_oom(e);
    for (size_t i = 0; kind->libraries != NULL && kind->libraries[i] != NULL; i++) {
        json_t *version = json_object_get(plan->toolchain_libraries, kind->libraries[i]);
        if (version == NULL)
            return err_set(e, ERR_UNDECIDED, "the plan does not say which '%s' it is for",
                           kind->libraries[i]);
        int rc = json_put(libraries, kind->libraries[i], json_incref(version), e);
        if (rc < 0)
            return rc;
    }
    int rc = json_put_string(toolchain, "assay", plan->toolchain_assay, e);
    if (rc < 0 || (rc = json_put(toolchain, "libraries", steal_ptr(&libraries), e)) < 0)
        return rc;
    return json_put(key, "toolchain", steal_ptr(&toolchain), e);
}

static int put_inputs(json_t *key, const struct step_value *inputs, size_t count, struct err *e)
{
    AUTO_JSON json_t *array = json_array();
    if (array == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        AUTO_JSON json_t *item = json_object();
        if (item == NULL)
            return err_oom(e);
        int rc = json_put_string(item, "kind", inputs[i].kind == VALUE_TREE ? "tree" : "blob", e);
        if (rc < 0 || (rc = json_put_digest(item, "digest", &inputs[i].digest, e)) < 0 ||
            (rc = json_push(array, steal_ptr(&item), e)) < 0)
            return rc;
    }
    return json_put(key, "inputs", steal_ptr(&array), e);
}

int step_key(const struct plan *plan, const struct plan_step *step, const struct step_value *inputs,
             struct digest *out, struct err *e)
{
    AUTO_JSON json_t *key = json_object();
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    if (key == NULL)
        return err_oom(e);
    int rc;
    if ((rc = json_put_string(key, "type", STEP_KEY_TYPE, e)) < 0 ||
        (rc = json_put_string(key, "kind", step->kind->name, e)) < 0 ||
        (rc = json_put(key, "params", json_incref(step->params), e)) < 0 ||
        (rc = put_toolchain(key, plan, step->kind, e)) < 0 ||
        (rc = put_inputs(key, inputs, step->in_count, e)) < 0 ||
        (rc = jcs_format(key, &bytes, e)) < 0)
        return rc;
    return digest_bytes(DIGEST_SHA256, bytes.data, bytes.len, out, e);
}
