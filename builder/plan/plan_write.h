/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a plan's document, written. */
#ifndef ASSAY_BUILDER_PLAN_PLAN_WRITE_H
#define ASSAY_BUILDER_PLAN_PLAN_WRITE_H

#include "base/json.h"

/* Takes `in` and `params`, also on failure; NULL is memory that ran out. */
int plan_write_step(const char *id, const char *kind, json_t *in_taken, json_t *params_taken,
                    json_t **out, struct err *e);

#endif
