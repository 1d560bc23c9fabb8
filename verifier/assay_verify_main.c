/* SPDX-License-Identifier: Apache-2.0 */
/* assay-verify: checks signatures and policy, rebuilds, compares, gives the verdict and records it.
 */
#include "attest/passphrase.h"
#include "base/cli.h"
#include "base/destination.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "base/version.h"
#include "base/workers.h"
#include "store/cas/program.h"
#include "store/log/log.h"
#include "verifier/verification.h"

#include <string.h>

enum { STEPS_BYTES_MAX = 16 * 1024 * 1024, URI_MAX = 2048, JOBS_MAX = 1024 };

static const struct cli_option options[] = {
    {"bundle", 'b', CLI_STRING, "FILE", "the signed provenance (Sigstore bundle or DSSE envelope)"},
    {"policy", 'p', CLI_STRING, "FILE", "whom to trust for what (docs/formats/policy.md)"},
    {"rebuild", 'r', CLI_FLAG, NULL, "build the plan again in the sandbox and compare"},
    {"attestation", 'a', CLI_LIST, "FILE", "another verifier's signed verdict, to be counted"},
    CLI_OPTION_STORE,
    {"materials", 'm', CLI_STRING, "FILE",
     "take inputs of the rebuild that the store lacks from what 'assay plan export' wrote"},
    {"jobs", 'j', CLI_NUMBER, "N", "threads of the rebuild (default: all processors)"},
    {"builder", 0, CLI_STRING, "BUILDER",
     "the assay-build to rebuild with: a file, or sha256:… of one in the store (default: beside "
     "this program)"},
    {"key", 'k', CLI_STRING, "FILE", "sign the verdict with this key"},
    {"output", 'o', CLI_OUTPUT, "FILE", "write the signed verdict here (needs --key)"},
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

/* A builder that a plan archive brought is named by its digest: nobody runs what he did not name.
 */
static int open_builder(const struct cli *cli, struct own *own, struct err *e)
{
    const char *given = cli_string(cli, "builder");
    const char *temp = cli_env(cli, "TMPDIR");
    if (given == NULL)
        return process_beside("assay-build", &own->builder.path, e);
    return program_open(given, own->store, temp != NULL ? temp : "/var/tmp", &own->builder, e);
}

static int prepare(const struct cli *cli, struct own *own, struct err *e)
{
    const char *given = cli_string(cli, "builder");
    int rc = read_key(cli, own, e);
    if (rc == 0)
        rc = open_log(cli, own, e);
    if (rc == 0 && (cli_flag(cli, "rebuild") || (given != NULL && program_is_digest(given))))
        rc = cli_store_path(cli, &own->store, e);
    return rc == 0 ? open_builder(cli, own, e) : rc;
}

static int verify(struct cli *cli, const struct own *own, struct verdict *v, struct err *e)
{
    const char *scratch = cli_env(cli, "TMPDIR");
    struct verification_options o = {
        .artifact = cli_arg(cli, 0),
        .bundle = cli_string(cli, "bundle"),
        .policy = cli_string(cli, "policy"),
        .resource_uri = cli_string(cli, "resource-uri"),
        .own_id = own->id,
        .own_key = own->key != NULL ? signing_key_public(own->key) : NULL,
        .rebuild = cli_flag(cli, "rebuild"),
        .builder = own->builder.path,
        .store = own->store,
        .materials = cli_string(cli, "materials"),
        /* A rebuild can be large: not where memory is. */
        .scratch = scratch != NULL ? scratch : "/var/tmp",
        .jobs = (unsigned)cli_number(cli, "jobs", workers_default()),
    };
    o.attestations = cli_list(cli, "attestation", &o.attestation_count);
    return verification_run(&o, v, e);
}

/* ---- signing and recording ---- */

static int sign(struct cli *cli, const struct own *own, const struct verdict *v, struct buf *out,
                struct err *e)
{
    AUTO_FREE char *uri = NULL;
    const char *given = cli_string(cli, "resource-uri");
    const struct host *host = cli_host(cli);
    int rc =
        given != NULL ? str_copy(&uri, given, e) : str_format(&uri, e, "file:%s", v->artifact_name);
    if (rc < 0)
        return rc;
    const struct verdict_signer signer = {
        .key = own->key,
        .verifier_id = own->id,
        .resource_uri = uri,
        .now = host->now(host->context),
    };
    return verdict_bundle(v, &signer, LOG_ENTRY_MAX, out, e);
}

/*
 * The signed verdict, and beside a file of it the digests of the rebuild's steps, which it names by
 * their own digest. Beside stdout or a device there is no place.
 */
static int write_verdict(const struct verdict *v, const struct buf *bundle, const char *output,
                         struct err *e)
{
    AUTO_DESTINATION to = DESTINATION_INIT;
    AUTO_FREE char *path = NULL;
    AUTO_BUF list = BUF_INIT(STEPS_BYTES_MAX);
    int rc = destination_open(&to, output, e);
    if (rc == 0)
        rc = destination_put(&to, bundle->data, bundle->len, e);
    if (rc == 0)
        rc = destination_commit(&to, e);
    if (rc == 0)
        rc = verdict_steps(v, &list, e);
    if (rc < 0 || list.len == 0 || !to.whole)
        return rc;
    rc = str_format(&path, e, "%s.steps.json", output);
    return rc < 0 ? rc : destination_write(path, list.data, list.len, e);
}

/* The entry is the signed bundle's very bytes: who holds the file can check the proof as it is. */
static int record(struct cli *cli, struct tlog *log, const struct buf *bundle, json_t *report,
                  struct err *e)
{
    const char *path = cli_string(cli, "record");
    AUTO_JSON json_t *o = json_object();
    uint64_t index = 0;
    int rc = tlog_record(log, bundle->data, bundle->len, &index, e);
    if (rc < 0)
        return err_wrap(e, "the verdict could not be recorded");
    cli_say(cli, "recorded: entry %llu of '%s'\n", (unsigned long long)index, path);
    rc = json_put_string(o, "log", path, e);
    if (rc == 0)
        rc = json_put_u64(o, "index", index, e);
    if (rc == 0)
        rc = json_put(report, "record", steal_ptr(&o), e);
    return rc;
}

/* Nobody else has it: it comes out of stdout, in the report or as it is. */
static int hand_over(const struct cli *cli, const struct buf *bundle, json_t *report, struct err *e)
{
    const struct json_limits limits = {.bytes = LOG_ENTRY_MAX, .depth = 64};
    json_t *document = NULL;
    if (!cli_json(cli))
        return cli_write(cli, bundle->data, bundle->len, e);
    int rc = json_parse(buf_str(bundle), bundle->len, "the signed verdict", &limits, &document, e);
    return rc == 0 ? json_put(report, "signed", document, e) : rc;
}

/* The first failure is told; what the other one was asked to keep is kept all the same. */
static int publish(struct cli *cli, const struct own *own, const struct verdict *v, json_t *report,
                   struct err *e)
{
    AUTO_BUF bundle = BUF_INIT(LOG_ENTRY_MAX);
    struct err second = ERR_INIT;
    const char *output = cli_string(cli, "output");
    if (own->key == NULL)
        return 0;
    int rc = sign(cli, own, v, &bundle, e);
    if (rc < 0)
        return rc;
    int written = output != NULL ? write_verdict(v, &bundle, output, e) : 0;
    int recorded =
        own->log != NULL ? record(cli, own->log, &bundle, report, written < 0 ? &second : e) : 0;
    rc = written < 0 ? written : recorded;
    bool kept = (output != NULL && written == 0) || (own->log != NULL && recorded == 0);
    if (rc == 0 || kept)
        return rc;
    if (hand_over(cli, &bundle, report, &second) < 0)
        return rc;
    return err_wrap(e, "the signed verdict is on stdout only");
}

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
    bool signs = cli_string(cli, "key") != NULL;
    if (cli_string(cli, "bundle") == NULL)
        return err_set(e, ERR_USAGE, "no provenance: give --bundle FILE");
    if (cli_string(cli, "policy") == NULL)
        return err_set(e, ERR_USAGE, "no policy: give --policy FILE, which says whom to trust");
    if (!signs && cli_string(cli, "output") != NULL)
        return err_set(e, ERR_USAGE, "--output needs --key: only a signed verdict is written");
    if (!signs && cli_string(cli, "record") != NULL)
        return err_set(e, ERR_USAGE, "--record needs --key: only a signed verdict is recorded");
    uint64_t jobs = cli_number(cli, "jobs", 1);
    if (jobs < 1 || jobs > JOBS_MAX)
        return err_set(e, ERR_USAGE, "--jobs takes 1 to %d", JOBS_MAX);
    int rc = check_uri(cli, "verifier-id", e);
    return rc < 0 ? rc : check_uri(cli, "resource-uri", e);
}

