/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/oci_volume.h"

#include "base/media_types.h"
#include "builder/lock/oci_layout.h"

#include <string.h>

enum { DOCUMENT_MAX = 4 * 1024 * 1024, LAYERS_MAX = 512, MANIFESTS_MAX = 4096, TEXT_MAX = 1024 };

struct run {
    const char *layout;
    struct cas *cas;
    struct locked *locked;
    struct locked_layout *out;
};

static int take_blob(const struct run *r, const char *role, const struct digest *manifest,
                     const struct digest *digest, size_t *index, struct err *e)
{
    const struct oci_blob blob = {
        .layout = r->layout, .role = role, .manifest = *manifest, .digest = *digest};
    return oci_lock_blob(&blob, r->cas, r->locked, index, e);
}

static int read_document(const struct run *r, const struct digest *digest, json_t **out,
                         struct err *e)
{
    static const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 32};
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX);
    char name[DIGEST_TEXT_MAX];
    int rc = cas_get(r->cas, digest, &text, e);
    return rc < 0
               ? rc
               : json_parse(buf_str(&text), text.len, digest_format(digest, name), &limits, out, e);
}

static int push_blob(const struct run *r, const char *role, const struct digest *manifest,
                     const struct jcur *descriptor, struct err *e)
{
    struct digest digest;
    size_t index = 0;
    int rc = jcur_open_object(descriptor, e);
    if (rc < 0 || (rc = jcur_get_digest(descriptor, "digest", &digest, e)) < 0 ||
        (rc = take_blob(r, role, manifest, &digest, &index, e)) < 0)
        return rc;
    return locked_layout_push(r->out, index, e);
}

/* What a manifest names: its configuration and layers. */
static int push_parts(const struct run *r, const struct digest *digest, json_t *document,
                      struct err *e)
{
    const struct jcur c = jcur_root(document, "manifest");
    struct jcur config;
    struct jcur layers;
    size_t count = 0;
    int rc = jcur_open_object(&c, e);
    if (rc < 0 || (rc = jcur_get(&c, "config", &config, e)) < 0 ||
        (rc = push_blob(r, "config", digest, &config, e)) < 0 ||
        (rc = jcur_get(&c, "layers", &layers, e)) < 0 ||
        (rc = jcur_array(&layers, LAYERS_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct jcur item = jcur_item(&layers, i);
        rc = push_blob(r, "layer", digest, &item, e);
    }
    return rc;
}

static int push_manifest(const struct run *r, const struct digest *digest, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    size_t index = 0;
    int rc = take_blob(r, "manifest", digest, digest, &index, e);
    if (rc < 0 || (rc = read_document(r, digest, &document, e)) < 0 ||
        (rc = push_parts(r, digest, document, e)) < 0)
        return rc;
    return locked_layout_push(r->out, index, e);
}

/* "os/architecture" or "os/architecture/variant" of an index's entry; "" when it says none. */
static int platform_text(const struct jcur *item, char **out, struct err *e)
{
    struct jcur platform;
    struct jcur m;
    const char *os = NULL;
    const char *arch = NULL;
    const char *variant = "";
    if (!jcur_opt(item, "platform", &platform))
        return str_copy(out, "", e);
    int rc = jcur_open_object(&platform, e);
    if (rc < 0 || (rc = jcur_get_string(&platform, "os", TEXT_MAX, &os, e)) < 0 ||
        (rc = jcur_get_string(&platform, "architecture", TEXT_MAX, &arch, e)) < 0 ||
        (jcur_opt(&platform, "variant", &m) && (rc = jcur_string(&m, TEXT_MAX, &variant, e)) < 0))
        return rc;
    return str_format(out, e, "%s/%s%s%s", os, arch, *variant != '\0' ? "/" : "", variant);
}

static bool wanted(const struct linuxkit_volume *v, const char *platform)
{
    for (size_t i = 0; i < json_array_size(v->platforms); i++)
        if (strcmp(json_string_value(json_array_get(v->platforms, i)), platform) == 0)
            return true;
    return v->platforms == NULL;
}

static int push_index(const struct run *r, json_t *document, const struct linuxkit_volume *v,
                      struct err *e)
{
    const struct jcur c = jcur_root(document, "index");
    struct jcur list;
    size_t count = 0;
    size_t found = 0;
    int rc = jcur_get(&c, "manifests", &list, e);
    if (rc < 0 || (rc = jcur_array(&list, MANIFESTS_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        const struct jcur item = jcur_item(&list, i);
        AUTO_FREE char *platform = NULL;
        struct digest digest;
        if ((rc = jcur_open_object(&item, e)) < 0 ||
            (rc = platform_text(&item, &platform, e)) < 0 ||
            (rc = jcur_get_digest(&item, "digest", &digest, e)) < 0)
            return rc;
        if (!wanted(v, platform))
            continue;
        found++;
        if ((rc = push_manifest(r, &digest, e)) < 0)
            return rc;
    }
    return found > 0 ? 0 : err_set(e, ERR_INPUT, "the image has none of the volume's platforms");
}

int oci_volume_lock(const char *layout, const struct digest *root, const struct linuxkit_volume *v,
                    size_t volume, struct cas *cas, struct locked *out, struct err *e)
{
    struct run r = {.layout = layout, .cas = cas, .locked = out};
    AUTO_JSON json_t *document = NULL;
    size_t index = 0;
    int rc = take_blob(&r, "manifest", root, root, &index, e);
    if (rc < 0 || (rc = read_document(&r, root, &document, e)) < 0)
        return rc;
    const struct jcur c = jcur_root(document, "image");
    struct jcur m;
    if ((rc = jcur_open_object(&c, e)) < 0)
        return rc;
    bool is_index = json_object_get(document, "manifests") != NULL;
    const char *type = is_index ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
    if ((jcur_opt(&c, "mediaType", &m) && (rc = jcur_string(&m, 255, &type, e)) < 0) ||
        (rc = locked_add_layout(out, volume, type, index, &r.out, e)) < 0)
        return rc;
    return is_index ? push_index(&r, document, v, e) : push_parts(&r, root, document, e);
}
