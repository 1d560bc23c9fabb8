/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-build: plan -> artifacts and unsigned provenance. A pure function: it reads the plan and
 * the blob store, denies itself the network first of all, and no fact of the host reaches a byte
 * of what it writes.
 */
#include "base/cli.h"
#include "base/file.h"
#include "base/media_types.h"
#include "base/sandbox/sandbox.h"
#include "base/version.h"
#include "base/workers.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/render.h"
#include "builder/plan/mistaken.h"
#include "builder/plan/plan_file.h"
#include "builder/run/build_other.h"
#include "builder/run/execute.h"
#include "builder/run/export.h"
#include "builder/run/provenance.h"
#include "builder/run/unavailable.h"
#include "builder/steps/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { JOBS_MAX = 256, URI_MAX = 2048 };

/* ---- stores ---- */

struct stores {
    char *path;
    struct cas *lower; /* with --work: the store, only read */
    struct cas *cas;   /* where new blobs go */
};

static void stores_dispose(struct stores *s)
{
    cas_close(s->cas);
    cas_close(s->lower);
    free(s->path);
}

/* `supplied`: inputs come from an archive, so that the store may be empty, or not there. */
static int open_stores(const struct cli *cli, bool supplied, struct stores *s, struct err *e)
{
    const char *work = cli_string(cli, "work");
    /* Nobody asks for what such a run makes on its way. */
    unsigned scratch = cli_flag(cli, "no-cache") ? CAS_SCRATCH : 0;
    struct stat st;
    struct err none = ERR_INIT;
    /* Who brings the inputs and a place to work needs no store, and so no HOME. */
    bool optional = supplied && work != NULL;
    int rc = cli_store_path(cli, &s->path, optional ? &none : e);
    if (rc < 0 && !optional)
        return rc;
    if (work == NULL) {
        rc = cas_open(s->path, (supplied ? CAS_CREATE : 0) | scratch, &s->cas, e);
        return rc != -ERR_HOST ? rc
                               : err_wrap(e, "cannot put new blobs into the store (with --work DIR "
                                             "it is only read)");
    }
    bool missing = s->path == NULL || (supplied && stat(s->path, &st) != 0 && errno == ENOENT);
    if ((!missing && (rc = cas_open(s->path, CAS_READ_ONLY, &s->lower, e)) < 0) ||
        (rc = cas_open(work, CAS_CREATE | scratch, &s->cas, e)) < 0)
        return rc;
    cas_set_lower(s->cas, s->lower);
    return 0;
}

/* ---- what was built ---- */

struct build {
    const struct cli *cli;
    struct plan_file file;
    struct plan *plan;              /* the file's */
    struct plan_archive *materials; /* --materials */
    struct plan_archive *archive;   /* the file's, or --materials; NULL: all is in the store */
    struct stores stores;
    struct execution *execution;
    const char *output;        /* NULL in a dry run */
    struct plan_choice choice; /* --only, --format */
    struct export_item *items;
    const struct plan_output **outputs; /* of the first output_count items */
    size_t output_count;
    size_t item_count;
    char *provenance_name;
    struct buf provenance;
    struct digest provenance_digest;
};

static void build_dispose(struct build *b)
{
    execution_free(b->execution);
    stores_dispose(&b->stores);
    plan_archive_close(b->materials);
    plan_file_dispose(&b->file);
    free(b->items);
    free(b->outputs);
    free(b->provenance_name);
    buf_dispose(&b->provenance);
}

/* Says which formats there are: the recipe's, as the plan has them. */
static int no_format(const struct plan *plan, const char *format, struct err *e)
{
    AUTO_BUF all = BUF_INIT(ERR_FRAME_MAX);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->output_count; i++)
        for (size_t j = 0; rc == 0 && j < json_array_size(plan->outputs[i].formats); j++) {
            const char *own = json_string_value(json_array_get(plan->outputs[i].formats, j));
            bool told = own == NULL;
            for (size_t k = 0; !told && k < i; k++)
                told = plan_output_wanted(&plan->outputs[k], &(struct plan_choice){.format = own});
            if (!told)
                rc = buf_addf(&all, e, "%s%s", all.len > 0 ? ", " : "", own);
        }
    return err_set(e, ERR_USAGE, "the plan does not build '%s'%s%s", format,
                   all.len > 0 ? ", but " : "", buf_str(&all));
}

