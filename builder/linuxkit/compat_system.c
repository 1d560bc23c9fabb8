/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_system.h"

#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/oci_spec.h"
#include "builder/linuxkit/render.h"
#include "builder/linuxkit/texts.h"
#include "builder/linuxkit/volume_layout.h"

#include <string.h>

#define RESOLV_TARGET "/run/resolvconf/resolv.conf"
enum { APK_MAX = 64 * 1024 * 1024, TEXT_MAX = 16 * 1024 * 1024, CONFIG_MAX = 4 * 1024 * 1024 };

struct writer {
    const struct compat_system *s;
    const struct step_input *inputs;
    struct cas *cas;
    struct sink to;
    json_t *ids;
    json_t *volumes;
    json_t *unpacked; /* reference → where it went */
};

static void writer_dispose(struct writer *w)
{
    json_decref(w->ids);
    json_decref(w->volumes);
    json_decref(w->unpacked);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static int find_image(const struct writer *w, const char *reference,
                      const struct compat_system_image **out, struct err *e)
{
    for (size_t i = 0; i < w->s->image_count; i++)
        if (strcmp(w->s->images[i].reference, reference) == 0) {
            *out = &w->s->images[i];
            return 0;
        }
    return err_set(e, ERR_INPUT, "the image '%.200s' is not among the step's", reference);
}

static struct compat_place place(const struct writer *w, const char *location, const char *source)
{
    return (struct compat_place){
        .cas = w->cas, .to = w->to, .location = location, .source = source};
}

/* ---- kernel and init ------------------------------------------------------------------------- */

static int write_kernel(const struct writer *w, struct err *e)
{
    const json_t *kernel = json_object_get(w->s->document, "kernel");
    const char *reference = text_of(kernel, "image");
    const char *tar = json_string_value(json_object_get(kernel, "tar"));
    const char *binary = text_of(kernel, "binary");
    const char *ucode = text_of(kernel, "ucode");
    const struct compat_system_image *image = NULL;
    if (*reference == '\0')
        return 0;
    if (tar == NULL)
        tar = "kernel.tar";
    const struct compat_kernel k = {
        .binary = *binary != '\0' ? binary : "kernel",
        .tar = *tar == '\0' || strcmp(tar, "none") == 0 ? NULL : tar,
        .ucode = *ucode != '\0' ? ucode : NULL,
        .cmdline = text_of(kernel, "cmdline"),
        .decompress = w->s->decompress_kernel,
    };
    const struct compat_place p = place(w, "kernel", reference);
    int rc = find_image(w, reference, &image, e);
    return rc < 0 ? rc : compat_kernel_tar(&p, image->layers, image->layer_count, &k, e);
}

static int write_init(const struct writer *w, struct err *e)
{
    const json_t *init = json_object_get(w->s->document, "init");
    AUTO_BUF apk = BUF_INIT(APK_MAX);
    size_t databases = 0;
    for (size_t i = 0; i < json_array_size(init); i++) {
        const char *reference = json_string_value(json_array_get(init, i));
        const struct compat_system_image *image = NULL;
        AUTO_FREE char *location = NULL;
        bool has = false;
        int rc = find_image(w, reference, &image, e);
        if (rc < 0 || (rc = str_format(&location, e, "init[%zu]", i)) < 0)
            return rc;
        const struct compat_place p = place(w, location, reference);
        if ((rc = compat_image_tar(&p, image->layers, image->layer_count, "", RESOLV_TARGET, &apk,
                                   &has, e)) < 0)
            return err_wrap(e, "init image '%s'", reference);
        databases += has;
    }
    if (databases < 2)
        return 0;
    const struct compat_place p = place(w, "init", "LINUXKIT.apkinit");
    const struct compat_entry entry = {.type = '0',
                                       .name = "lib/apk/db/installed",
                                       .mode = 0644,
                                       .data = apk.data,
                                       .len = apk.len};
    return compat_put_entry(&p, &entry, e);
}

/* ---- volumes ----------------------------------------------------------------------------------
 */

static int put_layout_entry(const struct compat_place *p, const char *lower, const char *name,
                            const struct buf *data, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_format(&path, e, "%s%s", lower, name);
    const struct compat_entry entry = {.type = data != NULL ? '0' : '5',
                                       .name = path,
                                       .mode = data != NULL ? 0644 : 0755,
                                       .data = data != NULL ? data->data : NULL,
                                       .len = data != NULL ? data->len : 0};
    return rc < 0 ? rc : compat_put_entry(p, &entry, e);
}

static int put_layout_blob(const struct writer *w, const struct compat_place *p, const char *lower,
                           size_t input, struct err *e)
{
    const struct step_input *blob = &w->inputs[input];
    AUTO_FREE char *path = NULL;
    char hex[DIGEST_TEXT_MAX];
    int rc = str_format(&path, e, "%sblobs/sha256/%s", lower, digest_hex(&blob->digest, hex));
    return rc < 0 ? rc : compat_put_blob(p, path, 0644, 0, &blob->digest, blob->size, e);
}

static int write_layout(const struct writer *w, const struct compat_place *p, const char *lower,
                        const struct compat_system_layout *l, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    AUTO_BUF index = BUF_INIT(TEXT_MAX);
    int rc = buf_add_str(&text, linuxkit_volume_version, e);
    if (rc < 0 || (rc = compat_put_prefix(p, lower, e)) < 0 ||
        (rc = put_layout_entry(p, lower, "oci-layout", &text, e)) < 0 ||
        (rc = put_layout_entry(p, lower, "blobs/", NULL, e)) < 0 ||
        (rc = put_layout_entry(p, lower, "blobs/sha256/", NULL, e)) < 0)
        return rc;
    for (size_t i = 0; i < l->blob_count; i++)
        if ((rc = put_layout_blob(w, p, lower, l->blobs[i], e)) < 0)
            return rc;
    if ((rc = put_layout_blob(w, p, lower, l->index, e)) < 0 ||
        (rc = linuxkit_volume_index(&w->inputs[l->index], l->media_type, p->source, &index, e)) < 0)
        return rc;
    return put_layout_entry(p, lower, "index.json", &index, e);
}

static const struct compat_system_layout *find_layout(const struct writer *w, size_t volume)
{
    for (size_t i = 0; i < w->s->layout_count; i++)
        if (w->s->layouts[i].volume == volume)
            return &w->s->layouts[i];
    return NULL;
}

static int write_volume_content(const struct writer *w, const json_t *volume, size_t i,
                                const char *location, const char *lower, struct err *e)
{
    AUTO_FREE char *reference = NULL;
    const char *name = text_of(volume, "image");
    const struct compat_system_layout *layout = find_layout(w, i);
    const struct compat_system_image *image = NULL;
    if (*name == '\0') {
        const struct compat_place p = place(w, location, "empty");
        return compat_put_prefix(&p, lower, e);
    }
    int rc = linuxkit_reference(name, &reference, e);
    if (rc < 0)
        return rc;
    const struct compat_place p = place(w, location, reference);
    if (layout != NULL)
        return write_layout(w, &p, lower, layout, e);
    if ((rc = find_image(w, reference, &image, e)) < 0)
        return rc;
    return compat_image_tar(&p, image->layers, image->layer_count, lower, RESOLV_TARGET, NULL, NULL,
                            e);
}

static int write_volumes(const struct writer *w, struct err *e)
{
    const json_t *volumes = json_object_get(w->s->document, "volumes");
    for (size_t i = 0; i < json_array_size(volumes); i++) {
        const json_t *volume = json_array_get(volumes, i);
        AUTO_FREE char *location = NULL;
        AUTO_FREE char *named = NULL;
        AUTO_FREE char *base = NULL;
        AUTO_FREE char *lower = NULL;
        AUTO_FREE char *tmp = NULL;
        AUTO_FREE char *merged = NULL;
        int rc = str_format(&location, e, "volume[%zu]", i);
        if (rc < 0 ||
            (rc = str_format(&named, e, "containers/volumes/%s", text_of(volume, "name"))) < 0 ||
            (rc = go_tar_path_clean(named, &base, e)) < 0 ||
            (rc = str_format(&lower, e, "%s/lower/", base)) < 0 ||
            (rc = str_format(&tmp, e, "%s/tmp/", base)) < 0 ||
            (rc = str_format(&merged, e, "%s/merged/", base)) < 0 ||
            (rc = write_volume_content(w, volume, i, location, lower, e)) < 0)
            return rc;
        const struct compat_place p = place(w, location, "linuxkit.volumes");
        if ((rc = compat_put(&p, '5', tmp, 0755, NULL, NULL, 0, e)) < 0 ||
            (rc = compat_put(&p, '5', merged, 0755, NULL, NULL, 0, e)) < 0)
            return rc;
    }
    return 0;
}

/* ---- containers --------------------------------------------------------------------------------
 */

struct loaded {
    json_t *config;
    struct yaml_doc *label;
};

static void loaded_dispose(struct loaded *l)
{
    json_decref(l->config);
    yaml_doc_free(l->label);
}

/* The image's configuration, and what its label says of containers made of it. */
static int load(const struct writer *w, const struct compat_system_image *image, struct loaded *l,
                struct oci_spec_container *c, struct err *e)
{
    static const struct json_limits limits = {.bytes = CONFIG_MAX, .depth = 32};
    AUTO_BUF text = BUF_INIT(CONFIG_MAX);
    int rc = cas_get(w->cas, &image->config, &text, e);
    if (rc < 0 || (rc = json_parse(buf_str(&text), text.len, "image configuration", &limits,
                                   &l->config, e)) < 0)
        return rc;
    c->image_config = json_object_get(l->config, "config");
    const json_t *label =
        json_object_get(json_object_get(c->image_config, "Labels"), "org.mobyproject.config");
    if (!json_is_string(label) || json_string_length(label) == 0)
        return 0;
    AUTO_FREE char *what = NULL;
    if ((rc = str_format(&what, e, "label of %s", image->reference)) < 0 ||
        (rc = yaml_doc_parse_go(json_string_value(label), json_string_length(label), what,
                                &l->label, e)) < 0)
        return rc;
    const struct ycur root = ycur_root(l->label);
    c->label = root.value;
    return linuxkit_check(&root, &linuxkit_label, e);
}

struct container {
    struct compat_place p;
    const char *path;
    const struct compat_system_image *image;
    const struct oci_spec_container *c;
};

/* *root is where the image is, after this container. */
static int write_root(const struct writer *w, const struct container *k, bool *elsewhere,
                      const char **root, struct err *e)
{
    const char *reference = k->image->reference;
    AUTO_FREE char *own = NULL;
    AUTO_FREE char *prefix = NULL;
    *root = json_string_value(json_object_get(w->unpacked, reference));
    *elsewhere = *root != NULL;
    const char *name = oci_spec_container_readonly(k->c) ? "rootfs" : "lower";
    int rc = *elsewhere ? str_format(&prefix, e, "%s/", k->path)
                        : str_format(&prefix, e, "%s/%s/", k->path, name);
    if (rc < 0)
        return rc;
    if (*elsewhere)
        return compat_put_prefix(&k->p, prefix, e);
    if ((rc = str_format(&own, e, "%s/%s", k->path, name)) < 0 ||
        (rc = json_put_string(w->unpacked, reference, own, e)) < 0)
        return rc;
    *root = json_string_value(json_object_get(w->unpacked, reference));
    return compat_image_tar(&k->p, k->image->layers, k->image->layer_count, prefix, NULL, NULL,
                            NULL, e);
}

static int put_below(const struct container *k, const char *name, const struct buf *data,
                     struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_format(&path, e, "%s/%s", k->path, name);
    if (rc < 0)
        return rc;
    return data != NULL ? compat_put(&k->p, '0', path, 0644, NULL, data->data, data->len, e)
                        : compat_put(&k->p, '5', path, 0755, NULL, NULL, 0, e);
}

static int write_bundle(const struct writer *w, const struct container *k, struct err *e)
{
    AUTO_BUF config = BUF_INIT(TEXT_MAX);
    AUTO_BUF runtime = BUF_INIT(TEXT_MAX);
    const char *root = NULL;
    bool elsewhere = false;
    int rc = oci_spec_config_json(k->c, &config, e);
    if (rc < 0 || (rc = write_root(w, k, &elsewhere, &root, e)) < 0 ||
        (rc = put_below(k, "config.json", &config, e)) < 0)
        return rc;
    bool writable = !oci_spec_container_readonly(k->c);
    if (writable && (rc = put_below(k, "tmp", NULL, e)) < 0)
        return rc;
    if ((writable || elsewhere) && (rc = put_below(k, "rootfs", NULL, e)) < 0)
        return rc;
    if ((rc = oci_spec_runtime_json(k->c, k->path, root, &runtime, e)) < 0)
        return rc;
    return put_below(k, "runtime.json", &runtime, e);
}

static int write_container(const struct writer *w, const char *kind, size_t i, const json_t *entry,
                           struct err *e)
{
    AUTO(loaded_dispose) struct loaded loaded = {0};
    AUTO_FREE char *location = NULL;
    AUTO_FREE char *joined = NULL;
    AUTO_FREE char *path = NULL;
    const char *name = text_of(entry, "name");
    struct oci_spec_container c = {.entry = entry, .ids = w->ids, .volumes = w->volumes};
    struct container k = {.c = &c};
    int rc = str_format(&location, e, "%s[%zu]", kind, i);
    if (rc < 0 || (rc = find_image(w, text_of(entry, "image"), &k.image, e)) < 0 ||
        (rc = load(w, k.image, &loaded, &c, e)) < 0)
        return rc;
    rc = strcmp(kind, "services") == 0
             ? str_format(&joined, e, "containers/%s/%s", kind, name)
             : str_format(&joined, e, "containers/%s/%03zu-%s", kind, i, name);
    if (rc < 0 || (rc = go_tar_path_clean(joined, &path, e)) < 0)
        return rc;
    k.p = place(w, location, k.image->reference);
    k.path = path;
    rc = write_bundle(w, &k, e);
    return rc < 0 ? err_wrap(e, "%s '%s'", kind, name) : 0;
}

static int write_containers(const struct writer *w, const char *kind, struct err *e)
{
    const json_t *list = json_object_get(w->s->document, kind);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        rc = write_container(w, kind, i, json_array_get(list, i), e);
    return rc;
}

/* ---- files (section 10)
 * -------------------------------------------------------------------------- */

struct file {
    struct compat_entry entry;
    struct buf text; /* of metadata */
    const struct compat_system_source *source;
    bool skipped;
};

static const struct compat_system_source *find_source(const struct writer *w, size_t file)
{
    for (size_t i = 0; i < w->s->source_count; i++)
        if (w->s->sources[i].file == file)
            return &w->s->sources[i];
    return NULL;
}

/* Exactly one way to say what it is, but that a directory may have a link's target, too. */
static int check_what(const json_t *f, const char *path, struct err *e)
{
    const char *source = text_of(f, "source");
    const char *metadata = text_of(f, "metadata");
    bool contents = json_object_get(f, "contents") != NULL;
    bool directory = json_is_true(json_object_get(f, "directory"));
    if (directory || *text_of(f, "symlink") != '\0' || contents) {
        if (*metadata != '\0' || *source != '\0')
            return err_set(e, ERR_INPUT, "specified contents and %s for file: %.200s",
                           *metadata != '\0' ? "metadata" : "source", path);
        if (directory && contents)
            return err_set(e, ERR_INPUT, "directory with contents not allowed: %.200s", path);
        return 0;
    }
    if ((*source == '\0') == (*metadata == '\0'))
        return err_set(e, ERR_INPUT, "%s for file: %.200s",
                       *source == '\0' ? "contents not specified" : "specified source and metadata",
                       path);
    if (*metadata != '\0' && strcmp(metadata, "yaml") != 0 && strcmp(metadata, "json") != 0)
        return err_set(e, ERR_INPUT, "unsupported metadata type '%.64s' for file: %.200s", metadata,
                       path);
    return 0;
}

/* With the NUL characters that YAML_NUL stands for. */
static int plain_text(const char *text, struct buf *out, struct err *e)
{
    int rc = buf_reserve(out, strlen(text) + 1, e);
    while (rc == 0 && *text != '\0') {
        bool nul = str_starts(text, YAML_NUL);
        rc = buf_add(out, nul ? "" : text, 1, e);
        text += nul ? strlen(YAML_NUL) : 1;
    }
    return rc;
}

static int file_content(const struct writer *w, const json_t *f, size_t i, struct file *out,
                        struct err *e)
{
    const char *path = out->entry.name;
    const char *source = text_of(f, "source");
    const char *metadata = text_of(f, "metadata");
    const json_t *contents = json_object_get(f, "contents");
    bool directory = json_is_true(json_object_get(f, "directory"));
    const char *link = text_of(f, "symlink");
    int rc = check_what(f, path, e);
    if (rc < 0)
        return rc;
    if (directory || *link != '\0' || contents != NULL) {
        out->entry.type = directory ? '5' : '0';
        if (!directory && *link != '\0') {
            out->entry.type = '2';
            out->entry.link = link;
        } else if (contents != NULL) {
            if ((rc = plain_text(json_string_value(contents), &out->text, e)) < 0)
                return rc;
            out->entry.data = out->text.data;
            out->entry.len = out->text.len;
        }
        return 0;
    }
    if (*source != '\0') {
        out->source = find_source(w, i);
        out->skipped = out->source == NULL;
        if (out->skipped && !json_is_true(json_object_get(f, "optional")))
            return err_set(e, ERR_INPUT, "no blob for the source of file: %.200s", path);
        return 0;
    }
    bool yaml = strcmp(metadata, "yaml") == 0;
    rc = linuxkit_render(w->s->document, yaml ? LINUXKIT_FORM_YAML2 : LINUXKIT_FORM_JSON,
                         &out->text, e);
    out->entry.data = out->text.data;
    out->entry.len = out->text.len;
    return rc;
}

static int file_mode(const json_t *f, struct compat_entry *out, struct err *e)
{
    const char *text = text_of(f, "mode");
    out->mode = json_is_true(json_object_get(f, "directory")) ? 0700 : 0600;
    if (*text == '\0')
        return 0;
    return oci_spec_octal(text, "file", &out->mode, e);
}

int compat_system_check_file(const json_t *file, const json_t *ids, struct err *e)
{
    const char *path = text_of(file, "path");
    struct compat_entry entry = {0};
    if (*path == '\0')
        return err_set(e, ERR_INPUT, "did not specify path for file");
    int rc = file_mode(file, &entry, e);
    if (rc < 0 || (rc = oci_spec_owner(json_object_get(file, "uid"), ids, &entry.uid, e)) < 0 ||
        (rc = oci_spec_owner(json_object_get(file, "gid"), ids, &entry.gid, e)) < 0)
        return rc;
    return check_what(file, path, e);
}

/* The directories on the way, each once in this section, with x where there is anything. */
static int file_parents(const struct compat_place *p, const struct compat_entry *file, json_t *made,
                        struct err *e)
{
    AUTO_FREE char *dir = NULL;
    AUTO_FREE char *copy = NULL;
    struct compat_entry entry = {.type = '5',
                                 .mode = file->mode,
                                 .uid = file->uid,
                                 .gid = file->gid,
                                 .mtime = LINUXKIT_FIXED_TIME};
    int rc = str_copy(&copy, file->name, e);
    if (rc < 0)
        return rc;
    char *slash = strrchr(copy, '/');
    copy[slash != NULL ? (size_t)(slash - copy) + (slash == copy) : 0] = '\0';
    if ((rc = go_tar_path_clean(copy, &dir, e)) < 0)
        return rc;
    for (int64_t class = 0700; class > 0; class >>= 3)
        if ((entry.mode & class) != 0)
            entry.mode |= class & 0111;
    if (strcmp(dir, ".") == 0)
        return 0;
    /* Of "//a" LinuxKit makes a directory without a name. */
    char *start = dir + (*dir == '/');
    if (*dir == '/' && json_object_get(made, "") == NULL) {
        entry.name = "";
        if ((rc = compat_put_entry(p, &entry, e)) < 0)
            return rc;
        if (json_object_set_new_nocheck(made, "", json_true()) < 0)
            return err_oom(e);
    }
    if (*start == '\0')
        return 0;
    for (char *end = strchr(start, '/');; end = strchr(end + 1, '/')) {
        if (end != NULL)
            *end = '\0';
        if (json_object_get(made, start) == NULL) {
            entry.name = start;
            if ((rc = compat_put_entry(p, &entry, e)) < 0)
                return rc;
            if (json_object_set_new_nocheck(made, start, json_true()) < 0)
                return err_oom(e);
        }
        if (end == NULL)
            return 0;
        *end = '/';
    }
}

static int put_file(const struct writer *w, const struct compat_place *p, const struct file *f,
                    json_t *made, struct err *e)
{
    int rc = file_parents(p, &f->entry, made, e);
    if (rc < 0)
        return rc;
    /* Whatever it is, LinuxKit takes it for a directory of the files below it. */
    if (json_object_set_new_nocheck(made, f->entry.name, json_true()) < 0)
        return err_oom(e);
    AUTO_BUF data = BUF_INIT((size_t)1 << 30);
    struct compat_entry entry = f->entry;
    if (f->source != NULL) {
        if ((rc = cas_get(w->cas, &w->inputs[f->source->blob].digest, &data, e)) < 0)
            return rc;
        entry.data = data.data;
        entry.len = data.len;
    }
    if (entry.type == '0' && str_ends(entry.name, "/")) {
        if (entry.len > 0)
            return err_set(e, ERR_INPUT, "'%.200s' ends with a slash, but has contents",
                           entry.name);
        entry.type = '5';
    }
    return compat_put_entry(p, &entry, e);
}

static int write_file(const struct writer *w, const json_t *f, size_t i, json_t *made,
                      struct err *e)
{
    AUTO_FREE char *location = NULL;
    struct file file = {.text = BUF_INIT(TEXT_MAX)};
    const char *path = text_of(f, "path");
    int rc = *path == '\0' ? err_set(e, ERR_INPUT, "did not specify path for file")
                           : str_format(&location, e, "files[%zu]", i);
    file.entry.type = '0';
    file.entry.name = path + (*path == '/');
    file.entry.mtime = LINUXKIT_FIXED_TIME;
    if (rc == 0 && (rc = file_mode(f, &file.entry, e)) == 0 &&
        (rc = oci_spec_owner(json_object_get(f, "uid"), w->ids, &file.entry.uid, e)) == 0 &&
        (rc = oci_spec_owner(json_object_get(f, "gid"), w->ids, &file.entry.gid, e)) == 0)
        rc = file_content(w, f, i, &file, e);
    if (rc == 0 && !file.skipped) {
        const struct compat_place p = place(w, location, "linuxkit.files");
        rc = put_file(w, &p, &file, made, e);
    }
    buf_dispose(&file.text);
    return rc;
}

static int write_files(const struct writer *w, struct err *e)
{
    const json_t *files = json_object_get(w->s->document, "files");
    AUTO_JSON json_t *made = json_object();
    int rc = made == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(files); i++)
        rc = write_file(w, json_array_get(files, i), i, made, e);
    return rc;
}

