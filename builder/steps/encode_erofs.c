/* SPDX-License-Identifier: Apache-2.0 */
/* encode.erofs: a tree as an EROFS image (docs/formats/erofs.md). */
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/erofs/erofs.h"

struct params {
    uint64_t time;
    bool xattrs;
    bool uuid_given;
    uint8_t uuid[UUID_SIZE];
};

static int read_params(const struct jcur *params, struct params *out, struct err *e)
{
    static const char *const keys[] = {"exclude", "time", "uuid", "xattrs", NULL};
    struct params p = {0};
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = jcur_get_u64(params, "time", UINT32_MAX, &p.time, e)) < 0 ||
        (rc = params_bool(params, "xattrs", &p.xattrs, e)) < 0 ||
        (rc = params_uuid(params, "uuid", &p.uuid_given, p.uuid, e)) < 0 ||
        (rc = view_check_exclude(params, e)) < 0)
        return rc;
    *out = p;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    struct params p;

    (void)input_count;
    return read_params(params, &p, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_EROFS_LAYOUT layout = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct params p = {0};
    int rc;

    (void)input_count;
    if ((rc = read_params(params, &p, e)) < 0 ||
        (!p.uuid_given &&
         (rc = id_derive_uuid(&inputs[0].digest, "encode.erofs uuid", p.uuid, e)) < 0) ||
        (rc = view_build(inputs[0].tree, params, &view, e)) < 0 ||
        (rc = erofs_layout(&view, p.time, p.xattrs, &layout, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, layout.blocks * EROFS_BLOCK, &writer, e)) < 0 ||
        (rc = erofs_write(&layout, inputs[0].tree, context->cas, context->progress, p.uuid,
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
    .check = check,
    .run = run,
};