/* Names what will be written; digests come when the steps have run. */
static int list_items(struct build *b, struct err *e)
{
    const char *only = b->choice.name_count > 0 ? b->choice.names[0] : NULL;
    bool partial = cli_flag(b->cli, "partial");
    b->items = array_new(b->plan->output_count + 1, sizeof(*b->items));
    b->outputs = array_new(b->plan->output_count, sizeof(const struct plan_output *));
    if (b->items == NULL || b->outputs == NULL)
        return err_oom(e);
    for (size_t i = 0; i < b->plan->output_count; i++) {
        const struct plan_output *o = &b->plan->outputs[i];
        if (!plan_output_wanted(o, &b->choice))
            continue;
        b->outputs[b->item_count] = o;
        b->items[b->item_count++] =
            (struct export_item){.name = o->name, .form = export_form(o->media_type)};
    }
    b->output_count = b->item_count;
    if (b->output_count == 0)
        return only != NULL ? err_set(e, ERR_USAGE, "the plan has no output '%s'", only)

                            : no_format(b->plan, b->choice.format, e);
    /* The provenance is of all outputs. */
    if (b->output_count < b->plan->output_count && !partial)
        return 0;
    int rc = str_format(&b->provenance_name, e, partial ? "%s.partial.json" : "%s.provenance.json",
                        b->plan->name);
    if (rc == 0)
        b->items[b->item_count++] = (struct export_item){.name = b->provenance_name};
    return rc;
}

static int make_provenance(struct build *b, struct err *e)
{
    const char *id = cli_string(b->cli, "builder-id");
    struct digest self;
    int rc;
    if ((rc = build_own_digest(&self, e)) < 0 ||
        (rc = provenance_format(b->plan, b->execution, b->stores.cas,
                                id != NULL ? id : PROVENANCE_BUILDER_ID, &self, &b->provenance,
                                e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, b->provenance.data, b->provenance.len,
                           &b->provenance_digest, e)) < 0)
        return rc;
    struct export_item *item = &b->items[b->output_count];
    item->data = b->provenance.data;
    item->len = b->provenance.len;
    item->digest = b->provenance_digest;
    return 0;
}

static int write_artifacts(struct build *b, struct err *e)
{
    for (size_t i = 0; i < b->output_count; i++)
        b->items[i].digest = b->execution->steps[b->outputs[i]->step].digest;
    int rc = b->provenance_name == NULL ? 0 : make_provenance(b, e);
    if (rc < 0)
        return rc;
    return export_write(b->output, b->stores.cas, b->items, b->item_count, e);
}

/* ---- reports ---- */

static const char *const fates[] = {
    [STEP_NOT_NEEDED] = "not needed", [STEP_CACHED] = "cached", [STEP_RUN] = "run"};

