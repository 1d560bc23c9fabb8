/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an earlier run of the same step gave: a hint for a step that can take over parts of its last
 * output when little has changed. Like the action cache it may be dropped at any time and is never
 * asked by a verifying rebuild; unlike it, the inputs may be others. A step may only take over what
 * it would have made itself, byte for byte.
 */
#ifndef ASSAY_BUILDER_STEPS_EARLIER_H
#define ASSAY_BUILDER_STEPS_EARLIER_H

#include "builder/plan/step_kind.h"

struct earlier {
    struct digest output; /* blob */
    struct digest parts;  /* blob in which the kind has written what is where */
};

/* Of that kind, by the same version of Assay and of the kind's libraries, with the same options
 * (text of the kind's own: all that decides what a part becomes). Nothing is found without a
 * lineage. */
bool earlier_find(const struct step_context *context, const struct step_kind *kind,
                  const char *options, struct earlier *out);
/* In the place of what was remembered before. Best effort. */
void earlier_remember(const struct step_context *context, const struct step_kind *kind,
                      const char *options, const struct earlier *what);

#endif
