/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/oci_layout.h"

#include "base/file.h"
#include "base/media_types.h"
#include "builder/linuxkit/merge.h"
#include "builder/sources/tar_check.h"
#include "formats/oci/oci_layout_write.h"
#include "formats/oci/oci_platform.h"
#include "formats/oci/oci_type.h"
#include "net/registry/image.h"

#include <string.h>

enum {
    DOCUMENT_MAX = 4 * 1024 * 1024, /* of an index, a manifest or a configuration */
    LAYERS_MAX = 512,
    MANIFESTS_MAX = 4096,
    INDEX_DEPTH_MAX = 3, /* of indexes in indexes */
    TEXT_MAX = 1024,
};

struct descriptor {
    struct digest digest;
    uint64_t size;
    const char *media_type;
};

/* ---- the layout's files --------------------------------------------------------------- */

static int want(const struct oci_request *r, const struct oci_wanted *list, size_t count,
                struct err *e)
{
    return r->origin != NULL ? r->origin->fetch(r->origin->context, list, count, e) : 0;
}

/* A document of the layout, checked against its digest and, unless it is not known, its size. */
static int read_document(const struct oci_request *r, const struct oci_wanted *wanted, json_t **out,
                         struct err *e)
{
    const struct digest *digest = &wanted->digest;
    const uint64_t size = wanted->size;
    AUTO_FREE char *path = NULL;
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX);
    struct digest got;
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 32};
    if (size != CAS_SIZE_UNKNOWN && size > DOCUMENT_MAX)
        return err_set(e, ERR_INPUT, "a document of %llu bytes: more than %d are not read",
                       (unsigned long long)size, DOCUMENT_MAX);
    int rc = want(r, wanted, 1, e);
    if (rc < 0 || (rc = oci_blob_path(r->layout, digest, &path, e)) < 0 ||
        (rc = r->origin != NULL ? cas_get(r->cas, digest, &text, e) : file_read(path, &text, e)) <
            0 ||
        (rc = digest_bytes(DIGEST_SHA256, buf_str(&text), text.len, &got, e)) < 0)
        return rc;
    if (!digest_equal(&got, digest))
        return err_set(e, ERR_INPUT, "'%s' does not match its digest", path);
    if (size != CAS_SIZE_UNKNOWN && size != text.len)
        return err_set(e, ERR_INPUT, "'%s' has %zu bytes, its descriptor says %llu", path, text.len,
                       (unsigned long long)size);
    return json_parse(buf_str(&text), text.len, path, &limits, out, e);
}

static int check_layout(const char *layout, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *document = NULL;
    const struct json_limits limits = {.bytes = 4096, .depth = 4};
    const char *version = NULL;
    int rc = path_join(&path, layout, "oci-layout", e);
    if (rc < 0 || (rc = json_read_file(path, &limits, &document, e)) < 0)
        return err_wrap(e, "'%s' is no OCI layout", layout);
    struct jcur c = jcur_root(document, path);
    if ((rc = jcur_open_object(&c, e)) < 0 ||
        (rc = jcur_get_string(&c, "imageLayoutVersion", 32, &version, e)) < 0)
        return rc;
    if (strcmp(version, "1.0.0") != 0)
        return err_set(e, ERR_INPUT, "'%s' is an OCI layout of version %s, not 1.0.0", layout,
                       version);
    return 0;
}

static int read_descriptor(const struct jcur *c, struct descriptor *out, struct err *e)
{
    int rc = jcur_open_object(c, e);
    if (rc < 0 || (rc = jcur_get_string(c, "mediaType", TEXT_MAX, &out->media_type, e)) < 0 ||
        (rc = jcur_get_digest(c, "digest", &out->digest, e)) < 0)
        return rc;
    if (out->digest.alg != DIGEST_SHA256)
        return jcur_fail(c, e, "only sha256 digests are supported");
    return jcur_get_u64(c, "size", (uint64_t)1 << 53, &out->size, e);
}

/* ---- which manifest --------------------------------------------------------------------- */

struct platform {
    const char *os; /* NULL: the descriptor has no platform */
    const char *arch;
    const char *variant; /* NULL: it does not say */
};

static int read_platform(const struct jcur *c, struct platform *out, struct err *e)
{
    struct jcur platform;
    struct jcur variant;
    *out = (struct platform){0};
    if (!jcur_opt(c, "platform", &platform))
        return 0;
    int rc = jcur_open_object(&platform, e);
    if (rc < 0 || (rc = jcur_get_string(&platform, "os", TEXT_MAX, &out->os, e)) < 0 ||
        (rc = jcur_get_string(&platform, "architecture", TEXT_MAX, &out->arch, e)) < 0)
        return rc;
    return jcur_opt(&platform, "variant", &variant)
               ? jcur_string(&variant, TEXT_MAX, &out->variant, e)
               : 0;
}

