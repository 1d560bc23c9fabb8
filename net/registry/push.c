/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/push.h"

#include "base/file.h"
#include "base/json.h"
#include "base/media_types.h"
#include "base/version.h"
#include "base/workers.h"
#include "formats/oci/oci_layout_write.h"
#include "formats/oci/oci_type.h"
#include "net/registry/download.h"
#include "net/registry/image.h"
#include "net/registry/referrers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOBS_MAX = 65536 };

static int check_expected(const struct push *push, const struct digest *digest, struct err *e)
{
    char got[DIGEST_TEXT_MAX];
    if (push->expected == NULL || digest_equal(push->expected, digest))
        return 0;
    return err_set(e, ERR_INPUT, "the manifest is %s, not the one of the reference",
                   digest_format(digest, got));
}

/* ---- several blobs -------------------------------------------------------------------------- */

struct blobs {
    const struct push *push;
    struct upload *items; /* `path` is owned */
    size_t count;
    size_t cap;
    size_t there; /* by several threads */
};

static void blobs_dispose(struct blobs *b)
{
    for (size_t i = 0; i < b->count; i++)
        free((void *)(uintptr_t)b->items[i].path);
    free(b->items);
}

static int blobs_add(struct blobs *b, const struct upload *upload, struct err *e)
{
    for (size_t i = 0; i < b->count; i++)
        if (digest_equal(&b->items[i].digest, &upload->digest))
            return 0;
    if (b->count == BLOBS_MAX)
        return err_set(e, ERR_INPUT, "more than %d blobs", BLOBS_MAX);
    char *path = NULL;
    int rc = array_grow(&b->items, &b->cap, b->count + 1, sizeof(*b->items), e);
    if (rc < 0 || (upload->path != NULL && (rc = str_copy(&path, upload->path, e)) < 0))
        return rc;
    b->items[b->count] = *upload;
    b->items[b->count++].path = path;
    endpoint_client(b->push->ep)->total += upload->size;
    return 0;
}

static int send_blob(void *context, size_t i, struct err *e)
{
    struct blobs *b = context;
    bool there = false;
    int rc = upload_blob(b->push->ep, &b->items[i], b->push->chunk, &there, e);
    if (rc == 0 && there)
        (void)__atomic_add_fetch(&b->there, 1, __ATOMIC_RELAXED);
    return rc;
}

static int blobs_send(struct blobs *b, struct pushed *out, struct err *e)
{
    int rc = workers_run(client_jobs(endpoint_client(b->push->ep)), b->count, send_blob, b, e);
    out->there = b->there;
    out->blobs = b->count - b->there;
    return rc;
}

/* ---- a layout ------------------------------------------------------------------------------- */

struct document_item {
    struct digest digest;
    struct buf text;
    const char *media_type; /* static */
};

struct layout {
    const char *path;
    struct blobs blobs;
    struct document_item *documents; /* what is named before what names it */
    size_t count;
    size_t cap;
};

static void layout_dispose(struct layout *l)
{
    for (size_t i = 0; i < l->count; i++)
        buf_dispose(&l->documents[i].text);
    free(l->documents);
    blobs_dispose(&l->blobs);
}

static int add_blob(struct layout *l, const struct image_descriptor *d, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct stat st;
    if (image_type_is_foreign(d->media_type))
        return err_set(e, ERR_INPUT,
                       "'%.100s' is no layer that can be taken: its bytes are kept "
                       "elsewhere",
                       d->media_type);
    int rc = oci_blob_path(l->path, &d->digest, &path, e);
    if (rc < 0)
        return rc;
    if (stat(path, &st) != 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != d->size)
        return err_set(e, ERR_INPUT, "'%s' has not the size that its descriptor says", path);
    const struct upload upload = {.digest = d->digest, .size = d->size, .path = path};
    return blobs_add(&l->blobs, &upload, e);
}

static bool has_document(const struct layout *l, const struct digest *digest)
{
    for (size_t i = 0; i < l->count; i++)
        if (digest_equal(&l->documents[i].digest, digest))
            return true;
    return false;
}

static int read_document(const struct layout *l, const struct image_descriptor *d, struct buf *out,
                         struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct digest got;
    int rc = oci_blob_path(l->path, &d->digest, &path, e);
    if (rc < 0 || (rc = file_read(path, out, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, buf_str(out), out->len, &got, e)) < 0)
        return rc;
    if (!digest_equal(&got, &d->digest) || out->len != d->size)
        return err_set(e, ERR_INPUT, "'%s' does not match its digest and size", path);
    return 0;
}

