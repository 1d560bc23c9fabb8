/* SPDX-License-Identifier: Apache-2.0 */
/* encode.tar: a tree as one canonical pax tar (docs/formats/tar.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/tar/tar_writer.h"

struct params {
    bool sparse;
    struct glob_list *exclude;
};

/* `sparse` is optional: plans of before have tars without. */
static const struct param rows[] = {
    {PARAM_BOOL("sparse", struct params, sparse), .optional = true},
    {PARAM_GLOBS("exclude", struct params, exclude)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_encode_tar_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const struct params *p = params;
    const struct tar_options options = {.tree = inputs[0].tree,
                                        .cas = context->cas,
                                        .progress = context->progress,
                                        .sparse = p->sparse};
    int rc;

    (void)input_count;
    if ((rc = view_build(inputs[0].tree, p->exclude, &view, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = tar_write(&options, &view, sink_cas(writer), e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_tar = {
    .name = "encode.tar",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
};
