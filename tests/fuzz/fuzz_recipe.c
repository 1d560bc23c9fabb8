/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: any bytes are a recipe, or refused with a documented code. */
#include "builder/recipe/recipe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct recipe_settings settings = {.arch = size % 2 != 0 ? "riscv64" : NULL};
    struct err e = ERR_INIT;
    struct recipe *r = NULL;
    /* A directory that is not there, so that `system: {file: …}` finds nothing of this machine. */
    int rc = recipe_parse(data, size, "/nonexistent/fuzz.yml", &settings, &r, &e);
    if (rc != 0 && rc != -ERR_INPUT && rc != -ERR_USAGE && rc != -ERR_UNDECIDED)
        abort();
    if (rc == 0 && (r->name == NULL || r->arch == NULL || r->artifact_count == 0))
        abort();
    recipe_free(r);
    return 0;
}
