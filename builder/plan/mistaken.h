/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was given in the place of something else: people give a recipe to `assay build`, a plan to
 * `assay lock`, an image to `assay plan diff`. It is known by its first bytes, never by its name,
 * and the error says what to do with it.
 */
#ifndef ASSAY_BUILDER_PLAN_MISTAKEN_H
#define ASSAY_BUILDER_PLAN_MISTAKEN_H

#include "base/err.h"

enum mistaken_for { MISTAKEN_FOR_PLAN, MISTAKEN_FOR_RECIPE };

/*
 * ERR_INPUT when the file is of another kind than what it was taken for. 0 when it may be that, or
 * is of no known kind, or cannot be read: who reads it says the rest.
 */
int mistaken(const char *path, enum mistaken_for taken, struct err *e);

#endif
