/* encode.initrd: a tree as a newc cpio archive, plain or gzip'ed (docs/formats/initrd.md). */
#include "builder/steps/cpio_writer.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

static int read_params(const struct jcur *params, bool *gzip, int *level, struct err *e)
{
    static const char *const keys[] = {"compressor", "exclude", "level", NULL};
    size_t index = 0;

    if (jcur_object(params, keys, e) < 0 ||
        params_compressor(params, compressor_gzip_or_none, &index, level, e) < 0 ||
        view_check_exclude(params, e) < 0)
        return -(int)e->code;
    *gzip = *level != 0;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    bool gzip = false;
    int level = 0;

    (void)input_count;
    return read_params(params, &gzip, &level, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    bool gzip = false;
    int level = 0;

    (void)input_count;
    if (read_params(params, &gzip, &level, e) < 0 ||
        view_build(inputs[0].tree, params, &view, e) < 0 ||
        cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e) < 0)
        return -(int)e->code;
    struct sink sink = sink_cas(writer);
    if (gzip) {
        if (gzip_writer_new(sink, level, context->jobs, &zip, e) < 0)
            return -(int)e->code;
        sink = sink_gzip(zip);
    }
    if (cpio_write(inputs[0].tree, &view, context->cas, context->progress, sink, e) < 0)
        return -(int)e->code;
    if (gzip && gzip_writer_finish(zip, e) < 0)
        return -(int)e->code;
    return output_commit(writer, out, e);
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_encode_initrd = {
    .name = "encode.initrd",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
