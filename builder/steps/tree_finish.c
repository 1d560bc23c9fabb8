/* SPDX-License-Identifier: Apache-2.0 */
/* tree.finish: what well-known maintainer scripts would do to a root file system of packages. */
#include "builder/debian/finish.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#define TIME_MAX ((int64_t)9007199254740991) /* 2^53 - 1, as in all JSON here */

enum { UNIT_MAX = 255 };

struct params {
    size_t arch; /* into arches */
    int64_t clamp;
    struct finish_options finish;
};

static const struct param_text hostname_text = {
    .max = FINISH_HOSTNAME_MAX,
    .valid = finish_hostname_valid,
    .is = "no name of a host",
    .said_max = FINISH_HOSTNAME_MAX,
    .pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
};

static const struct param_text unit_text = {
    .max = UNIT_MAX,
    .valid = finish_unit_valid,
    .is = "no unit of systemd",
    .said_max = UNIT_MAX,
    .pattern = "^[A-Za-z0-9:_.\\\\-][A-Za-z0-9:_.\\\\@-]*\\.[a-z]+$",
};
static const struct param unit = {.type = PARAM_TYPE_TEXT, .text = &unit_text};
static const struct param_list unit_list = {PARAM_VALUES(const char *, &unit),
                                            .max = FINISH_UNITS_MAX};

static const char *const arches[] = {"amd64", "arm64", "riscv64", NULL};

/* `modules`, `sysusers` and `tmpfiles` are optional: plans of before have none. */
static const struct param rows[] = {
    {PARAM_CHOICE("architecture", struct params, arch, arches)},
    {PARAM_I64("clamp", struct params, clamp), .min = -TIME_MAX, .max = TIME_MAX,
     .said = SAID_TYPE},
    {PARAM_BOOL("base", struct params, finish.base)},
    {PARAM_BOOL("shells", struct params, finish.shells)},
    {PARAM_BOOL("libraries", struct params, finish.libraries)},
    {PARAM_BOOL("certificates", struct params, finish.certificates)},
    {PARAM_BOOL("pam", struct params, finish.pam)},
    {PARAM_BOOL("ssh", struct params, finish.ssh)},
    {PARAM_BOOL("units", struct params, finish.units)},
    {PARAM_LIST("enable", const char *, struct params, finish.enable, finish.enable_count,
                &unit_list)},
    {PARAM_LIST("disable", const char *, struct params, finish.disable, finish.disable_count,
                &unit_list)},
    {PARAM_BOOL("modules", struct params, finish.modules), .optional = true},
    {PARAM_BOOL("sysusers", struct params, finish.sysusers), .optional = true},
    {PARAM_BOOL("tmpfiles", struct params, finish.tmpfiles), .optional = true},
    {PARAM_BOOL("machineId", struct params, finish.machine_id)},
    {PARAM_TEXT("hostname", struct params, finish.hostname, &hostname_text), .optional = true},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_tree_finish_run(const struct step_context *context, void *params,
                         const struct step_input *inputs, size_t input_count,
                         struct step_output *out, struct err *e)
{
    struct params *p = params;
    AUTO_TREE struct tree *tree = NULL;
    (void)input_count;
    p->finish.arch = arches[p->arch];
    p->finish.time = p->clamp;
    int rc = tree_copy(inputs[0].tree, &tree, e);
    if (rc == 0)
        rc = finish_make(context->cas, &p->finish, tree, e);
    return rc < 0 ? rc : output_tree(context->cas, &tree, out, e);
}

const struct step_kind step_tree_finish = {
    .name = "tree.finish",
    .libraries = NULL,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_TREE,
    .params = &takes,
};
