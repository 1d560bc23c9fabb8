/* SPDX-License-Identifier: Apache-2.0 */
/* encode.oci: a tree as an OCI image of one layer (docs/formats/oci.md). */
#include "base/host.h"
#include "base/media_types.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/oci/oci_layout_write.h"
#include "formats/tar/tar_writer.h"

#include <string.h>

enum {
    WORD_MAX = 64,
    CONFIG_ITEMS_MAX = 4096,
    CONFIG_TEXT_MAX = 65536,
    DOCUMENT_MAX = 16 * 1024 * 1024
};

struct params {
    const char *architecture;
    const char *os;
    uint64_t created;
    struct param_compression compression;
    json_t *config;
    struct glob_list *exclude;
};

/* ---- parameters ------------------------------------------------------------- */

static int check_strings(const struct jcur *list, struct err *e)
{
    size_t count = 0;
    const char *text = NULL;

    int rc = jcur_array(list, CONFIG_ITEMS_MAX, &count, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(list, i);
        if ((rc = jcur_string(&item, CONFIG_TEXT_MAX, &text, e)) < 0)
            return rc;
    }
    return 0;
}

static int check_env(const struct jcur *list, struct err *e)
{
    size_t count = 0;
    int rc;

    if ((rc = check_strings(list, e)) < 0 ||
        (rc = jcur_array(list, CONFIG_ITEMS_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(list, i);
        const char *text = json_string_value(item.value);
        if (text[0] == '=' || strchr(text, '=') == NULL)
            return jcur_fail(&item, e, "'%s' is no NAME=VALUE", text);
    }
    return 0;
}

static int check_string(const struct jcur *c, struct err *e)
{
    const char *text = NULL;

    return jcur_string(c, CONFIG_TEXT_MAX, &text, e);
}

/* An object whose members are strings (Labels), or empty objects (ExposedPorts, Volumes). */
static int check_map(const struct jcur *c, bool of_strings, struct err *e)
{
    static const char *const nothing[] = {NULL};
    const char *key = NULL;
    json_t *value = NULL;

    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    if (json_object_size(c->value) > CONFIG_ITEMS_MAX)
        return jcur_fail(c, e, "more than %d members", CONFIG_ITEMS_MAX);
    json_object_foreach(c->value, key, value)
    {
        struct jcur member = {.value = value, .up = c, .key = key};
        if (of_strings ? (rc = check_string(&member, e)) < 0
                       : (rc = jcur_object(&member, nothing, e)) < 0)
            return rc;
    }
    return 0;
}

static int check_labels(const struct jcur *c, struct err *e)
{
    return check_map(c, true, e);
}

static int check_set(const struct jcur *c, struct err *e)
{
    return check_map(c, false, e);
}

static int check_config(const struct jcur *config, struct err *e)
{
    static const struct {
        const char *key;
        int (*check)(const struct jcur *c, struct err *e);
    } members[] = {
        {"Cmd", check_strings},      {"Entrypoint", check_strings}, {"Env", check_env},
        {"ExposedPorts", check_set}, {"Labels", check_labels},      {"StopSignal", check_string},
        {"User", check_string},      {"Volumes", check_set},        {"WorkingDir", check_string},
    };
    static const char *const keys[] = {"Cmd",        "Entrypoint", "Env",  "ExposedPorts",
                                       "Labels",     "StopSignal", "User", "Volumes",
                                       "WorkingDir", NULL};

    int rc = jcur_object(config, keys, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct jcur c;
        if (jcur_opt(config, members[i].key, &c) && (rc = members[i].check(&c, e)) < 0)
            return rc;
    }
    return 0;
}

static bool word_valid(const char *text)
{
    return *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(text);
}

/* GOARCH and GOOS are words of these letters. */
static const struct param_text word_text = {
    .max = WORD_MAX,
    .valid = word_valid,
    .is = "no word of small letters and digits",
    .said_min = 1,
    .said_max = 4096,
};

static const struct param rows[] = {
    {PARAM_TEXT("architecture", struct params, architecture, &word_text)},
    {PARAM_TEXT("os", struct params, os, &word_text)},
    {PARAM_U64("created", struct params, created), .max = PARAM_SECONDS_MAX, .said = SAID_FROM},
    {PARAM_COMPRESSOR(struct params, compression, compressors_gzip_or_none)},
    {PARAM_OBJECT("config", struct params, config, check_config)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* ---- the layer -------------------------------------------------------------- */

struct layer {
    struct hasher *plain; /* its diff id: of the tar before compression */
    struct sink below;
};

static int write_layer_bytes(void *context, const void *data, size_t len, struct err *e)
{
    struct layer *layer = context;

    int rc = hasher_update(layer->plain, data, len, e);
    if (rc < 0)
        return rc;
    return sink_write(&layer->below, data, len, e);
}

static int write_layer(const struct step_context *context, const struct params *p,
                       const struct tree *tree, const struct view *view, struct digest *diff_id,
                       struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    AUTO_HASHER struct hasher *plain = NULL;
    const struct tar_options options = {
        .tree = tree, .cas = context->cas, .progress = context->progress, .layer = true};
    int rc;

    if ((rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = hasher_new(DIGEST_SHA256, &plain, e)) < 0)
        return rc;
    struct layer layer = {plain, sink_cas(writer)};
    if ((rc = gzip_writer_optional(layer.below, p->compression.level, context->jobs, &zip,
                                   &layer.below, e)) < 0 ||
        (rc = tar_write(&options, view,
                        (struct sink){.write = write_layer_bytes, .context = &layer}, e)) < 0 ||
        (rc = gzip_writer_finish(zip, e)) < 0 || (rc = hasher_final(plain, diff_id, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

/* ---- the documents ---------------------------------------------------------- */

static int put_rootfs(json_t *config, const struct digest *diff_id, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    json_t *rootfs = json_object();
    json_t *ids = NULL;
    int rc;

    if ((rc = json_put(config, "rootfs", rootfs, e)) < 0 ||
        (rc = json_put_string(rootfs, "type", "layers", e)) < 0)
        return rc;
    ids = json_array();
    if ((rc = json_put(rootfs, "diff_ids", ids, e)) < 0)
        return rc;
    return json_push(ids, json_string(digest_format(diff_id, text)), e);
}

static int put_history(json_t *config, const char *created, struct err *e)
{
    json_t *history = json_array();
    json_t *entry = NULL;

    int rc = json_put(config, "history", history, e);
    if (rc < 0)
        return rc;
    entry = json_object();
    if ((rc = json_push(history, entry, e)) < 0 ||
        (rc = json_put_string(entry, "created", created, e)) < 0)
        return rc;
    return json_put_string(entry, "created_by", "assay encode.oci", e);
}

static int put_document(struct cas *cas, const json_t *document, struct digest *digest,
                        uint64_t *size, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX);

    int rc = jcs_format(document, &text, e);
    if (rc < 0)
        return rc;
    *size = text.len;
    return cas_put(cas, text.data, text.len, digest, e);
}

static int write_config(struct cas *cas, const struct params *p, const struct digest *diff_id,
                        struct digest *digest, uint64_t *size, struct err *e)
{
    AUTO_JSON json_t *config = json_object();
    char created[32];
    int rc;

    if (config == NULL)
        return err_oom(e);
    (void)time_format((int64_t)p->created, created);
    if ((rc = json_put_string(config, "architecture", p->architecture, e)) < 0 ||
        (rc = json_put_string(config, "os", p->os, e)) < 0 ||
        (rc = json_put_string(config, "created", created, e)) < 0 ||
        (rc = put_history(config, created, e)) < 0 || (rc = put_rootfs(config, diff_id, e)) < 0)
        return rc;
    if (json_object_size(p->config) != 0 &&
        (rc = json_put(config, "config", json_incref(p->config), e)) < 0)
        return rc;
    return put_document(cas, config, digest, size, e);
}

static int put_descriptor(json_t *descriptor, const char *type, const struct digest *digest,
                          uint64_t size, struct err *e)
{
    int rc;

    if ((rc = json_put_string(descriptor, "mediaType", type, e)) < 0 ||
        (rc = json_put_digest(descriptor, "digest", digest, e)) < 0)
        return rc;
    return json_put_u64(descriptor, "size", size, e);
}

static int write_manifest(struct cas *cas, const struct params *p, const struct digest *config,
                          uint64_t config_size, const struct step_output *layer,
                          struct step_output *out, struct err *e)
{
    AUTO_JSON json_t *manifest = json_object();
    json_t *config_ref = json_object();
    json_t *layers = NULL;
    json_t *layer_ref = NULL;
    int rc;

    if ((rc = json_put(manifest, "config", config_ref, e)) < 0 ||
        (rc = put_descriptor(config_ref, MEDIA_OCI_CONFIG, config, config_size, e)) < 0)
        return rc;
    layers = json_array();
    if ((rc = json_put(manifest, "layers", layers, e)) < 0)
        return rc;
    layer_ref = json_object();
    if ((rc = json_push(layers, layer_ref, e)) < 0 ||
        (rc = put_descriptor(layer_ref,
                             p->compression.level != 0 ? MEDIA_OCI_LAYER_GZIP : MEDIA_OCI_LAYER,
                             &layer->digest, layer->size, e)) < 0 ||
        (rc = json_put_string(manifest, "mediaType", MEDIA_OCI_MANIFEST, e)) < 0 ||
        (rc = json_put_u64(manifest, "schemaVersion", 2, e)) < 0)
        return rc;
    return put_document(cas, manifest, &out->digest, &out->size, e);
}

int step_encode_oci_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_FREE struct digest *related = array_new(2, sizeof(*related));
    const struct params *p = params;
    struct step_output layer = {0};
    struct step_output fresh = {.kind = VALUE_BLOB, .related_count = 2};
    struct digest diff_id;
    uint64_t config_size = 0;
    int rc;

    (void)input_count;
    if (related == NULL)
        return err_oom(e);
    if ((rc = view_build(inputs[0].tree, p->exclude, &view, e)) < 0 ||
        (rc = write_layer(context, p, inputs[0].tree, &view, &diff_id, &layer, e)) < 0 ||
        (rc = write_config(context->cas, p, &diff_id, &related[0], &config_size, e)) < 0)
        return rc;
    related[1] = layer.digest;
    if ((rc = write_manifest(context->cas, p, &related[0], config_size, &layer, &fresh, e)) < 0)
        return rc;
    fresh.related = steal_ptr(&related);
    *out = fresh;
    return 0;
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_encode_oci = {
    .name = "encode.oci",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
