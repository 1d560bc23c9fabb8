/* SPDX-License-Identifier: Apache-2.0 */
/* `assay build --builder`: a plan of another version, built by that version's assay-build. */
#ifndef ASSAY_BUILDER_RUN_BUILD_OTHER_H
#define ASSAY_BUILDER_RUN_BUILD_OTHER_H

#include "builder/plan/plan_file.h"

/* Of the running program's file. */
int build_own_digest(struct digest *out, struct err *e);
/* The whole command; its options are checked but for those that do not go with --builder. */
int build_other(struct cli *cli, struct err *e);
/* Adds to the ERR_UNDECIDED of a plan for another toolchain which builder is at hand, and how it is
 * given. Gives ERR_UNDECIDED. */
int build_advise(const struct cli *cli, const struct plan_file *file, struct err *e);

#endif