static int write_dockerfile(const struct writer *w, struct err *e)
{
    static const char text[] = "\nFROM scratch\n\nCOPY . ./\n\nENTRYPOINT [\"/bin/rc.init\"]\n";
    const struct compat_place p = place(w, NULL, NULL);
    return w->s->dockerfile ? compat_put(&p, '0', "Dockerfile", 0644, NULL, text, strlen(text), e)
                            : 0;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------- */

static int visible_volumes(const struct compat_system *s, json_t **out, struct err *e)
{
    const json_t *all = json_object_get(s->document, "volumes");
    AUTO_JSON json_t *list = json_array();
    size_t count = json_array_size(all);
    if (list == NULL)
        return err_oom(e);
    for (size_t i = count - (s->visible_volumes < count ? s->visible_volumes : count); i < count;
         i++)
        if (json_array_append(list, json_array_get(all, i)) < 0)
            return err_oom(e);
    *out = steal_ptr(&list);
    return 0;
}

int compat_system_write(const struct compat_system *s, const struct step_input *inputs,
                        struct cas *cas, struct sink to, struct err *e)
{
    static const uint8_t end[1024];
    AUTO(writer_dispose) struct writer w = {.s = s, .inputs = inputs, .cas = cas, .to = to};
    w.unpacked = json_object();
    int rc = w.unpacked == NULL ? err_oom(e) : oci_spec_ids(s->document, &w.ids, e);
    if (rc < 0 || (rc = visible_volumes(s, &w.volumes, e)) < 0 || (rc = write_kernel(&w, e)) < 0 ||
        (rc = write_init(&w, e)) < 0 || (rc = write_volumes(&w, e)) < 0 ||
        (rc = write_containers(&w, "onboot", e)) < 0 ||
        (rc = write_containers(&w, "onshutdown", e)) < 0 ||
        (rc = write_containers(&w, "services", e)) < 0 || (rc = write_files(&w, e)) < 0 ||
        (rc = write_dockerfile(&w, e)) < 0)
        return rc;
    return sink_write(&to, end, sizeof(end), e);
}
