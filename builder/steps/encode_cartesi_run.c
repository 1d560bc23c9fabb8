/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.cartesi-run: how a stored machine is to be run, as a document that binds
 * the machine's hash and its config (docs/formats/cartesi-run.md).
 */
#include "base/version.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/machine/machine_value.h"

enum { DOCUMENT_MAX = 65536 };
#define CYCLES_MAX (((uint64_t)1 << 53) - 1)
#define NO_LIMIT UINT64_MAX

struct params {
    uint64_t max_cycle;
};

/* Without maxCycle the machine runs until it halts or yields. */
static const struct param rows[] = {
    {PARAM_U64("maxCycle", struct params, max_cycle), .max = CYCLES_MAX, .optional = true,
     .absent = NO_LIMIT},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int make_document(const struct machine_value *machine, const char *root, json_t *document,
                         struct err *e)
{
    int rc;
    if ((rc = json_put_string(document, "type", CARTESI_RUN_TYPE, e)) < 0 ||
        (rc = json_put_string(document, "emulator", machine->config.version->name, e)) < 0 ||
        (rc = json_put_u64(document, "archiveVersion", machine->config.version->archive_version,
                           e)) < 0 ||
        (rc = json_put_string(document, "machine", root, e)) < 0 ||
        (rc = json_put_digest(document, "config", &machine->config_digest, e)) < 0)
        return rc;
    /* The only machine that its hash speaks of is one that nothing from outside reaches. */
    return json_put_string(document, "network", "none", e);
}

int step_encode_cartesi_run_run(const struct step_context *context, void *params,
                                const struct step_input *inputs, size_t input_count,
                                struct step_output *out, struct err *e)
{
    AUTO_MACHINE_VALUE machine = {.count = 0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_JSON json_t *document = json_object();
    AUTO_BUF bytes = BUF_INIT(DOCUMENT_MAX);
    uint64_t max_cycle = ((const struct params *)params)->max_cycle;
    char root[80];
    int rc;

    (void)input_count;
    if (document == NULL)
        return err_oom(e);
    if ((rc = machine_value_open(inputs[0].tree, context->cas, &machine, e)) < 0 ||
        (rc = machine_value_root(&machine, context->jobs, root, e)) < 0 ||
        (rc = make_document(&machine, root, document, e)) < 0 ||
        (max_cycle != NO_LIMIT && (rc = json_put_u64(document, "maxCycle", max_cycle, e)) < 0) ||
        (rc = jcs_format(document, &bytes, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = cas_writer_write(writer, bytes.data, bytes.len, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_cartesi_run = {
    .name = "encode.cartesi-run",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
