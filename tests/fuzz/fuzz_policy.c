/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: any bytes either parse or are refused as a usage error. */
#include "verifier/policy/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct policy *p = NULL;
    int rc = policy_parse(data, size, "policy", &p, &e);
    if (rc != 0 && rc != -ERR_USAGE)
        abort();
    policy_free(p);
    return 0;
}
