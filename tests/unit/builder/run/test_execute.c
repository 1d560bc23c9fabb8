/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler and the action cache, with steps made for the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/run/execute.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { STEPS = 6 };

static char *dir;
static struct cas *cas;
static atomic_int runs;              /* steps that ran */
static atomic_int together, at_most; /* steps that ran at the same time */
static atomic_int threads_at_most;   /* threads given to running steps together */
static atomic_int threads_now;
static atomic_int fail_mask;    /* steps "s<i>" that fail */
static const char *salt = "";   /* what a step gives beside its inputs: a toolchain that lies */
static struct digest last_pack; /* where a tree's contents were put */
static pthread_barrier_t *meet; /* steps wait for each other here */

static void raise_to(atomic_int *most, int value)
{
    int old = atomic_load(most);
    while (old < value && !atomic_compare_exchange_weak(most, &old, value))
        ;
}

struct params {
    const char *name; /* of the step */
    bool other;       /* what makes keys differ */
};
static const struct param_text name_text = {.max = 64};
static const struct param rows[] = {
    {PARAM_TEXT("name", struct params, name, &name_text)},
    {PARAM_BOOL("less", struct params, other), .optional = true},
    {PARAM_BOOL("more", struct params, other), .optional = true},
    {PARAM_BOOL("most", struct params, other), .optional = true},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* Gives its name, its salt and its inputs' digests as a blob. */
static int give(const struct step_context *context, const char *name,
                const struct step_input *inputs, size_t count, struct step_output *out,
                struct err *e)
{
    AUTO_BUF text = BUF_INIT(65536);
    char hex[DIGEST_TEXT_MAX];
    int rc = buf_addf(&text, e, "%s%s\n", name, salt);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        if ((rc = buf_addf(&text, e, "%s\n", digest_format(&inputs[i].digest, hex))) < 0)
            return rc;
    out->kind = VALUE_BLOB;
    return cas_put(context->cas, text.data, text.len, &out->digest, e);
}

static int run(const struct step_context *context, void *params, const struct step_input *inputs,
               size_t count, struct step_output *out, struct err *e)
{
    const char *name = ((const struct params *)params)->name;
    atomic_fetch_add(&runs, 1);
    raise_to(&at_most, atomic_fetch_add(&together, 1) + 1);
    raise_to(&threads_at_most,
             atomic_fetch_add(&threads_now, (int)context->jobs) + (int)context->jobs);
    if (meet != NULL)
        (void)pthread_barrier_wait(meet);
    int rc = give(context, name, inputs, count, out, e);
    atomic_fetch_sub(&together, 1);
    atomic_fetch_sub(&threads_now, (int)context->jobs);
    if (rc == 0 && (atomic_load(&fail_mask) & (1 << (name[1] - '0'))) != 0)
        return err_set(e, ERR_INPUT, "%s is meant to fail", name);
    return rc;
}

/* A tree of one file, named after the step. */
static int run_tree(const struct step_context *context, void *params,
                    const struct step_input *inputs, size_t count, struct step_output *out,
                    struct err *e)
{
    struct tree_packer *packer = NULL;
    struct tree_inode *file;
    const char *name = ((const struct params *)params)->name;
    int rc;
    (void)inputs;
    (void)count;
    atomic_fetch_add(&runs, 1);
    if ((rc = tree_new(&out->tree, e)) < 0 ||
        (rc = tree_inode_new(out->tree, TREE_FILE, &file, e)) < 0 ||
        (rc = tree_link(out->tree, tree_root(out->tree), name, file, NULL, e)) < 0 ||
        (rc = tree_packer_new(out->tree, context->cas, &packer, e)) < 0)
        return rc;
    if ((rc = tree_packer_begin(packer, e)) == 0 &&
        (rc = tree_packer_write(packer, name, strlen(name), e)) == 0 &&
        (rc = tree_packer_end(packer, file, e)) == 0)
        rc = tree_packer_commit(packer, e);
    if (rc == 0)
        last_pack = *tree_pack(out->tree, file->content.pack);
    tree_packer_free(packer);
    out->kind = VALUE_TREE;
    return rc;
}

/* Reads the file of its input tree. */
static int run_reader(const struct step_context *context, void *params,
                      const struct step_input *inputs, size_t count, struct step_output *out,
                      struct err *e)
{
    struct tree_reader *reader = NULL;
    char data[64];
    (void)params;
    atomic_fetch_add(&runs, 1);
    assert_int_equal(count, 1);
    assert_non_null(inputs[0].tree);
    const struct tree_inode *file = tree_root(inputs[0].tree)->inode->children[0]->inode;
    int rc = tree_reader_new(inputs[0].tree, context->cas, &reader, e);
    if (rc < 0)
        return rc;
    rc = tree_reader_read(reader, &file->content, 0, data, file->content.size, e);
    tree_reader_free(reader);
    out->kind = VALUE_BLOB;
    return rc < 0 ? rc : cas_put(context->cas, data, file->content.size, &out->digest, e);
}

static const struct step_kind kind_blob = {.name = "test.blob", .params = &takes};
static const struct step_kind kind_wide = {.name = "test.wide", .params = &takes, .wide = true};
static const struct step_kind kind_tree = {
    .name = "test.tree", .gives = VALUE_TREE, .params = &takes};
static const struct step_kind kind_reader = {
    .name = "test.reader", .takes = VALUE_TREE, .params = &takes};
static const struct step_runner runner_items[] = {
    {&kind_blob, run}, {&kind_wide, run}, {&kind_tree, run_tree}, {&kind_reader, run_reader}};
static const struct step_runners runners = {.items = runner_items, .count = 4};

/* ---- plans by hand: step s<i> takes the one input and the steps of its mask ---- */

struct made {
    struct plan plan;
    struct plan_input input;
    struct plan_step steps[STEPS];
    struct plan_ref refs[STEPS][STEPS + 1];
    struct plan_output outputs[STEPS];
    char names[STEPS][24];
};

static void make(struct made *m, size_t count, const unsigned *masks)
{
    struct err e = ERR_INIT;
    *m = (struct made){0};
    m->plan.name = "test";
    m->plan.toolchain_assay = "0";
    m->plan.toolchain_libraries = json_object();
    m->plan.inputs = &m->input;
    m->plan.input_count = 1;
    m->plan.steps = m->steps;
    m->plan.step_count = count;
    m->plan.outputs = m->outputs;
    m->plan.output_count = 1;
    m->input.id = "in";
    m->input.size = 5;
    assert_int_equal(cas_put(cas, "input", 5, &m->input.digest, &e), 0);
    for (size_t i = 0; i < count; i++) {
        struct plan_step *s = &m->steps[i];
        (void)snprintf(m->names[i], sizeof(m->names[i]), "s%zu", i);
        s->id = m->names[i];
        s->kind = &kind_blob;
        s->in = m->refs[i];
        s->params = json_pack("{s:s}", "name", m->names[i]);
        if (masks[i] == 0)
            m->refs[i][s->in_count++] = (struct plan_ref){false, 0};
        for (size_t k = 0; k < i; k++)
            if ((masks[i] & (1U << k)) != 0)
                m->refs[i][s->in_count++] = (struct plan_ref){true, k};
    }
    m->outputs[0] = (struct plan_output){
        .name = "out", .step = count - 1, .media_type = "application/octet-stream"};
}

static void unmake(struct made *m)
{
    json_decref(m->plan.toolchain_libraries);
    for (size_t i = 0; i < m->plan.step_count; i++)
        json_decref(m->steps[i].params);
}

static struct execute_options defaults(void)
{
    return (struct execute_options){
        .runners = &runners, .cas = cas, .jobs = 4, .host = host_real()};
}

static struct execution *go(struct made *m, const struct execute_options *options)
{
    struct err e = ERR_INIT;
    char line[2048];
    struct execution *x = NULL;
    atomic_store(&runs, 0);
    if (execute_plan(&m->plan, options, &x, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    return x;
}

static const unsigned diamond[] = {0, 1, 1, 6}; /* s0; s1, s2 from it; s3 from both */

static int setup(void **state)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *path = NULL;
    (void)state;
    salt = "";
    meet = NULL;
    atomic_store(&fail_mask, 0);
    atomic_store(&at_most, 0);
    atomic_store(&threads_at_most, 0);
    return dir_make_temp("/tmp", "assay-test-execute.", &dir, &e) < 0 ||
                   path_join(&path, dir, "store", &e) < 0 ||
                   cas_open(path, CAS_CREATE, &cas, &e) < 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    cas_close(cas);
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

static void test_jobs_do_not_change_digests(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    o.no_cache = true;
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 4);
    o.jobs = 1;
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(a->steps[i].has_output && a->steps[i].has_key);
        assert_true(digest_equal(&a->steps[i].digest, &b->steps[i].digest));
        assert_true(digest_equal(&a->steps[i].key, &b->steps[i].key));
    }
    unmake(&m);
}

/* Two steps that wait for each other only end when they run at the same time. */
static void test_parallel(void **state)
{
    (void)state;
    static const unsigned two[] = {0, 0};
    pthread_barrier_t barrier;
    struct made m;
    make(&m, 2, two);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    meet = &barrier;
    struct execute_options o = defaults();
    execution_free(go(&m, &o));
    assert_int_equal(atomic_load(&at_most), 2);
    assert_in_range(atomic_load(&threads_at_most), 2, 4);
    (void)pthread_barrier_destroy(&barrier);
    unmake(&m);
}

/* A step that uses one thread takes none from a step beside it that can use all. */
static void test_narrow_beside_wide(void **state)
{
    (void)state;
    static const unsigned two[] = {0, 0};
    pthread_barrier_t barrier;
    struct made m;
    make(&m, 2, two);
    m.steps[1].kind = &kind_wide;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    meet = &barrier;
    struct execute_options o = defaults();
    execution_free(go(&m, &o));
    assert_int_equal(atomic_load(&at_most), 2);
    assert_int_equal(atomic_load(&threads_at_most), 1 + (int)o.jobs);
    (void)pthread_barrier_destroy(&barrier);
    unmake(&m);
}

/* Wide steps have `jobs` threads together, however they come. */
static void test_wide_bound(void **state)
{
    (void)state;
    static const unsigned six[] = {0, 0, 0, 0, 0, 0};
    for (unsigned jobs = 1; jobs <= 9; jobs++) {
        struct made m;
        make(&m, 6, six);
        for (size_t i = 0; i < 6; i++)
            m.steps[i].kind = &kind_wide;
        struct execute_options o = defaults();
        o.jobs = jobs;
        o.no_cache = true;
        execution_free(go(&m, &o));
        assert_int_equal(atomic_load(&runs), 6);
        assert_in_range(atomic_load(&threads_at_most), jobs < 4 ? jobs : 4, jobs);
        unmake(&m);
    }
}

static void test_jobs_bound(void **state)
{
    (void)state;
    static const unsigned six[] = {0, 0, 0, 0, 0, 0};
    struct made m;
    make(&m, 6, six);
    struct execute_options o = defaults();
    o.jobs = 2;
    o.no_cache = true;
    execution_free(go(&m, &o));
    assert_int_equal(atomic_load(&runs), 6);
    assert_in_range(atomic_load(&threads_at_most), 1, 2);
    unmake(&m);
}

static void test_cache(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 4);
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(a->steps[i].fate, STEP_RUN);
        assert_int_equal(b->steps[i].fate, STEP_CACHED);
        assert_true(digest_equal(&a->steps[i].digest, &b->steps[i].digest));
    }
    /* One parameter of s1 moves: s1 and what stands on it run again. */
    json_object_set_new(m.steps[1].params, "name", json_string("s1x"));
    AUTO_EXECUTION struct execution *c = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 2);
    assert_int_equal(c->steps[0].fate, STEP_CACHED);
    assert_int_equal(c->steps[2].fate, STEP_CACHED);
    assert_int_equal(c->steps[3].fate, STEP_RUN);
    /* A verifying run does not ask. */
    o.no_cache = true;
    execution_free(go(&m, &o));
    assert_int_equal(atomic_load(&runs), 4);
    unmake(&m);
}

