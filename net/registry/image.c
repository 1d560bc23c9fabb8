/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/image.h"

#include "base/json.h"
#include "formats/oci/oci_platform.h"
#include "formats/oci/oci_type.h"

#include <string.h>

enum { DOCUMENT_MAX = 4 * 1024 * 1024, TEXT_MAX = 1024 };

void image_dispose(struct image *image)
{
    json_decref(image->document);
    free(image->items);
    *image = (struct image){0};
}

bool image_type_is_document(const char *type)
{
    return oci_type_document(type) != NULL;
}

bool image_type_is_foreign(const char *type)
{
    return strstr(type, "nondistributable") != NULL || strstr(type, ".foreign.") != NULL;
}

bool image_is_container(const struct image *image)
{
    return !image->is_index && oci_type_is_config(image->config.media_type);
}

/* ---- reading ------------------------------------------------------------------------------ */

static int optional_text(const struct jcur *c, const char *key, const char **out, struct err *e)
{
    struct jcur m;
    return jcur_opt(c, key, &m) ? jcur_string(&m, TEXT_MAX, out, e) : 0;
}

static int read_descriptor(const struct jcur *c, struct image_descriptor *out, struct err *e)
{
    struct jcur annotations;
    struct image_descriptor d = {.json = c->value};
    int rc = jcur_open_object(c, e);
    if (rc < 0 || (rc = jcur_get_string(c, "mediaType", TEXT_MAX, &d.media_type, e)) < 0 ||
        (rc = jcur_get_digest(c, "digest", &d.digest, e)) < 0 ||
        (rc = jcur_get_u64(c, "size", (uint64_t)1 << 53, &d.size, e)) < 0 ||
        (rc = optional_text(c, "artifactType", &d.artifact_type, e)) < 0)
        return rc;
    if (d.digest.alg != DIGEST_SHA256)
        return jcur_fail(c, e, "only sha256 digests are supported");
    if (jcur_opt(c, "annotations", &annotations) &&
        ((rc = jcur_open_object(&annotations, e)) < 0 ||
         (rc = optional_text(&annotations, OCI_TITLE, &d.title, e)) < 0 ||
         (rc = optional_text(&annotations, OCI_REF_NAME, &d.ref_name, e)) < 0))
        return rc;
    *out = d;
    return 0;
}

static int read_items(const struct jcur *c, const char *key, struct image *out, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    int rc = jcur_list(c, key, IMAGE_ITEMS_MAX, &list, &count, e);
    if (rc < 0)
        return rc;
    out->items = array_new(count + 1, sizeof(*out->items));
    if (out->items == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        if ((rc = read_descriptor(&item, &out->items[i], e)) < 0)
            return rc;
    }
    out->count = count;
    return 0;
}

int image_check_schema(const struct jcur *c, struct err *e)
{
    const json_t *version = json_object_get(c->value, "schemaVersion");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return 0;
    return jcur_fail(c, e,
                     "it is of Docker's schema 1, which is not read: push the image again with a "
                     "docker or skopeo of today");
}

/* What it says it is; what it holds must agree. */
static int read_type(const struct jcur *c, struct image *out, struct err *e)
{
    bool manifests = json_object_get(c->value, "manifests") != NULL;
    bool layers = json_object_get(c->value, "layers") != NULL;
    int rc = image_check_schema(c, e);
    if (rc < 0 || (rc = optional_text(c, "mediaType", &out->media_type, e)) < 0)
        return rc;
    if (manifests == layers)
        return jcur_fail(c, e, "is neither a manifest nor an index");
    if (out->media_type == NULL) /* OCI 1.0 documents may leave it out */
        out->media_type = manifests ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
    if (manifests ? !oci_type_is_index(out->media_type) : !oci_type_is_manifest(out->media_type))
        return jcur_fail(c, e, "'%.100s' is not what it holds", out->media_type);
    out->is_index = manifests;
    return optional_text(c, "artifactType", &out->artifact_type, e);
}

static int read_image(struct image *out, const char *what, struct err *e)
{
    struct jcur c = jcur_root(out->document, what);
    struct jcur m;
    int rc = jcur_open_object(&c, e);
    if (rc < 0 || (rc = read_type(&c, out, e)) < 0 ||
        (rc = read_items(&c, out->is_index ? "manifests" : "layers", out, e)) < 0)
        return rc;
    if (!out->is_index && ((rc = jcur_get(&c, "config", &m, e)) < 0 ||
                           (rc = read_descriptor(&m, &out->config, e)) < 0))
        return rc;
    if (!out->is_index && out->artifact_type == NULL)
        out->artifact_type = out->config.media_type;
    out->has_subject = jcur_opt(&c, "subject", &m);
    return out->has_subject ? read_descriptor(&m, &out->subject, e) : 0;
}

int image_parse(const void *data, size_t len, const char *what, struct image *out, struct err *e)
{
    AUTO_IMAGE image = {0};
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 32};
    int rc = json_parse(data, len, what, &limits, &image.document, e);
    if (rc < 0 || (rc = read_image(&image, what, e)) < 0)
        return rc;
    *out = image;
    image = (struct image){0};
    return 0;
}

/* ---- platforms ----------------------------------------------------------------------------------
 */

/* An entry whose platform is malformed is for nothing. */
static void offer(struct oci_choice *choice, size_t index, const json_t *descriptor)
{
    const json_t *p = json_object_get(descriptor, "platform");
    const char *os = json_string_value(json_object_get(p, "os"));
    const char *arch = json_string_value(json_object_get(p, "architecture"));
    const char *variant = json_string_value(json_object_get(p, "variant"));
    if (p == NULL || (os != NULL && arch != NULL))
        oci_choice_offer(choice, index, os, arch, variant);
}

int image_choose(const struct image *index, const char *platform,
                 const struct image_descriptor **out, struct err *e)
{
    struct oci_choice choice = {.wanted = platform};
    char text[ERR_FRAME_MAX];
    for (size_t i = 0; i < index->count; i++)
        offer(&choice, i, index->items[i].json);
    if (oci_choice_problem(&choice, text, sizeof(text)) != NULL)
        return err_set(e, ERR_INPUT, "the index has %s", text);
    *out = &index->items[choice.index];
    return 0;
}

int image_descriptor_make(const char *media_type, const struct digest *digest, uint64_t size,
                          json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (o == NULL)
        return err_oom(e);
    int rc = json_put_string(o, "mediaType", media_type, e);
    if (rc < 0 || (rc = json_put_digest(o, "digest", digest, e)) < 0 ||
        (rc = json_put_u64(o, "size", size, e)) < 0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}
