/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs the sandbox can run. */
#ifndef ASSAY_BASE_SANDBOX_PROGRAM_H
#define ASSAY_BASE_SANDBOX_PROGRAM_H

#include "base/digest.h"

/*
 * The sandbox shows a builder and no library: one that needs a loader would die there without a
 * word. 0 and its digest when it is a static 64-bit program of this machine's kind; ERR_HOST when
 * it is none, or not there; ERR_UNDECIDED when it is for another architecture.
 */
int sandbox_program_check(const char *path, struct digest *digest, struct err *e);

#endif
