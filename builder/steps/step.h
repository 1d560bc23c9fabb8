/* SPDX-License-Identifier: Apache-2.0 */
/* The step kinds that this builder has; each is a file in this folder. */
#ifndef ASSAY_BUILDER_STEPS_STEP_H
#define ASSAY_BUILDER_STEPS_STEP_H

#include "builder/plan/step_kind.h"

/* What plans may ask for. It refers to no step's function. */
extern const struct step_table builder_steps;

/* `params` is the struct that the kind's table has filled; the function may change it. */
typedef int step_function(const struct step_context *context, void *params,
                          const struct step_input *inputs, size_t input_count,
                          struct step_output *out, struct err *e);
struct step_runner {
    const struct step_kind *kind;
    step_function *run;
};
struct step_runners {
    const struct step_runner *items;
    size_t count;
};
extern const struct step_runners builder_runners;

/* Reads the parameters, and runs the kind's function with them. */
int step_run(const struct step_runners *runners, const struct step_kind *kind,
             const struct step_context *context, const struct jcur *params,
             const struct step_input *inputs, size_t input_count, struct step_output *out,
             struct err *e);

/* Versions of libraries as linked into this program (toolchain.c); for the table. */
const char *toolchain_library_version(const char *name);
extern const char *const toolchain_libraries[];
enum { TOOLCHAIN_LIBRARY_COUNT = 5 };

#endif