static int step_json(const struct plan_step *step, const struct executed_step *x, json_t **out,
                     struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    int rc;
    if (o == NULL)
        return err_oom(e);
    if ((rc = json_put_string(o, "id", step->id, e)) < 0 ||
        (rc = json_put_string(o, "kind", step->kind->name, e)) < 0 ||
        (rc = json_put_string(o, "fate", fates[x->fate], e)) < 0 ||
        (rc = json_put_string(o, "why", x->why, e)) < 0 ||
        (rc = json_put(o, "cached", json_boolean(x->fate == STEP_CACHED), e)) < 0 ||
        (x->has_key && (rc = json_put_digest(o, "key", &x->key, e)) < 0) ||
        (x->has_output && (rc = json_put_digest(o, "digest", &x->digest, e)) < 0) ||
        (rc = json_put(o, "seconds", json_integer(x->seconds), e)) < 0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}

static int steps_json(const struct build *b, json_t *document, struct err *e)
{
    AUTO_JSON json_t *steps = json_array();
    if (steps == NULL)
        return err_oom(e);
    for (size_t i = 0; i < b->plan->step_count; i++) {
        json_t *step = NULL;
        int rc = step_json(&b->plan->steps[i], &b->execution->steps[i], &step, e);
        if (rc < 0 || (rc = json_push(steps, step, e)) < 0)
            return rc;
    }
    return json_put(document, "steps", steal_ptr(&steps), e);
}

static int artifact_json(const char *name, const struct digest *digest, uint64_t size,
                         const char *media_type, json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    int rc;
    if (o == NULL)
        return err_oom(e);
    if ((rc = json_put_string(o, "name", name, e)) < 0 ||
        (rc = json_put_digest(o, "digest", digest, e)) < 0 ||
        (rc = json_put_u64(o, "size", size, e)) < 0 ||
        (rc = json_put_string(o, "mediaType", media_type, e)) < 0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}

static int artifacts_json(const struct build *b, json_t *document, struct err *e)
{
    AUTO_JSON json_t *outputs = json_array();
    json_t *o = NULL;
    int rc = outputs == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < b->output_count; i++) {
        const struct executed_step *x = &b->execution->steps[b->outputs[i]->step];
        rc = artifact_json(b->items[i].name, &x->digest, x->size, b->outputs[i]->media_type, &o, e);
        if (rc == 0)
            rc = json_push(outputs, o, e);
    }
    if (rc < 0 || (rc = json_put(document, "outputs", steal_ptr(&outputs), e)) < 0 ||
        b->provenance_name == NULL)
        return rc;
    rc = artifact_json(b->provenance_name, &b->provenance_digest, b->provenance.len, MEDIA_INTOTO,
                       &o, e);
    return rc < 0 ? rc : json_put(document, "provenance", o, e);
}

static const char *step_warning(const struct build *b, size_t i)
{
    const struct plan_step *step = &b->plan->steps[i];
    if (step->kind->warn == NULL || b->execution->steps[i].fate == STEP_NOT_NEEDED)
        return NULL;
    return step->kind->warn(step->params);
}

static int warnings_json(const struct build *b, json_t *document, struct err *e)
{
    AUTO_JSON json_t *warnings = json_array();
    int rc = warnings == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < b->plan->step_count; i++) {
        AUTO_FREE char *text = NULL;
        const char *warning = step_warning(b, i);
        if (warning != NULL &&
            (rc = str_format(&text, e, "step '%s': %s", b->plan->steps[i].id, warning)) == 0)
            rc = json_push(warnings, json_string(text), e);
    }
    if (rc < 0 || json_array_size(warnings) == 0)
        return rc;
    return json_put(document, "warnings", steal_ptr(&warnings), e);
}

static void say_warnings(const struct build *b)
{
    for (size_t i = 0; i < b->plan->step_count; i++)
        if (step_warning(b, i) != NULL)
            cli_warn(b->cli, "step '%s': %s", b->plan->steps[i].id, step_warning(b, i));
}

static int report_json(struct cli *cli, const struct build *b, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    int rc;
    if (document == NULL)
        return err_oom(e);
    if ((rc = json_put_digest(document, "plan", &b->plan->digest, e)) < 0 ||
        (rc = json_put_string(document, "name", b->plan->name, e)) < 0 ||
        (rc = json_put(document, "dryRun", json_boolean(b->output == NULL), e)) < 0 ||
        (rc = steps_json(b, document, e)) < 0 || (rc = warnings_json(b, document, e)) < 0 ||
        (b->output != NULL && (rc = artifacts_json(b, document, e)) < 0))
        return rc;
    cli_result(cli, steal_ptr(&document));
    return 0;
}

static void report_steps(const struct build *b)
{
    char text[DIGEST_TEXT_MAX];
    cli_say(b->cli, "%-24s %-16s %-10s %-20s %s\n", "STEP", "KIND", "FATE", "KEY", "WHY");
    for (size_t i = 0; i < b->plan->step_count; i++) {
        const struct executed_step *x = &b->execution->steps[i];
        const char *key = x->has_key ? digest_format(&x->key, text) : "not known yet";
        cli_say(b->cli, "%-24s %-16s %-10s %-20.19s %s\n", b->plan->steps[i].id,
                b->plan->steps[i].kind->name, fates[x->fate], key, x->why);
    }
}

static void report_artifacts(const struct build *b)
{
    char text[DIGEST_TEXT_MAX];
    cli_say(b->cli, "%-32s %12s  %s\n", "ARTIFACT", "BYTES", "DIGEST");
    for (size_t i = 0; i < b->output_count; i++) {
        const struct executed_step *x = &b->execution->steps[b->outputs[i]->step];
        cli_say(b->cli, "%-32s %12llu  %s\n", b->items[i].name, (unsigned long long)x->size,
                digest_format(&x->digest, text));
    }
    if (b->provenance_name != NULL)
        cli_say(b->cli, "%-32s %12zu  %s\n", b->provenance_name, b->provenance.len,
                digest_format(&b->provenance_digest, text));
}

/* ---- the command ---- */

