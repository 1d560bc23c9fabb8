/* SPDX-License-Identifier: Apache-2.0 */
/* The step kinds that this builder has; each is a file in this folder. */
#ifndef ASSAY_BUILDER_STEPS_STEP_H
#define ASSAY_BUILDER_STEPS_STEP_H

#include "builder/plan/step_kind.h"

extern const struct step_table builder_steps;

/* Versions of libraries as linked into this program (toolchain.c); for the table. */
const char *toolchain_library_version(const char *name);
extern const char *const toolchain_libraries[];
enum { TOOLCHAIN_LIBRARY_COUNT = 5 };

#endif
