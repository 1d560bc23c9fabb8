/* SPDX-License-Identifier: Apache-2.0 */
/* assay push: images and artifacts to a registry, and what is said about them. */
#include "base/cli.h"
#include "base/file.h"
#include "base/json.h"
#include "base/place.h"
#include "base/private_dir.h"
#include "formats/oci/layout_archive.h"
#include "net/registry/network.h"
#include "net/registry/push.h"

#include <string.h>
#include <sys/stat.h>

enum { CHUNK_MAX_MIB = 4096 };

struct run {
    struct cli *cli;
    struct progress *progress;
    struct network network;
    struct endpoint *ep;
    struct reference reference;
    struct private_dir unpacked;
    struct push push;
    struct pushed pushed;
    json_t *result;
    json_t *attachments;
};

static void run_dispose(struct run *r)
{
    progress_end(r->progress);
    endpoint_free(r->ep);
    network_close(&r->network);
    private_dir_remove(&r->unpacked);
    json_decref(r->result);
    json_decref(r->attachments);
}

static const char *tag_of(const struct run *r)
{
    return r->reference.tag[0] != '\0' ? r->reference.tag : NULL;
}

static int open_all(struct run *r, const char *reference, struct err *e)
{
    const char *registry = cli_string(r->cli, "registry");
    uint64_t chunk = cli_number(r->cli, "chunk", 0);
    if (registry != NULL && !reference_host_valid(registry))
        return err_set(e, ERR_USAGE, "--registry '%s' is no HOST[:PORT]", PLACE_SHOWN(registry));
    if (chunk > CHUNK_MAX_MIB)
        return err_set(e, ERR_USAGE, "--chunk is at most %d MiB", CHUNK_MAX_MIB);
    int rc = reference_parse(reference, registry, &r->reference, e);
    if (rc < 0)
        return rc;
    r->progress = progress_start(!cli_quiet(r->cli) && !cli_json(r->cli));
    if ((rc = network_open(r->cli, 0, NULL, r->progress, &r->network, e)) < 0)
        return rc;
    r->network.client.label = r->reference.path;
    const struct endpoint_options options = {
        .client = &r->network.client, .reference = r->reference, .push = true, .tags = true};
    if ((rc = endpoint_new(&options, &r->ep, e)) < 0)
        return rc;
    r->push = (struct push){
        .ep = r->ep,
        .chunk = chunk << 20,
        .expected = r->reference.digest.alg != 0 ? &r->reference.digest : NULL,
    };
    r->result = json_object();
    r->attachments = json_array();
    return r->result != NULL && r->attachments != NULL ? 0 : err_oom(e);
}

/* ---- what is pushed ------------------------------------------------------------------------ */

static int push_archive(struct run *r, const char *path, struct err *e)
{
    const char *temp = cli_env(r->cli, "TMPDIR");
    int rc = private_dir_make(temp != NULL ? temp : "/var/tmp", &r->unpacked, e);
    if (rc < 0 || (rc = layout_unpack(path, r->unpacked.path, e)) < 0)
        return rc;
    rc = push_layout(&r->push, r->unpacked.path, cli_string(r->cli, "image"), tag_of(r), &r->pushed,
                     e);
    return rc < 0 ? err_wrap(e, "'%s'", path) : 0;
}

static int push_file(struct run *r, const char *path, struct err *e)
{
    AUTO_FREE char *type = NULL;
    const char *given = cli_string(r->cli, "type");
    int rc = given != NULL
                 ? str_copy(&type, given, e)
                 : push_type(path, "--type, or --layout for an OCI layout in a tar", &type, e);
    const struct artifact artifact = {.path = path, .type = type};
    return rc < 0 ? rc : push_artifact(&r->push, &artifact, tag_of(r), &r->pushed, e);
}

static int push_what(struct run *r, const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return push_layout(&r->push, path, cli_string(r->cli, "image"), tag_of(r), &r->pushed, e);
    return cli_flag(r->cli, "layout") ? push_archive(r, path, e) : push_file(r, path, e);
}