static void remove_blob(const struct digest *d)
{
    struct err e = ERR_INIT;
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *path = NULL;
    assert_int_equal(str_format(&path, &e, "%s/store/blobs/sha256/%s", dir, digest_hex(d, hex)), 0);
    assert_int_equal(unlink(path), 0);
}

static void damage_blob(const struct digest *d)
{
    struct err e = ERR_INIT;
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *path = NULL;
    assert_int_equal(str_format(&path, &e, "%s/store/blobs/sha256/%s", dir, digest_hex(d, hex)), 0);
    assert_int_equal(file_replace(path, "rotten", 6, 0644, &e), 0);
}

static void test_cache_needs_blobs(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    remove_blob(&a->steps[3].digest);
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 1); /* s1 and s2 are still there */
    assert_true(digest_equal(&a->steps[3].digest, &b->steps[3].digest));
    damage_blob(&a->steps[3].digest);
    AUTO_EXECUTION struct execution *c = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 1);
    assert_true(digest_equal(&a->steps[3].digest, &c->steps[3].digest));
    unmake(&m);
}

/* s3 is missing and s1 is damaged: s3 reads s1, so both are made again. */
static void test_cache_damage_upstream(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    remove_blob(&a->steps[3].digest);
    damage_blob(&a->steps[1].digest);
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 2);
    assert_true(digest_equal(&a->steps[3].digest, &b->steps[3].digest));
    unmake(&m);
}

