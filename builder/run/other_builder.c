/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/other_builder.h"

#include "base/file.h"
#include "base/sandbox/program.h"
#include "base/sandbox/sandbox.h"
#include "builder/run/export.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
    REPORT_MAX = 64 * 1024 * 1024,
    ERRORS_MAX = 64 * 1024,
    SECONDS_MAX = 24 * 3600,
    ARGUMENTS_MAX = 24 + 2 * PLAN_OUTPUTS_MAX,
};
static const uint64_t file_bytes_max = (uint64_t)1 << 40;

/* ---- which one ---- */

void other_builder_close(struct other_builder *b)
{
    program_dispose(&b->program);
    private_dir_remove(&b->unpacked);
}

/* Out of the archive into a store of its own, and from there to where it can be run. */
static int open_carried(const char *path, const char *temp, const struct step_table *table,
                        struct other_builder *b, struct err *e)
{
    AUTO_PLAN_ARCHIVE struct plan_archive *archive = NULL;
    AUTO_CAS struct cas *cas = NULL;
    AUTO_FREE char *store = NULL;
    uint64_t size = 0;
    int rc = plan_archive_open(path, table, &archive, e);
    if (rc < 0 || (rc = private_dir_make(temp, &b->unpacked, e)) < 0 ||
        (rc = path_join(&store, b->unpacked.path, "store", e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &cas, e)) < 0 ||
        (rc = plan_archive_supply_builder(archive, cas, &size, e)) < 0)
        return rc;
    struct digest digest;
    (void)plan_archive_builder(archive, &digest);
    return program_from(cas, &digest, temp, &b->program, e);
}

int other_builder_open(const char *text, const char *store, const char *temp,
                       const struct step_table *table, struct other_builder *out, struct err *e)
{
    struct other_builder b = OTHER_BUILDER_INIT;
    bool is_archive = false;
    int rc = program_is_digest(text) ? 0 : plan_archive_is_tar(text, &is_archive, e);
    if (rc == 0)
        rc = is_archive ? open_carried(text, temp, table, &b, e)
                        : program_open(text, store, temp, &b.program, e);
    if (rc == 0)
        rc = sandbox_program_check(b.program.path, &b.digest, e);
    if (rc == 0)
        *out = b;
    else
        other_builder_close(&b);
    return rc;
}

/* ---- running it ---- */

struct run {
    const struct other_build *o;
    struct private_dir staging; /* beside the artifacts: what the builder may write to */
    struct private_dir own;     /* what it may not: the plan */
    char *plan;
    char *artifacts;
    int held;
    bool has_store;
    json_t *report;
    struct export_item *items;
    size_t count;
    char *provenance;
};

static void run_dispose(struct run *r)
{
    scope_close(&r->held);
    private_dir_remove(&r->staging);
    private_dir_remove(&r->own);
    free(r->plan);
    free(r->artifacts);
    json_decref(r->report);
    free(r->items);
    free(r->provenance);
}

static int prepare(struct run *r, struct err *e)
{
    const struct other_build *o = r->o;
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    struct stat st;
    r->has_store =
        o->store != NULL && (o->materials == NULL || stat(o->store, &st) == 0 || errno != ENOENT);
    int rc = r->has_store ? cas_hold(o->store, &r->held, e) : 0;
    if (rc < 0 || (rc = private_dir_make(o->temp, &r->own, e)) < 0 ||
        (rc = path_join(&r->plan, r->own.path, "plan.json", e)) < 0 ||
        (rc = plan_file_bytes(o->file, &bytes, e)) < 0 ||
        (rc = file_replace(r->plan, bytes.data, bytes.len, 0644, e)) < 0 ||
        (rc = private_dir_make(o->output, &r->staging, e)) < 0)
        return rc;
    return path_join(&r->artifacts, r->staging.path, "artifacts", e);
}

/* The last line that it printed on stderr, without its name. */
static const char *last_line(struct buf *errors)
{
    while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
        errors->data[--errors->len] = 0;
    const char *line = strrchr(buf_str(errors), '\n');
    line = line != NULL ? line + 1 : buf_str(errors);
    line = str_starts(line, "assay-build: ") ? line + 13 : line;
    return *line != 0 ? line : "it printed no reason";
}

/* The codes that say the same of its run as of ours; whatever else it ends with, the plan does not
 * build. */
static int failed(const struct sandbox_result *result, struct buf *errors, struct err *e)
{
    const char *line = last_line(errors);
    if (result->timed_out)
        return err_set(e, ERR_UNDECIDED, "the builder took longer than %d seconds", SECONDS_MAX);
    if (result->status > 128)
        return err_set(e, ERR_INPUT, "the builder was ended by signal %d: %s", result->status - 128,
                       line);
    bool same = result->status == ERR_USAGE || result->status == ERR_UNDECIDED ||
                result->status == ERR_HOST;
    return err_set(e, same ? (enum err_code)result->status : ERR_INPUT,
                   "the builder failed (exit %d): %s", result->status, line);
}

static size_t add_option(const char **argv, size_t n, const char *option, const char *value)
{
    if (value == NULL)
        return n;
    argv[n++] = option;
    argv[n++] = value;
    return n;
}

