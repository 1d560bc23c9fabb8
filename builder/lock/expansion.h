/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that expand as a decompression bomb does, named while a recipe can still allow it. */
#ifndef ASSAY_BUILDER_LOCK_EXPANSION_H
#define ASSAY_BUILDER_LOCK_EXPANSION_H

#include "builder/plan/locked.h"
#include "store/cas/cas.h"

/* ERR_INPUT for a layer that a build would refuse since it expands more than so many times (0: as
 * usual): names image, layer and file, and what to do. */
int expansion_check(const struct locked *locked, struct cas *cas, unsigned ratio, struct err *e);
/* What --expansion says, 0 when it is not given; ERR_USAGE for a number that is none for it. */
struct cli;
int expansion_option(const struct cli *cli, uint32_t *out, struct err *e);

#endif
