/* SPDX-License-Identifier: Apache-2.0 */
/* assay fetch: what a plan needs and the store lacks, from whoever still has it. */
#include "base/cli.h"
#include "base/file.h"
#include "base/place.h"
#include "base/private_dir.h"
#include "builder/lock/archive.h"
#include "builder/lock/fetch.h"
#include "builder/lock/fetch_source.h"
#include "builder/plan/keep.h"
#include "builder/plan/plan_file.h"
#include "builder/steps/step.h"
#include "formats/oci/layout_archive.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

struct run {
    struct cli *cli;
    struct cas *cas;
    struct plan_file file;
    struct plan *plan; /* the file's */
    struct progress *progress;
    struct network network;
    struct environment env;
    struct process_limits limits;
    struct fetch_result result;
    const char *temp;
    const char **directories;
    size_t directory_count;
    const char **places;
    size_t place_count;
    struct private_dir *unpacked; /* layouts that were tar archives */
    size_t unpacked_count;
};

static void run_dispose(struct run *r)
{
    progress_end(r->progress);
    fetch_result_dispose(&r->result);
    network_close(&r->network);
    environment_dispose(&r->env);
    for (size_t i = 0; i < r->unpacked_count; i++)
        private_dir_remove(&r->unpacked[i]);
    free(r->unpacked);
    free(r->directories);
    free(r->places);
    plan_file_dispose(&r->file);
    cas_close(r->cas);
}

/* ---- --from ---------------------------------------------------------------------------------- */

static int unpack(struct run *r, const char *archive, struct err *e)
{
    struct private_dir *dir = &r->unpacked[r->unpacked_count];
    *dir = (struct private_dir)PRIVATE_DIR_INIT;
    int rc = private_dir_make(r->temp, dir, e);
    if (rc < 0)
        return rc;
    r->unpacked_count++;
    r->directories[r->directory_count++] = dir->path;
    return layout_unpack(archive, dir->path, e);
}

