/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs that a plan or a provenance names, and that are other ones: no matter of determinism. */
#include "verifier/explain/causes/causes.h"

#include <string.h>

static const char *const places[] = {"resolvedDependencies[", "inputs.", "inputs[", "materials["};

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    if (d->kind != DIFFERENCE_FIELD || d->object_a == NULL || d->member_a != NULL ||
        strcmp(d->object_a->kind->name, "json") != 0)
        return false;
    const char *name = d->a != NULL ? d->a->name : d->b->name;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *at = strstr(name, places[i]);
        if (at != NULL && (at == name || at[-1] == '.'))
            return true;
    }
    return false;
}

const struct cause cause_input_drift = {
    .id = "input.drift",
    .title = "other inputs",
    .weight = CAUSE_SUSPICIOUS,
    .advice = "compare builds of the same inputs: lock them once, and build from that plan",
    .command = "assay plan diff …",
    .normalize = normalize,
};