/* The cache claims what a step does not give any more: it is then trusted in nothing. */
static void test_cache_contradicted(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    salt = "!";
    AUTO_EXECUTION struct execution *lies = go(&m, &o);
    salt = "";
    remove_blob(&lies->steps[3].digest);
    damage_blob(&lies->steps[1].digest);
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    o.no_cache = true;
    AUTO_EXECUTION struct execution *c = go(&m, &o);
    for (size_t i = 0; i < 4; i++)
        assert_true(digest_equal(&b->steps[i].digest, &c->steps[i].digest));
    unmake(&m);
}

/* The input moves but the first step gives the same: what stands on it is in the cache. */
static void test_early_cutoff(void **state)
{
    (void)state;
    static const unsigned chain[] = {0, 1, 2};
    struct err e = ERR_INIT;
    struct made m;
    make(&m, 3, chain);
    m.steps[0].kind = &kind_tree;
    m.steps[1].kind = &kind_reader;
    struct execute_options o = defaults();
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 3);
    assert_int_equal(cas_put(cas, "INPUT", 5, &m.input.digest, &e), 0);
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 1);
    assert_int_equal(b->steps[0].fate, STEP_RUN);
    assert_int_equal(b->steps[1].fate, STEP_CACHED);
    assert_true(digest_equal(&a->steps[2].digest, &b->steps[2].digest));
    unmake(&m);
}

