/* SPDX-License-Identifier: Apache-2.0 */
/* assay attest: keys, signing, and reading what others signed. */
#include "attest/dsse.h"
#include "attest/key.h"
#include "attest/passphrase.h"
#include "attest/statement.h"
#include "attest/summary.h"
#include "base/cli.h"
#include "base/destination.h"
#include "base/file.h"
#include "base/media_types.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char *required(const struct cli *cli, const char *option, struct err *e)
{
    const char *value = cli_string(cli, option);
    if (value == NULL)
        (void)err_set(e, ERR_USAGE, "--%s is needed", option);
    return value;
}

/* ---- keygen ---------------------------------------------------------------- */

static int parse_type(const char *text, enum key_type *out, struct err *e)
{
    if (text == NULL || strcmp(text, "p256") == 0)
        *out = KEY_P256;
    else if (strcmp(text, "ed25519") == 0)
        *out = KEY_ED25519;
    else
        return err_set(e, ERR_USAGE, "--type is p256 or ed25519, not '%s'", text);
    return 0;
}

static int report_key(struct cli *cli, const struct public_key *key, const char *path,
                      const char *public_path, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    int rc;
    if ((rc = json_put_string(document, "key", path, e)) < 0 ||
        (rc = json_put_string(document, "publicKey", public_path, e)) < 0 ||
        (rc = json_put_string(document, "type", key_type_name(public_key_type(key)), e)) < 0 ||
        (rc = json_put_string(document, "keyid", public_key_id(key), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "wrote %s (private, encrypted; keep it)\n", path);
    cli_say(cli, "wrote %s (public; give it to those who verify)\n", public_path);
    cli_say(cli, "key id %s\n", public_key_id(key));
    return 0;
}

/* Both, one after the other: the private key is encrypted. */
static int print_pair(const struct cli *cli, const struct signing_key *key, const char *passphrase,
                      const char *path, struct err *e)
{
    AUTO_BUF pems = BUF_INIT(2 * KEY_FILE_MAX);
    int rc;
    if ((rc = signing_key_format(key, passphrase, &pems, e)) < 0 ||
        (rc = public_key_format(signing_key_public(key), &pems, e)) < 0 ||
        (rc = destination_write(path, pems.data, pems.len, e)) < 0)
        return rc;
    cli_say(cli, "key id %s\n", public_key_id(signing_key_public(key)));
    return 0;
}

static int run_keygen(struct cli *cli, struct err *e)
{
    AUTO_PASSPHRASE char *passphrase = NULL;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_FREE char *prompt = NULL;
    AUTO_FREE char *public_path = NULL;
    enum key_type type = KEY_P256;
    const char *path = required(cli, "output", e);
    if (path == NULL)
        return err_rc(e);
    bool print = destination_is_stdout(path);
    int rc;
    if ((rc = parse_type(cli_string(cli, "type"), &type, e)) < 0 ||
        (!print && (rc = key_files_absent(path, e)) < 0) ||
        (rc = str_format(&prompt, e, "new passphrase for '%s'", path)) < 0 ||
        (rc = passphrase_read(cli, prompt, true, &passphrase, e)) < 0 ||
        (rc = signing_key_generate(type, &key, e)) < 0)
        return rc;
    if (print)
        return print_pair(cli, key, passphrase, path, e);
    if ((rc = key_files_create(key, passphrase, path, &public_path, e)) < 0)
        return rc;
    return report_key(cli, signing_key_public(key), path, public_path, e);
}

/* ---- sign ------------------------------------------------------------------ */

static int read_signing_key(const struct cli *cli, const char *path, struct signing_key **out,
                            struct err *e)
{
    AUTO_PASSPHRASE char *passphrase = NULL;
    AUTO_FREE char *prompt = NULL;
    int rc;
    if ((rc = str_format(&prompt, e, "passphrase for '%s'", path)) < 0 ||
        (rc = passphrase_read(cli, prompt, false, &passphrase, e)) < 0)
        return rc;
    passphrase_warn(cli, path);
    return signing_key_read(path, passphrase, out, e);
}

static int write_bundle(const struct dsse_envelope *envelope, const char *path, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DSSE_DOCUMENT_MAX);
    int rc = bundle_format(envelope, &text, e);
    if (rc < 0 || (rc = buf_add_str(&text, "\n", e)) < 0)
        return rc;
    return destination_write(path, text.data, text.len, e);
}

static int report_signed(struct cli *cli, const struct statement *statement,
                         const struct dsse_envelope *envelope, const char *path, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    struct digest digest;
    int rc;
    if ((rc = digest_bytes(DIGEST_SHA256, envelope->payload, envelope->payload_len, &digest, e)) <
            0 ||
        (rc = json_put_string(document, "bundle", path, e)) < 0 ||
        (rc = json_put_string(document, "keyid", envelope->signatures[0].keyid, e)) < 0 ||
        (rc = json_put_string(document, "predicateType", statement->predicate_type, e)) < 0 ||
        (rc = json_put_digest(document, "payloadDigest", &digest, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "wrote %s\nsigned with %s\n", path, envelope->signatures[0].keyid);
    return 0;
}

static int run_sign(struct cli *cli, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DSSE_PAYLOAD_MAX);
    AUTO_STATEMENT struct statement *statement = NULL;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    const char *path = cli_arg(cli, 0);
    const char *key_path = required(cli, "key", e);
    const char *output = required(cli, "output", e);
    if (key_path == NULL || output == NULL)
        return err_rc(e);
    int rc;
    if ((rc = file_read(path, &text, e)) < 0 ||
        (rc = statement_parse(text.data, text.len, path, &statement, e)) < 0 ||
        (rc = read_signing_key(cli, key_path, &key, e)) < 0 ||
        (rc = dsse_sign(key, MEDIA_INTOTO, text.data, text.len, &envelope, e)) < 0 ||
        (rc = write_bundle(envelope, output, e)) < 0)
        return rc;
    return report_signed(cli, statement, envelope, output, e);
}

/* ---- check ----------------------------------------------------------------- */

/* An envelope whose signature by the key of --key is good: what is used later are its bytes. */
static int read_verified(const struct cli *cli, const char *path, struct dsse_envelope **out,
                         struct err *e)
{
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_PUBLIC_KEY struct public_key *key = NULL;
    const char *key_path = required(cli, "key", e);
    if (key_path == NULL)
        return -ERR_USAGE;
    int rc;
    if ((rc = public_key_read(key_path, &key, e)) < 0 || (rc = dsse_read(path, &envelope, e)) < 0)
        return rc;
    if (dsse_verify(envelope, key, e) < 0)
        return err_wrap(e, "cannot accept '%s'", path);
    *out = steal_ptr(&envelope);
    return 0;
}

static int read_statement(const struct dsse_envelope *envelope, const char *path,
                          struct statement **out, struct err *e)
{
    if (!dsse_is_intoto(envelope))
        return err_set(e, ERR_INPUT,
                       "'%s' is signed, but its payload '%.80s' is no in-toto statement", path,
                       envelope->payload_type);
    return statement_parse(envelope->payload, envelope->payload_len, path, out, e);
}

/* What a bundle carries beside its signature, and that nobody here looked into it. */
static int report_log_evidence(const struct cli *cli, const struct dsse_envelope *envelope,
                               json_t *document, struct err *e)
{
    if (envelope->log_entries + envelope->timestamps > 0)
        cli_say(cli, "log evidence: %s (log entries: %zu, time stamps: %zu)\n",
                dsse_log_evidence(envelope), envelope->log_entries, envelope->timestamps);
    else
        cli_say(cli, "log evidence: none\n");
    return dsse_put_log_evidence(document, envelope, e);
}

/* The artifact's digest must be among the subjects; its name does not matter. */
static int match_artifact(const struct cli *cli, const struct statement *statement,
                          const char *bundle, const char *path, json_t *matches, struct err *e)
{
    struct digest digest;
    char text[DIGEST_TEXT_MAX];
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (digest_fd(DIGEST_SHA256, fd, &digest, NULL, e) < 0)
        return err_wrap(e, "cannot read '%s'", path);
    const struct statement_subject *subject = statement_find(statement, &digest);
    if (subject == NULL)
        return err_set(e, ERR_REJECTED, "'%s' is not what '%s' speaks of: no subject has %s", path,
                       bundle, digest_format(&digest, text));
    json_t *row = json_object();
    int rc;
    if ((rc = json_push(matches, row, e)) < 0 ||
        (rc = json_put_string(row, "artifact", path, e)) < 0 ||
        (rc = json_put_digest(row, "digest", &digest, e)) < 0 ||
        (rc = json_put_string(row, "subject", subject->name, e)) < 0)
        return rc;
    cli_say(cli, "%s is a subject of it (%s)\n", path, digest_format(&digest, text));
    return 0;
}

static int run_check(struct cli *cli, struct err *e)
{
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_STATEMENT struct statement *statement = NULL;
    AUTO_JSON json_t *document = json_object();
    json_t *matches = json_array();
    const char *path = cli_arg(cli, 0);
    size_t count;
    const char *const *artifacts = cli_list(cli, "artifact", &count);
    int rc;
    if ((rc = json_put(document, "artifacts", matches, e)) < 0 ||
        (rc = read_verified(cli, path, &envelope, e)) < 0 ||
        (rc = read_statement(envelope, path, &statement, e)) < 0)
        return rc;
    cli_say(cli, "the signature is good: two implementations accept it\n");
    if ((rc = report_log_evidence(cli, envelope, document, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = match_artifact(cli, statement, path, artifacts[i], matches, e);
    if (rc < 0 || (rc = json_put_string(document, "bundle", path, e)) < 0 ||
        (rc = json_put_string(document, "predicateType", statement->predicate_type, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    return 0;
}

/* ---- show, export-statement ------------------------------------------------ */

static int run_show(struct cli *cli, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DSSE_DOCUMENT_MAX);
    AUTO_BUF words = BUF_INIT(4 * (size_t)DSSE_DOCUMENT_MAX);
    AUTO_JSON json_t *summary = NULL;
    const char *path = cli_arg(cli, 0);
    int rc;
    if ((rc = file_read(path, &text, e)) < 0 ||
        (rc = summary_make(text.data, text.len, path, &summary, e)) < 0 ||
        (rc = summary_explain(summary, &words, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&summary));
    cli_say_lines(cli, buf_str(&words));
    return 0;
}

static int run_export(struct cli *cli, struct err *e)
{
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    const char *path = cli_arg(cli, 0);
    int rc = cli_string(cli, "key") != NULL ? read_verified(cli, path, &envelope, e)
                                            : dsse_read(path, &envelope, e);
    return rc < 0 ? rc : cli_write(cli, envelope->payload, envelope->payload_len, e);
}

/* ---- the tables ------------------------------------------------------------ */

static const struct cli_option keygen_options[] = {
    {"output", 'o', CLI_OUTPUT, "KEY", "where the private key goes; KEY.pub gets the public one"},
    {"type", 't', CLI_STRING, "TYPE",
     "p256 (default: every client in the field takes it) or ed25519"},
    CLI_OPTION_PASSPHRASE,
};

static const struct cli_option sign_options[] = {
    {"key", 'k', CLI_STRING, "KEY", "the private key"},
    {"output", 'o', CLI_OUTPUT, "BUNDLE", "where the bundle goes"},
    CLI_OPTION_PASSPHRASE,
};

static const struct cli_option check_options[] = {
    {"key", 'k', CLI_STRING, "PUB", "the public key that must have signed"},
    {"artifact", 'a', CLI_LIST, "FILE", "a file that must be among the statement's subjects"},
};

static const struct cli_option export_options[] = {
    {"key", 'k', CLI_STRING, "PUB", "first check that this public key signed it"},
};

static const struct cli_command commands[] = {
    {
        .name = "keygen",
        .arguments = "",
        .summary = "make a key pair for signing",
        .details =
            "Writes the private key to KEY (mode 0600, PKCS#8, encrypted with scrypt and AES-256)\n"
            "and the public key to KEY.pub. An existing file is never overwritten. The printed "
            "key\n"
            "id is the key's OpenSSH fingerprint; 'openssl pkey -in KEY' reads the file too.",
        .examples = "assay attest keygen -o builder.key\ta P-256 key, passphrase asked for twice\n"
                    "assay attest keygen -o k --type ed25519 --passphrase-file pass\tin a script\n",
        .min_args = 0,
        .max_args = 0,
        .options = keygen_options,
        .option_count = CLI_COUNT(keygen_options),
        .run = run_keygen,
    },
    {
        .name = "sign",
        .arguments = "STATEMENT",
        .exits = PASSPHRASE_EXIT,
        .summary = "sign an in-toto statement into a Sigstore bundle",
        .details =
            "STATEMENT must be an in-toto statement (v1 or v0.1), such as the provenance that\n"
            "'assay build' writes; its bytes are signed exactly as they are. BUNDLE is a Sigstore\n"
            "bundle v0.3 with one DSSE signature. The new signature is verified by two\n"
            "implementations before anything is written.",
        .examples =
            "assay attest sign out/hello.provenance.json -k builder.key -o hello.sigstore.json"
            "\tsign what a build claims\n",
        .min_args = 1,
        .max_args = 1,
        .options = sign_options,
        .option_count = CLI_COUNT(sign_options),
        .run = run_sign,
    },
    {
        .name = "check",
        .arguments = "BUNDLE",
        .exits = "3\tthe signature or an artifact is rejected\n",
        .summary = "check a bundle's signature and, if asked, its subjects",
        .details =
            "BUNDLE is a Sigstore bundle or a bare DSSE envelope. Its signature must be good in "
            "the\n"
            "eyes of two independent implementations, and its payload an in-toto statement; each\n"
            "--artifact must have the digest of one of the statement's subjects, whatever its "
            "name.\n"
            "What the statement claims is not judged: that is the work of 'assay verify'. Log "
            "entries\n"
            "and time stamps of a bundle are counted and not checked, which is said.\n\n"
            "Exits with 3 when the signature or an artifact is rejected, 5 when a file is "
            "malformed.",
        .examples =
            "assay attest check hello.sigstore.json --key builder.key.pub\tis the signature good\n"
            "assay attest check hello.sigstore.json -k builder.key.pub -a out/hello.squashfs\t"
            "and does it speak of this file\n",
        .min_args = 1,
        .max_args = 1,
        .options = check_options,
        .option_count = CLI_COUNT(check_options),
        .run = run_check,
    },
    {
        .name = "show",
        .arguments = "FILE",
        .summary = "explain a bundle, envelope or statement in plain words",
        .details =
            "Says who (perhaps) signed, what is claimed about which files, and for provenance the\n"
            "builder and all inputs, for a verification summary the verdict. Nothing is checked:\n"
            "the words are the signer's. With --json the same as one document.",
        .examples =
            "assay attest show hello.sigstore.json\twhat does this say\n"
            "assay attest show --json hello.sigstore.json | jq .statement.provenance.inputs\t"
            "the inputs, for a script\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_show,
    },
    {
        .name = "export-statement",
        .arguments = "BUNDLE",
        .summary = "print the bytes that were signed",
        .details = "Prints the payload of a bundle or envelope, byte for byte, to stdout. Without\n"
                   "--key nothing is checked.",
        .examples = "assay attest export-statement hello.sigstore.json | jq .predicate\t"
                    "look at the claim itself\n",
        .min_args = 1,
        .max_args = 1,
        .options = export_options,
        .option_count = CLI_COUNT(export_options),
        .run = run_export,
    },
};

static const struct cli_named environment[] = {
    {"ASSAY_PASSPHRASE", "The passphrase of the key, where no option names a file that has it. "
                         "Without either it is asked for at the terminal."},
};

static const struct cli_named files[] = {
    {"NAME.key, NAME.key.pub",
     "A private key, encrypted under its passphrase, and the public key that belongs to it (PEM)."},
};

static const struct cli_program program = {
    .name = "assay-attest",
    .summary = "keys, signatures and attestations",
    .details = "Signs in-toto statements (build provenance, verification summaries) into Sigstore\n"
               "bundles and reads such bundles, whoever made them. It never uses the network.",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-build assay-log assay-verify",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
