/* SPDX-License-Identifier: Apache-2.0 */
/* assay lock: a recipe's names → digests, the bytes → the store, the result → a plan. Builds
 * nothing. */
#include "base/destination.h"
#include "base/file.h"
#include "base/place.h"
#include "builder/lock/apt.h"
#include "builder/lock/containers.h"
#include "builder/lock/expansion.h"
#include "builder/lock/lock_linuxkit.h"
#include "builder/lock/lock_run.h"
#include "builder/lock/registry.h"
#include "builder/lock/source.h"
#include "builder/plan/keep.h"
#include "builder/plan/mistaken.h"
#include "builder/plan/plan.h"
#include "builder/plan/plan_file.h"
#include "builder/plan/show.h"
#include "builder/recipe/compile.h"
#include "builder/run/provenance.h"
#include "builder/sources/words.h"
#include "builder/steps/step.h"
#include "net/registry/reference.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what is said ---------------------------------------------------------------------------- */

static int say_inputs(const struct lock_run *r, struct err *e)
{
    char digest[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < r->locked.blob_count; i++) {
        const struct locked_blob *b = &r->locked.blobs[i];
        AUTO_BUF origin = BUF_INIT(65536);
        int rc = plan_origin(b->from, &origin, e);
        if (rc < 0)
            return rc;
        cli_say(r->cli, "%.19s…  %12" PRIu64 "  %s\n", digest_format(&b->digest, digest), b->size,
                buf_str(&origin));
    }
    return 0;
}

static const char *plan_text(const json_t *document, const char *key)
{
    return json_string_value(json_object_get(document, key));
}