/* Whether the wanted platform is this one, or one of its variants. */
static int is_of_architecture(const char *wanted, const char *os, const char *arch, bool *is,
                              struct err *e)
{
    AUTO_FREE char *plain = NULL;
    int rc = str_format(&plain, e, "%s/%s", os, arch);
    if (rc < 0)
        return rc;
    size_t len = strlen(plain);
    *is = strncmp(plain, wanted, len) == 0 && (wanted[len] == '\0' || wanted[len] == '/');
    return 0;
}

/* LinuxKit takes the first match, and falls over an entry without a platform. */
static int offer_like_linuxkit(const struct jcur *item, const struct platform *p, size_t index,
                               struct oci_choice *choice, struct err *e)
{
    bool is = false;
    if (p->os == NULL)
        return jcur_fail(item, e,
                         "an entry without a platform: LinuxKit cannot read such an index");
    int rc = is_of_architecture(choice->wanted, p->os, p->arch, &is, e);
    if (rc == 0 && is && choice->rank == 0)
        oci_choice_offer(choice, index, p->os, p->arch, p->variant);
    return rc;
}

static int choose(const struct jcur *index, const struct oci_request *r, struct descriptor *out,
                  struct err *e)
{
    struct jcur list;
    struct oci_choice choice = {.wanted = r->platform};
    char text[ERR_FRAME_MAX];
    size_t count = 0;
    int rc = jcur_get(index, "manifests", &list, e);
    if (rc < 0 || (rc = jcur_array(&list, MANIFESTS_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        struct descriptor d = {0};
        struct platform p;
        if ((rc = read_descriptor(&item, &d, e)) < 0 || (rc = read_platform(&item, &p, e)) < 0)
            return rc;
        if (!r->like_linuxkit)
            oci_choice_offer(&choice, i, p.os, p.arch, p.variant);
        else if ((rc = offer_like_linuxkit(&item, &p, i, &choice, e)) < 0)
            return rc;
    }
    if (oci_choice_problem(&choice, text, sizeof(text)) != NULL)
        return jcur_fail(&list, e, "%s", text);
    struct jcur item = jcur_item(&list, choice.index);
    return read_descriptor(&item, out, e);
}

static int document_type(const struct jcur *c, const char **out, struct err *e)
{
    struct jcur m;
    int rc = jcur_open_object(c, e);
    if (rc < 0 || (rc = image_check_schema(c, e)) < 0)
        return rc;
    if (jcur_opt(c, "mediaType", &m))
        return jcur_string(&m, TEXT_MAX, out, e);
    /* OCI 1.0 documents may leave it out; what they hold tells. */
    *out = json_object_get(c->value, "manifests") != NULL ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
    return 0;
}

/* From the digest asked for down to a manifest, through indexes. */
static int find_manifest(const struct oci_request *r, struct digest *digest, json_t **out,
                         struct err *e)
{
    uint64_t size = CAS_SIZE_UNKNOWN;
    *digest = *r->manifest;
    for (unsigned depth = 0; depth <= INDEX_DEPTH_MAX; depth++) {
        AUTO_JSON json_t *document = NULL;
        const char *type = NULL;
        struct descriptor next = {0};
        char text[DIGEST_TEXT_MAX];
        const struct oci_wanted wanted = {*digest, size, true};
        int rc = read_document(r, &wanted, &document, e);
        if (rc < 0)
            return rc;
        struct jcur c = jcur_root(document, digest_format(digest, text));
        if ((rc = document_type(&c, &type, e)) < 0)
            return rc;
        if (oci_type_is_manifest(type)) {
            *out = steal_ptr(&document);
            return 0;
        }
        if (!oci_type_is_index(type))
            return jcur_fail(&c, e, "'%.100s' is neither a manifest nor an index", type);
        if ((rc = choose(&c, r, &next, e)) < 0)
            return rc;
        *digest = next.digest;
        size = next.size;
    }
    return err_set(e, ERR_INPUT, "indexes nested deeper than %d", INDEX_DEPTH_MAX);
}

/* ---- configuration and layers --------------------------------------------------------------- */

/* The configuration must be for the wanted platform; its rootfs.diff_ids are left in *config. */
static int check_platform(const struct jcur *c, const struct oci_request *r, struct err *e)
{
    const char *os = NULL;
    const char *arch = NULL;
    bool is = false;
    int rc = jcur_get_string(c, "os", TEXT_MAX, &os, e);
    if (rc < 0 || (rc = jcur_get_string(c, "architecture", TEXT_MAX, &arch, e)) < 0 ||
        (rc = is_of_architecture(r->platform, os, arch, &is, e)) < 0)
        return rc;
    return is ? 0 : jcur_fail(c, e, "the image is for %s/%s, not for %s", os, arch, r->platform);
}

static int read_config(const struct jcur *manifest, const struct oci_request *r, json_t **out,
                       struct jcur *root, struct jcur *rootfs, struct jcur *diff_ids, size_t *count,
                       struct err *e)
{
    struct jcur m;
    struct descriptor d = {0};
    int rc = jcur_get(manifest, "config", &m, e);
    if (rc < 0 || (rc = read_descriptor(&m, &d, e)) < 0)
        return rc;
    if (!oci_type_is_config(d.media_type))
        return jcur_fail(&m, e, "'%.100s' is no image configuration", d.media_type);
    const struct oci_wanted wanted = {d.digest, d.size, false};
    if ((rc = read_document(r, &wanted, out, e)) < 0)
        return rc;
    *root = jcur_root(*out, "configuration");
    if ((rc = jcur_open_object(root, e)) < 0 || (rc = check_platform(root, r, e)) < 0 ||
        (rc = jcur_get(root, "rootfs", rootfs, e)) < 0 || (rc = jcur_open_object(rootfs, e)) < 0)
        return rc;
    return jcur_list(rootfs, "diff_ids", LAYERS_MAX, diff_ids, count, e);
}

static int import_blob(const struct oci_request *r, const struct descriptor *d, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct digest digest;
    uint64_t size = 0;
    bool there = false;
    int rc = cas_holds(r->cas, &d->digest, d->size, NULL, &there, e);
    if (rc < 0 || there)
        return rc;
    rc = oci_blob_path(r->layout, &d->digest, &path, e);
    if (rc < 0 || (rc = cas_import_file(r->cas, path, &d->digest, &digest, &size, e)) < 0)
        return rc;
    if (size != d->size)
        return err_set(e, ERR_INPUT, "'%s' has %llu bytes, its descriptor says %llu", path,
                       (unsigned long long)size, (unsigned long long)d->size);
    return 0;
}

static int make_origin(const struct oci_request *r, const struct digest *manifest, const char *role,
                       json_t **out, struct err *e)
{
    AUTO_JSON json_t *from = json_object();
    AUTO_JSON json_t *oci = json_object();
    if (from == NULL || oci == NULL)
        return err_oom(e);
    int rc = json_put_digest(oci, "manifest", manifest, e);
    if (rc == 0 && r->origin != NULL)
        rc = json_put_string(oci, "repository", r->origin->repository, e);
    if (rc < 0 || (rc = json_put_string(oci, "role", role, e)) < 0 ||
        (rc = json_put(from, "oci", steal_ptr(&oci), e)) < 0)
        return rc;
    *out = steal_ptr(&from);
    return 0;
}

static int read_layer(const struct jcur *c, struct descriptor *d, const char **compression,
                      struct err *e)
{
    int rc = read_descriptor(c, d, e);
    if (rc < 0)
        return rc;
    *compression = oci_type_compression(d->media_type);
    if (*compression == NULL)
        return jcur_fail(c, e, "'%.100s' is no layer that can be taken: %s", d->media_type,
                         strstr(d->media_type, "foreign") != NULL ||
                                 strstr(d->media_type, "nondistributable") != NULL
                             ? "its bytes are kept elsewhere"
                             : "tar, tar+gzip and tar+zstd are");
    return 0;
}

/* All layers are judged before the first is fetched, and fetched together. */
static int want_layers(const struct oci_request *r, const struct jcur *layers, size_t count,
                       struct err *e)
{
    AUTO_FREE struct oci_wanted *list = array_new(count, sizeof(*list));
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(layers, i);
        struct descriptor d = {0};
        const char *compression = NULL;
        int rc = read_layer(&item, &d, &compression, e);
        if (rc < 0)
            return rc;
        list[i] = (struct oci_wanted){d.digest, d.size, false};
    }
    return want(r, list, count, e);
}

/* A media type may lie about the compression: the bytes decide, as everywhere else. */
static int judge_bytes(const struct oci_request *r, const struct descriptor *d, size_t index,
                       const char **compression, struct locked *out, struct err *e)
{
    enum compression kind = COMPRESSION_NONE;
    AUTO_CLOSE int fd = -1;
    const char *said = *compression;
    int rc = cas_open_blob(r->cas, &d->digest, &fd, NULL, e);
    if (rc < 0 || (rc = compression_of_file(fd, &kind, e)) < 0)
        return rc;
    if (strcmp(compression_names[kind], said) == 0)
        return 0;
    if ((rc = tar_check(fd, "", &kind, e)) < 0)
        return err_wrap(e, "layer %zu is of the type '%.100s', but", index, d->media_type);
    *compression = compression_names[kind];
    return locked_note(out, e,
                       "image '%.200s': layer %zu is of the type '%.100s', but its bytes are %s: "
                       "they decide",
                       r->name, index, d->media_type,
                       kind == COMPRESSION_NONE ? "a plain tar" : compression_names[kind]);
}

static int lock_layer(const struct oci_request *r, const struct digest *manifest,
                      const struct jcur *c, const struct digest *diff_id, struct locked *out,
                      struct locked_image *image, struct err *e)
{
    struct descriptor d = {0};
    json_t *from = NULL;
    AUTO_FREE char *id = NULL;
    struct locked_layer layer = {.form = "tar", .has_diff_id = true, .diff_id = *diff_id};
    int rc = read_layer(c, &d, &layer.compression, e);
    if (rc < 0)
        return rc;
    if ((rc = import_blob(r, &d, e)) < 0 ||
        (rc = judge_bytes(r, &d, image->layer_count, &layer.compression, out, e)) < 0 ||
        (rc = make_origin(r, manifest, "layer", &from, e)) < 0 ||
        (rc = str_format(&id, e, "%s.%zu", r->name, image->layer_count)) < 0) {
        json_decref(from);
        return rc;
    }
    if ((rc = locked_add_blob(out, "oci.", id, &d.digest, d.size, from, &layer.blob, e)) < 0)
        return rc;
    return locked_add_layer(image, &layer, e);
}

static int lock_config(const struct oci_request *r, const struct digest *manifest,
                       const struct jcur *c, struct locked *out, struct locked_image *image,
                       struct err *e)
{
    struct jcur m;
    struct descriptor d = {0};
    json_t *from = NULL;
    AUTO_FREE char *id = NULL;
    int rc = jcur_get(c, "config", &m, e);
    if (rc < 0 || (rc = read_descriptor(&m, &d, e)) < 0 || (rc = import_blob(r, &d, e)) < 0 ||
        (rc = str_format(&id, e, "%s.config", r->name)) < 0 ||
        (rc = make_origin(r, manifest, "config", &from, e)) < 0)
        return rc;
    rc = locked_add_blob(out, "oci.", id, &d.digest, d.size, from, &image->config, e);
    image->has_config = rc == 0;
    return rc;
}

/* LinuxKit validates an image that stands behind no index as if all its layers were gzip. */
static int check_plain_image(const struct oci_request *r, const struct digest *digest,
                             const struct jcur *layers, size_t count, struct err *e)
{
    bool plain = r->like_linuxkit && digest_equal(digest, r->manifest);
    for (size_t i = 0; plain && i < count; i++) {
        struct jcur item = jcur_item(layers, i);
        struct descriptor d = {0};
        const char *compression = NULL;
        int rc = read_layer(&item, &d, &compression, e);
        if (rc < 0)
            return rc;
        if (strcmp(compression, "gzip") != 0)
            return jcur_fail(
                &item, e, "LinuxKit refuses a layer that is not gzip in an image without an index");
    }
    return 0;
}

static int lock_layers(const struct oci_request *r, const struct digest *digest, json_t *manifest,
                       struct locked *out, struct err *e)
{
    struct jcur c = jcur_root(manifest, "manifest");
    struct jcur layers;
    struct jcur root;
    struct jcur rootfs;
    struct jcur diff_ids;
    AUTO_JSON json_t *config = NULL;
    struct locked_image *image = NULL;
    size_t count = 0;
    size_t diff_count = 0;
    int rc = read_config(&c, r, &config, &root, &rootfs, &diff_ids, &diff_count, e);
    if (rc < 0 || (rc = jcur_list(&c, "layers", LAYERS_MAX, &layers, &count, e)) < 0)
        return rc;
    if (count != diff_count)
        return jcur_fail(&layers, e, "%zu layers, but %zu diff_ids in the configuration", count,
                         diff_count);
    if ((rc = check_plain_image(r, digest, &layers, count, e)) < 0 ||
        (rc = want_layers(r, &layers, count, e)) < 0 ||
        (rc = locked_add_image(out, r->name, &image, e)) < 0 ||
        (r->keep_config && (rc = lock_config(r, digest, &c, out, image, e)) < 0))
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&layers, i);
        struct jcur diff = jcur_item(&diff_ids, i);
        struct digest diff_id;
        if ((rc = jcur_digest(&diff, &diff_id, e)) < 0 ||
            (rc = lock_layer(r, digest, &item, &diff_id, out, image, e)) < 0)
            return rc;
    }
    return 0;
}

