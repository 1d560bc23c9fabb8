/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_linuxkit.h"

#include "base/file.h"
#include "base/media_types.h"
#include "base/place.h"
#include "builder/linuxkit/compat_check.h"
#include "builder/linuxkit/compat_image.h"
#include "builder/linuxkit/compat_plan.h"
#include "builder/linuxkit/compat_warn.h"
#include "builder/linuxkit/merge.h"
#include "builder/lock/expansion.h"
#include "builder/lock/layouts.h"
#include "builder/lock/oci_layout.h"
#include "builder/plan/plan.h"
#include "builder/steps/step.h"
#include "formats/oci/oci_type.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { DOCUMENT_MAX = 4 * 1024 * 1024, MANIFESTS_MAX = 4096 };

struct run {
    const struct compat_options *o;
    struct locked *locked;
    struct layouts layouts;
    size_t visible;
    const char *arch;
    char *platform;
    char *name;
    struct yaml_doc *places; /* the merged document, for complaints */
    json_t *formats;
    json_t *written; /* merged, as people wrote it */
    json_t *document;
    json_t *images;
    json_t *volumes;
    json_t *sources;
};

static void run_dispose(struct run *r)
{
    layouts_close(&r->layouts);
    free(r->platform);
    free(r->name);
    yaml_doc_free(r->places);
    json_decref(r->formats);
    json_decref(r->written);
    json_decref(r->document);
    json_decref(r->images);
    json_decref(r->volumes);
    json_decref(r->sources);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* Images that no layout has are pulled, where that is asked for. */
static int find(const struct run *r, const char *reference, const char **layout,
                struct digest *manifest, struct err *e)
{
    int rc = layouts_find(&r->layouts, reference, layout, manifest, e);
    if (rc < 0 || *layout != NULL || r->o->pull != NULL)
        return rc;
    return err_set(e, ERR_INPUT, "no image '%s' in the layouts of --images",
                   PLACE_SHOWN(reference));
}

/* ---- images ------------------------------------------------------------------------------------
 */

static int image_params(const struct locked_image *image, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    AUTO_JSON json_t *layers = json_array();
    if (object == NULL || layers == NULL)
        return err_oom(e);
    int rc = json_put_string(object, "name", image->name, e);
    if (rc == 0)
        rc = json_put_u64(object, "config", image->config, e);
    for (size_t i = 0; rc == 0 && i < image->layer_count; i++) {
        AUTO_JSON json_t *layer = json_object();
        if (layer == NULL)
            return err_oom(e);
        if ((rc = json_put_u64(layer, "blob", image->layers[i].blob, e)) == 0 &&
            (rc = json_put_string(layer, "compression", image->layers[i].compression, e)) == 0)
            rc = json_push(layers, steal_ptr(&layer), e);
    }
    if (rc < 0 || (rc = json_put(object, "layers", steal_ptr(&layers), e)) < 0)
        return rc;
    *out = steal_ptr(&object);
    return 0;
}

static int lock_image(struct run *r, const char *reference, struct err *e)
{
    const char *layout = NULL;
    struct digest manifest;
    json_t *params = NULL;
    if (*reference == '\0' || locked_image_find(r->locked, reference) != NULL)
        return 0;
    int rc = find(r, reference, &layout, &manifest, e);
    if (rc == 0 && layout == NULL)
        rc = r->o->pull(r->o->context, reference, r->platform, r->locked, e);
    if (rc < 0)
        return rc;
    const struct oci_request request = {.layout = layout,
                                        .manifest = &manifest,
                                        .platform = r->platform,
                                        .name = reference,
                                        .keep_config = true,
                                        .like_linuxkit = true,
                                        .cas = r->o->cas};
    if (layout != NULL && (rc = oci_lock(&request, r->locked, e)) < 0)
        return err_wrap(e, "image '%s'", PLACE_SHOWN(reference));
    rc = image_params(locked_image_find(r->locked, reference), &params, e);
    return rc < 0 ? rc : json_push(r->images, params, e);
}

static int lock_images(struct run *r, struct err *e)
{
    static const char *const lists[] = {"onboot", "onshutdown", "services"};
    const json_t *init = json_object_get(r->document, "init");
    int rc = lock_image(r, text_of(json_object_get(r->document, "kernel"), "image"), e);
    for (size_t i = 0; rc == 0 && i < json_array_size(init); i++)
        rc = lock_image(r, json_string_value(json_array_get(init, i)), e);
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        const json_t *list = json_object_get(r->document, lists[l]);
        for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
            rc = lock_image(r, text_of(json_array_get(list, i), "image"), e);
    }
    return rc;
}

