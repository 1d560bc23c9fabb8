/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a plan's graph: ready steps in parallel, each once, through the action
 * cache unless it is told not to. Neither the number of threads nor the cache
 * may change a byte of any output.
 */
#ifndef ASSAY_BUILDER_RUN_EXECUTE_H
#define ASSAY_BUILDER_RUN_EXECUTE_H

#include "base/host.h"
#include "builder/plan/plan.h"
#include "builder/steps/step.h"

struct execute_options {
    const struct step_runners *runners; /* of all kinds of the plan */
    struct cas
        *cas; /* new blobs go here; inputs are read from it (or from what it falls back to) */
    const char *store; /* where inputs should be, for messages; NULL = cas's path */
    unsigned jobs;     /* steps at a time, and threads of all wide ones together; at least 1 */
    bool no_cache;     /* neither ask the action cache nor tell it */
    bool dry_run;      /* only find out which steps would run, and why */
    struct plan_choice choice; /* only the steps that these outputs need */
    bool digests;              /* … and those that give what else they are known by */
    const struct host *host;
    struct progress *progress;
    /* Called when a step begins, with a lock held: the nth of so many that run. NULL = nobody. */
    void (*begins)(void *context, size_t step, size_t nth, size_t of);
    void *begins_context;
};

enum step_fate {
    STEP_NOT_NEEDED, /* outside of what `only` asks for */
    STEP_CACHED,     /* the cache had its output */
    STEP_RUN,        /* it ran, or would run */
};

struct executed_step {
    enum step_fate fate;
    const char *why; /* one clause for people; static */
    bool has_key;    /* in a dry run the key of a step behind one that runs is not known */
    struct digest key;
    bool has_output;
    struct digest digest; /* blob or tree */
    uint64_t size;        /* of a blob */
    int64_t seconds;      /* it took, by the host's clock */
};

struct execution {
    struct executed_step *steps; /* as the plan's */
    size_t step_count;
};

/*
 * ERR_INPUT when an input blob that a step needs is not in the store, or is not
 * what its name says; the error names input or step. ERR_USAGE when there is no
 * output of a name. With several failures the one of the lowest step is reported.
 */
int execute_plan(const struct plan *plan, const struct execute_options *options,
                 struct execution **out, struct err *e);
void execution_free(struct execution *x);

static inline void scope_execution(struct execution **x)
{
    execution_free(*x);
}
#define AUTO_EXECUTION AUTO(scope_execution)

#endif
