/* SPDX-License-Identifier: Apache-2.0 */
/* assay-verify: checks signatures and policy, rebuilds, compares, gives the verdict and records it.
 */
#include "attest/passphrase.h"
#include "base/cli.h"
#include "base/destination.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "base/version.h"
#include "base/workers.h"
#include "store/log/log.h"
#include "verifier/verification.h"

enum { VERDICT_BYTES_MAX = 2 * 1024 * 1024 };

static const struct cli_option options[] = {
    {"bundle", 'b', CLI_STRING, "FILE", "the signed provenance (Sigstore bundle or DSSE envelope)"},
    {"policy", 'p', CLI_STRING, "FILE", "whom to trust for what (docs/formats/policy.md)"},
    {"rebuild", 'r', CLI_FLAG, NULL, "build the plan again in the sandbox and compare"},
    {"attestation", 'a', CLI_LIST, "FILE", "another verifier's signed verdict, to be counted"},
    CLI_OPTION_STORE,
    {"materials", 'm', CLI_STRING, "FILE",
     "take inputs of the rebuild that the store lacks from what 'assay plan export' wrote"},
    {"jobs", 'j', CLI_NUMBER, "N", "threads of the rebuild (default: all processors)"},
    {"builder", 0, CLI_STRING, "FILE",
     "the assay-build to rebuild with (default: beside this program)"},
    {"key", 'k', CLI_STRING, "FILE", "sign the verdict with this key"},
    {"output", 'o', CLI_OUTPUT, "FILE", "write the signed verdict here (needs --key)"},
    {"record", 0, CLI_STRING, "LOG", "append the signed verdict to this log (needs --key)"},
    {"verifier-id", 0, CLI_STRING, "URI",
     "who this verifier is (default: " ASSAY_URI "verifier/ and the key's fingerprint)"},
    {"resource-uri", 0, CLI_STRING, "URI", "what the verdict is about (default: file:NAME)"},
    CLI_OPTION_PASSPHRASE,
    CLI_OPTION_LOG_PASSPHRASE,
};

static int verify(struct cli *cli, struct verdict *v, enum err_code *code, struct err *e)
{
    AUTO_FREE char *builder = NULL;
    AUTO_FREE char *store = NULL;
    struct verification_options o = {
        .artifact = cli_arg(cli, 0),
        .bundle = cli_string(cli, "bundle"),
        .policy = cli_string(cli, "policy"),
        .rebuild = cli_flag(cli, "rebuild"),
        .builder = cli_string(cli, "builder"),
        .materials = cli_string(cli, "materials"),
        .scratch = cli_env(cli, "TMPDIR"),
        .jobs = (unsigned)cli_number(cli, "jobs", workers_default()),
    };
    o.attestations = cli_list(cli, "attestation", &o.attestation_count);
    int rc = 0;
    if (o.builder == NULL) {
        rc = process_beside("assay-build", &builder, e);
        o.builder = builder;
    }
    if (rc == 0)
        rc = cli_store_path(cli, &store, e);
    o.store = store;
    if (o.scratch == NULL)
        o.scratch = "/var/tmp"; /* a rebuild can be large: not where memory is */
    if (rc == 0)
        rc = verification_run(&o, v, code, e);
    return rc;
}

/* Signs the verdict; `out` gets the bundle. */
static int sign(struct cli *cli, const struct verdict *v, struct buf *out, struct err *e)
{
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_FREE char *id = NULL;
    AUTO_FREE char *uri = NULL;
    char *passphrase = NULL;
    const char *path = cli_string(cli, "key");
    int rc = passphrase_read(cli, "passphrase of the verifier's key", false, &passphrase, e);
    if (rc == 0)
        passphrase_warn(cli, path);
    if (rc == 0)
        rc = signing_key_read(path, passphrase, &key, e);
    passphrase_free(passphrase);
    if (rc < 0)
        return rc;
    if (cli_string(cli, "verifier-id") != NULL)
        rc = str_copy(&id, cli_string(cli, "verifier-id"), e);
    else
        rc = str_format(&id, e, "%sverifier/%s", ASSAY_URI, public_key_id(signing_key_public(key)));
    if (rc == 0 && cli_string(cli, "resource-uri") != NULL)
        rc = str_copy(&uri, cli_string(cli, "resource-uri"), e);
    else if (rc == 0)
        rc = str_format(&uri, e, "file:%s", v->artifact_name);
    const struct host *host = cli_host(cli);
    if (rc == 0)
        rc = verdict_bundle(v, id, uri, host->now(host->context), key, out, e);
    return rc;
}

