/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: any bytes are parsed or refused; what was parsed is in canonical form, can be shown and
 * keyed. */
#include "builder/plan/show.h"
#include "builder/run/key.h"
#include "builder/steps/step.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct plan *plan, const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_BUF again = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_BUF text = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_JSON json_t *changes = NULL;
    if (plan_format(plan->document, &builder_steps, &again, &e) < 0 || again.len != size ||
        memcmp(again.data, data, size) != 0)
        abort();
    if (plan_show(plan, &text, &e) < 0 || plan_dot(plan, &text, &e) < 0 ||
        plan_diff(plan, plan, &changes, &e) < 0 || json_array_size(changes) != 0)
        abort();
    (void)plan_check_toolchain(plan, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_PLAN struct plan *plan = NULL;
    AUTO_PLAN struct plan *outline = NULL;
    int rc = plan_parse(data, size, "plan", &builder_steps, &plan, &e);
    if (rc != 0 && rc != -ERR_INPUT && rc != -ERR_UNDECIDED)
        abort();
    if (rc == 0)
        use(plan, data, size);
    /* Of a plan that is one, or may be one to another version, there is an outline. */
    int outlined = plan_parse(data, size, "plan", NULL, &outline, &e);
    if (rc == 0 ? outlined != 0 : outlined != 0 && outlined != -ERR_INPUT)
        abort();
    if (outlined == 0 && (outline->step_count != 0 || outline->output_count == 0))
        abort();
    return 0;
}
