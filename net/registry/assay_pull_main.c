/* SPDX-License-Identifier: Apache-2.0 */
/* assay pull: images and artifacts of a registry, and what is said about them. */
#include "base/cli.h"
#include "base/json.h"
#include "base/media_types.h"
#include "base/place.h"
#include "formats/oci/oci_layout_write.h"
#include "net/registry/network.h"
#include "net/registry/pull.h"
#include "net/registry/referrers.h"

#include <inttypes.h>
#include <string.h>

struct run {
    struct cli *cli;
    struct cas *cas;
    struct progress *progress;
    struct network network;
    struct repository repository;
    struct reference reference;
    struct digest digest; /* of the manifest or index */
    json_t *result;
};

static void run_dispose(struct run *r)
{
    progress_end(r->progress);
    repository_dispose(&r->repository);
    network_close(&r->network);
    cas_close(r->cas);
    json_decref(r->result);
}

static int open_all(struct run *r, struct err *e)
{
    AUTO_FREE char *store = NULL;
    const char *registry = cli_string(r->cli, "registry");
    if (registry != NULL && !reference_host_valid(registry))
        return err_set(e, ERR_USAGE, "--registry '%s' is no HOST[:PORT]", PLACE_SHOWN(registry));
    int rc = reference_parse(cli_arg(r->cli, 0), registry, &r->reference, e);
    if (rc < 0 || (rc = cli_store_path(r->cli, &store, e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &r->cas, e)) < 0)
        return rc;
    r->progress = progress_start(!cli_quiet(r->cli) && !cli_json(r->cli));
    r->result = json_object();
    if (r->result == NULL)
        return err_oom(e);
    if ((rc = network_open(r->cli, NETWORK_MIRRORS, r->cas, r->progress, &r->network, e)) < 0)
        return rc;
    r->network.client.label = r->reference.path;
    return repository_open(&r->network.client, &r->reference, &r->network.mirrors, &r->repository,
                           e);
}

static int resolve(struct run *r, struct err *e)
{
    r->digest = r->reference.digest;
    return r->digest.alg != 0 ? 0
                              : repository_resolve(&r->repository, r->reference.tag, &r->digest, e);
}

static int name_of(const struct run *r, char **out, struct err *e)
{
    const char *tag = r->reference.tag;
    return str_format(out, e, "%s/%s%s%s", r->reference.host, r->reference.path,
                      tag[0] != '\0' ? ":" : "", tag);
}

/* ---- images and artifacts ---------------------------------------------------------------------
 */

static int keep(struct run *r, const struct image *image, const char *name, struct err *e)
{
    uint64_t size = 0;
    AUTO_FREE char *reference = NULL;
    if (!cas_has(r->cas, &r->digest, &size))
        return err_set(e, ERR_HOST, "the store lost what was fetched");
    int rc = str_format(&reference, e, "image:%.240s", name);
    return rc < 0 ? rc : cas_ref_set(r->cas, reference, image->media_type, &r->digest, size, e);
}

static int write_out(struct run *r, const struct image *image, const char *name, const char *out,
                     const char **as, struct err *e)
{
    bool layout = image->is_index || image_is_container(image) || cli_flag(r->cli, "layout");
    if (out == NULL) {
        *as = "store";
        return keep(r, image, name, e);
    }
    *as = layout ? "layout" : "files";
    if (!layout)
        return pull_export(r->cas, image, out, e);
    const char *tag = r->reference.tag[0] != '\0' ? r->reference.tag : NULL;
    return oci_layout_export(r->cas, &r->digest, tag, out, e);
}

static int pull_image(struct run *r, struct err *e)
{
    AUTO_IMAGE image = {0};
    AUTO_FREE char *name = NULL;
    const char *out = cli_string(r->cli, "output");
    const char *as = NULL;
    char text[DIGEST_TEXT_MAX];
    int rc = pull_fetch(&r->repository, cli_string(r->cli, "platform"), &r->digest, &image, e);
    progress_end(r->progress);
    r->progress = r->network.client.progress = NULL;
    if (rc < 0 || (rc = name_of(r, &name, e)) < 0 ||
        (rc = write_out(r, &image, name, out, &as, e)) < 0)
        return rc;
    cli_say(r->cli, "pulled %s, %s: %s%s%s\n", name, digest_format(&r->digest, text),
            image.is_index               ? "an index"
            : image_is_container(&image) ? "an image"
                                         : image.artifact_type,
            out != NULL ? " in " : ", in the store", out != NULL ? out : "");
    if ((rc = json_put_string(r->result, "reference", name, e)) < 0 ||
        (rc = json_put_digest(r->result, "digest", &r->digest, e)) < 0 ||
        (rc = json_put_string(r->result, "mediaType", image.media_type, e)) < 0 ||
        (rc = json_put_string(r->result, "as", as, e)) < 0)
        return rc;
    return image.artifact_type != NULL
               ? json_put_string(r->result, "artifactType", image.artifact_type, e)
               : 0;
}

/* ---- referrers ----------------------------------------------------------------------------------
 */

