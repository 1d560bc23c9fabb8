/* SPDX-License-Identifier: Apache-2.0 */
/* encode.cartesi-hash: the root hash of a stored machine, as a line of text. */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/machine/machine_value.h"

#include <string.h>

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    static const char *const keys[] = {NULL};
    (void)input_count;
    return jcur_object(params, keys, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_MACHINE_VALUE machine = {.count = 0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    char text[80];
    int rc = check(params, input_count, e);
    if (rc < 0 || (rc = machine_value_open(inputs[0].tree, context->cas, &machine, e)) < 0 ||
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
    .check = check,
    .run = run,
    .wide = true,
};
