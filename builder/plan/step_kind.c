/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/step_kind.h"

#include <string.h>

const struct step_kind *step_kind_find(const struct step_table *table, const char *name)
{
    for (size_t i = 0; i < table->kind_count; i++) {
        if (strcmp(table->kinds[i]->name, name) == 0)
            return table->kinds[i];
    }
    return NULL;
}

void step_output_dispose(struct step_output *out)
{
    tree_free(out->tree);
    free(out->related);
    *out = (struct step_output){0};
}
