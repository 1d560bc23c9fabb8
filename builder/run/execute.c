/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler. Steps are started lowest first when their inputs are there. Wide steps share
 * `jobs` threads among themselves; as many steps as there are jobs run at a time, so that a narrow
 * one beside a wide one takes no thread from it for as long as that one runs. After a failure only
 * steps before it go on, so that the error does not depend on timing.
 */
#include "builder/run/execute.h"

#include "builder/run/graph.h"

#include <pthread.h>
#include <string.h>

enum { SHARE_LEAST = 4 };

struct schedule {
    struct graph *graph;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t limit;   /* steps from here on are not started */
    size_t running; /* steps */
    unsigned busy;  /* threads given to wide ones */
    size_t done;    /* for progress */
    size_t to_run;
    bool contradicted; /* a step gave something else than the cache had claimed */
    struct err error;  /* of the step `limit` */
};

/* ---- one step ---- */

static void fill_inputs(const struct graph *g, const struct plan_step *step,
                        struct step_input *inputs)
{
    for (size_t i = 0; i < step->in_count; i++) {
        const struct plan_ref *ref = &step->in[i];
        if (ref->is_step) {
            const struct step_output *o = &g->nodes[ref->index].action.output;
            inputs[i] = (struct step_input){.id = g->plan->steps[ref->index].id,
                                            .kind = o->kind,
                                            .digest = o->digest,
                                            .size = o->size,
                                            .tree = o->tree};
        } else {
            const struct plan_input *in = &g->plan->inputs[ref->index];
            inputs[i] = (struct step_input){
                .id = in->id, .kind = VALUE_BLOB, .digest = in->digest, .size = in->size};
        }
    }
}

/* A tree is stored so that a later build can load it; a blob must be there under its name. */
static int check_output(const struct graph *g, const struct plan_step *step, struct step_output *o,
                        struct err *e)
{
    if (o->kind != step->kind->gives)
        return err_set(e, ERR_HOST, "it gave a value of the wrong kind");
    if (o->kind == VALUE_TREE && o->tree == NULL)
        return err_set(e, ERR_HOST, "it gave no tree");
    if (o->kind == VALUE_TREE)
        return o->digest.alg != 0
                   ? 0
                   : tree_store(o->tree, g->options->cas, &o->digest, &o->locations, e);
    if (!cas_has(g->options->cas, &o->digest, &o->size))
        return err_set(e, ERR_HOST, "its output is not in the store");
    return 0;
}

static int call_step(const struct graph *g, const struct plan_step *step, unsigned jobs,
                     struct step_output *out, struct err *e)
{
    AUTO_FREE struct step_input *inputs = array_new(step->in_count + 1, sizeof(*inputs));
    AUTO_FREE char *what = NULL;
    AUTO_FREE char *lineage = NULL;
    if (inputs == NULL)
        return err_oom(e);
    int rc = str_format(&what, e, "params of '%s'", step->id);
    if (rc == 0 && !g->options->no_cache)
        rc = str_format(&lineage, e, "%s/%s", g->plan->name, step->id);
    if (rc < 0)
        return rc;
    fill_inputs(g, step, inputs);
    struct step_context context = {
        .cas = g->options->cas, .jobs = jobs, .progress = g->options->progress, .lineage = lineage};
    struct jcur params = jcur_root(step->params, what);
    rc = step_run(g->options->runners, step->kind, &context, &params, inputs, step->in_count, out,
                  e);
    return rc < 0 ? rc : check_output(g, step, out, e);
}

/* The key is known only now when an input had to be made; the same input may well have come out. */
static int late_lookup(const struct graph *g, struct node *n, struct err *e)
{
    if (n->has_key)
        return 0;
    int rc = graph_key(g, n->step, &n->key, &n->has_key, e);
    if (rc < 0 || g->options->no_cache)
        return rc;
    rc = action_find(g->options->cas, &n->key, n->step->kind->gives, &n->action, &n->has_output, e);
    if (rc < 0 || !n->has_output)
        return rc;
    if (!action_materialize(g->options->cas, &n->action)) {
        action_dispose(&n->action);
        n->has_output = false;
        return 0;
    }
    n->fate = STEP_CACHED;
    n->why = "the cache has it for the inputs that came out";
    return 0;
}

static int run_node(const struct graph *g, struct node *n, unsigned jobs, struct err *e)
{
    int rc = late_lookup(g, n, e);
    if (rc < 0 || n->has_output)
        return rc;
    const struct host *host = g->options->host;
    int64_t start = host->now(host->context);
    rc = call_step(g, n->step, jobs, &n->action.output, e);
    n->seconds = host->now(host->context) - start;
    if (rc < 0)
        return err_wrap(e, "step '%s' (%s)", n->step->id, n->step->kind->name);
    n->has_output = true;
    if (!g->options->no_cache)
        action_remember(g->options->cas, &n->key, &n->action.output);
    return 0;
}

/* ---- all steps ---- */

/* The lowest step that can be started; *wide tells how many wide ones are ready. */
static struct node *next_ready(struct schedule *s, size_t *wide)
{
    struct node *first = NULL;
    *wide = 0;
    for (size_t i = 0; i < s->graph->count && i < s->limit; i++) {
        struct node *n = &s->graph->nodes[i];
        if (n->started || n->fate != STEP_RUN || n->waiting_for > 0)
            continue;
        *wide += n->step->kind->wide;
        if (first == NULL && (!n->step->kind->wide || s->busy < s->graph->options->jobs))
            first = n;
    }
    return first;
}

/* Of the threads that are free: the same for each wide step that is ready, but not so few that the
 * last of them is left alone with one. */