static void test_cached_tree_is_loaded(void **state)
{
    (void)state;
    static const unsigned chain[] = {0, 1};
    struct made m;
    make(&m, 2, chain);
    m.steps[0].kind = &kind_tree;
    m.steps[1].kind = &kind_reader;
    struct execute_options o = defaults();
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    json_object_set_new(m.steps[1].params, "less", json_true());
    remove_blob(&last_pack); /* the tree's own blobs are there, its contents are not */
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 2);
    assert_int_equal(b->steps[0].fate, STEP_RUN);
    json_object_set_new(m.steps[1].params, "more", json_true());
    AUTO_EXECUTION struct execution *c = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 1);
    assert_int_equal(c->steps[0].fate, STEP_CACHED);
    assert_true(digest_equal(&a->steps[1].digest, &b->steps[1].digest));
    assert_true(digest_equal(&b->steps[1].digest, &c->steps[1].digest));
    damage_blob(&last_pack);
    json_object_set_new(m.steps[1].params, "most", json_true());
    AUTO_EXECUTION struct execution *d = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 2);
    assert_true(digest_equal(&a->steps[1].digest, &d->steps[1].digest));
    unmake(&m);
}

static void fails(struct made *m, const struct execute_options *o, enum err_code code,
                  const char *message)
{
    struct err e = ERR_INIT;
    char line[2048];
    struct execution *x = NULL;
    atomic_store(&runs, 0);
    assert_int_equal(execute_plan(&m->plan, o, &x, &e), -(int)code);
    assert_null(x);
    if (strstr(err_line(&e, line, sizeof(line)), message) == NULL)
        fail_msg("the message is: %s", line);
}