static int set_result(const struct lock_run *r, const char *path, const struct digest *plan,
                      const json_t *document, struct err *e)
{
    AUTO_JSON json_t *result = json_object();
    if (result == NULL)
        return err_oom(e);
    int rc = json_put_string(result, "plan", path, e);
    if (rc < 0 || (rc = json_put_digest(result, "digest", plan, e)) < 0 ||
        (rc = json_put_string(result, "name", plan_text(document, "name"), e)) < 0 ||
        (rc = json_put_string(result, "arch", plan_text(document, "arch"), e)) < 0 ||
        (rc = json_put(result, "inputs", json_incref(json_object_get(document, "inputs")), e)) <
            0 ||
        (rc = json_put(result, "outputs", json_incref(json_object_get(document, "outputs")), e)) <
            0)
        return rc;
    const json_t *lists[] = {r->warnings, r->locked.notes};
    AUTO_JSON json_t *warnings = json_array();
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (size_t k = 0; k < json_array_size(lists[i]); k++)
            if ((rc = json_push(warnings, json_incref(json_array_get(lists[i], k)), e)) < 0)
                return rc;
    if (json_array_size(warnings) > 0 &&
        (rc = json_put(result, "warnings", steal_ptr(&warnings), e)) < 0)
        return rc;
    cli_result(r->cli, steal_ptr(&result));
    return 0;
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* After FILE… --images LAYOUT.tar more layouts may follow as arguments: no LinuxKit file is called
 * like one. */
static bool is_layout(const char *path)
{
    struct stat st;
    return (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || str_ends(path, ".tar") ||
           strstr(path, ".tar.") != NULL;
}

struct arguments {
    const char **files;
    const char **layouts;
    size_t file_count;
    size_t layout_count;
};

static void arguments_dispose(struct arguments *a)
{
    free(a->files);
    free(a->layouts);
}

static int sort_arguments(const struct cli *cli, struct arguments *a, struct err *e)
{
    size_t given = 0;
    size_t count = cli_arg_count(cli);
    const char *const *images = cli_list(cli, "images", &given);
    a->files = array_new(count + 1, sizeof(*a->files));
    a->layouts = array_new(count + given + 1, sizeof(*a->layouts));
    if (a->files == NULL || a->layouts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < given; i++)
        a->layouts[a->layout_count++] = images[i];
    for (size_t i = 0; i < count; i++) {
        if (given > 0 && is_layout(cli_arg(cli, i)))
            a->layouts[a->layout_count++] = cli_arg(cli, i);
        else
            a->files[a->file_count++] = cli_arg(cli, i);
    }
    return a->file_count > 0 ? 0 : err_set(e, ERR_USAGE, "no LinuxKit file is given");
}

/* --check changes nothing: the store is read, what is new goes into one that does not last. */
static int open_store(struct lock_run *r, struct err *e)
{
    AUTO_FREE char *store = NULL;
    AUTO_FREE char *scratch = NULL;
    struct stat st;
    int rc = cli_store_path(r->cli, &store, e);
    if (rc < 0)
        return rc;
    if (cli_string(r->cli, "check") == NULL)
        return cas_open(store, CAS_CREATE, &r->cas, e);
    if ((rc = private_dir_make(lock_run_temp(r->cli), &r->scratch, e)) < 0 ||
        (rc = path_join(&scratch, r->scratch.path, "store", e)) < 0 ||
        (rc = cas_open(scratch, CAS_CREATE, &r->cas, e)) < 0 ||
        (stat(store, &st) == 0 && (rc = cas_open(store, CAS_READ_ONLY, &r->lower, e)) < 0))
        return rc;
    cas_set_lower(r->cas, r->lower);
    return 0;
}

static int read_checked(struct lock_run *r, const char *path, struct err *e)
{
    AUTO_PLAN_FILE struct plan_file file = {0};
    int rc = plan_file_read(path, &builder_steps, &file, e);
    if (rc < 0)
        return rc;
    plan_file_warn(&file, r->cli, path);
    r->plan = steal_ptr(&file.plan);
    return 0;
}

/* --check PLAN; or --update, of the plan that -o names. */
static int open_plan(struct lock_run *r, struct err *e)
{
    size_t count = 0;
    const char *check = cli_string(r->cli, "check");
    const char *output = cli_string(r->cli, "output");
    const char *const *names = cli_list(r->cli, "update", &count);
    if (check == NULL && count == 0)
        return 0;
    if (check != NULL && (count > 0 || output != NULL))
        return err_set(e, ERR_USAGE,
                       "--check writes nothing: it goes with neither -o nor --update");
    if (check == NULL && output == NULL)
        return err_set(e, ERR_USAGE, "--update needs the plan to update: -o PLAN");
    if (check != NULL)
        return read_checked(r, check, e);
    int rc = plan_read(output, &builder_steps, &r->plan, e);
    if (rc < 0)
        return rc;
    return relock_init(&r->relock, r->plan, r->recipe, names, count, e);
}

/* Without -o: where the plan goes, known before anything is fetched. */
static int check_own_name(const struct lock_run *r, struct err *e)
{
    AUTO_FREE char *own = NULL;
    if (cli_string(r->cli, "output") != NULL || cli_string(r->cli, "check") != NULL)
        return 0;
    int rc = str_format(&own, e, "%s.plan.json", r->recipe->name);
    return rc == 0 ? destination_check(own, e) : rc;
}

/* Of which URLs the plan does not have all. */
static void say_left_out(const struct lock_run *r)
{
    for (size_t i = 0; i < r->recipe->image_count; i++) {
        const struct recipe_image *image = &r->recipe->images[i];
        bool git = image->kind == RECIPE_IMAGE_GIT;
        const char *url = git                               ? image->git.repository
                          : image->kind == RECIPE_IMAGE_URL ? image->url.url
                                                            : "";
        if (!url_is_remote(url) || strchr(url, '?') == NULL)
            continue;
        cli_warn(r->cli,
                 "image '%s': the plan does not have what stands behind the '?' of its URL: assay "
                 "fetch needs --%s%s%s",
                 image->name, git ? "git URL" : "url ", git ? "" : image->name, git ? "" : "=URL");
    }
}

static void say_warnings(const struct lock_run *r, const json_t *warnings)
{
    for (size_t i = 0; i < json_array_size(warnings); i++)
        cli_warn(r->cli, "%s", json_string_value(json_array_get(warnings, i)));
}

static int open_all(struct lock_run *r, const struct arguments *a, struct err *e)
{
    const uint64_t none = UINT64_MAX;
    uint64_t epoch = cli_number(r->cli, "epoch", none);
    size_t format_count = 0;
    const char *const *formats = cli_list(r->cli, "format", &format_count);
    uint32_t expansion = 0;
    int rc = expansion_option(r->cli, &expansion, e);
    const struct recipe_settings settings = {
        .expansion = expansion,
        .name = cli_string(r->cli, "name"),
        .arch = cli_string(r->cli, "arch"),
        .source_date_epoch = cli_env(r->cli, "SOURCE_DATE_EPOCH"),
        .has_epoch = epoch != none,
        .epoch = epoch,
        .decompress_kernel = cli_flag(r->cli, "decompress-kernel"),
        .formats = formats,
        .format_count = format_count,
    };
    if (rc == 0)
        rc = network_limits(r->cli, &r->limits, e);
    if (rc == 0)
        rc = network_check_git_hosts(r->cli, e);
    for (size_t i = 0; rc == 0 && i < a->file_count; i++)
        rc = mistaken(a->files[i], MISTAKEN_FOR_RECIPE, e);
    if (rc == 0)
        rc = recipe_read(a->files, a->file_count, &settings, &r->recipe, e);
    const char *registry = cli_string(r->cli, "registry");
    if (registry != NULL && !reference_host_valid(registry))
        return err_set(e, ERR_USAGE, "--registry '%s' is no HOST[:PORT]", PLACE_SHOWN(registry));
    if (rc < 0 || (rc = check_own_name(r, e)) < 0 || (rc = open_plan(r, e)) < 0 ||
        (rc = open_store(r, e)) < 0 ||
        (rc = layouts_open(a->layouts, a->layout_count, lock_run_temp(r->cli), &r->layouts, e)) < 0)
        return rc;
    say_warnings(r, r->recipe->system != NULL ? r->recipe->system->warnings : NULL);
    say_left_out(r);
    r->progress = progress_start(!cli_quiet(r->cli) && !cli_json(r->cli));
    return 0;
}

/* A plan that would build and could never be signed is refused; small ones need no second look. */
static int check_size(const struct buf *bytes, struct err *e)
{
    enum { SMALL = 1 << 20 };
    AUTO_PLAN struct plan *plan = NULL;
    if (bytes->len <= SMALL)
        return 0;
    int rc = plan_parse(buf_str(bytes), bytes->len, "the plan", &builder_steps, &plan, e);
    return rc < 0 ? rc : provenance_check_size(plan, e);
}

static int write_plan(struct lock_run *r, const json_t *document, const struct buf *bytes,
                      struct err *e)
{
    AUTO_FREE char *own = NULL;
    struct digest digest;
    char text[DIGEST_TEXT_MAX];
    const char *path = cli_string(r->cli, "output");
    int rc = 0;
    if (path == NULL) {
        if ((rc = str_format(&own, e, "%s.plan.json", plan_text(document, "name"))) < 0)
            return rc;
        path = own;
    }
    if ((rc = check_size(bytes, e)) < 0 ||
        (rc = plan_keep(r->cas, plan_text(document, "name"), bytes, host_real(), &digest, e)) < 0 ||
        (rc = destination_write(path, bytes->data, bytes->len, e)) < 0 ||
        (rc = say_inputs(r, e)) < 0)
        return rc;
    cli_say(r->cli, "plan %s: %s, %s, %s\n", path, COUNTED(r->locked.blob_count, "input"),
            COUNTED(json_array_size(json_object_get(document, "outputs")), "output"),
            digest_format(&digest, text));
    return set_result(r, path, &digest, document, e);
}

/* ---- compat mode ---- */

static int compat_pull(void *context, const char *reference, const char *platform,
                       struct locked *out, struct err *e)
{
    struct lock_run *r = context;
    int rc = lock_run_network(r, e);
    return rc < 0 ? rc
                  : registry_lock(&r->network, cli_string(r->cli, "registry"), reference, platform,
                                  reference, true, out, e);
}

static int compat_run(struct cli *cli, const char *mode, struct err *e)
{
    AUTO_LOCK_RUN r = LOCK_RUN_INIT(cli);
    AUTO(arguments_dispose) struct arguments a = {0};
    AUTO_JSON json_t *document = NULL;
    AUTO_FREE char *store = NULL;
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    if (strcmp(mode, "linuxkit") != 0)
        return err_set(e, ERR_USAGE, "--compat is 'linuxkit', not '%.32s'", mode);
    r.warnings = json_array();
    int rc = r.warnings == NULL ? err_oom(e) : sort_arguments(cli, &a, e);
    if (rc < 0 || (rc = cli_store_path(cli, &store, e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &r.cas, e)) < 0)
        return rc;
    size_t format_count = 0;
    const char *const *formats = cli_list(cli, "format", &format_count);
    uint32_t expansion = 0;
    if ((rc = expansion_option(cli, &expansion, e)) < 0)
        return rc;
    const struct compat_options options = {
        .expansion = expansion,
        .formats = formats,
        .format_count = format_count,
        .decompress_kernel = cli_flag(cli, "decompress-kernel"),
        .pull = cli_flag(cli, "pull") ? compat_pull : NULL,
        .context = &r,
        .warnings = r.warnings,
        .files = a.files,
        .file_count = a.file_count,
        .layouts = a.layouts,
        .layout_count = a.layout_count,
        .name = cli_string(cli, "name"),
        .arch = cli_string(cli, "arch"),
        .home = cli_env(cli, "HOME"),
        .temp = lock_run_temp(cli),
        .cas = r.cas,
    };
    if ((rc = compat_lock(&options, &r.locked, &document, e)) < 0 ||
        (rc = plan_format(document, &builder_steps, &bytes, e)) < 0)
        return rc;
    say_warnings(&r, r.warnings);
    say_warnings(&r, r.locked.notes);
    return write_plan(&r, document, &bytes, e);
}

/* --check: what moved since the plan was made. */
static int say_moved(struct lock_run *r, const struct buf *bytes, struct err *e)
{
    AUTO_PLAN struct plan *now = NULL;
    AUTO_JSON json_t *document = NULL;
    const char *path = cli_string(r->cli, "check");
    size_t count = 0;
    size_t i;
    json_t *change;
    int rc = plan_parse(buf_str(bytes), bytes->len, "what the recipe gives now", &builder_steps,
                        &now, e);
    if (rc < 0 || (rc = relock_report(r->plan, now, &document, &count, e)) < 0)
        return rc;
    size_t moved = json_array_size(json_object_get(document, "moved"));
    json_array_foreach(json_object_get(document, "changes"), i, change)
    {
        /* Steps follow their inputs: their parameters say the same once more. */
        bool step = strcmp(plan_text(change, "part"), "step") == 0;
        if (!step || moved == 0)
            cli_say(r->cli, "%s\n", plan_text(change, "text"));
    }
    cli_result(r->cli, steal_ptr(&document));
    if (count == 0)
        return 0;
    if (moved == 0)
        return err_set(e, ERR_DIFFERS, "no input moved, but the recipe is not the one of '%s'",
                       path);
    return err_set(e, ERR_DIFFERS, "%s moved since '%s' was locked", COUNTED(moved, "input"), path);
}

static int lock_run(struct cli *cli, struct err *e)
{
    const char *mode = cli_string(cli, "compat");
    size_t updates = 0;
    (void)cli_list(cli, "update", &updates);
    if (mode != NULL && (updates > 0 || cli_string(cli, "check") != NULL))
        return err_set(e, ERR_USAGE, "--compat goes with neither --check nor --update");
    if (mode != NULL)
        return compat_run(cli, mode, e);
    AUTO_LOCK_RUN r = LOCK_RUN_INIT(cli);
    AUTO(arguments_dispose) struct arguments a = {0};
    AUTO_JSON json_t *document = NULL;
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    int rc = sort_arguments(cli, &a, e);
    if (rc < 0 || (rc = open_all(&r, &a, e)) < 0 || (rc = lock_run_images(&r, e)) < 0 ||
        (rc = expansion_check(&r.locked, r.cas, r.recipe->expansion, e)) < 0 ||
        (rc = containers_check(r.recipe, &r.locked, r.cas, e)) < 0 ||
        (rc = lock_run_volumes(&r, e)) < 0 ||
        (rc = source_lock(r.recipe, cli_env(cli, "HOME"), r.cas, &r.locked, e)) < 0 ||
        (rc = lock_run_mark(&r, false, e)) < 0 ||
        (lock_run_is_update(&r) && (rc = relock_settle(&r.relock, &r.locked, r.moved, e)) < 0) ||
        (rc = recipe_compile(r.recipe, &r.locked, &builder_steps, &document, e)) < 0 ||
        (rc = plan_format(document, &builder_steps, &bytes, e)) < 0)
        return rc;
    progress_end(r.progress);
    r.progress = NULL;
    say_warnings(&r, r.locked.notes);
    return cli_string(cli, "check") != NULL ? say_moved(&r, &bytes, e)
                                            : write_plan(&r, document, &bytes, e);
}

static const struct cli_option options[] = {
    {"output", 'o', CLI_OUTPUT, "PLAN", "where to write the plan (default: NAME.plan.json)"},
    CLI_OPTION_STORE,
    {"check", 0, CLI_STRING, "PLAN",
     "change nothing; say what moved since PLAN was locked, and exit with 1 when anything did"},
    {"update", 0, CLI_LIST, "NAME",
     "move this image, or local file, of the plan that -o names, and nothing else"},
    {"images", 'i', CLI_LIST, "LAYOUT",
     "an OCI layout to look up images in by reference name: a directory, or for --compat also a "
     "tar "
     "(.gz, .xz, .zst)"},
    {"compat", 0, CLI_STRING, "MODE",
     "'linuxkit': plan the tar that 'linuxkit build --no-sbom --format tar' writes, bit for bit"},
    {"format", 'f', CLI_LIST, "FORMAT",
     "make these artifacts, not the recipe's: names, with commas or repeated; with --compat: tar "
     "(the "
     "default), docker, kernel+initrd or tar-kernel-initrd"},
    {"decompress-kernel", 0, CLI_FLAG, NULL,
     "take the kernel out of its compression; with --compat only gzip, as LinuxKit's option does"},
    {"expansion", 0, CLI_NUMBER, "TIMES",
     "how many times a layer's compressed bytes may expand, beyond 256 MiB (default: the recipe's "
     "'limits', else 200)"},
    {"name", 'n', CLI_STRING, "NAME",
     "what artifacts are called (default: the recipe's name, else the file's)"},
    {"arch", 'a', CLI_STRING, "ARCH",
     "riscv64, amd64 or arm64; a LinuxKit file needs it, an assay.yml names its own"},
    {"epoch", 0, CLI_NUMBER, "SECONDS",
     "the newest time in artifacts (default: the recipe's, else $SOURCE_DATE_EPOCH, else 0)"},
    {"keyring", 0, CLI_LIST, "[SUITE=]FILE",
     "the keys that must have signed a Debian archive, or one suite of it "
     "(default: " APT_KEYRING_DEFAULT ")"},
    {"allow-expired", 0, CLI_FLAG, NULL,
     "take a Debian index whose Valid-Until is over, like a snapshot's, and say so; whatever this "
     "machine's apt takes"},
    {"pull", 0, CLI_FLAG, NULL,
     "fetch images that neither the recipe nor a layout has from the registry they name"},
    {"registry", 0, CLI_STRING, "HOST[:PORT]",
     "where image references without a host are (default: docker.io)"},
    NETWORK_OPTION_GIT,
    NETWORK_OPTIONS_MIRRORS,
    NETWORK_OPTIONS_COMMON,
};

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "RECIPE...",
    .exits = "0\tdone; with --check: nothing moved\n"
             "1\twith --check: something moved\n"
             "3\tan archive's signature or date, or a certificate, is rejected\n"
             "5\tthe recipe is malformed, or what it names is not there or not as its digest says\n"
             "6\ta program that is needed (apt, git) is missing, or compat mode cannot make the "
             "format\n",
    .summary = "resolve a recipe's names to digests and write the plan",
    .details =
        "RECIPE is an assay.yml, or a LinuxKit YAML file as it is. Every image it names is "
        "resolved: "
        "Debian packages to name, version, architecture, path in the archive and SHA-256, images "
        "of OCI "
        "layouts to their layers. Their bytes are fetched into the blob store and checked; the "
        "plan then "
        "holds everything a build needs, and no name that could mean something else tomorrow.\n\n"
        "Debian mirrors, proxies and credentials are those of this machine's apt; a suite or an "
        "architecture that it does not have is read through a private apt state, which is removed "
        "again. "
        "The signature of the Release file is checked with the keyring, the index by the Release "
        "file, the "
        "packages by the index. APT_CONFIG is honoured.\n\n"
        "Images of registries are fetched over HTTPS. Every blob is checked while it streams into "
        "the store; cuts are resumed, busy servers waited for, within "
        "--timeout. " NETWORK_CREDENTIALS_HELP " " NETWORK_GIT_HELP "\n\n"
        "Locking builds nothing, and the plan does not depend on the mirror, the store or the "
        "directory. "
        "The plan is also kept in the store as plan:NAME, so that `assay store gc` keeps its "
        "inputs.\n\n"
        "--check PLAN locks again without changing anything and says, per input, what moved; what "
        "is new is fetched into a temporary store to be sure of it. --update NAME -o PLAN moves "
        "one "
        "image of the recipe, or one local file, and keeps all else as PLAN has it, whatever tags "
        "and suites mean now.",
    .examples =
        "assay lock examples/hello-riscv64/assay.yml -o hello.plan.json\tlock the example\n"
        "assay lock --images layout --arch amd64 system.yml\tlock a LinuxKit file, images "
        "from a layout\n"
        "assay lock --pull --arch amd64 system.yml\tlock a LinuxKit file, images from their "
        "registries\n"
        "assay lock a.yml b.yml --compat linuxkit --images layout.tar.zst -o plan.json\tplan "
        "LinuxKit's own tar of two merged files\n"
        "assay lock assay.yml --check hello.plan.json\twhat moved since\n"
        "assay lock assay.yml --update kernel -o hello.plan.json\tmove the kernel, keep the rest\n"
        "assay lock assay.yml --json\twhat was pinned, as JSON\n",
    .min_args = 1,
    .max_args = (size_t)-1,
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = lock_run,
}};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/var/tmp"),
    {"SOURCE_DATE_EPOCH",
     "The time in what is built, where neither the recipe nor an option has one."},
    {"XDG_CACHE_HOME",
     "The lists of Debian archives are kept in assay/apt below it, or below ~/.cache."},
    {"APT_CONFIG", "What apt reads first, when Debian packages are locked."},
    NETWORK_ENVIRONMENT,
};

static const struct cli_named files[] = {
    {"~/.cache/assay/apt",
     "The lists of Debian archives, kept between locks. May be removed at any time."},
    NETWORK_FILES,
};

static const struct cli_program program = {
    .name = "assay-lock",
    .summary = "lock a recipe: its names become digests in a plan",
    .details = NULL,
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-build assay-fetch assay-plan",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
