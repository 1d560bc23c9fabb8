/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/needs.h"

#include "base/buf.h"
#include "base/json.h"

#include <string.h>

static int add(json_t *needs, const char *id, struct err *e)
{
    AUTO_FREE char *name = NULL;
    int rc = id != NULL ? str_format(&name, e, "step/%s", id) : 0;
    return name != NULL ? json_put(needs, name, json_true(), e) : rc;
}

static int has(const json_t *needs, const char *id, bool *out, struct err *e)
{
    AUTO_FREE char *name = NULL;
    int rc = id != NULL ? str_format(&name, e, "step/%s", id) : 0;
    *out = name != NULL && json_object_get(needs, name) != NULL;
    return rc;
}

/* What the output is taken from, and the steps that give what else it is known by. */
static int add_sources(const json_t *plan, const char *output, json_t *needs, struct err *e)
{
    const json_t *outputs = json_object_get(plan, "outputs");
    const char *algorithm;
    json_t *step;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(outputs); i++) {
        const json_t *o = json_array_get(outputs, i);
        const char *name = json_string_value(json_object_get(o, "name"));
        if (name == NULL || strcmp(name, output) != 0)
            continue;
        rc = add(needs, json_string_value(json_object_get(o, "from")), e);
        json_object_foreach(json_object_get(o, "digests"), algorithm, step)
        {
            if (rc == 0)
                rc = add(needs, json_string_value(step), e);
        }
    }
    return rc;
}

int needs_add(const json_t *plan, const char *output, json_t *needs, struct err *e)
{
    const json_t *steps = json_object_get(plan, "steps");
    int rc = add_sources(plan, output, needs, e);
    /* A step takes from earlier ones only: one way back finds all. Inputs are added as if they were
     * steps, which no byproduct is called after. */
    for (size_t i = json_array_size(steps); rc == 0 && i-- > 0;) {
        const json_t *step = json_array_get(steps, i);
        const json_t *in = json_object_get(step, "in");
        bool wanted = false;
        rc = has(needs, json_string_value(json_object_get(step, "id")), &wanted, e);
        for (size_t j = 0; wanted && rc == 0 && j < json_array_size(in); j++)
            rc = add(needs, json_string_value(json_array_get(in, j)), e);
    }
    return rc;
}
