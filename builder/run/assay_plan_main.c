/* SPDX-License-Identifier: Apache-2.0 */
/* assay-plan: what a plan says, in words, as a graph, and against another plan. */
#include "base/cli.h"
#include "base/destination.h"
#include "base/file.h"
#include "base/media_types.h"
#include "base/process.h"
#include "builder/plan/keep.h"
#include "builder/plan/plan_file.h"
#include "builder/plan/show.h"
#include "builder/run/other_builder.h"
#include "builder/steps/step.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXT_MAX = 256 * 1024 * 1024, DOT_SECONDS = 120 };

static int put_plan_digest(json_t *document, const struct plan *plan, struct err *e)
{
    int rc = json_put_digest(document, "digest", &plan->digest, e);
    return rc < 0 ? rc : json_put_string(document, "name", plan->name, e);
}

/* The i-th argument: a plan, or what carries one. */
static int read_plan(const struct cli *cli, size_t i, struct plan_file *out, struct err *e)
{
    int rc = plan_file_read(cli_arg(cli, i), &builder_steps, out, e);
    if (rc == 0)
        plan_file_warn(out, cli, cli_arg(cli, i));
    return rc;
}

/* As read_plan, of the first argument; of another version's plan the outline is enough. */
static int read_plan_any(const struct cli *cli, struct plan_file *out, struct err *e)
{
    int rc = plan_file_read_any(cli_arg(cli, 0), &builder_steps, out, e);
    if (rc == 0)
        plan_file_warn(out, cli, cli_arg(cli, 0));
    return rc;
}

/* Where the plan is from, and the builder that its provenance names, or its archive carries. */
static int show_carrier(const struct plan_file *file, struct buf *out, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int rc = 0;
    if (plan_file_caveat(file) != NULL)
        rc = buf_sayf(out, e, "%s\n", plan_file_caveat(file));
    if (rc == 0 && file->has_builder)
        rc = buf_sayf(out, e, "%s assay-build %s\n",
                      file->archive != NULL ? "carries" : "built with",
                      digest_format(&file->builder, text));
    return rc < 0 || out->len == 0 ? rc : buf_add_str(out, "\n", e);
}

