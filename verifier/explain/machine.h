/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a stored machine differs from its rebuild, in the guest's own terms:
 * registers, pages of memory, files on flash drives, keys of the config. Found by
 * `assay cartesi diff`, a program of its own.
 */
#ifndef ASSAY_VERIFIER_EXPLAIN_MACHINE_H
#define ASSAY_VERIFIER_EXPLAIN_MACHINE_H

#include "base/err.h"

#include <jansson.h>

enum { EXPLANATION_MAX = 50 }; /* differences that are listed */

/*
 * {"count": …, "differences": [text, …]}: `theirs` comes first, the rebuild
 * second; both are directories or packed. *out is new; NULL when the two cannot be
 * compared as machines (one of them is none), which is no error here.
 */
int explain_machine(const char *theirs, const char *rebuilt, const char *scratch, json_t **out,
                    struct err *e);
/* The first difference, and how many there are, as a clause. "" for NULL. */
void explain_clause(const json_t *explanation, char *text, size_t size);

#endif
