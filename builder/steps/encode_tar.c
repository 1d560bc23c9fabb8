/* encode.tar: a tree as one canonical pax tar (docs/formats/tar.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "builder/steps/tar_writer.h"

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    static const char *const keys[] = {"exclude", NULL};

    (void)input_count;
    if (jcur_object(params, keys, e) < 0)
        return -(int)e->code;
    return view_check_exclude(params, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct tar_options options = {
        .tree = inputs[0].tree, .cas = context->cas, .progress = context->progress};

    if (check(params, input_count, e) < 0 || view_build(inputs[0].tree, params, &view, e) < 0 ||
        cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e) < 0 ||
        tar_write(&options, &view, sink_cas(writer), e) < 0)
        return -(int)e->code;
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