/* Whichever fails first in time, the lowest failing step is the one that is named. */
static void test_failure(void **state)
{
    (void)state;
    static const unsigned six[] = {0, 0, 0, 0, 0, 0};
    struct made m;
    make(&m, 6, six);
    struct execute_options o = defaults();
    o.no_cache = true;
    atomic_store(&fail_mask, 1 << 2 | 1 << 4 | 1 << 5);
    for (int i = 0; i < 20; i++)
        fails(&m, &o, ERR_INPUT, "step 's2' (test.blob): s2 is meant to fail");
    unmake(&m);
    make(&m, 4, diamond);
    atomic_store(&fail_mask, 1);
    fails(&m, &o, ERR_INPUT, "step 's0'");
    assert_int_equal(atomic_load(&runs), 1);
    unmake(&m);
}

static void test_missing_input(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_MAX];
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    m.input.size = 6;
    fails(&m, &o, ERR_INPUT, "of 5 bytes");
    m.input.size = 5;
    remove_blob(&m.input.digest);
    fails(&m, &o, ERR_INPUT, "input 'in' (sha256:");
    fails(&m, &o, ERR_INPUT, digest_format(&m.input.digest, text));
    fails(&m, &o, ERR_INPUT, "'assay lock'");
    unmake(&m);
}

static void test_dry_run(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    struct execute_options o = defaults();
    o.dry_run = true;
    AUTO_EXECUTION struct execution *a = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 0);
    assert_true(a->steps[0].has_key);
    assert_false(a->steps[1].has_key);
    assert_int_equal(a->steps[3].fate, STEP_RUN);
    o.dry_run = false;
    AUTO_EXECUTION struct execution *b = go(&m, &o);
    o.dry_run = true;
    AUTO_EXECUTION struct execution *c = go(&m, &o);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(c->steps[i].fate, STEP_CACHED);
        assert_true(digest_equal(&b->steps[i].key, &c->steps[i].key));
    }
    unmake(&m);
}

static void test_only(void **state)
{
    (void)state;
    struct made m;
    make(&m, 4, diamond);
    m.outputs[1] =
        (struct plan_output){.name = "first", .step = 1, .media_type = "application/octet-stream"};
    m.plan.output_count = 2;
    struct execute_options o = defaults();
    static const char *const first[] = {"first"};
    static const char *const none[] = {"first", "none"};
    o.choice = (struct plan_choice){.names = first, .name_count = 1};
    AUTO_EXECUTION struct execution *x = go(&m, &o);
    assert_int_equal(atomic_load(&runs), 2);
    assert_int_equal(x->steps[2].fate, STEP_NOT_NEEDED);
    assert_int_equal(x->steps[3].fate, STEP_NOT_NEEDED);
    assert_false(x->steps[3].has_output);
    o.choice = (struct plan_choice){.names = none, .name_count = 2};
    fails(&m, &o, ERR_USAGE, "no output 'none'");
    unmake(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_jobs_do_not_change_digests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parallel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_narrow_beside_wide, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wide_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jobs_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_needs_blobs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_damage_upstream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_contradicted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early_cutoff, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cached_tree_is_loaded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dry_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