static int check_options(const struct cli *cli, struct err *e)
{
    const char *id = cli_string(cli, "builder-id");
    uint64_t jobs = cli_number(cli, "jobs", 1);
    if (jobs < 1 || jobs > JOBS_MAX)
        return err_set(e, ERR_USAGE, "--jobs takes 1 to %d", JOBS_MAX);
    if (id != NULL && (strlen(id) > URI_MAX || strchr(id, ':') == NULL))
        return err_set(e, ERR_USAGE, "--builder-id takes a URI, not '%s'", id);
    size_t only = 0;
    (void)cli_list(cli, "only", &only);
    if (cli_flag(cli, "partial") && only == 0)
        return err_set(e, ERR_USAGE, "--partial goes with --only");
    if (cli_string(cli, "output") != NULL || cli_flag(cli, "dry-run"))
        return 0;
    int rc = mistaken(cli_arg(cli, 0), MISTAKEN_FOR_PLAN, e);
    return rc < 0 ? rc : err_set(e, ERR_USAGE, "say where the artifacts go: --output DIR");
}

/* For a program that runs this one: which step of the plan, and how far that is. */
static void announce(void *context, size_t step, size_t nth, size_t of)
{
    (void)context;
    (void)fprintf(stderr, BUILD_ANNOUNCES "%zu %zu %zu\n", step, nth, of);
}

static int execute(struct build *b, struct err *e)
{
    const struct cli *cli = b->cli;
    struct progress *progress = progress_start(!cli_json(cli) && !cli_quiet(cli));
    struct execute_options options = {
        .runners = &builder_runners,
        .cas = b->stores.cas,
        .store = b->stores.path,
        .jobs = (unsigned)cli_number(cli, "jobs", workers_default()),
        .no_cache = cli_flag(cli, "no-cache"),
        .dry_run = b->output == NULL,
        .choice = b->choice,
        .digests = cli_flag(cli, "partial"),
        .begins = cli_flag(cli, "announce") ? announce : NULL,
        .host = cli_host(cli),
        .progress = progress,
    };
    int rc = execute_plan(b->plan, &options, &b->execution, e);
    progress_end(progress);
    return rc;
}

static int choose_format(struct build *b, struct err *e);

static int read_file(struct build *b, struct err *e)
{
    const char *path = cli_arg(b->cli, 0);
    struct err why = ERR_INIT;
    int rc = plan_file_read(path, &builder_steps, &b->file, &why);
    if (rc == -ERR_UNDECIDED && (rc = plan_file_read_any(path, &builder_steps, &b->file, e)) < 0)
        return rc;
    if (why.code != ERR_NONE)
        *e = why;
    return why.code == ERR_UNDECIDED ? build_advise(b->cli, &b->file, e) : rc;
}

/* A plan, or what carries one; --materials has inputs of it. */
static int read_plan(struct build *b, struct err *e)
{
    const char *path = cli_arg(b->cli, 0);
    const char *materials = cli_string(b->cli, "materials");
    int rc = read_file(b, e);
    if (rc < 0)
        return rc;
    b->plan = b->file.plan;
    b->archive = b->file.archive;
    plan_file_warn(&b->file, b->cli, path);
    if (materials == NULL)
        return 0;
    if (b->archive != NULL)
        return err_set(e, ERR_USAGE, "--materials goes with a plan that is not self-contained");
    rc = plan_archive_open(materials, &builder_steps, &b->materials, e);
    b->archive = b->materials;
    return rc;
}

static int check_toolchain(const struct build *b, struct err *e)
{
    int rc = plan_check_toolchain(b->plan, e);
    return rc == -ERR_UNDECIDED ? build_advise(b->cli, &b->file, e) : rc;
}

static int build(struct cli *cli, struct build *b, struct err *e)
{
    int rc;
    if ((rc = read_plan(b, e)) < 0 || (rc = choose_format(b, e)) < 0 ||
        (rc = check_toolchain(b, e)) < 0 || (rc = list_items(b, e)) < 0 ||
        (rc = open_stores(cli, b->archive != NULL, &b->stores, e)) < 0 ||
        (b->archive != NULL && b->output != NULL &&
         (rc = plan_archive_supply(b->archive, b->plan, b->stores.cas, e)) < 0))
        return rc;
    if (b->output != NULL && (rc = export_check(b->output, b->items, b->item_count, e)) < 0)
        return rc;
    if ((rc = execute(b, e)) < 0)
        return rc;
    if (b->output != NULL && (rc = write_artifacts(b, e)) < 0)
        return rc;
    say_warnings(b);
    if (cli_json(cli))
        return report_json(cli, b, e);
    if (b->output == NULL || cli_verbose(cli))
        report_steps(b);
    if (b->output != NULL)
        report_artifacts(b);
    return 0;
}

