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

/* maxCycle is optional: without it the machine runs until it halts or yields. */
static int read_params(const struct jcur *params, bool *limited, uint64_t *max_cycle, struct err *e)
{
    static const char *const keys[] = {"maxCycle", NULL};
    struct jcur c;
    int rc = jcur_object(params, keys, e);
    if (rc < 0)
        return rc;
    *limited = jcur_opt(params, "maxCycle", &c);
    return *limited ? jcur_u64(&c, CYCLES_MAX, max_cycle, e) : 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    uint64_t max_cycle = 0;
    bool limited;
    (void)input_count;
    return read_params(params, &limited, &max_cycle, e);
}

static int make_document(const struct machine_value *machine, const char *root, json_t *document,
                         struct err *e)
{
    int rc;
    if ((rc = json_put_string(document, "type", ASSAY_URI "cartesi-run/v1", e)) < 0 ||
        (rc = json_put_string(document, "emulator", machine->config.version->name, e)) < 0 ||
        (rc = json_put_u64(document, "archiveVersion", machine->config.version->archive_version,
                           e)) < 0 ||
        (rc = json_put_string(document, "machine", root, e)) < 0 ||
        (rc = json_put_digest(document, "config", &machine->config_digest, e)) < 0)
        return rc;
    /* The only machine that its hash speaks of is one that nothing from outside reaches. */
    return json_put_string(document, "network", "none", e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_MACHINE_VALUE machine = {.count = 0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_JSON json_t *document = json_object();
    AUTO_BUF bytes = BUF_INIT(DOCUMENT_MAX);
    uint64_t max_cycle = 0;
    bool limited = false;
    char root[80];
    (void)input_count;
    if (document == NULL)
        return err_oom(e);
    int rc = read_params(params, &limited, &max_cycle, e);
    if (rc < 0 || (rc = machine_value_open(inputs[0].tree, context->cas, &machine, e)) < 0 ||
        (rc = machine_value_root(&machine, context->jobs, root, e)) < 0 ||
        (rc = make_document(&machine, root, document, e)) < 0 ||
        (limited && (rc = json_put_u64(document, "maxCycle", max_cycle, e)) < 0) ||
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
    .check = check,
    .run = run,
    .wide = true,
};
