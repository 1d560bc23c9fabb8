/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/unavailable.h"

/* NULL = it is there and right. */
static int state_of(const struct plan_input *input, struct cas *cas, const char **state,
                    struct err *e)
{
    uint64_t size = 0;
    AUTO_CLOSE int fd = -1;
    struct err why = ERR_INIT;
    *state = "missing";
    if (cas == NULL || !cas_has(cas, &input->digest, &size))
        return 0;
    *state = "damaged";
    int rc = cas_open_blob(cas, &input->digest, &fd, &size, &why);
    if (rc < 0 && rc != -ERR_INPUT) {
        *e = why;
        return rc;
    }
    if (rc == 0 && size == input->size)
        *state = NULL;
    return 0;
}

static int push(json_t *list, const struct plan_input *input, const char *state, struct err *e)
{
    json_t *o = json_object();
    int rc = json_push(list, o, e); /* owns it */
    if (rc < 0 || (rc = json_put_string(o, "id", input->id, e)) < 0 ||
        (rc = json_put_digest(o, "digest", &input->digest, e)) < 0)
        return rc;
    return json_put_string(o, "state", state, e);
}

int unavailable_inputs(const struct plan *plan, struct cas *cas, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < plan->input_count; i++) {
        const char *state = NULL;
        int rc = state_of(&plan->inputs[i], cas, &state, e);
        if (rc < 0 || (state != NULL && (rc = push(list, &plan->inputs[i], state, e)) < 0))
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}
