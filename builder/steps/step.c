/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/step.h"

#include "builder/steps/kinds.h"

#define KIND_ROW(name) &step_##name,
#define RUNNER_ROW(name) {&step_##name, step_##name##_run},

static const struct step_kind *const kinds[] = {STEP_KINDS(KIND_ROW)};
static const struct step_runner runners[] = {STEP_KINDS(RUNNER_ROW)};

const struct step_table builder_steps = {
    .kinds = kinds,
    .kind_count = sizeof(kinds) / sizeof(kinds[0]),
    .libraries = toolchain_libraries,
    .library_count = TOOLCHAIN_LIBRARY_COUNT,
    .library_version = toolchain_library_version,
};

const struct step_runners builder_runners = {
    .items = runners,
    .count = sizeof(runners) / sizeof(runners[0]),
};

int step_run(const struct step_runners *runners_of, const struct step_kind *kind,
             const struct step_context *context, const struct jcur *params,
             const struct step_input *inputs, size_t input_count, struct step_output *out,
             struct err *e)
{
    const struct step_runner *runner = runners_of->items;
    const struct step_runner *end = runner + runners_of->count;
    AUTO_FREE void *fields = malloc(kind->params->size);
    if (fields == NULL)
        return err_oom(e);
    while (runner < end && runner->kind != kind)
        runner++;
    if (runner == end)
        return err_set(e, ERR_UNDECIDED, "no function is known for steps of kind '%s'", kind->name);
    int rc = step_params_read(kind->params, params, input_count, fields, e);
    if (rc == 0)
        rc = runner->run(context, fields, inputs, input_count, out, e);
    step_params_dispose(kind->params, fields);
    return rc;
}
