/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded set of threads that runs the items of a loop; results must not depend on which thread
 * ran what. */
#ifndef ASSAY_BASE_WORKERS_H
#define ASSAY_BASE_WORKERS_H

#include "base/err.h"

/*
 * Calls fn(context, i, e) for every i in [0, count) on at most `jobs` threads.
 * After a failure no new item starts; the error of the lowest failing index
 * is the one returned, so the message does not depend on timing either.
 */
int workers_run(unsigned jobs, size_t count, int (*fn)(void *context, size_t i, struct err *e),
                void *context, struct err *e);
/* Processors this process may run on; at least 1. */
unsigned workers_default(void);

#endif
