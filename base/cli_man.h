/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page of a program (mdoc), out of its table. To stdout. */
#ifndef ASSAY_BASE_CLI_MAN_H
#define ASSAY_BASE_CLI_MAN_H

#include "base/cli.h"

void cli_man(const struct cli_program *program);

#endif
