/* SPDX-License-Identifier: Apache-2.0 */
/* Running another of Assay's own programs: what it finds wrong becomes our error, with its code. */
#ifndef ASSAY_BASE_TOOL_H
#define ASSAY_BASE_TOOL_H

#include "base/buf.h"

/*
 * Runs the program `name` that lies beside the running one, with `arguments`
 * (NULL-terminated, without argv[0]) and TMPDIR=`scratch`. `output` gets its stdout,
 * bounded by its max. *status (may be NULL) is its exit code: 0, or 1 when `status`
 * is given; every other one is an error of that code with the program's own last
 * line. ERR_HOST when it cannot be run, or dies.
 */
int tool_run(const char *name, const char *const *arguments, const char *scratch,
             struct buf *output, int *status, struct err *e);

/*
 * The same with more of the environment: `more`, a NULL-terminated list of "NAME=VALUE", whose PATH
 * and HOME take the place of PATH_DEFAULT and "/".
 */
int tool_run_with(const char *name, const char *const *arguments, const char *const *more,
                  const char *scratch, struct buf *output, int *status, struct err *e);

#endif
