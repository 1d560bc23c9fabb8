/* SPDX-License-Identifier: Apache-2.0 */
/* What a program's table says of itself: help, manual page, JSON. Used by base/cli.c only. */
#ifndef ASSAY_BASE_CLI_HELP_H
#define ASSAY_BASE_CLI_HELP_H

#include "base/cli.h"

extern const struct cli_option cli_common_options[];
extern const size_t cli_common_count;

/* As it is typed: "assay-plan" and its command "show" are "assay plan show". `command` may be NULL.
 */
void cli_typed_name(const struct cli_program *program, const struct cli_command *command, char *out,
                    size_t size);

/* Calls `print` for each exit code of a command, or of a program whose commands' meanings differ
 * (`command` NULL), with what it means there. */
void cli_exits(const struct cli_command *command,
               void (*print)(int code, const char *text, int len));

/* `which`: "help" or another common option that prints. `command` may be NULL. To stdout. */
void cli_help_print(const struct cli_program *program, const struct cli_command *command,
                    const char *which);

#endif