static int note_attachment(struct run *r, const char *path, const char *type,
                           const struct pushed *done, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    char text[DIGEST_TEXT_MAX];
    if (o == NULL)
        return err_oom(e);
    cli_say(r->cli, "attached %s (%s) as %s%s\n", path_base(path), type,
            digest_format(&done->digest, text), done->tagged ? ", through a tag" : "");
    int rc = json_put_string(o, "file", path_base(path), e);
    if (rc < 0 || (rc = json_put_string(o, "type", type, e)) < 0 ||
        (rc = json_put_digest(o, "digest", &done->digest, e)) < 0 ||
        (rc = json_put_string(o, "by", done->tagged ? "tag" : "api", e)) < 0)
        return rc;
    return json_push(r->attachments, steal_ptr(&o), e);
}

static int attach_all(struct run *r, struct err *e)
{
    size_t count = 0;
    const char *const *files = cli_list(r->cli, "attach", &count);
    const char *given = cli_string(r->cli, "attach-type");
    struct push push = r->push;
    push.expected = NULL;
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *type = NULL;
        struct pushed done = {.size = 0};
        int rc = given != NULL ? str_copy(&type, given, e)
                               : push_type(files[i], "--attach-type", &type, e);
        if (rc < 0)
            return rc;
        const struct artifact artifact = {.path = files[i], .type = type, .subject = &r->pushed};
        if ((rc = push_artifact(&push, &artifact, NULL, &done, e)) < 0)
            return err_wrap(e, "cannot attach '%s'", files[i]);
        if ((rc = note_attachment(r, files[i], type, &done, e)) < 0)
            return rc;
    }
    return 0;
}

static int check_type(const struct cli *cli, const char *option, struct err *e)
{
    const char *type = cli_string(cli, option);
    return type == NULL || push_type_valid(type)
               ? 0
               : err_set(e, ERR_USAGE, "--%s '%.128s' is no media type: TYPE/SUBTYPE", option,
                         type);
}

/* Types are known before anything is sent. */
static int check_attachments(const struct cli *cli, struct err *e)
{
    size_t count = 0;
    const char *const *files = cli_list(cli, "attach", &count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *type = NULL;
        int rc = 0;
        if (access(files[i], R_OK) != 0)
            return err_set(e, ERR_INPUT, "cannot read '%s'", files[i]);
        if (cli_string(cli, "attach-type") == NULL &&
            (rc = push_type(files[i], "--attach-type", &type, e)) < 0)
            return rc;
    }
    if (cli_arg_count(cli) == 1 && count == 0)
        return err_set(e, ERR_USAGE, "nothing to push: give a layout or a file, or --attach FILE");
    return 0;
}

static int set_result(struct run *r, bool sent, struct err *e)
{
    const struct pushed *p = &r->pushed;
    AUTO_FREE char *name = NULL;
    char text[DIGEST_TEXT_MAX];
    const char *tag = tag_of(r);
    int rc = str_format(&name, e, "%s/%s%s%s", r->reference.host, r->reference.path,
                        tag != NULL ? ":" : "", tag != NULL ? tag : "");
    if (rc < 0)
        return rc;
    if (sent)
        cli_say(r->cli, "pushed %s, %s: %s sent, %zu there already\n", name,
                digest_format(&p->digest, text), COUNTED(p->blobs, "blob"), p->there);
    if ((rc = json_put_string(r->result, "reference", name, e)) < 0 ||
        (rc = json_put_digest(r->result, "digest", &p->digest, e)) < 0 ||
        (rc = json_put_string(r->result, "mediaType", p->media_type, e)) < 0 ||
        (rc = json_put_u64(r->result, "size", p->size, e)) < 0 ||
        (rc = json_put_u64(r->result, "sent", p->blobs, e)) < 0 ||
        (rc = json_put_u64(r->result, "there", p->there, e)) < 0)
        return rc;
    return 0;
}

