/* SPDX-License-Identifier: Apache-2.0 */
/* assay-verify: checks signatures and policy, rebuilds, compares, gives the verdict and records it.
 */
#include "attest/passphrase.h"
#include "base/cli.h"
#include "base/destination.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "base/version.h"
#include "base/workers.h"
#include "store/cas/program.h"
#include "store/log/log.h"
#include "verifier/policy/policy.h"
#include "verifier/publish.h"
#include "verifier/supply.h"
#include "verifier/targets.h"
#include "verifier/verification.h"

#include <string.h>
#include <unistd.h>

enum { URI_MAX = 2048, JOBS_MAX = 1024 };

#define VERDICT_SUFFIX ".verdict.sigstore.json"

static const struct cli_option options[] = {
    {"bundle", 'b', CLI_STRING, "FILE",
     "the signed provenance (Sigstore bundle or DSSE envelope), or a reference to which it is "
     "attached (default: ARTIFACT.sigstore.json; of a reference what is attached to it)"},
    {"policy", 'p', CLI_STRING, "FILE", "whom to trust for what (docs/formats/policy.md)"},
    {"rebuild", 'r', CLI_FLAG, NULL, "build the plan again in the sandbox and compare"},
    {"only", 0, CLI_FLAG, NULL,
     "rebuild what the artifacts need, and nothing else of the plan; the verdict says so"},
    {"keep", 0, CLI_OUTPUT_NEW, "DIR",
     "leave what was rebuilt in DIR, which must not be there yet"},
    {"attestation", 'a', CLI_LIST, "FILE", "another verifier's signed verdict, to be counted"},
    CLI_OPTION_STORE,
    {"materials", 'm', CLI_STRING, "FILE",
     "take inputs of the rebuild that the store lacks from what 'assay plan export' wrote"},
    {"jobs", 'j', CLI_NUMBER, "N", "threads of the rebuild (default: all processors)"},
    {"builder", 0, CLI_STRING, "BUILDER",
     "the assay-build to rebuild with: a file, or sha256:… of one in the store (default: beside "
     "this program)"},
    REMOTE_OPTIONS,
    {"key", 'k', CLI_STRING, "FILE", "sign the verdict with this key"},
    {"output", 'o', CLI_OUTPUT, "FILE",
     "write the signed verdict of one artifact here (needs --key)"},
    {"output-dir", 0, CLI_OUTPUT_DIR, "DIR",
     "write each signed verdict to NAME" VERDICT_SUFFIX " in DIR (needs --key)"},
    {"record", 0, CLI_STRING, "LOG", "append the signed verdict to this log (needs --key)"},
    {"verifier-id", 0, CLI_STRING, "URI",
     "who this verifier is (default: " ASSAY_URI "verifier/ and the key's fingerprint)"},
    {"resource-uri", 0, CLI_STRING, "URI", "what the verdict is about (default: file:NAME)"},
    CLI_OPTION_PASSPHRASE,
    CLI_OPTION_LOG_PASSPHRASE,
};

/* What the program needs of its own: found before the work, so that no verdict is reached in vain.
 */
struct own {
    struct signing_key *key; /* NULL: nothing is signed */
    char *id;                /* NULL without a key and --verifier-id */
    struct tlog *log;        /* NULL: nothing is recorded */
    struct program builder;
    char *store;
};

static void own_dispose(struct own *o)
{
    signing_key_free(o->key);
    tlog_close(o->log);
    free(o->id);
    program_dispose(&o->builder);
    free(o->store);
}

static int read_key(const struct cli *cli, struct own *own, struct err *e)
{
    AUTO_PASSPHRASE char *passphrase = NULL;
    const char *path = cli_string(cli, "key");
    const char *id = cli_string(cli, "verifier-id");
    int rc = 0;
    if (path != NULL) {
        rc = passphrase_read(cli, "passphrase of the verifier's key", false, &passphrase, e);
        if (rc == 0)
            passphrase_warn(cli, path);
        if (rc == 0)
            rc = signing_key_read(path, passphrase, &own->key, e);
    }
    if (rc == 0 && id != NULL)
        rc = str_copy(&own->id, id, e);
    else if (rc == 0 && own->key != NULL)
        rc = str_format(&own->id, e, "%sverifier/%s", ASSAY_URI,
                        public_key_id(signing_key_public(own->key)));
    return rc;
}

