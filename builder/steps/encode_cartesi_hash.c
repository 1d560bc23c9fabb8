/* SPDX-License-Identifier: Apache-2.0 */
/* encode.cartesi-hash: the root hash of a stored machine, as a line of text. */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/machine/machine_value.h"

#include <string.h>

int step_encode_cartesi_hash_run(const struct step_context *context, void *params,
                                 const struct step_input *inputs, size_t input_count,
                                 struct step_output *out, struct err *e)
{
    AUTO_MACHINE_VALUE machine = {.count = 0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    char text[80];
    int rc;

    (void)params;
    (void)input_count;
    if ((rc = machine_value_open(inputs[0].tree, context->cas, &machine, e)) < 0 ||
        (rc = machine_value_root(&machine, context->jobs, text, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = cas_writer_write(writer, text, strlen(text), e)) < 0 ||
        (rc = cas_writer_write(writer, "\n", 1, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_cartesi_hash = {
    .name = "encode.cartesi-hash",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &step_params_none,
    .wide = true,
};
