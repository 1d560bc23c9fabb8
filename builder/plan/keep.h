/* SPDX-License-Identifier: Apache-2.0 */
/* A plan stays in the store, with its inputs: "plan:NAME" is the newest of its name, and earlier
 * ones stay beside it until 'assay store gc' is told to let them go. */
#ifndef ASSAY_BUILDER_PLAN_KEEP_H
#define ASSAY_BUILDER_PLAN_KEEP_H

#include "base/host.h"
#include "store/cas/cas.h"

/* Puts the document's bytes into the store and keeps them by the plan's name. */
int plan_keep(struct cas *cas, const char *name, const struct buf *bytes, const struct host *host,
              struct digest *digest, struct err *e);

#endif