/* The media type as a text that outlives the document. */
static const char *static_type(const char *type)
{
    const char *known = oci_type_document(type);
    return known != NULL ? known : MEDIA_OCI_MANIFEST;
}

/* Everything below a manifest or an index, and then itself. */
static int collect(struct layout *l, const struct image_descriptor *d, unsigned depth,
                   struct err *e)
{
    AUTO_IMAGE image = {0};
    AUTO_BUF text = BUF_INIT(REGISTRY_DOCUMENT_MAX);
    char what[DIGEST_TEXT_MAX];
    if (has_document(l, &d->digest))
        return 0;
    int rc = read_document(l, d, &text, e);
    if (rc < 0 || (rc = image_parse(buf_str(&text), text.len, digest_format(&d->digest, what),
                                    &image, e)) < 0)
        return rc;
    if (image.is_index && depth == IMAGE_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "indexes nested deeper than %d", IMAGE_DEPTH_MAX);
    for (size_t i = 0; rc == 0 && i < image.count; i++) {
        const struct image_descriptor *item = &image.items[i];
        rc = image.is_index && image_type_is_document(item->media_type)
                 ? collect(l, item, depth + 1, e)
                 : add_blob(l, item, e);
    }
    if (rc == 0 && !image.is_index)
        rc = add_blob(l, &image.config, e);
    if (rc < 0 ||
        (rc = array_grow(&l->documents, &l->cap, l->count + 1, sizeof(*l->documents), e)) < 0)
        return rc;
    l->documents[l->count++] =
        (struct document_item){d->digest, text, static_type(image.media_type)};
    text = (struct buf)BUF_INIT(0);
    return 0;
}

static int complain_which(const struct image *index, const char *layout, const char *name,
                          struct err *e)
{
    char names[300] = "";
    size_t len = 0;
    const struct image_descriptor *items = index->items;
    for (size_t i = 0; items != NULL && i < index->count && len < sizeof(names) - 1; i++)
        len += text_print(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "",
                          items[i].ref_name != NULL ? items[i].ref_name : "(unnamed)");
    if (name != NULL)
        return err_set(e, ERR_INPUT, "'%s' has no image '%.100s', or several: it has %s", layout,
                       name, names);
    return err_set(e, index->count == 0 ? ERR_INPUT : ERR_USAGE,
                   "'%s' has %zu images: give --image NAME: %s", layout, index->count, names);
}

static int choose(const struct image *index, const char *layout, const char *name,
                  const struct image_descriptor **out, struct err *e)
{
    const struct image_descriptor *found = NULL;
    for (size_t i = 0; i < index->count; i++) {
        const struct image_descriptor *d = &index->items[i];
        if (name != NULL && (d->ref_name == NULL || strcmp(d->ref_name, name) != 0))
            continue;
        if (found != NULL && !digest_equal(&found->digest, &d->digest))
            return complain_which(index, layout, name, e);
        found = d;
    }
    if (found == NULL)
        return complain_which(index, layout, name, e);
    *out = found;
    return 0;
}

/* Blobs first, then manifests, the last of them under the tag: who reads meanwhile finds all of it,
 * or what was there before. */
static int send_layout(const struct push *push, struct layout *l, const char *tag,
                       struct pushed *out, struct err *e)
{
    int rc = blobs_send(&l->blobs, out, e);
    for (size_t i = 0; rc == 0 && i < l->count; i++) {
        const struct document_item *d = &l->documents[i];
        char text[DIGEST_TEXT_MAX];
        bool last = i + 1 == l->count;
        (void)digest_format(&d->digest, text);
        rc = upload_manifest(push->ep, last && tag != NULL ? tag : text, d->media_type,
                             buf_str(&d->text), d->text.len, &d->digest, &out->registered, e);
        out->digest = d->digest;
        out->size = d->text.len;
        out->media_type = d->media_type;
    }
    return rc;
}

