/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.cartesi: a machine of the Cartesi emulator at cycle 0, as the files that
 * the emulator stores (docs/formats/machine.md).
 */
#include "builder/steps/kinds.h"
#include "formats/machine/machine_params.h"
#include "formats/machine/machine_value.h"

#include <string.h>

struct params {
    struct machine_params machine;
};

struct inputs {
    struct cas *cas;
    const struct machine_params *params;
    const struct step_input *items;
};

/* The config names inputs by their roles. */
static int open_input(void *context, enum machine_kind kind, const char *data,
                      struct machine_input *out, struct err *e)
{
    const struct inputs *in = context;
    size_t i = 0;
    (void)kind;
    while (i < in->params->role_count && strcmp(in->params->roles[i], data) != 0)
        i++;
    if (i == in->params->role_count)
        return 0; /* the uarch RAM, when nothing is given for it */
    out->name = in->items[i].id;
    return cas_open_blob(in->cas, &in->items[i].digest, &out->fd, &out->size, e);
}

static int read_machine(const struct param_reading *r, const struct jcur *object, void *field,
                        struct err *e)
{
    return machine_params_read(object, r->input_count, field, e);
}

static void dispose(void *fields)
{
    machine_params_dispose(&((struct params *)fields)->machine);
}

/* They become a config of the emulator's, whose reader knows what it takes. */
static const struct param rows[] = {
    {PARAM_OTHER(NULL, struct machine_params, struct params, machine, read_machine)},
    {PARAM_THERE("emulator")},
    {PARAM_THERE("hashFunction")},
    {PARAM_THERE("ramLength")},
    {PARAM_THERE("bootargs")},
    {PARAM_THERE("init")},
    {PARAM_THERE("entrypoint")},
    {PARAM_THERE("registers")},
    {PARAM_THERE("flashDrives")},
    {PARAM_THERE("phtcSize"), .optional = true},
    {PARAM_THERE("nvrams")},
    {PARAM_THERE("inputs")},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params), .dispose = dispose};

int step_tree_cartesi_run(const struct step_context *context, void *params,
                          const struct step_input *inputs, size_t input_count,
                          struct step_output *out, struct err *e)
{
    struct machine_params *p = &((struct params *)params)->machine;
    AUTO_MACHINE_PACKER packer = {.writer = NULL};
    struct step_output fresh = {.kind = VALUE_TREE};
    struct inputs in = {.cas = context->cas, .params = p, .items = inputs};
    (void)input_count;
    int rc = machine_packer_init(&packer, context->cas, e);
    if (rc < 0)
        return rc;
    const struct machine_write write = {
        .source = {.open = open_input, .context = &in},
        .sink = machine_packer_sink(&packer),
        .round_lengths = true,
    };
    if ((rc = machine_write(&p->config, &write, e)) < 0 ||
        (rc = machine_packer_finish(&packer, &fresh.tree, e)) < 0)
        return rc;
    *out = fresh;
    return 0;
}

static const char *warn(const json_t *params)
{
    const json_t *roles = json_object_get(params, "inputs");
    size_t i;
    json_t *role;
    json_array_foreach(roles, i, role)
    {
        const char *text = json_string_value(role);
        if (text != NULL && strcmp(text, "uarchRam") == 0)
            return NULL;
    }
    return "the machine has no uarch RAM: its hash is right, but the emulator will not load it";
}

const struct step_kind step_tree_cartesi = {
    .name = "tree.cartesi",
    .min_inputs = 0,
    .max_inputs = MACHINE_INPUTS_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_TREE,
    .params = &takes,
    .warn = warn,
};