static int push_run(struct cli *cli, struct err *e)
{
    AUTO(run_dispose) struct run r = {.cli = cli, .unpacked = PRIVATE_DIR_INIT};
    bool both = cli_arg_count(cli) == 2;
    int rc = check_type(cli, "type", e);
    if (rc < 0 || (rc = check_type(cli, "attach-type", e)) < 0 ||
        (rc = check_attachments(cli, e)) < 0 ||
        (rc = open_all(&r, cli_arg(cli, both ? 1 : 0), e)) < 0)
        return rc;
    if (both) {
        rc = push_what(&r, cli_arg(cli, 0), e);
    } else {
        char text[DIGEST_TEXT_MAX];
        rc = push_subject(
            &r.push, r.push.expected != NULL ? digest_format(r.push.expected, text) : tag_of(&r),
            &r.pushed, e);
    }
    if (rc < 0 || (rc = set_result(&r, both, e)) < 0 || (rc = attach_all(&r, e)) < 0 ||
        (rc = json_put(r.result, "attachments", steal_ptr(&r.attachments), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&r.result));
    return 0;
}

static const struct cli_option options[] = {
    {"type", 't', CLI_STRING, "TYPE",
     "what the file is, as a media type (default: told by its name or, of JSON, its contents)"},
    {"layout", 'l', CLI_FLAG, NULL, "the file is an OCI layout in a tar (.gz, .xz, .zst)"},
    {"image", 'i', CLI_STRING, "NAME",
     "the image of a layout with several, by its reference name in index.json"},
    {"attach", 'a', CLI_LIST, "FILE",
     "attach a file to what is pushed, or to what REF names: a signed bundle, an SBOM, a verdict"},
    {"attach-type", 0, CLI_STRING, "TYPE",
     "what the attached files are (default: told by their contents)"},
    {"chunk", 0, CLI_NUMBER, "MIB",
     "send blobs in pieces of so many MiB, each of which is sent again when it is lost (default: "
     "at once)"},
    {"registry", 0, CLI_STRING, "HOST[:PORT]",
     "where references without a host are (default: docker.io)"},
    NETWORK_OPTIONS_COMMON,
};

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "[LAYOUT|FILE] REF",
    .exits = "3\tthe certificate of a place is not trusted\n",
    .summary = "push an image or an artifact to a registry, and attach what is said about it",
    .details =
        "LAYOUT is an OCI image layout directory, as assay build, skopeo and umoci write it: its "
        "image (or index, with all its images) is pushed as it is, byte for byte. FILE is an "
        "artifact: a squashfs, an initrd, a stored machine, a bundle. It becomes the one layer of "
        "a manifest whose artifactType says what it is (OCI 1.1).\n\n"
        "Blobs that the registry has are not sent. Bytes are hashed while they are sent, and what "
        "the registry says that it has is compared. The tag moves last: who pulls meanwhile gets "
        "what was there before. With a digest in REF nothing else is pushed than that.\n\n"
        "--attach adds files that refer to the manifest: provenance, SBOM and verdicts are found "
        "by "
        "whoever asks for its referrers (assay pull --referrers, oras discover, cosign). A "
        "registry "
        "without the referrers API gets them into the index under the tag sha256-DIGEST. Without "
        "LAYOUT or FILE they are attached to what REF names now.\n\n" NETWORK_CREDENTIALS_HELP,
    .examples =
        "assay push out/app.oci registry.example/team/app:1.2\tan image that assay build made\n"
        "assay push app.squashfs registry.example/team/app-fs:1.2\tan artifact\n"
        "assay push out/app.oci registry.example/team/app:1.2 --attach app.bundle.json --attach "
        "app.spdx.json\tan image with its provenance and SBOM\n"
        "assay push --attach verdict.bundle.json registry.example/team/app:1.2\ta verdict, beside "
        "what is there\n"
        "assay push --layout images.tar --image app:1.2 localhost:5000/app --plain-http "
        "localhost:5000\tone image of a layout in a tar, without TLS\n",
    .min_args = 1,
    .max_args = 2,
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = push_run,
}};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/var/tmp"),
    NETWORK_ENVIRONMENT,
};

static const struct cli_named files[] = {
    NETWORK_FILES,
};

static const struct cli_program program = {
    .name = "assay-push",
    .summary = "push images and artifacts to registries",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-attest assay-pull",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
