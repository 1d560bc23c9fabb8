/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.decompress: a kernel out of its wrapping (docs/formats/kernel.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/kernel/kernel.h"

int step_kernel_decompress_run(const struct step_context *context, void *params,
                               const struct step_input *inputs, size_t input_count,
                               struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc;

    (void)params;
    (void)input_count;
    if ((rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = cas_map(context->cas, &inputs[0].digest, &data, &len, e)) < 0)
        return rc;
    rc = kernel_unpack(data, len, sink_cas(writer), e);
    cas_unmap(data, len);
    return rc < 0 ? err_wrap(e, "cannot decompress '%s'", inputs[0].id)
                  : output_commit(writer, out, e);
}

static const char *const libraries[] = {"liblzma", "lz4", "zlib", "zstd", NULL};

const struct step_kind step_kernel_decompress = {
    .name = "kernel.decompress",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &step_params_none,
};