static int sort_places(struct run *r, struct err *e)
{
    size_t count = 0;
    const char *const *from = cli_list(r->cli, "from", &count);
    r->directories = array_new(count + 1, sizeof(*r->directories));
    r->places = array_new(count + 1, sizeof(*r->places));
    r->unpacked = array_new(count + 1, sizeof(*r->unpacked));
    if (r->directories == NULL || r->places == NULL || r->unpacked == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        struct reference at;
        int rc = 0;
        bool is_path = from[i][0] == '/' || from[i][0] == '.';
        bool there = stat(from[i], &st) == 0;
        if (there && S_ISDIR(st.st_mode))
            r->directories[r->directory_count++] = from[i];
        else if (there && S_ISREG(st.st_mode))
            rc = unpack(r, from[i], e);
        else if (is_path)
            rc = err_set(e, ERR_INPUT, "--from '%s': there is no such directory or archive",
                         PLACE_SHOWN(from[i]));
        else if (reference_place(from[i], "", &at, e) == 0)
            r->places[r->place_count++] = from[i];
        else
            rc = err_set(e, ERR_USAGE, "--from '%s' is neither HOST[:PORT][/PATH] nor a directory",
                         PLACE_SHOWN(from[i]));
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_plan(struct run *r, struct err *e)
{
    int rc = plan_file_read_any(cli_arg(r->cli, 0), &builder_steps, &r->file, e);
    if (rc < 0)
        return rc;
    r->plan = r->file.plan;
    plan_file_warn(&r->file, r->cli, cli_arg(r->cli, 0));
    return 0;
}

static int open_all(struct run *r, struct err *e)
{
    AUTO_FREE char *store = NULL;
    const char *registry = cli_string(r->cli, "registry");
    const char *temp = cli_env(r->cli, "TMPDIR");
    size_t count = 0;
    const char *const *archives = cli_list(r->cli, "archive", &count);
    r->temp = temp != NULL ? temp : "/var/tmp";
    if (registry != NULL && !reference_host_valid(registry))
        return err_set(e, ERR_USAGE, "--registry '%s' is no HOST[:PORT]", PLACE_SHOWN(registry));
    for (size_t i = 0; i < count; i++)
        if (!archive_uri_valid(archives[i]))
            return err_set(e, ERR_USAGE, "--archive '%s' is no http, https or file URI",
                           PLACE_SHOWN(archives[i]));
    const char *const *urls = cli_list(r->cli, "url", &count);
    for (size_t i = 0; i < count; i++)
        if (!fetch_url_valid(urls[i]))
            return err_set(e, ERR_USAGE, "--url '%s' is no [NAME=]URL: http, https or file",
                           PLACE_SHOWN(urls[i]));
    int rc = network_limits(r->cli, &r->limits, e);
    if (rc < 0 || (rc = network_check_git_hosts(r->cli, e)) < 0)
        return rc;
    rc = read_plan(r, e);
    if (rc < 0 || (rc = cli_store_path(r->cli, &store, e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &r->cas, e)) < 0 || (rc = sort_places(r, e)) < 0 ||
        (r->file.archive != NULL &&
         (rc = plan_archive_supply(r->file.archive, r->plan, r->cas, e)) < 0))
        return rc;
    r->progress = progress_start(!cli_quiet(r->cli) && !cli_json(r->cli));
    if ((rc = network_open(r->cli, NETWORK_MIRRORS, r->cas, r->progress, &r->network, e)) < 0)
        return rc;
    return environment_init(r->cli, NULL, &r->env, e);
}

/* The plan stays in the store with its inputs, so that gc keeps them. */
static int keep_plan(struct run *r, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    struct digest digest;
    int rc = plan_file_bytes(&r->file, &bytes, e);
    return rc == 0 ? plan_keep(r->cas, r->plan->name, &bytes, host_real(), &digest, e) : rc;
}

/* ---- what is said --------------------------------------------------------------------------- */

static const char *const state_names[] = {"present", "fetched", "missing"};

static int set_result(const struct run *r, struct err *e)
{
    AUTO_JSON json_t *result = json_object();
    AUTO_JSON json_t *blobs = json_array();
    if (result == NULL || blobs == NULL)
        return err_oom(e);
    for (size_t i = 0; i < r->result.count; i++) {
        const struct fetch_item *item = &r->result.items[i];
        AUTO_JSON json_t *o = json_object();
        if (o == NULL)
            return err_oom(e);
        int rc = json_put_string(o, "id", item->input->id, e);
        if (rc < 0 || (rc = json_put_digest(o, "digest", &item->input->digest, e)) < 0 ||
            (rc = json_put_u64(o, "size", item->input->size, e)) < 0 ||
            (rc = json_put_string(o, "state", state_names[item->state], e)) < 0)
            return rc;
        if (item->state == FETCH_MISSING && (rc = json_put_string(o, "why", item->why, e)) < 0)
            return rc;
        if ((rc = json_push(blobs, steal_ptr(&o), e)) < 0)
            return rc;
    }
    int rc = json_put_string(result, "name", r->plan->name, e);
    if (rc < 0 || (rc = json_put_digest(result, "plan", &r->plan->digest, e)) < 0 ||
        (rc = json_put(result, "blobs", steal_ptr(&blobs), e)) < 0)
        return rc;
    cli_result(r->cli, steal_ptr(&result));
    return 0;
}

static void say(const struct run *r)
{
    uint64_t bytes = 0;
    size_t fetched = 0;
    char digest[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < r->result.count; i++) {
        const struct fetch_item *item = &r->result.items[i];
        if (item->state == FETCH_PRESENT)
            continue;
        fetched += item->state == FETCH_FETCHED;
        bytes += item->state == FETCH_FETCHED ? item->input->size : 0;
        cli_say(r->cli, "%.19s…  %12" PRIu64 "  %s  %s%s%s\n",
                digest_format(&item->input->digest, digest), item->input->size,
                state_names[item->state], item->input->id, item->state == FETCH_MISSING ? ": " : "",
                item->state == FETCH_MISSING ? item->why : "");
    }
    cli_say(r->cli, "plan %s: %s, %zu fetched (%s)\n", r->plan->name,
            COUNTED(r->result.count, "input"), fetched, COUNTED(bytes, "byte"));
}

/* Nothing missing, or one line: how many, and why the first one is. */
static int judge(const struct run *r, struct err *e)
{
    const struct fetch_item *first = NULL;
    size_t missing = 0;
    enum err_code code = ERR_INPUT;
    char digest[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < r->result.count; i++) {
        const struct fetch_item *item = &r->result.items[i];
        if (item->state != FETCH_MISSING)
            continue;
        first = first == NULL ? item : first;
        missing++;
        if (item->code == ERR_HOST || (code == ERR_INPUT && item->code != ERR_NONE))
            code = item->code;
    }
    if (missing == 0)
        return 0;
    (void)err_set(e, code, "%.400s", first->why);
    (void)err_wrap(e, "'%s' (%s)", first->input->id, digest_format(&first->input->digest, digest));
    return err_wrap(e, "cannot fetch %zu of %s", missing, COUNTED(r->result.count, "input"));
}

static int fetch_run(struct cli *cli, struct err *e)
{
    AUTO(run_dispose) struct run r = {.cli = cli};
    size_t archive_count = 0;
    size_t url_count = 0;
    size_t git_count = 0;
    size_t git_host_count = 0;
    int rc = open_all(&r, e);
    if (rc < 0)
        return rc;
    const char *const *archives = cli_list(cli, "archive", &archive_count);
    const char *const *urls = cli_list(cli, "url", &url_count);
    const char *const *gits = cli_list(cli, "git", &git_count);
    const char *const *git_hosts = cli_list(cli, "git-credentials", &git_host_count);
    const struct fetch_options options = {
        .network = &r.network,
        .directories = r.directories,
        .directory_count = r.directory_count,
        .places = r.places,
        .place_count = r.place_count,
        .archives = archives,
        .archive_count = archive_count,
        .urls = urls,
        .url_count = url_count,
        .gits = gits,
        .git_count = git_count,
        .origin = !cli_flag(cli, "no-origin"),
        .registry = cli_string(cli, "registry"),
        .temp = r.temp,
        .env = r.env.items,
        .git_hosts = git_hosts,
        .git_host_count = git_host_count,
        .limits = r.limits,
        .ca_file = cli_string(cli, "ca-file"),
    };
    rc = fetch_plan(r.plan, &options, &r.result, e);
    progress_end(r.progress);
    r.progress = NULL;
    if (rc < 0 || (rc = set_result(&r, e)) < 0)
        return rc;
    say(&r);
    if ((rc = judge(&r, e)) < 0)
        return rc;
    return keep_plan(&r, e);
}

static const struct cli_option options[] = {
    CLI_OPTION_STORE,
    {"from", 'f', CLI_LIST, "PLACE",
     "where to look first: a store or OCI layout (a directory, or the layout as a tar), or "
     "HOST[:PORT][/PATH] of a registry; asked in order, directories before registries"},
    {"no-origin", 0, CLI_FLAG, NULL,
     "ask nobody but --from, --archive, --url and --git: not the repository, nor the Debian "
     "archive, that the "
     "plan names"},
    {"registry", 0, CLI_STRING, "HOST[:PORT]",
     "where the repositories that the plan names are (default: docker.io)"},
    {"archive", 0, CLI_LIST, "URI",
     "an archive of Debian packages, asked before those of this machine's apt"},
    {"url", 0, CLI_LIST, "[NAME=]URL",
     "where the files are now that the plan has from URLs: URL/PATH, as the plan has the path; "
     "with "
     "the name of the image, the whole URL, its query and all"},
    {"git", 0, CLI_LIST, "REPOSITORY",
     "a git repository, a directory or https://, that may have the commits that the plan names"},
    NETWORK_OPTION_GIT,
    NETWORK_OPTIONS_MIRRORS,
    NETWORK_OPTIONS_COMMON,
};

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "PLAN",
    .exits = "3\tthe certificate of a place is not trusted\n"
             "5\tno place has it, or the plan is malformed\n"
             "7\ta place that may have it did not answer, or the host failed\n",
    .summary = "fetch what a plan needs and the store lacks",
    .details =
        "A plan names its inputs by digest. Whoever still has the bytes may give them: they are "
        "hashed while they come in, and only what matches enters the store. So an audit years "
        "later needs the plan and any mirror that answers. PLAN may also be what carries one: a "
        "self-contained plan, whose inputs are taken out of it first, or provenance, bare, in an "
        "envelope or in a bundle; a signature on it is not checked here.\n\n"
        "Asked are, in this order, until one has the blob: the directories of --from, its "
        "registries (HOST/PATH: the plan's repository below PATH, then PATH itself), the mirrors "
        "and the registry of the repository that the plan names; and for Debian packages the "
        "archives of --archive and those of this machine's apt, with its proxies and "
        "credentials. Files that came from URLs and trees of git commits are looked for where "
        "--url "
        "and --git say: the plan names no host for them. A registry that does not answer is not "
        "asked again in this run.\n\n"
        "Blobs are fetched four at a time. What nobody has is listed with what each place said; "
        "what was found stays in the store, and the next run goes on from there. Exit code 7: a "
        "place that may have it did not answer. 5: nobody has it.\n\n" NETWORK_CREDENTIALS_HELP
        " " NETWORK_GIT_HELP,
    .examples =
        "assay fetch hello.plan.json\tfrom where the plan says\n"
        "assay fetch --from /mnt/old-store --no-origin hello.plan.json\tfrom another store only\n"
        "assay fetch --from mirror.example:5000/archive app.plan.json\tfrom a mirror first\n"
        "assay fetch --archive https://archive.example/debian/20260101T000000Z/ "
        "hello.plan.json\tpackages that Debian has replaced\n"
        "assay fetch app.sigstore.json\twhat the plan in a bundle needs\n"
        "assay fetch --json app.plan.json\twhat became of each blob, as JSON\n",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = fetch_run,
}};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/var/tmp"),
    NETWORK_ENVIRONMENT,
};

static const struct cli_named files[] = {
    NETWORK_FILES,
};

static const struct cli_program program = {
    .name = "assay-fetch",
    .summary = "fetch what a plan needs and the store lacks",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-lock assay-plan assay-pull",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
