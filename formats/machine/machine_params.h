/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of the step tree.cartesi (docs/formats/machine.md, "As a step"):
 * a machine and what each of the step's inputs is for. They become a config of
 * the emulator's own form, whose reader checks the rest; that there are no
 * unknown ones, the step's table does.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_PARAMS_H
#define ASSAY_FORMATS_MACHINE_MACHINE_PARAMS_H

#include "base/json.h"
#include "formats/machine/machine_config.h"

enum {
    /* image, dtb, uarch, two buffers, drives, NVRAMs */
    MACHINE_INPUTS_MAX = 5 + MACHINE_DRIVES_MAX + MACHINE_NVRAMS_MAX
};

struct machine_params {
    struct machine_config config; /* backed by the roles' names */
    size_t role_count;
    const char *roles[MACHINE_INPUTS_MAX]; /* of each input: "ram", "flashDrives.0"; borrowed from
                                              the parameters */
};

/* ERR_INPUT unless there is one role for each of `input_count` inputs. Dispose *out whatever the
 * result. */
int machine_params_read(const struct jcur *params, size_t input_count, struct machine_params *out,
                        struct err *e);
void machine_params_dispose(struct machine_params *p);
#define AUTO_MACHINE_PARAMS AUTO(machine_params_dispose) struct machine_params

#endif