static int run(struct cli *cli, struct err *e)
{
    AUTO(own_dispose) struct own own = {.builder = PROGRAM_INIT};
    AUTO(verdict_dispose) struct verdict v = {.kind = VERDICT_REJECTED};
    json_t *report = NULL;
    int rc = check_usage(cli, e);
    if (rc == 0)
        rc = prepare(cli, &own, e);
    if (rc == 0)
        rc = verify(cli, &own, &v, e);
    if (rc == 0)
        rc = verdict_report(&v, &report, e);
    if (rc < 0)
        return rc;
    verdict_print(&v, cli);
    cli_result(cli, report);
    if (v.code != ERR_NONE)
        cli_verdict(cli, v.code, "%s: %s", verdict_name(v.kind), v.reason);
    rc = publish(cli, &own, &v, report, e);
    return rc < 0 ? say_unpublished(&v, e) : 0;
}

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "ARTIFACT",
    .exits = "0\treproduced, and the policy is satisfied\n"
             "1\tdiffers\n"
             "2\tthe command line or the policy is wrong, or a passphrase opens no key\n"
             "3\trejected\n"
             "4\tthe log fails\n"
             "5\tinput-unavailable, build-failed, or a file is not there\n"
             "6\tinconclusive: the toolchain is not this one (the reason says which --builder is)\n"
             "7\tinconclusive: the host does not let it rebuild, or the host failed\n",
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
        "goes to stdout, and a bad one keeps its exit code. No verdict: a wrong command line, "
        "policy or passphrase (2), files "
        "that\n"
        "are not there (5), a log that fails (4).",
    .examples =
        "assay verify hello.squashfs -b hello.sigstore.json -p policy.json --rebuild\tverify by "
        "rebuilding\n"
        "assay verify hello.oci -b hello.sigstore.json -p policy.json --rebuild -k verifier.key "
        "--record mylog -o verdict.sigstore.json\tsign and record the verdict\n"
        "assay verify hello.squashfs -b hello.sigstore.json -p policy.json -a "
        "theirs.sigstore.json\tcount another verifier's rebuild instead of one's own\n",
    .min_args = 1,
    .max_args = 1,
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
};

static const struct cli_program program = {
    .name = "assay-verify",
    .summary = "check an artifact: signatures, policy, rebuild, verdict",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .related = "assay-attest assay-build assay-diff assay-log",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