static int open_log(const struct cli *cli, struct own *own, struct err *e)
{
    AUTO_PASSPHRASE char *passphrase = NULL;
    AUTO_FREE char *key = NULL;
    const char *path = cli_string(cli, "record");
    if (path == NULL)
        return 0;
    int rc = passphrase_read_log(cli, "passphrase of the log's key", &passphrase, e);
    if (rc == 0 && (rc = tlog_key_file(path, &key, e)) == 0)
        passphrase_warn(cli, key);
    if (rc == 0)
        rc = tlog_open(path, passphrase, &own->log, e);
    return rc < 0 ? err_wrap(e, "the verdict could not be recorded") : 0;
}

/* What is pulled and rebuilt can be large: not where memory is. */
static const char *scratch_of(const struct cli *cli)
{
    const char *scratch = cli_env(cli, "TMPDIR");
    return scratch != NULL ? scratch : "/var/tmp";
}

/* A builder that a plan archive brought is named by its digest: nobody runs what he did not name.
 */
static int open_builder(const struct cli *cli, struct own *own, struct err *e)
{
    const char *given = cli_string(cli, "builder");
    if (given == NULL)
        return process_beside("assay-build", &own->builder.path, e);
    return program_open(given, own->store, scratch_of(cli), &own->builder, e);
}

/* Read again where it counts; here so that nothing is pulled for one that is none. */
static int try_policy(const struct cli *cli, struct err *e)
{
    struct policy *policy = NULL;
    int rc = policy_read(cli_string(cli, "policy"), &policy, e);
    policy_free(policy);
    return rc;
}

static int prepare(const struct cli *cli, struct own *own, struct err *e)
{
    const char *given = cli_string(cli, "builder");
    int rc = try_policy(cli, e);
    if (rc == 0)
        rc = read_key(cli, own, e);
    if (rc == 0)
        rc = open_log(cli, own, e);
    if (rc == 0 && (cli_flag(cli, "rebuild") || (given != NULL && program_is_digest(given))))
        rc = cli_store_path(cli, &own->store, e);
    return rc == 0 ? open_builder(cli, own, e) : rc;
}

/* ---- the artifacts and their outcomes ---- */

struct all {
    struct targets targets;
    struct supply supply;              /* what they are verified with */
    struct verification_target *views; /* of the targets */
    struct verification_outcome *outcomes;
    char **outputs; /* where each signed verdict goes; NULL = nowhere */
    struct verification_keep keep;
};

static void all_dispose(struct all *a)
{
    for (size_t i = 0; i < a->targets.count; i++) {
        if (a->outcomes != NULL)
            verdict_dispose(&a->outcomes[i].verdict);
        if (a->outputs != NULL)
            free(a->outputs[i]);
    }
    supply_dispose(&a->supply);
    free(a->views);
    free(a->outcomes);
    free(a->outputs);
    targets_dispose(&a->targets);
}

static int verify(struct cli *cli, const struct own *own, struct all *a, struct err *e)
{
    struct verification_options o = {
        .policy = cli_string(cli, "policy"),
        .resource_uri = cli_string(cli, "resource-uri"),
        .own_id = own->id,
        .own_key = own->key != NULL ? signing_key_public(own->key) : NULL,
        .rebuild = cli_flag(cli, "rebuild"),
        .only = cli_flag(cli, "only"),
        .builder = own->builder.path,
        .store = own->store,
        .materials = cli_string(cli, "materials"),
        .scratch = scratch_of(cli),
        .jobs = (unsigned)cli_number(cli, "jobs", workers_default()),
        .quiet = cli_quiet(cli) || cli_json(cli),
        .keep = &a->keep,
    };
    o.attestations = cli_list(cli, "attestation", &o.attestation_count);
    return verification_run(&o, a->views, a->targets.count, a->outcomes, e);
}

/* ---- telling and keeping ---- */

/* A verdict was reached, and is what the exit code says unless it was a good one. */
static int say_unpublished(const struct verdict *v, struct err *e)
{
    int rc = err_wrap(e, "%s: %.300s", verdict_name(v->kind), v->reason);
    return v->code != ERR_NONE ? err_recode(e, v->code) : rc;
}