/* ---- volumes of format oci
 * ------------------------------------------------------------------------ */

static int take_blob(struct run *r, const char *layout, const char *role,
                     const struct digest *manifest, const struct digest *digest, size_t *index,
                     struct err *e)
{
    const struct oci_blob blob = {
        .layout = layout, .role = role, .manifest = *manifest, .digest = *digest};
    return oci_lock_blob(&blob, r->o->cas, r->locked, index, e);
}

static int read_blob(struct run *r, const struct digest *digest, json_t **out, struct err *e)
{
    static const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 32};
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX);
    int rc = cas_get(r->o->cas, digest, &text, e);
    return rc < 0 ? rc : json_parse(buf_str(&text), text.len, "image document", &limits, out, e);
}

static int push_index(json_t *list, size_t index, struct err *e)
{
    return json_push(list, json_integer((json_int_t)index), e);
}

/* The configuration, the layers, then the manifest itself. */
static int take_manifest(struct run *r, const char *layout, const struct digest *digest,
                         json_t *blobs, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    struct jcur config;
    struct jcur layers;
    struct digest next;
    size_t count = 0;
    size_t own = 0;
    size_t index = 0;
    int rc = take_blob(r, layout, "manifest", digest, digest, &own, e);
    if (rc < 0 || (rc = read_blob(r, digest, &document, e)) < 0)
        return rc;
    struct jcur c = jcur_root(document, "manifest");
    if ((rc = jcur_get(&c, "config", &config, e)) < 0 ||
        (rc = jcur_get_digest(&config, "digest", &next, e)) < 0 ||
        (rc = take_blob(r, layout, "config", digest, &next, &index, e)) < 0 ||
        (rc = push_index(blobs, index, e)) < 0 || (rc = jcur_get(&c, "layers", &layers, e)) < 0 ||
        (rc = jcur_array(&layers, MANIFESTS_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&layers, i);
        if ((rc = jcur_get_digest(&item, "digest", &next, e)) < 0 ||
            (rc = take_blob(r, layout, "layer", digest, &next, &index, e)) < 0 ||
            (rc = push_index(blobs, index, e)) < 0)
            return rc;
    }
    return push_index(blobs, own, e);
}

/* "linux/arm64/v8" in its parts; a missing one is "". */
struct platform {
    char *text;
    const char *os;
    const char *arch;
    const char *variant;
};

static void platform_dispose(struct platform *p)
{
    free(p->text);
}

static int platform_parse(const char *text, struct platform *p, struct err *e)
{
    int rc = str_copy(&p->text, text, e);
    if (rc < 0)
        return rc;
    p->os = p->text;
    char *arch = strchr(p->text, '/');
    char *variant = arch != NULL ? strchr(arch + 1, '/') : NULL;
    if (variant != NULL && strchr(variant + 1, '/') != NULL)
        return err_set(e, ERR_INPUT, "'%.64s' is no platform: OS/ARCH or OS/ARCH/VARIANT", text);
    p->arch = arch != NULL ? arch + 1 : "";
    p->variant = variant != NULL ? variant + 1 : "";
    if (arch != NULL)
        *arch = '\0';
    if (variant != NULL)
        *variant = '\0';
    return 0;
}

/* Without `platforms` every manifest; a platform without a variant fits any. */
static int platform_wanted(const json_t *volume, const json_t *item, bool *wanted, struct err *e)
{
    const json_t *platforms = json_object_get(volume, "platforms");
    const json_t *platform = json_object_get(item, "platform");
    *wanted = json_array_size(platforms) == 0;
    if (!*wanted && platform == NULL)
        return err_set(e, ERR_INPUT,
                       "an index has an entry without a platform: LinuxKit cannot choose from it");
    for (size_t i = 0; i < json_array_size(platforms); i++) {
        AUTO(platform_dispose) struct platform p = {0};
        int rc = platform_parse(json_string_value(json_array_get(platforms, i)), &p, e);
        if (rc < 0)
            return rc;
        bool fits = strcmp(p.os, text_of(platform, "os")) == 0 &&
                    strcmp(p.arch, text_of(platform, "architecture")) == 0 &&
                    (*p.variant == '\0' || strcmp(p.variant, text_of(platform, "variant")) == 0);
        *wanted = *wanted || fits;
    }
    return 0;
}

/* Other things than images, an index in an index for one, are left out. */
static bool is_image(const json_t *item)
{
    return oci_type_is_manifest(text_of(item, "mediaType"));
}

static int take_layout(struct run *r, const char *layout, const struct digest *root,
                       const json_t *volume, size_t i, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_JSON json_t *object = json_object();
    AUTO_JSON json_t *blobs = json_array();
    struct jcur list;
    size_t count = 0;
    size_t index = 0;
    if (object == NULL || blobs == NULL)
        return err_oom(e);
    int rc = take_blob(r, layout, "manifest", root, root, &index, e);
    if (rc < 0 || (rc = read_blob(r, root, &document, e)) < 0)
        return rc;
    struct jcur c = jcur_root(document, "index");
    if (json_object_get(document, "manifests") == NULL)
        return err_set(e, ERR_INPUT,
                       "LinuxKit makes no volume of format oci of an image that is no index");
    if ((rc = jcur_get(&c, "manifests", &list, e)) < 0 ||
        (rc = jcur_array(&list, MANIFESTS_MAX, &count, e)) < 0)
        return rc;
    for (size_t k = 0; k < count; k++) {
        struct jcur item = jcur_item(&list, k);
        struct digest digest;
        bool wanted = false;
        if ((rc = platform_wanted(volume, item.value, &wanted, e)) < 0 ||
            (rc = jcur_get_digest(&item, "digest", &digest, e)) < 0 ||
            (wanted && is_image(item.value) &&
             (rc = take_manifest(r, layout, &digest, blobs, e)) < 0))
            return rc;
    }
    if ((rc = json_put_u64(object, "volume", i, e)) < 0 ||
        (rc = json_put_u64(object, "index", index, e)) < 0 ||
        (rc = json_put_string(object, "mediaType", MEDIA_OCI_INDEX, e)) < 0 ||
        (rc = json_put(object, "blobs", steal_ptr(&blobs), e)) < 0)
        return rc;
    return json_push(r->volumes, steal_ptr(&object), e);
}

static int lock_volumes(struct run *r, struct err *e)
{
    const json_t *volumes = json_object_get(r->document, "volumes");
    for (size_t i = 0; i < json_array_size(volumes); i++) {
        const json_t *volume = json_array_get(volumes, i);
        AUTO_FREE char *reference = NULL;
        const char *layout = NULL;
        struct digest root;
        if (*text_of(volume, "image") == '\0')
            continue;
        int rc = linuxkit_reference(text_of(volume, "image"), &reference, e);
        if (rc < 0)
            return rc;
        if (strcmp(text_of(volume, "format"), "oci") != 0)
            rc = lock_image(r, reference, e);
        else if ((rc = find(r, reference, &layout, &root, e)) == 0)
            rc = layout != NULL
                     ? take_layout(r, layout, &root, volume, i, e)
                     : err_set(e, ERR_UNDECIDED,
                               "a volume of format oci takes its image from an OCI layout "
                               "only: give --images LAYOUT");
        if (rc < 0)
            return err_wrap(e, "volume '%s'", text_of(volume, "name"));
    }
    return 0;
}

/* ---- sources
 * -------------------------------------------------------------------------------------- */

static int lock_source(struct run *r, const json_t *file, size_t i, struct err *e)
{
    const char *written = text_of(file, "source");
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *entry = json_object();
    AUTO_JSON json_t *from = json_object();
    AUTO_JSON json_t *name = json_object();
    struct digest digest;
    struct stat st;
    uint64_t size = 0;
    size_t blob = 0;
    if (entry == NULL || from == NULL || name == NULL)
        return err_oom(e);
    bool home = str_starts(written, "~/") && r->o->home != NULL;
    int rc =
        home ? str_format(&path, e, "%s%s", r->o->home, written + 1) : str_copy(&path, written, e);
    if (rc < 0)
        return rc;
    if (stat(path, &st) < 0 && json_is_true(json_object_get(file, "optional")))
        return 0;
    if ((rc = cas_import_file(r->o->cas, path, NULL, &digest, &size, e)) < 0 ||
        (rc = json_put_string(name, "name", path_base(path), e)) < 0 ||
        (rc = json_put(from, "file", steal_ptr(&name), e)) < 0 ||
        (rc = locked_add_blob(r->locked, "file.", path_base(path), &digest, size, steal_ptr(&from),
                              &blob, e)) < 0 ||
        (rc = json_put_u64(entry, "file", i, e)) < 0 ||
        (rc = json_put_u64(entry, "blob", blob, e)) < 0)
        return rc;
    return json_push(r->sources, steal_ptr(&entry), e);
}

static int lock_sources(struct run *r, struct err *e)
{
    const json_t *files = json_object_get(r->document, "files");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(files); i++) {
        const json_t *f = json_array_get(files, i);
        bool other = *text_of(f, "symlink") != '\0' || json_object_get(f, "contents") != NULL ||
                     json_is_true(json_object_get(f, "directory"));
        if (*text_of(f, "source") != '\0' && !other)
            rc = lock_source(r, f, i, e);
    }
    return rc;
}

