/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of assay-cartesi that have a file of their own, and what they share. */
#ifndef ASSAY_BUILDER_CARTESI_COMMANDS_H
#define ASSAY_BUILDER_CARTESI_COMMANDS_H

#include "base/cli.h"
#include "formats/machine/snapshot.h"

/* Opens the machine named by argument `index`; says on stderr when the uarch RAM is not there. */
int cartesi_open(struct cli *cli, size_t index, struct snapshot *out, struct err *e);
/* The same without a word. */
int cartesi_open_quietly(struct cli *cli, size_t index, struct snapshot *out, struct err *e);
/* --jobs, else all processors. ERR_USAGE for 0 and for more than 1024. */
int cartesi_jobs(struct cli *cli, unsigned *out, struct err *e);
#define CARTESI_OPTION_JOBS                                                                        \
    {                                                                                              \
        "jobs", 'j', CLI_NUMBER, "N", "threads (default: one per processor)"                       \
    }

int cartesi_run_write(struct cli *cli, struct err *e);
int cartesi_run_inspect(struct cli *cli, struct err *e);
int cartesi_run_diff(struct cli *cli, struct err *e);
int cartesi_run_pack(struct cli *cli, struct err *e);
int cartesi_run_unpack(struct cli *cli, struct err *e);
int cartesi_run_verify(struct cli *cli, struct err *e);

#endif