/* What is wrong with the inputs, beside the error: a verifier's question. */
static void report_unavailable(struct cli *cli, const struct build *b)
{
    AUTO_JSON json_t *document = json_object();
    json_t *list = NULL;
    struct err ignored = ERR_INIT;
    if (b->plan != NULL && unavailable_inputs(b->plan, b->stores.cas, &list, &ignored) == 0 &&
        json_put(document, "unavailable", list, &ignored) == 0)
        cli_result(cli, steal_ptr(&document));
}

static bool is_yaml(const char *path)
{
    return str_ends(path, ".yml") || str_ends(path, ".yaml") || strcmp(path, "-") == 0;
}

/* LinuxKit files and --dry-run: the merged configuration, as `linuxkit build --dry-run` has it. */
static int show_merged(struct cli *cli, struct err *e)
{
    size_t count = cli_arg_count(cli);
    AUTO_FREE const char **paths = array_new(count, sizeof(*paths));
    AUTO_JSON json_t *merged = NULL;
    AUTO_JSON json_t *warnings = json_array();
    AUTO_BUF text = BUF_INIT((size_t)16 << 20);
    size_t packages = 0;
    if (paths == NULL || warnings == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        paths[i] = cli_arg(cli, i);
    int rc = linuxkit_merge_show(paths, count, warnings, &merged, &packages, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(warnings); i++)
        cli_warn(cli, "%s", json_string_value(json_array_get(warnings, i)));
    if (rc == 0 && packages > 0)
        cli_warn(cli,
                 "%s (@pkg:) shown as 'latest', which LinuxKit makes of them without git history; "
                 "'assay lock' refuses them",
                 COUNTED(packages, "package name"));
    if (rc < 0 || (rc = linuxkit_render(merged, LINUXKIT_FORM_YAML3, &text, e)) < 0 ||
        (rc = buf_add_str(&text, "\n", e)) < 0)
        return rc;
    return cli_write(cli, text.data, text.len, e);
}

/* A plan of compat mode says its formats once for all: it builds them together. */
static bool compat_builds(const struct plan *plan, const char *format)
{
    const json_t *formats = json_object_get(plan->recipe, "formats");
    size_t stem = strlen(plan->name);
    for (size_t i = 0; i < json_array_size(formats); i++) {
        const char *own = json_string_value(json_array_get(formats, i));
        if (own != NULL && strcmp(own, format) == 0)
            return true;
    }
    for (size_t i = 0; i < plan->output_count; i++) {
        const char *name = plan->outputs[i].name;
        if (strncmp(name, plan->name, stem) == 0 && name[stem] == '.' &&
            strcmp(name + stem + 1, format) == 0)
            return true;
    }
    return false;
}

/* --format NAME: what the plan makes for that artifact, and nothing else. */
static int choose_format(struct build *b, struct err *e)
{
    const char *format = cli_string(b->cli, "format");
    bool told = false;
    b->choice.names = cli_list(b->cli, "only", &b->choice.name_count);
    for (size_t i = 0; i < b->plan->output_count; i++)
        told = told || b->plan->outputs[i].formats != NULL;
    if (format == NULL || told) {
        b->choice.format = format;
        return 0;
    }
    return compat_builds(b->plan, format) ? 0 : no_format(b->plan, format, e);
}

static int run_build(struct cli *cli, struct err *e)
{
    int rc = 0;
    /* Nothing is built here then: the sandbox has no network. */
    if (cli_string(cli, "builder") != NULL)
        return (rc = check_options(cli, e)) < 0 ? rc : build_other(cli, e);
    if ((rc = sandbox_deny_network(e)) < 0)
        return rc;
    if (cli_flag(cli, "dry-run") && is_yaml(cli_arg(cli, 0)))
        return show_merged(cli, e);
    if (cli_arg_count(cli) != 1)
        return err_set(e, ERR_USAGE, "one plan at a time");
    if ((rc = check_options(cli, e)) < 0)
        return rc;
    AUTO(build_dispose) struct build b = {.cli = cli, .provenance = BUF_INIT(PROVENANCE_BYTES_MAX)};
    if (!cli_flag(cli, "dry-run"))
        b.output = cli_string(cli, "output");
    rc = build(cli, &b, e);
    if (rc == -ERR_INPUT && cli_json(cli))
        report_unavailable(cli, &b);
    return rc;
}

static const struct cli_option options[] = {
    {"output", 'o', CLI_OUTPUT_DIR, "DIR", "write the artifacts into this directory"},
    CLI_OPTION_STORE,
    {"work", 0, CLI_STRING, "DIR",
     "put new blobs and the action cache into a second store, and only read the first"},
    {"materials", 0, CLI_STRING, "FILE",
     "take inputs that the store lacks from this file, which 'assay plan export' wrote"},
    {"builder", 0, CLI_STRING, "BUILDER",
     "build with this assay-build, in the sandbox: a file, a self-contained plan that carries one, "
     "or sha256:… of one in the store"},
    {"no-cache", 0, CLI_FLAG, NULL,
     "run every step; neither ask nor fill the action cache, and leave nothing in the store"},
    {"jobs", 'j', CLI_NUMBER, "N", "use this many threads (default: one per processor)"},
    {"dry-run", 'n', CLI_FLAG, NULL, "say for each step whether it would run, and why"},
    {"format", 'f', CLI_STRING, "FORMAT",
     "make the outputs of this artifact only, such as tar; the provenance comes with all outputs"},
    {"only", 0, CLI_LIST, "NAME", "make this output only, and no provenance"},
    {"partial", 0, CLI_FLAG, NULL,
     "with --only: say in NAME.partial.json what provenance says, of what was made only"},
    {"announce", 0, CLI_FLAG, NULL,
     "say on standard error when each step begins, for a program that runs this one"},
    {"builder-id", 0, CLI_STRING, "URI",
     "builder.id of the provenance (default: " PROVENANCE_BUILDER_ID ")"},
};

static const struct cli_command commands[] = {{
    .arguments = "PLAN",
    .exits = "5\tan input is missing or damaged, or the plan is malformed\n"
             "6\tthe plan is for another version of Assay or of a compression library: the error "
             "says which assay-build to give with --builder\n",
    .summary = "build a plan's artifacts, bit for bit",
    .details =
        "Runs the steps of PLAN and writes its outputs and NAME.provenance.json (an unsigned "
        "in-toto statement) into the directory given by --output. The program denies itself the "
        "network before anything else and reads nothing but the plan and the blob store, which "
        "'assay lock' has filled. PLAN may also be a self-contained plan ('assay plan export'): "
        "its "
        "inputs are put into the store, which is made when it is missing. Or the provenance of an "
        "earlier build, bare, in an envelope or in a bundle: it carries its plan. A signature on "
        "it "
        "is not checked here.\n\n"
        "The same plan gives the same bytes on any host, in any path, as any user, with any "
        "number of threads. Steps whose output is in the action cache are not run again; "
        "--no-cache runs them all, as a verifier does.\n\n"
        "Artifacts appear under their names only when all of them are complete. An OCI manifest "
        "is written as an image layout directory. A directory that is no image layout is never "
        "replaced.\n\n"
        "A plan is built by the versions that it names and no others. For one of another version, "
        "--builder names the assay-build that it is for, which is run in the sandbox; a "
        "self-contained plan may carry it ('assay plan export --with-builder').",
    .examples = "assay build hello.plan.json -o out/\tbuild everything\n"
                "assay build hello.plan.assay -o out/\tbuild a self-contained plan\n"
                "assay build hello.sigstore.json -o out/\tbuild again what was signed\n"
                "assay build hello.plan.json -n\tshow what would run\n"
                "assay build a.yml b.yml -n\tthe configuration that LinuxKit files merge into\n"
                "assay build old.assay --builder old.assay -o out/\tbuild an old plan with the "
                "builder that it carries\n"
                "assay build hello.plan.json -o out/ --only hello.squashfs\tone artifact\n"
                "assay build hello.plan.json -o out/ --work /tmp/w --no-cache\tlike a verifier: "
                "the store is only read, and every step runs\n",
    .min_args = 1,
    .max_args = (size_t)-1,
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = run_build,
}};

static const struct cli_named environment[] = {
    {"TMPDIR", "Where the files of --builder go; /var/tmp when it is not set."},
};

static const struct cli_program program = {
    .name = "assay-build",
    .summary = "build a plan's artifacts, bit for bit",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .related = "assay-attest assay-lock assay-plan assay-verify",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