static int run_sandbox(struct run *r, struct buf *output, struct err *e)
{
    const struct other_build *o = r->o;
    char jobs[16];
    (void)text_print(jobs, sizeof(jobs), "%u", o->jobs);
    const char *argv[ARGUMENTS_MAX] = {"/bin/assay-build", "/plan.json", "-o",     "/out/artifacts",
                                       "--store",          "/store",     "--work", "/out/work",
                                       "--no-cache",       "-j",         jobs,     "--json"};
    size_t n = 12;
    n = add_option(argv, n, "--materials", o->materials != NULL ? "/materials" : NULL);
    for (size_t i = 0; i < o->only_count && i < PLAN_OUTPUTS_MAX; i++)
        n = add_option(argv, n, "--only", o->only[i]);
    n = add_option(argv, n, "--format", o->format);
    n = add_option(argv, n, "--builder-id", o->builder_id);
    argv[n] = NULL;
    struct sandbox_view views[4] = {
        {.host = o->builder->program.path, .inside = "/bin/assay-build"},
        {.host = r->plan, .inside = "/plan.json"},
    };
    size_t count = 2;
    if (r->has_store)
        views[count++] = (struct sandbox_view){.host = o->store, .inside = "/store"};
    if (o->materials != NULL)
        views[count++] = (struct sandbox_view){.host = o->materials, .inside = "/materials"};
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    const struct sandbox_options options = {
        .argv = argv,
        .views = views,
        .view_count = count,
        .writable = r->staging.path,
        .processes = 64 + 2 * o->jobs,
        .memory_bytes = ((uint64_t)4 << 30) + o->jobs * ((uint64_t)256 << 20),
        .file_bytes = file_bytes_max,
        .timeout_seconds = SECONDS_MAX,
        .output = output,
        .errors = &errors,
    };
    struct sandbox_result result = {0};
    int rc = sandbox_run(&options, &result, e);
    /* It left what no builder leaves. */
    if (rc < 0)
        return rc == -ERR_REJECTED ? err_recode(e, ERR_INPUT) : rc;
    return result.status == 0 && !result.timed_out ? 0 : failed(&result, &errors, e);
}

/* Its report as it is, and which builder gave it. */
static int read_report(struct run *r, const struct buf *output, struct err *e)
{
    const struct json_limits limits = {.bytes = REPORT_MAX, .depth = 32};
    AUTO_JSON json_t *document = NULL;
    int rc =
        json_parse(buf_str(output), output->len, "the builder's report", &limits, &document, e);
    if (rc < 0)
        return rc;
    if (!json_is_object(document))
        return err_set(e, ERR_INPUT, "the builder's report is no object");
    if ((rc = json_put_digest(document, "builder", &r->o->builder->digest, e)) == 0)
        r->report = steal_ptr(&document);
    return rc;
}

/* ---- what it left ---- */

/* The names that the plan gives: its outputs, and at last the provenance. */
static int list_names(struct run *r, struct err *e)
{
    const struct plan *plan = r->o->file->plan;
    const struct plan_choice choice = {.names = r->o->only, .name_count = r->o->only_count};
    r->items = array_new(plan->output_count + 1, sizeof(*r->items));
    if (r->items == NULL)
        return err_oom(e);
    int rc = str_format(&r->provenance, e, "%s.provenance.json", plan->name);
    for (size_t i = 0; rc == 0 && i < plan->output_count; i++)
        if (plan_output_wanted(&plan->outputs[i], &choice))
            r->items[r->count++] = (struct export_item){
                .name = plan->outputs[i].name, .form = export_form(plan->outputs[i].media_type)};
    if (rc == 0)
        r->items[r->count++] = (struct export_item){.name = r->provenance, .form = EXPORT_FILE};
    return rc;
}

/* Those of the names that are there, whatever else it left. */
static int take(struct run *r, struct err *e)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        AUTO_FREE char *path = NULL;
        struct stat st;
        int rc = path_join(&path, r->artifacts, r->items[i].name, e);
        if (rc < 0)
            return rc;
        if (lstat(path, &st) == 0)
            r->items[count++] = r->items[i];
    }
    if (count == 0)
        return err_set(e, ERR_INPUT, "the builder left no artifact");
    return export_take(r->o->output, r->artifacts, r->items, count, e);
}

int other_builder_run(const struct other_build *o, json_t **report, struct err *e)
{
    AUTO(run_dispose)
    struct run r = {
        .o = o, .staging = PRIVATE_DIR_INIT, .own = PRIVATE_DIR_INIT, .held = -1, .plan = NULL};
    AUTO_BUF output = BUF_INIT(REPORT_MAX);
    char text[DIGEST_TEXT_MAX];
    int rc = list_names(&r, e);
    if (rc < 0 || (rc = export_check(o->output, r.items, o->format == NULL ? r.count : 0, e)) < 0 ||
        (rc = prepare(&r, e)) < 0 || (rc = run_sandbox(&r, &output, e)) < 0 ||
        (rc = read_report(&r, &output, e)) < 0 || (rc = take(&r, e)) < 0)
        return err_wrap(e, "by assay-build %.19s", digest_format(&o->builder->digest, text));
    *report = steal_ptr(&r.report);
    return 0;
}
