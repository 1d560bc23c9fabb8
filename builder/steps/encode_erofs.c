/* SPDX-License-Identifier: Apache-2.0 */
/* encode.erofs: a tree as an EROFS image (docs/formats/erofs.md). */
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/erofs/erofs.h"

struct params {
    uint64_t time;
    bool xattrs;
    const char *uuid;
    struct glob_list *exclude;
};

static const struct param rows[] = {
    {PARAM_U64("time", struct params, time), .max = UINT32_MAX},
    {PARAM_BOOL("xattrs", struct params, xattrs)},
    {PARAM_TEXT("uuid", struct params, uuid, &param_text_uuid)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_encode_erofs_run(const struct step_context *context, void *params,
                          const struct step_input *inputs, size_t input_count,
                          struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_EROFS_LAYOUT layout = {0};
    AUTO_TREE_READER struct tree_reader *reader = NULL;
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const struct params *p = params;
    uint8_t uuid[UUID_SIZE];
    int rc;

    (void)input_count;
    if ((rc = id_uuid(p->uuid, &inputs[0].digest, "encode.erofs uuid", uuid, e)) < 0 ||
        (rc = view_build(inputs[0].tree, p->exclude, &view, e)) < 0 ||
        (rc = tree_reader_new(inputs[0].tree, context->cas, &reader, e)) < 0 ||
        (rc = erofs_layout(&view, p->time, p->xattrs, reader, &layout, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, layout.blocks * EROFS_BLOCK, &writer, e)) < 0 ||
        (rc = erofs_write(&layout, inputs[0].tree, context->cas, context->progress, uuid,
                          sink_cas(writer), e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_erofs = {
    .name = "encode.erofs",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
};