/* ---- the run
 * ------------------------------------------------------------------------------------------ */

static int set_names(struct run *r, struct err *e)
{
    const struct compat_options *o = r->o;
    const char *last = o->files[o->file_count - 1];
    r->arch = o->arch != NULL ? o->arch : "amd64";
    if (strcmp(r->arch, "amd64") != 0 && strcmp(r->arch, "arm64") != 0 &&
        strcmp(r->arch, "riscv64") != 0)
        return err_set(e, ERR_USAGE, "--arch is riscv64, amd64 or arm64, not '%.32s'", r->arch);
    int rc = str_format(&r->platform, e, "linux/%s", r->arch);
    /* As LinuxKit calls what it reads from standard input. */
    const char *base = strcmp(last, "-") == 0 ? "moby" : path_base(last);
    if (rc == 0)
        rc = str_copy(&r->name, o->name != NULL ? o->name : base, e);
    if (rc < 0)
        return rc;
    char *dot = strrchr(r->name, '.');
    if (o->name == NULL && dot != NULL && dot != r->name)
        *dot = '\0';
    if (o->name == NULL)
        plan_id_lower(r->name);
    if (!plan_id_valid(r->name) || strlen(r->name) > 100)
        return err_set(e, ERR_USAGE,
                       "'%.64s' is no name: lower-case letters, digits, '.', '_', '-'; give --name",
                       r->name);
    return 0;
}