int oci_lock(const struct oci_request *request, struct locked *out, struct err *e)
{
    AUTO_JSON json_t *manifest = NULL;
    struct digest digest;
    int rc = check_layout(request->layout, e);
    if (rc < 0 || (rc = find_manifest(request, &digest, &manifest, e)) < 0 ||
        (rc = lock_layers(request, &digest, manifest, out, e)) < 0)
        return request->origin != NULL ? rc : err_wrap(e, "OCI layout '%s'", request->layout);
    return 0;
}

/* ---- by name --------------------------------------------------------------------------------- */

static int has_name(const struct jcur *item, const char *name, const char *expanded, bool *out,
                    struct err *e)
{
    struct jcur annotations;
    struct jcur ref;
    const char *text = NULL;
    *out = name == NULL;
    if (name == NULL || !jcur_opt(item, "annotations", &annotations))
        return 0;
    int rc = jcur_open_object(&annotations, e);
    if (rc < 0 || !jcur_opt(&annotations, OCI_REF_NAME, &ref))
        return rc;
    if ((rc = jcur_string(&ref, TEXT_MAX, &text, e)) < 0)
        return rc;
    *out = strcmp(text, name) == 0 || strcmp(text, expanded) == 0;
    return 0;
}

int oci_find(const char *layout, const char *name, bool *found, struct digest *manifest,
             struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *expanded = NULL;
    AUTO_JSON json_t *document = NULL;
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 32};
    struct jcur list;
    size_t count = 0;
    int rc = check_layout(layout, e);
    if (rc < 0 || (name != NULL && (rc = linuxkit_reference(name, &expanded, e)) < 0) ||
        (rc = path_join(&path, layout, "index.json", e)) < 0 ||
        (rc = json_read_file(path, &limits, &document, e)) < 0)
        return rc;
    struct jcur c = jcur_root(document, path);
    if ((rc = jcur_open_object(&c, e)) < 0 || (rc = jcur_get(&c, "manifests", &list, e)) < 0 ||
        (rc = jcur_array(&list, MANIFESTS_MAX, &count, e)) < 0)
        return rc;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        struct descriptor d = {0};
        bool named = false;
        if ((rc = read_descriptor(&item, &d, e)) < 0 ||
            (rc = has_name(&item, name, expanded, &named, e)) < 0)
            return rc;
        if (!named)
            continue;
        if (any && !digest_equal(manifest, &d.digest))
            return name == NULL ? jcur_fail(&list, e, "there are %zu images: say which", count)
                                : jcur_fail(&item, e, "a second image is called '%s'", name);
        any = true;
        *manifest = d.digest;
    }
    *found = any;
    return 0;
}

/* ---- blobs alone ------------------------------------------------------------------------------
 */

static int blob_origin(const char *role, const struct digest *manifest, json_t **out, struct err *e)
{
    AUTO_JSON json_t *from = json_object();
    AUTO_JSON json_t *oci = json_object();
    if (from == NULL || oci == NULL)
        return err_oom(e);
    int rc = json_put_digest(oci, "manifest", manifest, e);
    if (rc < 0 || (rc = json_put_string(oci, "role", role, e)) < 0 ||
        (rc = json_put(from, "oci", steal_ptr(&oci), e)) < 0)
        return rc;
    *out = steal_ptr(&from);
    return 0;
}

int oci_lock_blob(const struct oci_blob *blob, struct cas *cas, struct locked *out, size_t *index,
                  struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct digest got;
    uint64_t size = 0;
    json_t *from = NULL;
    int rc = oci_blob_path(blob->layout, &blob->digest, &path, e);
    if (rc < 0 || (rc = cas_import_file(cas, path, &blob->digest, &got, &size, e)) < 0 ||
        (rc = blob_origin(blob->role, &blob->manifest, &from, e)) < 0)
        return rc;
    return locked_add_blob(out, "oci.", blob->role, &blob->digest, size, from, index, e);
}
