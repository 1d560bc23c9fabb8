/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of steps: any document is taken or refused with ERR_INPUT by every
 * kind, and what was taken twice is taken the same way. The first byte is the
 * number of inputs.
 */
#include "builder/steps/step.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *params = NULL;
    const struct step_kind *const *kinds = builder_steps.kinds;

    if (size == 0 || json_parse(data + 1, size - 1, "params", NULL, &params, &e) < 0)
        return 0;
    struct jcur root = jcur_root(params, "params");
    for (size_t i = 0; i < builder_steps.kind_count; i++) {
        int first = step_params_check(kinds[i]->params, &root, data[0], &e);
        int second = step_params_check(kinds[i]->params, &root, data[0], &e);
        if (first != second || (first != 0 && first != -ERR_INPUT))
            abort();
    }
    return 0;
}