static int prepare(struct run *r, struct err *e)
{
    const struct compat_options *o = r->o;
    r->images = json_array();
    r->volumes = json_array();
    r->sources = json_array();
    if (r->images == NULL || r->volumes == NULL || r->sources == NULL)
        return err_oom(e);
    int rc = compat_plan_formats(o->formats, o->format_count, &r->formats, e);
    if (rc < 0 || (rc = set_names(r, e)) < 0 ||
        (rc = linuxkit_merge_read(o->files, o->file_count, o->warnings, &r->written, &r->visible,
                                  &r->places, e)) < 0)
        return rc;
    r->document = json_deep_copy(r->written);
    return r->document == NULL ? err_oom(e) : linuxkit_expand(r->document, e);
}

static int check(const struct run *r, struct err *e)
{
    const struct compat_check c = {.places = r->places,
                                   .document = r->document,
                                   .visible_volumes = r->visible,
                                   .locked = r->locked,
                                   .expansion = r->o->expansion,
                                   .cas = r->o->cas};
    int rc = compat_check(&c, e);
    return rc < 0 || r->o->warnings == NULL ? rc : compat_warn(&c, r->o->warnings, e);
}

int compat_lock(const struct compat_options *options, struct locked *locked, json_t **plan,
                struct err *e)
{
    AUTO(run_dispose)
    struct run r = {.o = options, .locked = locked, .layouts = LAYOUTS_INIT};
    int rc = prepare(&r, e);
    if (rc < 0 ||
        (rc = layouts_open(options->layouts, options->layout_count, options->temp, &r.layouts, e)) <
            0 ||
        (rc = lock_images(&r, e)) < 0 || (rc = lock_volumes(&r, e)) < 0 ||
        (rc = expansion_check(r.locked, options->cas, options->expansion, e)) < 0 ||
        (rc = check(&r, e)) < 0 || (rc = lock_sources(&r, e)) < 0)
        return rc;
    const struct compat_plan p = {.name = r.name,
                                  .arch = r.arch,
                                  .formats = r.formats,
                                  .decompress_kernel = options->decompress_kernel,
                                  .expansion = options->expansion,
                                  .visible_volumes = r.visible,
                                  .written = r.written,
                                  .document = r.document,
                                  .images = r.images,
                                  .layouts = r.volumes,
                                  .sources = r.sources,
                                  .locked = r.locked,
                                  .table = &builder_steps};
    return compat_plan_make(&p, plan, e);
}
