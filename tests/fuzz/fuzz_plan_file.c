/* SPDX-License-Identifier: Apache-2.0 */
/* What carries a plan: any bytes are read or refused, and what comes out is a plan by itself. */
#include "builder/plan/plan_file.h"
#include "builder/steps/step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_PLAN_FILE struct plan_file file = {0};
    AUTO_PLAN struct plan *again = NULL;
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    int rc = plan_file_parse(data, size, "fuzz", &builder_steps, &file, &e);
    if (rc != 0 && rc != -ERR_INPUT && rc != -ERR_UNDECIDED)
        abort();
    if (rc != 0)
        return 0;
    if (plan_file_bytes(&file, &bytes, &e) != 0 ||
        plan_parse(buf_str(&bytes), bytes.len, "again", &builder_steps, &again, &e) != 0 ||
        !digest_equal(&file.plan->digest, &again->digest))
        abort();
    return 0;
}