static unsigned share_of(const struct schedule *s, const struct node *n, size_t wide)
{
    unsigned left = s->graph->options->jobs - s->busy;
    if (!n->step->kind->wide)
        return 1;
    unsigned share = left / (unsigned)wide;
    unsigned least = left < SHARE_LEAST ? left : SHARE_LEAST;
    return share > least ? share : least;
}

static void drop_tree(struct node *n)
{
    tree_free(n->action.output.tree);
    n->action.output.tree = NULL;
}

/* Its inputs have one reader less, and what waited for it one input more. */
static void finish(struct schedule *s, const struct node *n)
{
    struct graph *g = s->graph;
    size_t self = (size_t)(n - g->nodes);
    for (size_t i = 0; i < n->step->in_count; i++) {
        if (!n->step->in[i].is_step)
            continue;
        struct node *from = &g->nodes[n->step->in[i].index];
        if (--from->readers == 0)
            drop_tree(from);
    }
    for (size_t i = self + 1; i < g->count; i++) {
        struct node *later = &g->nodes[i];
        for (size_t k = 0; k < later->step->in_count; k++)
            if (later->step->in[k].is_step && later->step->in[k].index == self)
                later->waiting_for--;
    }
    if (g->nodes[self].readers == 0)
        drop_tree(&g->nodes[self]);
}

/* Called and returns with the lock held. */
static void run_one(struct schedule *s, struct node *n, unsigned share)
{
    unsigned taken = n->step->kind->wide ? share : 0;
    struct err e = ERR_INIT;
    n->started = true;
    s->running++;
    s->busy += taken;
    progress_show(s->graph->options->progress, n->step->id, s->done, s->to_run);
    if (s->graph->options->begins != NULL)
        s->graph->options->begins(s->graph->options->begins_context, (size_t)(n - s->graph->nodes),
                                  s->done + s->running, s->to_run);
    (void)pthread_mutex_unlock(&s->lock);
    int rc = run_node(s->graph, n, share, &e);
    (void)pthread_mutex_lock(&s->lock);
    s->running--;
    s->busy -= taken;
    s->done++;
    if (rc < 0) {
        size_t index = (size_t)(n - s->graph->nodes);
        if (index < s->limit) {
            s->limit = index;
            s->error = e;
        }
    } else {
        if (n->claimed && !digest_equal(&n->claim, &n->action.output.digest)) {
            s->contradicted = true;
            s->limit = 0;
        }
        finish(s, n);
    }
    (void)pthread_cond_broadcast(&s->changed);
}

static void *worker(void *context)
{
    struct schedule *s = context;
    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        size_t wide;
        struct node *n = next_ready(s, &wide);
        if (n != NULL)
            run_one(s, n, share_of(s, n, wide));
        else if (s->running > 0)
            (void)pthread_cond_wait(&s->changed, &s->lock);
        else
            break;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int run_graph(struct graph *g, bool *contradicted, struct err *e)
{
    struct schedule s = {.graph = g,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .changed = PTHREAD_COND_INITIALIZER,
                         .limit = g->count};
    for (size_t i = 0; i < g->count; i++)
        s.to_run += g->nodes[i].fate == STEP_RUN;
    size_t wanted = s.to_run < g->options->jobs ? s.to_run : g->options->jobs, started = 0;
    AUTO_FREE pthread_t *threads = array_new(wanted + 1, sizeof(*threads));
    if (threads == NULL)
        return err_oom(e);
    /* This thread is one of them; fewer than wanted is slower, not wrong. */
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, worker, &s) == 0)
        started++;
    (void)worker(&s);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    *contradicted = s.contradicted;
    if (s.contradicted || s.limit == g->count)
        return 0;
    *e = s.error;
    return err_rc(&s.error);
}

static void summarize(const struct graph *g, struct execution *x)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct node *n = &g->nodes[i];
        x->steps[i] = (struct executed_step){.fate = n->fate,
                                             .why = n->why,
                                             .has_key = n->has_key,
                                             .key = n->key,
                                             .has_output = n->has_output,
                                             .digest = n->action.output.digest,
                                             .size = n->action.output.size,
                                             .seconds = n->seconds};
    }
}

static int execution_new(size_t count, struct execution **out, struct err *e)
{
    struct execution *x = calloc(1, sizeof(*x));
    struct executed_step *steps = array_new(count, sizeof(*steps));
    if (x == NULL || steps == NULL) {
        free(x);
        free(steps);
        return err_oom(e);
    }
    x->steps = steps;
    x->step_count = count;
    *out = x;
    return 0;
}

static int execute_once(const struct plan *plan, const struct execute_options *options,
                        bool *contradicted, struct execution **out, struct err *e)
{
    struct graph g = {0};
    int rc = graph_make(&g, plan, options, e);
    if (rc == 0 && !options->dry_run)
        rc = run_graph(&g, contradicted, e);
    if (rc == 0 && !*contradicted && (rc = execution_new(g.count, out, e)) == 0)
        summarize(&g, *out);
    graph_dispose(&g);
    return rc;
}

int execute_plan(const struct plan *plan, const struct execute_options *options,
                 struct execution **out, struct err *e)
{
    bool contradicted = false;
    int rc = execute_once(plan, options, &contradicted, out, e);
    if (rc < 0 || !contradicted)
        return rc;
    /* The cache had claimed another output for a key that was run again: trust none of it. */
    struct execute_options fresh = *options;
    fresh.no_cache = true;
    contradicted = false;
    return execute_once(plan, &fresh, &contradicted, out, e);
}

void execution_free(struct execution *x)
{
    if (x == NULL)
        return;
    free(x->steps);
    free(x);
}