/* What it says it refers to must be what was asked for: the registry's word is not enough. */
static int pull_referrer(struct run *r, const json_t *descriptor, json_t *taken, struct err *e)
{
    AUTO_IMAGE image = {0};
    struct digest digest;
    int rc = digest_parse(json_string_value(json_object_get(descriptor, "digest")), &digest, e);
    if (rc < 0 || (rc = pull_fetch(&r->repository, NULL, &digest, &image, e)) < 0)
        return rc;
    if (image.is_index || !image.has_subject || !digest_equal(&image.subject.digest, &r->digest))
        return err_set(e, ERR_INPUT, "it does not refer to what was asked for");
    return pull_export_among(r->cas, &image, &digest, cli_string(r->cli, "output"), taken, e);
}

static int say_referrer(const struct run *r, const json_t *descriptor)
{
    const char *type = json_string_value(json_object_get(descriptor, "artifactType"));
    cli_say(r->cli, "%s  %s\n", json_string_value(json_object_get(descriptor, "digest")),
            type != NULL ? type : "(no type)");
    return 0;
}

static int pull_referrers(struct run *r, struct err *e)
{
    AUTO_JSON json_t *list = NULL;
    AUTO_JSON json_t *taken = json_object();
    bool api = false;
    /* The registry itself says what there is; bytes may come from its mirrors. */
    struct endpoint *ep = r->repository.endpoints[r->repository.count - 1];
    int rc = referrers_list(ep, &r->digest, cli_string(r->cli, "type"), &list, &api, e);
    if (rc < 0)
        return rc;
    if (taken == NULL)
        return err_oom(e);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *descriptor = json_array_get(list, i);
        if (cli_string(r->cli, "output") != NULL &&
            (rc = pull_referrer(r, descriptor, taken, e)) < 0)
            return err_wrap(e, "referrer %.80s",
                            json_string_value(json_object_get(descriptor, "digest")));
        if ((rc = say_referrer(r, descriptor)) < 0)
            return rc;
    }
    if ((rc = json_put_digest(r->result, "subject", &r->digest, e)) < 0 ||
        (rc = json_put_string(r->result, "by", api ? "api" : "tag", e)) < 0)
        return rc;
    return json_put(r->result, "referrers", steal_ptr(&list), e);
}

static int pull_run(struct cli *cli, struct err *e)
{
    AUTO(run_dispose) struct run r = {.cli = cli};
    bool referrers = cli_flag(cli, "referrers");
    if (!referrers && cli_string(cli, "type") != NULL)
        return err_set(e, ERR_USAGE, "--type goes with --referrers");
    int rc = open_all(&r, e);
    if (rc < 0 || (rc = resolve(&r, e)) < 0 ||
        (rc = referrers ? pull_referrers(&r, e) : pull_image(&r, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&r.result));
    return 0;
}

static const struct cli_option options[] = {
    {"output", 'o', CLI_OUTPUT_PATH, "PATH",
     "an image: the OCI layout directory to write; an artifact: its file, or a directory for its "
     "files (default: only into the store, as image:REF)"},
    {"platform", 'p', CLI_STRING, "OS/ARCH[/VARIANT]",
     "of an index only the image for it (default: the whole index)"},
    {"layout", 'l', CLI_FLAG, NULL, "write an artifact as an OCI layout, too"},
    {"referrers", 'r', CLI_FLAG, NULL,
     "list what is attached to REF instead; with --output, also write its files to that directory"},
    {"type", 't', CLI_STRING, "TYPE", "of the referrers only those of this type"},
    CLI_OPTION_STORE,
    {"registry", 0, CLI_STRING, "HOST[:PORT]",
     "where references without a host are (default: docker.io)"},
    NETWORK_OPTIONS_MIRRORS,
    NETWORK_OPTIONS_COMMON,
};

static const struct cli_command commands[] = {{
    .name = NULL,
    .arguments = "REF",
    .exits = "3\tthe certificate of a place is not trusted\n"
             "5\tit is not there, or its bytes are not those of its digest\n",
    .summary = "pull an image or an artifact from a registry, or list what is attached to it",
    .details =
        "Everything is fetched into the blob store, checked against its digest while it comes in, "
        "and what the store has is not fetched again. With --output an image (or a whole index) is "
        "written as an OCI image layout directory that skopeo, umoci and assay push read, and an "
        "artifact as its files, under the names that its manifest gives them.\n\n"
        "--referrers lists what refers to REF's manifest: provenance, SBOM, verdicts, signatures. "
        "The registry's referrers API is asked, or the index under the tag sha256-DIGEST where it "
        "has none. What is downloaded must name REF's manifest as its subject; what a signature in "
        "it is worth, assay verify says.\n\n"
        "Mirrors are asked first (--mirror, registries.json); a tag is what the registry itself "
        "says, unless the mirror may say so.\n\n" NETWORK_CREDENTIALS_HELP,
    .examples = "assay pull registry.example/team/app:1.2 -o app\tan image, as an OCI layout\n"
                "assay pull registry.example/team/app-fs:1.2 -o app.squashfs\tan artifact\n"
                "assay pull --platform linux/riscv64 docker.io/library/alpine:3.20 -o alpine\tone "
                "platform's image\n"
                "assay pull --referrers registry.example/team/app:1.2\twhat is attached\n"
                "assay pull --referrers --type " MEDIA_SIGSTORE_BUNDLE
                " registry.example/team/app:1.2 -o bundles\tthe signed bundles, as files\n",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = pull_run,
}};

static const struct cli_named environment[] = {
    NETWORK_ENVIRONMENT,
};

static const struct cli_named files[] = {
    NETWORK_FILES,
};

static const struct cli_program program = {
    .name = "assay-pull",
    .summary = "pull images and artifacts from registries",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-fetch assay-push",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