int push_layout(const struct push *push, const char *layout, const char *name, const char *tag,
                struct pushed *out, struct err *e)
{
    AUTO(layout_dispose) struct layout l = {.path = layout, .blobs = {.push = push}};
    AUTO_IMAGE index = {0};
    AUTO_FREE char *path = NULL;
    AUTO_BUF text = BUF_INIT(REGISTRY_DOCUMENT_MAX);
    const struct image_descriptor *root = NULL;
    *out = (struct pushed){0};
    int rc = path_join(&path, layout, "index.json", e);
    if (rc < 0)
        return rc;
    if ((rc = file_read(path, &text, e)) < 0)
        return err_wrap(e, "'%s' is no OCI layout", layout);
    if ((rc = image_parse(buf_str(&text), text.len, path, &index, e)) < 0)
        return rc;
    if (!index.is_index)
        return err_set(e, ERR_INPUT, "'%s' is no index", path);
    if ((rc = choose(&index, layout, name, &root, e)) < 0 ||
        (rc = check_expected(push, &root->digest, e)) < 0 || (rc = collect(&l, root, 0, e)) < 0)
        return rc;
    return send_layout(push, &l, tag, out, e);
}

/* ---- an artifact ---------------------------------------------------------------------------- */

static int put_descriptor(json_t *object, const char *key, const char *media_type,
                          const struct digest *digest, uint64_t size, struct err *e)
{
    json_t *descriptor = NULL;
    int rc = image_descriptor_make(media_type, digest, size, &descriptor, e);
    return rc < 0 ? rc : json_put(object, key, descriptor, e);
}

/* The layer with its file's name, as others that pull it want it. */
static int put_layer(json_t *manifest, const struct artifact *a, const struct upload *file,
                     struct err *e)
{
    AUTO_JSON json_t *layers = json_array();
    AUTO_JSON json_t *layer = NULL;
    json_t *annotations = json_object();
    int rc = image_descriptor_make(a->type, &file->digest, file->size, &layer, e);
    if (rc < 0) {
        json_decref(annotations);
        return rc;
    }
    const char *title = a->title != NULL ? a->title : path_base(a->path);
    if ((rc = json_put(layer, "annotations", annotations, e)) < 0 ||
        (rc = json_put_string(annotations, OCI_TITLE, title, e)) < 0)
        return rc;
    if (layers == NULL)
        return err_oom(e);
    if ((rc = json_push(layers, steal_ptr(&layer), e)) < 0)
        return rc;
    return json_put(manifest, "layers", steal_ptr(&layers), e);
}

static int make_manifest(const struct artifact *a, const struct upload *file,
                         const struct upload *empty, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *m = json_object();
    if (m == NULL)
        return err_oom(e);
    int rc = json_put_u64(m, "schemaVersion", 2, e);
    if (rc < 0 || (rc = json_put_string(m, "mediaType", MEDIA_OCI_MANIFEST, e)) < 0 ||
        (rc = json_put_string(m, "artifactType", a->type, e)) < 0 ||
        (rc = put_descriptor(m, "config", MEDIA_OCI_EMPTY, &empty->digest, empty->size, e)) < 0 ||
        (rc = put_layer(m, a, file, e)) < 0)
        return rc;
    if (a->subject != NULL && (rc = put_descriptor(m, "subject", a->subject->media_type,
                                                   &a->subject->digest, a->subject->size, e)) < 0)
        return rc;
    return jcs_format(m, out, e);
}

static int describe_file(const char *path, struct upload *out, struct err *e)
{
    struct stat st;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' is no regular file", path);
    out->path = path;
    return digest_fd(DIGEST_SHA256, fd, &out->digest, &out->size, e);
}

/* Where the registry does not keep track of subjects, the tag does. */
static int attach(const struct push *push, const struct artifact *a, struct pushed *out,
                  struct err *e)
{
    AUTO_JSON json_t *descriptor = NULL;
    int rc = image_descriptor_make(out->media_type, &out->digest, out->size, &descriptor, e);
    if (rc < 0 || (rc = json_put_string(descriptor, "artifactType", a->type, e)) < 0)
        return rc;
    out->tagged = true;
    return referrers_add(push->ep, &a->subject->digest, descriptor, e);
}

