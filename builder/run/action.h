/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Action cache documents: what a step with a given key gave. A hint that can be
 * dropped at any time; whatever is wrong with one makes it "not found".
 */
#ifndef ASSAY_BUILDER_RUN_ACTION_H
#define ASSAY_BUILDER_RUN_ACTION_H

#include "builder/plan/step_kind.h"

#define ACTION_TYPE ASSAY_URI "action/v1"

/* What the cache claims. `output.tree` is NULL until action_materialize. */
struct action {
    struct step_output output;
    struct digest *packs; /* blobs that a tree's contents are in; owned */
    size_t pack_count;
};
void action_dispose(struct action *a);

/*
 * *found only when there is a well-formed document for `key`, for the kind of
 * value that the step gives, and every blob that it names is in the store.
 */
int action_find(struct cas *cas, const struct digest *key, enum value_kind gives,
                struct action *out, bool *found, struct err *e);
/* Verifies the bytes of every blob that the claim names, and loads the tree. False: do not use it.
 */
bool action_materialize(struct cas *cas, struct action *a);
/* Remembers an output. Best effort. */
void action_remember(struct cas *cas, const struct digest *key, const struct step_output *output);

#endif
