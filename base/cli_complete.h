/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion of command lines in bash, zsh and fish, out of a program's table. To stdout. A program
 * whose commands are programs of their own (`run` is NULL: the front) hands over to their
 * completions.
 */
#ifndef ASSAY_BASE_CLI_COMPLETE_H
#define ASSAY_BASE_CLI_COMPLETE_H

#include "base/cli.h"

void cli_complete_bash(const struct cli_program *program);
void cli_complete_zsh(const struct cli_program *program);
void cli_complete_fish(const struct cli_program *program);

#endif
