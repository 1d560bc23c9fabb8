/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of assay-log: each reads its arguments and options, and says what came of it. */
#ifndef ASSAY_STORE_LOG_LOG_COMMANDS_H
#define ASSAY_STORE_LOG_LOG_COMMANDS_H

#include "base/cli.h"

int log_run_init(struct cli *cli, struct err *e);
int log_run_append(struct cli *cli, struct err *e);
int log_run_show(struct cli *cli, struct err *e);
int log_run_checkpoint(struct cli *cli, struct err *e);
int log_run_prove(struct cli *cli, struct err *e);
int log_run_check(struct cli *cli, struct err *e);
int log_run_consistency(struct cli *cli, struct err *e);
int log_run_check_consistency(struct cli *cli, struct err *e);
int log_run_audit(struct cli *cli, struct err *e);
int log_run_relock(struct cli *cli, struct err *e);
int log_run_move_lock(struct cli *cli, struct err *e);

#endif
