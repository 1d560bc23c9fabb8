/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/plan_write.h"

int plan_write_step(const char *id, const char *kind, json_t *in_taken, json_t *params_taken,
                    json_t **out, struct err *e)
{
    AUTO_JSON json_t *in = in_taken;
    AUTO_JSON json_t *params = params_taken;
    AUTO_JSON json_t *step = json_object();
    if (step == NULL || in == NULL || params == NULL)
        return err_oom(e);
    int rc = json_put_string(step, "id", id, e);
    if (rc < 0 || (rc = json_put_string(step, "kind", kind, e)) < 0 ||
        (rc = json_put(step, "in", steal_ptr(&in), e)) < 0 ||
        (rc = json_put(step, "params", steal_ptr(&params), e)) < 0)
        return rc;
    *out = steal_ptr(&step);
    return 0;
}
