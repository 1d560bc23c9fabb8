/* SPDX-License-Identifier: Apache-2.0 */
/* encode.tar: a tree as one canonical pax tar (docs/formats/tar.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/tar/tar_writer.h"

/* `sparse` is optional: plans of before have tars without. */
static int read_params(const struct jcur *params, bool *sparse, struct err *e)
{
    static const char *const keys[] = {"exclude", "sparse", NULL};
    struct jcur c;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (jcur_opt(params, "sparse", &c) && (rc = jcur_bool(&c, sparse, e)) < 0))
        return rc;
    return view_check_exclude(params, e);
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    bool sparse = false;

    (void)input_count;
    return read_params(params, &sparse, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct tar_options options = {
        .tree = inputs[0].tree, .cas = context->cas, .progress = context->progress};
    int rc;

    (void)input_count;
    if ((rc = read_params(params, &options.sparse, e)) < 0 ||
        (rc = view_build(inputs[0].tree, params, &view, e)) < 0 ||
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
    .check = check,
    .run = run,
};