/* The entry is the signed bundle's very bytes: who holds the file can check the proof as it is. */
static int record(struct cli *cli, const struct buf *bundle, json_t *report, struct err *e)
{
    const char *path = cli_string(cli, "record");
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_FREE char *key = NULL;
    char *passphrase = NULL;
    uint64_t index = 0;
    int rc = passphrase_read_log(cli, "passphrase of the log's key", &passphrase, e);
    if (rc == 0 && (rc = tlog_key_file(path, &key, e)) == 0)
        passphrase_warn(cli, key);
    if (rc == 0)
        rc = tlog_open(path, passphrase, &log, e);
    passphrase_free(passphrase);
    if (rc == 0)
        rc = tlog_record(log, bundle->data, bundle->len, &index, e);
    if (rc < 0)
        return err_wrap(e, "the verdict could not be recorded");
    cli_say(cli, "recorded: entry %llu of '%s'\n", (unsigned long long)index, path);
    AUTO_JSON json_t *o = json_object();
    rc = json_put_string(o, "log", path, e);
    if (rc == 0)
        rc = json_put_u64(o, "index", index, e);
    if (rc == 0)
        rc = json_put(report, "record", steal_ptr(&o), e);
    return rc;
}

static int publish(struct cli *cli, const struct verdict *v, json_t *report, struct err *e)
{
    AUTO_BUF bundle = BUF_INIT(VERDICT_BYTES_MAX);
    if (cli_string(cli, "key") == NULL)
        return 0;
    int rc = sign(cli, v, &bundle, e);
    if (rc == 0 && cli_string(cli, "output") != NULL)
        rc = destination_write(cli_string(cli, "output"), bundle.data, bundle.len, e);
    if (rc == 0 && cli_string(cli, "record") != NULL)
        rc = record(cli, &bundle, report, e);
    return rc;
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
    if (jobs < 1 || jobs > 1024)
        return err_set(e, ERR_USAGE, "--jobs takes 1 to 1024");
    return 0;
}

static int run(struct cli *cli, struct err *e)
{
    struct verdict v = {0};
    enum err_code code = ERR_NONE;
    json_t *report = NULL;
    int rc = check_usage(cli, e);
    if (rc == 0)
        rc = verify(cli, &v, &code, e);
    if (rc == 0)
        rc = verdict_report(&v, &report, e);
    if (rc == 0) {
        verdict_print(&v, cli);
        rc = publish(cli, &v, report, e);
        cli_result(cli, report);
    }
    /* The verdict's own line and code come last: recording one that is bad is not success. */
    if (rc == 0 && code != ERR_NONE)
        rc = err_set(e, code, "%s: %s", verdict_name(v.kind), v.reason);
    verdict_dispose(&v);
    return rc;
}

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "ARTIFACT",
    .summary = "check an artifact: signatures, policy, rebuild, verdict",
    .details =
        "Checks that a key which the policy trusts signed the provenance (two independent\n"
        "implementations must accept), that ARTIFACT is what was signed, and that the provenance\n"
        "agrees with itself; then builds the signed plan again in a sandbox without network and\n"
        "compares every byte. ARTIFACT is a file, an OCI image layout directory, or the directory "
        "of\n"
        "a stored Cartesi machine, whose differences are told as registers, pages and files.\n\n"
        "The verdict is reproduced (exit 0), differs (1), rejected (3), or unverifiable (5: an\n"
        "input is missing or damaged; 6: the toolchain is not this one). With --key it is signed\n"
        "as a SLSA verification summary; with --record it is appended to a transparency log.",
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

static const struct cli_program program = {
    .name = "assay-verify",
    .summary = "check an artifact: signatures, policy, rebuild, verdict",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