static int check_uri(const struct cli *cli, const char *option, struct err *e)
{
    const char *text = cli_string(cli, option);
    if (text == NULL)
        return 0;
    if (*text == 0 || strlen(text) > URI_MAX || !text_is_harmless(text))
        return err_set(e, ERR_USAGE, "--%s takes a URI of at most %d bytes", option, URI_MAX);
    return 0;
}

static int check_usage(const struct cli *cli, struct err *e)
{
    static const char *const signing[] = {"output", "output-dir", "record"};
    static const char *const rebuilding[] = {"only", "keep"};
    if (cli_string(cli, "policy") == NULL)
        return err_set(e, ERR_USAGE, "no policy: give --policy FILE, which says whom to trust");
    for (size_t i = 0; cli_string(cli, "key") == NULL && i < CLI_COUNT(signing); i++)
        if (cli_string(cli, signing[i]) != NULL)
            return err_set(e, ERR_USAGE, "--%s needs --key: only a signed verdict is kept",
                           signing[i]);
    bool wanted[] = {cli_flag(cli, "only"), cli_string(cli, "keep") != NULL};
    for (size_t i = 0; !cli_flag(cli, "rebuild") && i < CLI_COUNT(rebuilding); i++)
        if (wanted[i])
            return err_set(e, ERR_USAGE, "--%s goes with --rebuild", rebuilding[i]);
    if (cli_string(cli, "output") != NULL && cli_string(cli, "output-dir") != NULL)
        return err_set(e, ERR_USAGE, "either --output or --output-dir");
    uint64_t jobs = cli_number(cli, "jobs", 1);
    if (jobs < 1 || jobs > JOBS_MAX)
        return err_set(e, ERR_USAGE, "--jobs takes 1 to %d", JOBS_MAX);
    int rc = check_uri(cli, "verifier-id", e);
    return rc < 0 ? rc : check_uri(cli, "resource-uri", e);
}

/* Two artifacts whose verdicts would be one file are found before the work. */
static int name_outputs(const struct cli *cli, struct all *a, struct err *e)
{
    const char *file = cli_string(cli, "output");
    const char *directory = cli_string(cli, "output-dir");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->targets.count; i++) {
        const char *name = path_base(a->targets.items[i].path);
        for (size_t k = 0; directory != NULL && k < i; k++)
            if (strcmp(name, path_base(a->targets.items[k].path)) == 0)
                return err_set(e, ERR_USAGE, "the verdicts on '%s' and '%s' would be one file",
                               a->targets.items[k].path, a->targets.items[i].path);
        if (directory != NULL)
            rc = str_format(&a->outputs[i], e, "%s/%s" VERDICT_SUFFIX, directory, name);
        else if (file != NULL)
            rc = str_copy(&a->outputs[i], file, e);
        if (rc == 0 && directory != NULL)
            rc = destination_check_inside(a->outputs[i], e);
    }
    return rc;
}

/* What speaks of one artifact cannot be said of several. */
static int check_several(const struct cli *cli, const struct all *a, struct err *e)
{
    if (!a->targets.several)
        return 0;
    if (cli_string(cli, "output") != NULL)
        return err_set(e, ERR_USAGE,
                       "--output is for the verdict of one artifact: --output-dir is for several");
    if (cli_string(cli, "resource-uri") != NULL)
        return err_set(e, ERR_USAGE, "--resource-uri is about one artifact, not about several");
    return 0;
}