static int show_json(struct cli *cli, const struct plan_file *file, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    if (document == NULL)
        return err_oom(e);
    int rc = put_plan_digest(document, file->plan, e);
    if (rc < 0 || (rc = json_put_string(document, "carrier", plan_file_carrier(file), e)) < 0 ||
        (rc = json_put(document, "unverified", json_boolean(plan_file_caveat(file) != NULL), e)) <
            0 ||
        (file->has_builder && (rc = json_put_digest(document, "builder", &file->builder, e)) < 0) ||
        (rc = json_put(document, "plan", json_incref(file->plan->document), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    return 0;
}

static int run_show(struct cli *cli, struct err *e)
{
    AUTO_PLAN_FILE struct plan_file file = {0};
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    int rc = plan_file_read(cli_arg(cli, 0), &builder_steps, &file, e);
    if (rc < 0 || cli_json(cli))
        return rc < 0 ? rc : show_json(cli, &file, e);
    if ((rc = show_carrier(&file, &text, e)) < 0 || (rc = plan_show(file.plan, &text, e)) < 0)
        return rc;
    return cli_write(cli, text.data, text.len, e);
}

static int run_digest(struct cli *cli, struct err *e)
{
    AUTO_PLAN_FILE struct plan_file file = {0};
    char text[DIGEST_TEXT_MAX];
    int rc = read_plan_any(cli, &file, e);
    if (rc < 0)
        return rc;
    AUTO_JSON json_t *document = json_object();
    if (document == NULL)
        return err_oom(e);
    if ((rc = put_plan_digest(document, file.plan, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "%s\n", digest_format(&file.plan->digest, text));
    return 0;
}

static int run_toolchain(struct cli *cli, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *libraries = json_object();
    const struct step_table *table = &builder_steps;
    int rc;
    if (document == NULL || libraries == NULL)
        return err_oom(e);
    cli_say(cli, "assay %s\n", ASSAY_VERSION);
    for (size_t i = 0; i < table->library_count; i++) {
        const char *name = table->libraries[i];
        const char *version = table->library_version(name);
        if ((rc = json_put_string(libraries, name, version, e)) < 0)
            return rc;
        cli_say(cli, "%s %s\n", name, version);
    }
    if ((rc = json_put_string(document, "assay", ASSAY_VERSION, e)) < 0 ||
        (rc = json_put(document, "libraries", steal_ptr(&libraries), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    return 0;
}

/* ---- graph ---- */

static int to_svg(const struct buf *dot, struct buf *svg, struct err *e)
{
    static const char *const argv[] = {"dot", "-Tsvg", NULL};
    AUTO_BUF errors = BUF_INIT(4096);
    const struct process_options options = {.argv = argv,
                                            .input = dot->data,
                                            .input_len = dot->len,
                                            .output = svg,
                                            .errors = &errors,
                                            .timeout_seconds = DOT_SECONDS};
    int status;
    int rc = process_run(&options, &status, e);
    if (rc < 0)
        return err_wrap(e, "an SVG is drawn by Graphviz's 'dot'");
    return status == 0 ? 0
                       : err_set(e, ERR_HOST, "'dot' failed with status %d: %.200s", status,
                                 buf_str(&errors));
}

static int graph_out(struct cli *cli, const struct buf *graph, const char *format, struct err *e)
{
    if (cli_string(cli, "output") != NULL || !cli_json(cli))
        return cli_document(cli, graph->data, graph->len, e);
    AUTO_JSON json_t *document = json_object();
    int rc;
    if (document == NULL)
        return err_oom(e);
    if ((rc = json_put_string(document, "format", format, e)) < 0 ||
        (rc = json_put_string(document, "graph", buf_str(graph), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    return 0;
}

static int run_graph(struct cli *cli, struct err *e)
{
    const char *format = cli_string(cli, "format");
    AUTO_PLAN_FILE struct plan_file file = {0};
    AUTO_BUF dot = BUF_INIT(TEXT_MAX);
    AUTO_BUF svg = BUF_INIT(TEXT_MAX);
    if (format == NULL)
        format = "dot";
    bool is_svg = strcmp(format, "svg") == 0;
    if (!is_svg && strcmp(format, "dot") != 0)
        return err_set(e, ERR_USAGE, "--format takes dot or svg, not '%s'", format);
    int rc = read_plan(cli, 0, &file, e);
    if (rc < 0 || (rc = plan_dot(file.plan, &dot, e)) < 0 ||
        (is_svg && (rc = to_svg(&dot, &svg, e)) < 0))
        return rc;
    return graph_out(cli, is_svg ? &svg : &dot, format, e);
}

/* ---- diff ---- */

static int run_diff(struct cli *cli, struct err *e)
{
    AUTO_PLAN_FILE struct plan_file before = {0};
    AUTO_PLAN_FILE struct plan_file after = {0};
    AUTO_JSON json_t *document = json_object();
    json_t *changes = NULL;
    int rc;
    if (document == NULL)
        return err_oom(e);
    if ((rc = read_plan(cli, 0, &before, e)) < 0 || (rc = read_plan(cli, 1, &after, e)) < 0 ||
        (rc = plan_diff(before.plan, after.plan, &changes, e)) < 0 ||
        (rc = json_put(document, "changes", changes, e)) < 0 ||
        (rc = json_put_digest(document, "before", &before.plan->digest, e)) < 0 ||
        (rc = json_put_digest(document, "after", &after.plan->digest, e)) < 0)
        return rc;
    bool same = digest_equal(&before.plan->digest, &after.plan->digest);
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change)
    {
        cli_say(cli, "%s\n", json_string_value(json_object_get(change, "text")));
    }
    size_t count = json_array_size(changes);
    cli_result(cli, steal_ptr(&document));
    return same ? 0 : err_set(e, ERR_DIFFERS, "the plans differ in %s", COUNTED(count, "place"));
}

/* ---- self-contained plans ---- */

/* Where to write: what --output says, else NAME + extension; caller frees. */
static int output_path(const struct cli *cli, const struct plan *plan, const char *extension,
                       char **out, struct err *e)
{
    const char *given = cli_string(cli, "output");
    if (given != NULL)
        return str_copy(out, given, e);
    int rc = str_format(out, e, "%s%s", plan->name, extension);
    return rc == 0 ? destination_check(*out, e) : rc;
}

static int put_file(json_t *document, const char *path, uint64_t size, struct err *e)
{
    int rc = json_put_string(document, "file", path, e);
    return rc < 0 ? rc : json_put_u64(document, "size", size, e);
}

/* The assay-build that goes in; *out is without a path when none does. */
static int open_builder(const struct cli *cli, const struct plan_file *file, const char *store,
                        const char *temp, struct other_builder *out, struct err *e)
{
    AUTO_FREE char *beside = NULL;
    const char *given = cli_string(cli, "builder");
    int rc = 0;
    if (given == NULL && !cli_flag(cli, "with-builder"))
        return 0;
    /* Ours is of no use to a plan that it would refuse. */
    if (given == NULL && ((rc = plan_check_toolchain(file->plan, e)) < 0 ||
                          (rc = process_beside("assay-build", &beside, e)) < 0))
        return rc;
    rc = other_builder_open(given != NULL ? given : beside, store, temp, &builder_steps, out, e);
    char named[DIGEST_TEXT_MAX];
    if (rc == 0 && file->has_builder && !digest_equal(&file->builder, &out->digest))
        cli_warn(cli, "'%s' names another file of assay-build, %s", cli_arg(cli, 0),
                 digest_format(&file->builder, named));
    return rc;
}

static int put_builder(json_t *document, const struct other_builder *builder, struct err *e)
{
    return builder->program.path == NULL
               ? 0
               : json_put_digest(document, "builder", &builder->digest, e);
}

static int write_archive(const struct plan_file *file, struct cas *cas,
                         const struct other_builder *builder, const char *temp, const char *path,
                         uint64_t *size, struct err *e)
{
    const struct plan_archive_parts parts = {
        .plan = file->plan, .cas = cas, .builder = builder->program.path};
    return plan_archive_write(&parts, temp, path, size, e);
}

static int run_export(struct cli *cli, struct err *e)
{
    AUTO_PLAN_FILE struct plan_file file = {0};
    AUTO(other_builder_close) struct other_builder builder = OTHER_BUILDER_INIT;
    AUTO_CAS struct cas *cas = NULL;
    AUTO_FREE char *store = NULL;
    AUTO_FREE char *path = NULL;
    const char *temp = cli_env(cli, "TMPDIR");
    temp = temp != NULL ? temp : "/var/tmp";
    uint64_t size = 0;
    AUTO_JSON json_t *document = json_object();
    if (document == NULL)
        return err_oom(e);
    int rc = read_plan_any(cli, &file, e);
    const struct plan *plan = file.plan;
    unsigned flags = file.archive != NULL ? CAS_CREATE : 0;
    /* Not read-only: a collector must not take the inputs away meanwhile. */
    if (rc < 0 || (rc = output_path(cli, plan, ".plan" PLAN_ARCHIVE_EXTENSION, &path, e)) < 0 ||
        (rc = cli_store_path(cli, &store, e)) < 0 || (rc = cas_open(store, flags, &cas, e)) < 0 ||
        (rc = open_builder(cli, &file, store, temp, &builder, e)) < 0 ||
        (file.archive != NULL && (rc = plan_archive_supply(file.archive, plan, cas, e)) < 0) ||
        (rc = write_archive(&file, cas, &builder, temp, path, &size, e)) < 0 ||
        (rc = put_plan_digest(document, plan, e)) < 0 ||
        (rc = put_builder(document, &builder, e)) < 0 ||
        (rc = put_file(document, path, size, e)) < 0)
        return rc;
    cli_say(cli, "%s: plan %s with its %s%s, %s\n", path, plan->name,
            COUNTED(plan->input_count, "input"),
            builder.program.path != NULL ? " and its builder" : "", COUNTED(size, "byte"));
    cli_result(cli, steal_ptr(&document));
    return 0;
}

/* It stays in the store by the name of the plan that it came with. */
static int import_builder(struct plan_archive *archive, const struct plan *plan, struct cas *cas,
                          struct err *e)
{
    AUTO_FREE char *name = NULL;
    struct digest digest;
    uint64_t size = 0;
    const struct host *host = host_real();
    if (!plan_archive_builder(archive, &digest))
        return 0;
    int rc = plan_archive_supply_builder(archive, cas, &size, e);
    if (rc < 0 || (rc = str_format(&name, e, CAS_BUILDER_REF "%s", plan->name)) < 0)
        return rc;
    return cas_ref_keep(cas, name, MEDIA_ASSAY_BUILDER, &digest, size, host->now(host->context), e);
}

static int import_to(struct plan_archive *archive, const struct plan *plan, struct cas *cas,
                     const char *path, struct err *e)
{
    const struct buf *bytes = plan_archive_plan(archive);
    struct digest digest;
    int rc = plan_archive_supply(archive, plan, cas, e);
    if (rc < 0 || (rc = import_builder(archive, plan, cas, e)) < 0 ||
        (rc = plan_keep(cas, plan->name, bytes, host_real(), &digest, e)) < 0)
        return rc;
    return destination_write(path, bytes->data, bytes->len, e);
}

static int run_import(struct cli *cli, struct err *e)
{
    AUTO_PLAN_ARCHIVE struct plan_archive *archive = NULL;
    AUTO_PLAN struct plan *plan = NULL;
    AUTO_CAS struct cas *cas = NULL;
    AUTO_FREE char *store = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *document = json_object();
    if (document == NULL)
        return err_oom(e);
    int rc = plan_archive_open(cli_arg(cli, 0), &builder_steps, &archive, e);
    if (rc < 0)
        return rc;
    const struct buf *bytes = plan_archive_plan(archive);
    rc = plan_parse_any(buf_str(bytes), bytes->len, "its plan", &builder_steps, &plan, e);
    if (rc < 0 || (rc = output_path(cli, plan, ".plan.json", &path, e)) < 0 ||
        (rc = cli_store_path(cli, &store, e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &cas, e)) < 0 ||
        (rc = import_to(archive, plan, cas, path, e)) < 0 ||
        (rc = put_plan_digest(document, plan, e)) < 0 ||
        (rc = put_file(document, path, bytes->len, e)) < 0)
        return rc;
    char text[DIGEST_TEXT_MAX];
    struct digest builder;
    cli_say(cli, "plan %s: %s, %s\n", path, COUNTED(plan->input_count, "input"),
            digest_format(&plan->digest, text));
    if (plan_archive_builder(archive, &builder)) {
        cli_say(cli, "builder for assay %s: %s\n", plan->toolchain_assay,
                digest_format(&builder, text));
        if ((rc = json_put_digest(document, "builder", &builder, e)) < 0)
            return rc;
    }
    cli_result(cli, steal_ptr(&document));
    return 0;
}

/* ---- the table ---- */

static const struct cli_option graph_options[] = {
    {"format", 0, CLI_STRING, "FORMAT", "dot (the default), or svg by way of Graphviz's 'dot'"},
    {"output", 'o', CLI_OUTPUT, "FILE", "write to this file instead of stdout"},
};

static const struct cli_option export_options[] = {
    CLI_OPTION_STORE,
    {"with-builder", 0, CLI_FLAG, NULL,
     "put the assay-build beside this program in, too, so that it can be built by any later Assay"},
    {"builder", 0, CLI_STRING, "BUILDER",
     "put this assay-build in: a file, a self-contained plan that carries one, or sha256:… of one "
     "in the store"},
    {"output", 'o', CLI_OUTPUT, "FILE",
     "where to write (default: NAME.plan" PLAN_ARCHIVE_EXTENSION ")"},
};
static const struct cli_option import_options[] = {
    CLI_OPTION_STORE,
    {"output", 'o', CLI_OUTPUT, "PLAN", "where to write the plan (default: NAME.plan.json)"},
};

static const struct cli_command commands[] = {
    {.name = "show",
     .arguments = "PLAN",
     .summary = "print a plan as a short table",
     .details = "Checks PLAN as strictly as a build does and lists its inputs, steps and outputs. "
                "With --json the whole plan is printed, with its digest beside it. Of a plan that "
                "is taken "
                "from provenance, a line says that nobody has verified it, and which assay-build "
                "is named.",
     .examples = "assay plan show hello.plan.json\twhat goes in, what is done, what comes out\n"
                 "assay plan show hello.sigstore.json\tthe same of the plan that was signed\n",
     .min_args = 1,
     .max_args = 1,
     .run = run_show},
    {.name = "graph",
     .arguments = "PLAN",
     .exits = "6\tsvg: the program 'dot' is not installed\n",
     .summary = "draw a plan's graph",
     .details = "Writes the graph of inputs, steps and outputs in Graphviz's DOT language, or as "
                "SVG when the program 'dot' is installed (exit code 6 when it is not).",
     .examples = "assay plan graph hello.plan.json --format svg -o hello.svg\tdraw it\n",
     .min_args = 1,
     .max_args = 1,
     .options = graph_options,
     .option_count = CLI_COUNT(graph_options),
     .run = run_graph},
    {.name = "diff",
     .arguments = "A B",
     .exits = "0\tthe plans are the same\n"
              "1\tthey differ\n",
     .summary = "say in words what moved between two plans",
     .details = "Inputs, steps and outputs are matched by their names. Each change is one line: a "
                "package that goes from one version to another, a parameter, a library of the "
                "toolchain.",
     .examples = "assay plan diff old.plan.json new.plan.json\twhat will be different, and why\n",
     .min_args = 2,
     .max_args = 2,
     .run = run_diff},
    {.name = "export",
     .arguments = "PLAN",
     .summary = "write a plan and all its inputs into one file",
     .details =
         "The file is a tar of an OCI image layout: the plan and each input once, as the "
         "layers of one artifact manifest. The same plan gives the same bytes. 'assay build' "
         "builds it as it is, with no network and no store filled before; 'assay verify "
         "--materials' takes the inputs of a rebuild from it.\n\n"
         "A plan is built by the Assay that it is for and by no other. With --with-builder the "
         "file "
         "has that assay-build, too, and 'assay build FILE --builder FILE -o DIR' of any later "
         "Assay runs it in the sandbox. A plan of another version needs --builder.",
     .exits = "6\tthe plan is for another assay-build than the one beside this program\n",
     .examples =
         "assay plan export hello.plan.json --with-builder -o hello.assay\tall that a build needs\n"
         "assay build hello.assay -o out\tbuild it, soon\n"
         "assay build hello.assay --builder hello.assay -o out\tbuild it, years later\n",
     .min_args = 1,
     .max_args = 1,
     .options = export_options,
     .option_count = CLI_COUNT(export_options),
     .run = run_export},
    {.name = "import",
     .arguments = "FILE",
     .summary = "put the inputs of an exported plan into the store, and write the plan",
     .details = "Every blob is checked against its digest; a file that has anything else than a "
                "plan, its inputs and its builder is refused. The plan is kept in the store as "
                "plan:NAME, a builder as builder:NAME: 'assay build --builder sha256:…' runs it.",
     .examples =
         "assay plan import hello.assay -o hello.plan.json\twhat 'assay plan export' wrote\n",
     .min_args = 1,
     .max_args = 1,
     .options = import_options,
     .option_count = CLI_COUNT(import_options),
     .run = run_import},
    {.name = "digest",
     .arguments = "PLAN",
     .summary = "print a plan's digest, the build's identity",
     .min_args = 1,
     .max_args = 1,
     .run = run_digest},
    {.name = "toolchain",
     .arguments = "",
     .summary = "print the versions that this program matches",
     .details = "A plan lists the version of Assay and of each library that its steps use. A build "
                "refuses a plan whose versions are not exactly these (exit code 6).",
     .max_args = 0,
     .run = run_toolchain},
};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/var/tmp"),
};

static const struct cli_program program = {
    .name = "assay-plan",
    .summary = "show, draw and compare plans",
    .details =
        "A plan is what a recipe is locked into: every input by digest, a graph of pure "
        "steps, every parameter explicit. 'assay lock' writes one, 'assay build' runs it.\n\n"
        "Where PLAN stands, so may what carries one, told by its content: a self-contained "
        "plan ('assay plan export'), or the provenance of a build, bare, in a DSSE envelope "
        "or in a Sigstore bundle. Its plan must have the digest that the provenance names. "
        "Signatures are not checked by these commands, and what is taken from there is "
        "said to be unverified: 'assay verify' checks them.",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .related = "assay-build assay-lock",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
