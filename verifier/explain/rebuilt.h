/* SPDX-License-Identifier: Apache-2.0 */
/* Why an artifact differs from its rebuild: found by `assay diff`, a program of its own. */
#ifndef ASSAY_VERIFIER_EXPLAIN_REBUILT_H
#define ASSAY_VERIFIER_EXPLAIN_REBUILT_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/*
 * {"count", "differences": [text, …], "causes": [{"id", "count", "explains_fully", "advice"}, …],
 * "unexplained": {"count", "bytes"}}: `theirs` comes first, the rebuild second. *out is new; NULL
 * when it could not be found out, which is no error here: that they differ is known already.
 */
int explain_rebuilt(const char *theirs, const char *rebuilt, const char *scratch, json_t **out,
                    struct err *e);
/* The causes as a clause: "time.mtime, path.build; 2 differences that nothing explains". "" for
 * NULL, and for an explanation that names no causes. */
void explain_causes_clause(const json_t *explanation, char *text, size_t size);

#endif