static int find_targets(const struct cli *cli, struct all *a, struct err *e)
{
    size_t count = cli_arg_count(cli);
    AUTO_FREE const char **names = array_new(count, sizeof(*names));
    if (names == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        names[i] = cli_arg(cli, i);
    int rc = targets_find(names, count, cli_string(cli, "bundle"), &a->targets, e);
    if (rc < 0)
        return rc;
    a->views = array_new(a->targets.count, sizeof(*a->views));
    a->outcomes = array_new(a->targets.count, sizeof(*a->outcomes));
    a->outputs = array_new(a->targets.count, sizeof(char *));
    if (a->views == NULL || a->outcomes == NULL || a->outputs == NULL)
        return err_oom(e);
    if (!a->targets.several && cli_string(cli, "bundle") == NULL && !a->targets.items[0].remote &&
        access(a->targets.items[0].bundle, F_OK) != 0)
        return err_set(e, ERR_USAGE, "no provenance: give --bundle FILE, or put it beside as '%s'",
                       a->targets.items[0].bundle);
    rc = check_several(cli, a, e);
    return rc < 0 ? rc : name_outputs(cli, a, e);
}

/* One verdict: printed, signed, kept. *report is new. */
static int tell(struct cli *cli, const struct own *own, const struct all *a, size_t i,
                json_t **report, struct err *e)
{
    const struct verdict *v = &a->outcomes[i].verdict;
    const struct publish_options keep = {
        .key = own->key,
        .verifier_id = own->id,
        .resource_uri = cli_string(cli, "resource-uri"),
        .output = a->outputs[i],
        .log = own->log,
        .log_path = cli_string(cli, "record"),
    };
    int rc = verdict_report(v, report, e);
    if (rc < 0)
        return rc;
    verdict_print(v, cli);
    return publish(cli, &keep, v, *report, e);
}

/* The verdict stands, and what could not be left there is said. */
static int say_kept(const struct cli *cli, const struct all *a, struct err *e)
{
    if (a->keep.done)
        cli_say(cli, "kept: what was rebuilt is in '%s'\n", a->keep.directory);
    if (a->keep.failure.code == ERR_NONE)
        return 0;
    *e = a->keep.failure;
    return err_rc(e);
}

static int tell_one(struct cli *cli, const struct own *own, struct all *a, struct err *e)
{
    const struct verdict *v = &a->outcomes[0].verdict;
    json_t *report = NULL;
    if (a->outcomes[0].failure.code != ERR_NONE) {
        *e = a->outcomes[0].failure;
        return err_rc(e);
    }
    struct err second = ERR_INIT;
    int rc = tell(cli, own, a, 0, &report, e);
    cli_result(cli, report);
    if (v->code != ERR_NONE)
        cli_verdict(cli, v->code, "%s: %s", verdict_name(v->kind), v->reason);
    int kept = say_kept(cli, a, rc < 0 ? &second : e);
    rc = rc < 0 ? rc : kept;
    return rc < 0 ? say_unpublished(v, e) : 0;
}

/* ---- several ---- */

/* Of all codes but 0 the lowest: what is known to be bad outweighs what could not be judged. */
static bool is_worse(enum err_code code, enum err_code than)
{
    return code != ERR_NONE && (than == ERR_NONE || code < than);
}

static const struct err *failure_of(const struct verification_outcome *o)
{
    return o->failure.code != ERR_NONE ? &o->failure : NULL;
}

static enum err_code code_of(const struct verification_outcome *o)
{
    return failure_of(o) != NULL ? o->failure.code : o->verdict.code;
}

static int failure_report(const struct cli *cli, const char *path, const struct err *failure,
                          json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    AUTO_FREE char *name = NULL;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    (void)err_line(failure, line, sizeof(line));
    text_repair(line);
    int rc = str_copy(&name, path, e);
    if (rc < 0)
        return rc;
    text_repair(name);
    cli_say(cli, "%s\nno verdict: %s\n", name, line);
    rc = json_put_string(o, "path", name, e);
    if (rc == 0)
        rc = json_put(o, "exit", json_integer(failure->code), e);
    if (rc == 0)
        rc = json_put_string(o, "error", line, e);
    if (rc == 0)
        *out = steal_ptr(&o);
    return rc;
}

/* The first failure to keep something is told; all else is done all the same. */
static int tell_each(struct cli *cli, const struct own *own, struct all *a, json_t *reports,
                     struct err *e)
{
    int first = 0;
    for (size_t i = 0; i < a->targets.count; i++) {
        json_t *report = NULL;
        struct err why = ERR_INIT;
        const struct err *failure = failure_of(&a->outcomes[i]);
        int rc = failure != NULL
                     ? failure_report(cli, a->targets.items[i].path, failure, &report, &why)
                     : tell(cli, own, a, i, &report, &why);
        if (report != NULL && json_push(reports, report, first == 0 ? e : &why) < 0)
            return -ERR_HOST;
        if (rc < 0 && first == 0) {
            first = rc;
            *e = why;
        }
    }
    return first;
}

/* The line on stderr: the first of the worst, and how many are not reproduced. */
static void sum_up(struct cli *cli, const struct all *a, enum err_code *worst)
{
    const struct verification_outcome *of = NULL;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    size_t bad = 0;
    size_t at = 0;
    *worst = ERR_NONE;
    for (size_t i = 0; i < a->targets.count; i++) {
        enum err_code code = code_of(&a->outcomes[i]);
        bad += code != ERR_NONE;
        if (!is_worse(code, *worst))
            continue;
        *worst = code;
        of = &a->outcomes[i];
        at = i;
    }
    cli_say(cli, "%zu of %s reproduced\n", a->targets.count - bad,
            COUNTED(a->targets.count, "artifact"));
    if (of == NULL)
        return;
    const struct err *failure = failure_of(of);
    cli_verdict(cli, *worst, "%zu of %s not reproduced; '%.200s': %s: %.500s", bad,
                COUNTED(a->targets.count, "artifact"), a->targets.items[at].path,
                failure != NULL ? "no verdict" : verdict_name(of->verdict.kind),
                failure != NULL ? err_line(failure, line, sizeof(line)) : of->verdict.reason);
}

static int tell_several(struct cli *cli, const struct own *own, struct all *a, struct err *e)
{
    AUTO_JSON json_t *envelope = json_object();
    json_t *reports = json_array();
    struct err second = ERR_INIT;
    enum err_code worst = ERR_NONE;
    int rc = json_put(envelope, "artifacts", reports, e); /* owns it */
    if (rc == 0)
        rc = json_put_string(envelope, "type", ASSAY_URI "reports/v1", e);
    if (rc == 0)
        rc = json_put(envelope, "notJudged", json_incref(a->targets.left), e);
    if (rc < 0)
        return rc;
    rc = tell_each(cli, own, a, reports, e);
    for (size_t i = 0; i < json_array_size(a->targets.left); i++)
        cli_say(cli, "not judged, evidence by its name: %s\n",
                json_string_value(json_array_get(a->targets.left, i)));
    sum_up(cli, a, &worst);
    int kept = say_kept(cli, a, rc < 0 ? &second : e);
    rc = rc < 0 ? rc : kept;
    enum err_code code = worst != ERR_NONE ? worst : (enum err_code) - rc;
    int put = json_put(envelope, "exit", json_integer(code), rc < 0 ? &second : e);
    cli_result(cli, steal_ptr(&envelope));
    rc = rc < 0 ? rc : put;
    return rc < 0 && worst != ERR_NONE ? err_recode(e, worst) : rc;
}

static int run(struct cli *cli, struct err *e)
{
    AUTO(own_dispose) struct own own = {.builder = PROGRAM_INIT};
    AUTO(all_dispose) struct all all = {.keep = {.directory = cli_string(cli, "keep")}};
    const char *directory = cli_string(cli, "output-dir");
    int rc = check_usage(cli, e);
    if (rc == 0)
        rc = find_targets(cli, &all, e);
    if (rc == 0)
        rc = prepare(cli, &own, e);
    if (rc == 0)
        rc = supply_open(&all.supply, cli, scratch_of(cli), &all.targets, all.views, all.outcomes,
                         e);
    if (rc == 0)
        rc = verify(cli, &own, &all, e);
    if (rc == 0 && directory != NULL)
        rc = dir_make(directory, e);
    if (rc < 0)
        return rc;
    return all.targets.several ? tell_several(cli, &own, &all, e) : tell_one(cli, &own, &all, e);
}

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "ARTIFACT...",
    .exits =
        "0\treproduced, and the policy is satisfied\n"
        "1\tdiffers\n"
        "2\tthe command line or the policy is wrong, or a passphrase opens no key\n"
        "3\trejected, or a registry's certificate is not trusted\n"
        "4\tthe log fails\n"
        "5\tinput-unavailable, build-failed, or a file or what a reference names is not there\n"
        "6\tinconclusive: the toolchain is not this one (the reason says which --builder is)\n"
        "7\tinconclusive: the host does not let it rebuild, or the host failed, or a registry does "
        "not answer\n",
    .summary = "check an artifact: signatures, policy, rebuild, verdict",
    .details =
        "Checks that a key which the policy trusts signed the provenance (two independent\n"
        "implementations must accept), that ARTIFACT is what was signed, and that the provenance\n"
        "agrees with itself; then builds the signed plan again in a sandbox without network and\n"
        "compares every byte. ARTIFACT is a file, an OCI image layout directory, or the directory "
        "of\n"
        "a stored Cartesi machine, whose differences are told as registers, pages and files.\n\n"
        "The verdict is reproduced (exit 0), differs (1), rejected (3), input-unavailable (5: an\n"
        "input or a piece of evidence is missing or damaged), build-failed (5: the plan does not\n"
        "build), or inconclusive (6: the toolchain is not this one; 7: this host does not let it\n"
        "rebuild). With --key every one of them is signed as a SLSA verification summary, and the\n"
        "digests of the rebuild's steps go into FILE.steps.json beside it; with --record it is\n"
        "appended to a transparency log. A signed verdict that can neither be written nor "
        "recorded\n"
        "goes to stdout, and a bad one keeps its exit code. Several ARTIFACTs, a directory of\n"
        "them, or a pattern in quotes (*, ?, [) are judged one by one, each by its own bundle\n"
        "(ARTIFACT.sigstore.json beside it, or the --bundle that names them all), with one "
        "rebuild\n"
        "of each plan; files of a directory or pattern that end in .sigstore.json,\n"
        ".provenance.json or .steps.json are evidence, and said not to be judged. The exit code "
        "is\n"
        "the lowest of all that are not 0: what is bad outweighs what could not be judged. With\n"
        "--only the plan's other artifacts are neither built nor compared, and the verdict says "
        "so. No verdict: a wrong command line, "
        "policy or passphrase (2), files "
        "that\n"
        "are not there (5), a log that fails (4).\n\n"
        "ARTIFACT may be a reference, HOST[:PORT]/NAME:TAG or HOST[:PORT]/NAME@DIGEST, unless a "
        "file is called so: assay pull brings the image, or the one file of an artifact, into a "
        "temporary directory, and what is signed and attached to it there, of which the first "
        "counts that is all it should be. So does --bundle. What was asked for by digest is what "
        "is verified; what a tag named is told, in the report and in the verdict. With nothing "
        "attached the verdict is input-unavailable; of what cannot be pulled there is none (5; 3 "
        "when the registry's certificate is not trusted, 7 when it does not answer).",
    .examples =
        "assay verify hello.squashfs -b hello.sigstore.json -p policy.json --rebuild\tverify by "
        "rebuilding\n"
        "assay verify hello.oci -b hello.sigstore.json -p policy.json --rebuild -k verifier.key "
        "--record mylog -o verdict.sigstore.json\tsign and record the verdict\n"
        "assay verify 'out/hello.*' -b hello.sigstore.json -p policy.json --rebuild\tall artifacts "
        "of a build\n"
        "assay verify hello.squashfs -b hello.sigstore.json -p policy.json -a "
        "theirs.sigstore.json\tcount another verifier's rebuild instead of one's own\n"
        "assay verify registry.example/team/app:1.2 -p policy.json --rebuild\tan image of a "
        "registry, by what is attached to it there\n",
    .min_args = 1,
    .max_args = (size_t)-1,
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = run,
}};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/var/tmp"),
    {"ASSAY_PASSPHRASE", "The passphrase of the key, where no option names a file that has it. "
                         "Without either it is asked for at the terminal."},
    {"ASSAY_LOG_PASSPHRASE",
     "The passphrase of the log's key, where it is not that of the verifier's."},
    CLI_ENV_NETWORK,
    {"XDG_CONFIG_HOME", "Where assay/registries.json is looked for, in place of ~/.config."},
};

static const struct cli_named files[] = {
    {"~/.config/assay/registries.json",
     "Mirrors of registries, and those that speak plain HTTP; below XDG_CONFIG_HOME when that is "
     "set (docs/reference/registry.md)."},
    {"~/.docker/config.json", "Credentials of registries, and the helpers that keep them."},
};

static const struct cli_program program = {
    .name = "assay-verify",
    .summary = "check an artifact: signatures, policy, rebuild, verdict",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-attest assay-build assay-diff assay-log assay-pull",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
