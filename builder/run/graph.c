/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/graph.h"

#include "base/origin.h"

#include <string.h>

int graph_key(const struct graph *g, const struct plan_step *step, struct digest *out, bool *known,
              struct err *e)
{
    AUTO_FREE struct step_value *values = array_new(step->in_count + 1, sizeof(*values));
    if (values == NULL)
        return err_oom(e);
    for (size_t i = 0; i < step->in_count; i++) {
        const struct plan_ref *ref = &step->in[i];
        if (!ref->is_step) {
            values[i] = (struct step_value){VALUE_BLOB, g->plan->inputs[ref->index].digest};
            continue;
        }
        const struct node *from = &g->nodes[ref->index];
        if (!from->has_output) {
            *known = false;
            return 0;
        }
        values[i] = (struct step_value){from->step->kind->gives, from->action.output.digest};
    }
    *known = true;
    return step_key(g->plan, step, values, out, e);
}

/* Forwards: keys as far as they are known, and what the cache has for them. */
static int probe(struct graph *g, struct err *e)
{
    for (size_t i = 0; i < g->count; i++) {
        struct node *n = &g->nodes[i];
        int rc = graph_key(g, n->step, &n->key, &n->has_key, e);
        if (rc < 0)
            return rc;
        n->why = g->options->no_cache ? "the cache is not used" : "an input of it has to be made";
        if (!n->has_key || g->options->no_cache)
            continue;
        rc = action_find(g->options->cas, &n->key, n->step->kind->gives, &n->action, &n->has_output,
                         e);
        if (rc < 0)
            return rc;
        n->claimed = n->has_output;
        if (n->claimed)
            n->claim = n->action.output.digest;
        n->why = n->claimed ? "the cache has it" : "the cache does not have it";
    }
    return 0;
}

static bool is_wanted(const struct graph *g, const struct plan_output *o)
{
    return plan_output_wanted(o, &g->options->choice);
}

static bool has_output_named(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->output_count; i++)
        if (strcmp(plan->outputs[i].name, name) == 0)
            return true;
    return false;
}

/* Each name has to be one: what is not there is not left out in silence. */
static int check_names(const struct graph *g, struct err *e)
{
    const struct plan_choice *c = &g->options->choice;
    for (size_t i = 0; i < c->name_count; i++)
        if (!has_output_named(g->plan, c->names[i]))
            return err_set(e, ERR_USAGE, "the plan has no output '%s'", c->names[i]);
    return 0;
}

static void want_output(struct graph *g, const struct plan_output *o)
{
    g->nodes[o->step].wanted = true;
    for (size_t i = 0; g->options->digests && i < o->digest_count; i++)
        g->nodes[o->digests[i].step].wanted = true;
}

static int want_outputs(struct graph *g, struct err *e)
{
    const struct plan_choice *c = &g->options->choice;
    bool all = c->name_count == 0 && c->format == NULL;
    bool found = all;
    int rc = check_names(g, e);
    for (size_t i = 0; i < g->count; i++)
        g->nodes[i].wanted = all;
    for (size_t i = 0; !all && i < g->plan->output_count; i++)
        if (is_wanted(g, &g->plan->outputs[i])) {
            found = true;
            want_output(g, &g->plan->outputs[i]);
        }
    if (rc < 0 || found)
        return rc;
    return err_set(e, ERR_USAGE, "the plan does not build '%s'",
                   c->format != NULL ? c->format : c->names[0]);
}

static bool is_output(const struct graph *g, size_t step)
{
    for (size_t i = 0; i < g->plan->output_count; i++)
        if (g->plan->outputs[i].step == step && is_wanted(g, &g->plan->outputs[i]))
            return true;
    return false;
}

/* In a partial build a step's digest is asked for when it is on the way to an output of it. */
static void want_inputs(struct graph *g, const struct node *n, bool read)
{
    for (size_t i = 0; i < n->step->in_count; i++) {
        if (!n->step->in[i].is_step)
            continue;
        struct node *from = &g->nodes[n->step->in[i].index];
        from->wanted = true;
        if (read)
            from->readers++;
    }
}

/*
 * Backwards: a wanted step whose value the cache does not have must run, and then wants its
 * inputs' values. Values that nobody reads are not looked at; their digests are known.
 */
static void decide(struct graph *g)
{
    for (size_t i = g->count; i-- > 0;) {
        struct node *n = &g->nodes[i];
        if (!n->wanted) {
            n->fate = STEP_NOT_NEEDED;
            n->why = "no output that was asked for needs it";
            continue;
        }
        bool used = n->readers > 0 || is_output(g, i);
        n->fate = n->has_output ? STEP_CACHED : STEP_RUN;
        if (n->has_output && used && !action_materialize(g->options->cas, &n->action)) {
            action_dispose(&n->action);
            n->has_output = false;
            n->fate = STEP_RUN;
            n->why = "what the cache has is damaged";
        }
        want_inputs(g, n, n->fate == STEP_RUN);
    }
    for (size_t i = 0; i < g->count; i++) {
        struct node *n = &g->nodes[i];
        for (size_t k = 0; k < n->step->in_count; k++)
            if (n->step->in[k].is_step && g->nodes[n->step->in[k].index].fate == STEP_RUN)
                n->waiting_for++;
    }
}

static int check_input(const struct graph *g, const struct plan_input *input, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    uint64_t size = 0;
    const char *store = g->options->store != NULL ? g->options->store : cas_path(g->options->cas);
    if (!cas_has(g->options->cas, &input->digest, &size))
        return err_set(e, ERR_INPUT, "input '%s' (%s) is not in the store '%s'; %s", input->id,
                       digest_format(&input->digest, text), store, origin_mending(input->from));
    if (size != input->size)
        return err_set(e, ERR_INPUT,
                       "input '%s' (%s) is of %llu bytes in the store '%s', not of %llu "
                       "('assay store verify --repair' mends it)",
                       input->id, digest_format(&input->digest, text), (unsigned long long)size,
                       store, (unsigned long long)input->size);
    return 0;
}

static int check_inputs(const struct graph *g, struct err *e)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct node *n = &g->nodes[i];
        for (size_t k = 0; n->fate == STEP_RUN && k < n->step->in_count; k++) {
            const struct plan_ref *ref = &n->step->in[k];
            int rc = ref->is_step ? 0 : check_input(g, &g->plan->inputs[ref->index], e);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int graph_make(struct graph *g, const struct plan *plan, const struct execute_options *options,
               struct err *e)
{
    g->plan = plan;
    g->options = options;
    g->nodes = array_new(plan->step_count, sizeof(*g->nodes));
    if (g->nodes == NULL)
        return err_oom(e);
    g->count = plan->step_count;
    for (size_t i = 0; i < g->count; i++)
        g->nodes[i].step = &plan->steps[i];
    int rc = want_outputs(g, e);
    if (rc < 0 || (rc = probe(g, e)) < 0)
        return rc;
    decide(g);
    return check_inputs(g, e);
}

void graph_dispose(struct graph *g)
{
    for (size_t i = 0; i < g->count; i++)
        action_dispose(&g->nodes[i].action);
    free(g->nodes);
    memset(g, 0, sizeof(*g));
}