int push_artifact(const struct push *push, const struct artifact *artifact, const char *tag,
                  struct pushed *out, struct err *e)
{
    AUTO(blobs_dispose) struct blobs blobs = {.push = push};
    AUTO_BUF text = BUF_INIT(REGISTRY_DOCUMENT_MAX);
    struct upload file = {.size = 0};
    struct upload empty = {.data = IMAGE_EMPTY_BYTES, .size = strlen(IMAGE_EMPTY_BYTES)};
    struct pushed done = {.media_type = MEDIA_OCI_MANIFEST};
    char name[DIGEST_TEXT_MAX];
    int rc = describe_file(artifact->path, &file, e);
    if (rc < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, empty.data, empty.size, &empty.digest, e)) < 0 ||
        (rc = make_manifest(artifact, &file, &empty, &text, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, text.data, text.len, &done.digest, e)) < 0 ||
        (artifact->subject == NULL && (rc = check_expected(push, &done.digest, e)) < 0) ||
        (rc = blobs_add(&blobs, &file, e)) < 0 || (rc = blobs_add(&blobs, &empty, e)) < 0 ||
        (rc = blobs_send(&blobs, &done, e)) < 0)
        return rc;
    done.size = text.len;
    (void)digest_format(&done.digest, name);
    if ((rc = upload_manifest(push->ep, tag != NULL ? tag : name, MEDIA_OCI_MANIFEST, text.data,
                              text.len, &done.digest, &done.registered, e)) < 0)
        return rc;
    if (artifact->subject != NULL && !done.registered &&
        (rc = attach(push, artifact, &done, e)) < 0)
        return rc;
    *out = done;
    return 0;
}

int push_subject(const struct push *push, const char *name, struct pushed *out, struct err *e)
{
    AUTO_IMAGE image = {0};
    struct document d = DOCUMENT_INIT;
    struct digest digest;
    int rc = download_document(push->ep, name, &d, &digest, NULL, e);
    if (rc == 0)
        rc = image_parse(buf_str(&d.text), d.text.len, name, &image, e);
    if (rc == 0)
        *out = (struct pushed){
            .digest = digest, .size = d.text.len, .media_type = static_type(image.media_type)};
    buf_dispose(&d.text);
    return rc;
}

/* ---- what a file is -----------------------------------------------------------------------------
 */

static const char *type_by_name(const char *path)
{
    static const char *const known[][2] = {
        {".squashfs", MEDIA_ASSAY_SQUASHFS}, {"-initrd.img", MEDIA_ASSAY_INITRD},
        {"-kernel", MEDIA_ASSAY_KERNEL},     {".spdx.json", MEDIA_SPDX},
        {".cdx.json", MEDIA_CYCLONEDX},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_ends(path, known[i][0]))
            return known[i][1];
    return NULL;
}

static const char *type_by_content(const json_t *document)
{
    const char *media = json_string_value(json_object_get(document, "mediaType"));
    const char *type = json_string_value(json_object_get(document, "type"));
    if (media != NULL && str_starts(media, MEDIA_SIGSTORE))
        return media;
    if (json_object_get(document, "payloadType") != NULL)
        return MEDIA_DSSE;
    if (json_object_get(document, "_type") != NULL)
        return MEDIA_INTOTO;
    if (json_object_get(document, "spdxVersion") != NULL)
        return MEDIA_SPDX;
    if (json_object_get(document, "bomFormat") != NULL)
        return MEDIA_CYCLONEDX;
    if (type != NULL && strcmp(type, PLAN_TYPE) == 0)
        return MEDIA_ASSAY_PLAN;
    if (type != NULL && strcmp(type, REPORT_TYPE) == 0)
        return MEDIA_ASSAY_REPORT;
    return NULL;
}

/* RFC 6838 section 4.2, of which registries take nothing else: TYPE/SUBTYPE, no parameters. */
bool push_type_valid(const char *text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "!#$&-^_.+";
    const char *slash = strchr(text, '/');
    if (slash == NULL)
        return false;
    const char *const parts[] = {text, slash + 1};
    const size_t lens[] = {(size_t)(slash - text), strlen(slash + 1)};
    for (size_t i = 0; i < 2; i++)
        if (lens[i] == 0 || lens[i] > 127 || strspn(parts[i], first) == 0 ||
            strspn(parts[i], rest) != lens[i])
            return false;
    return true;
}

int push_type(const char *path, const char *option, char **out, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    struct err ignored = ERR_INIT;
    const struct json_limits limits = {.bytes = 64 * 1024 * 1024, .depth = 128};
    const char *type = type_by_name(path);
    struct stat st;
    if (stat(path, &st) != 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (type == NULL && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= limits.bytes &&
        json_read_file(path, &limits, &document, &ignored) == 0)
        type = type_by_content(document);
    if (type == NULL)
        return err_set(e, ERR_USAGE, "cannot tell what '%s' is: give %s", path, option);
    return str_copy(out, type, e);
}
