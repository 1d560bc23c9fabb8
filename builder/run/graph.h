/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan's graph while it is worked on: one node a step, its key, what the
 * cache claims for it, and whether it has to run. Inside of builder/run only.
 */
#ifndef ASSAY_BUILDER_RUN_GRAPH_H
#define ASSAY_BUILDER_RUN_GRAPH_H

#include "builder/run/action.h"
#include "builder/run/execute.h"
#include "builder/run/key.h"

struct node {
    const struct plan_step *step;
    enum step_fate fate;
    const char *why;
    bool has_key;
    struct digest key;
    bool has_output;      /* `action.output` is what the cache claims, or what the step gave */
    struct action action; /* its tree is there only while a step that runs needs it */
    bool claimed;         /* by the cache, when the graph was made */
    struct digest claim;
    bool wanted;        /* its digest belongs to what was asked for */
    size_t readers;     /* steps that run and have not yet read its tree */
    size_t waiting_for; /* inputs that are not there yet */
    bool started;
    int64_t seconds;
};

struct graph {
    const struct plan *plan;
    const struct execute_options *options;
    struct node *nodes; /* as the plan's steps */
    size_t count;
};

/* Finds keys, asks the cache, and decides what has to run. Checks that the inputs of those are in
 * the store. */
int graph_make(struct graph *g, const struct plan *plan, const struct execute_options *options,
               struct err *e);
void graph_dispose(struct graph *g);
/* The node's key, once every input's digest is known; false when one is not. */
int graph_key(const struct graph *g, const struct plan_step *step, struct digest *out, bool *known,
              struct err *e);

#endif
