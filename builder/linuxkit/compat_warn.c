/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_warn.h"

#include "base/json.h"
#include "builder/linuxkit/compat_root.h"
#include "builder/linuxkit/compat_survey.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/oci_spec.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { CONFIG_MAX = 4 * 1024 * 1024, TEXT_MAX = 65536, PATHS_SHOWN = 10 };

struct warner {
    const struct compat_check *c;
    json_t *list;
    json_t *surveyed; /* references whose layers have been read */
    struct compat_root root;
};

static void warner_dispose(struct warner *w)
{
    json_decref(w->surveyed);
    compat_root_dispose(&w->root);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* `place` NULL: nowhere in the documents. */
static int warn(struct warner *w, const struct ycur *place, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static int warn(struct warner *w, const struct ycur *place, struct err *e, const char *fmt, ...)
{
    AUTO_FREE char *at = NULL;
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *line = malloc(TEXT_MAX);
    int rc = line == NULL ? err_oom(e) : 0;
    if (rc == 0 && place != NULL)
        rc = ycur_where(place, &at, e);
    if (rc < 0)
        return rc;
    va_list ap;
    va_start(ap, fmt);
    (void)text_vprint(line, TEXT_MAX, TEXT_AS_IT_IS, fmt, ap);
    va_end(ap);
    if ((rc = str_format(&text, e, "%s%s%s", at != NULL ? at : "", at != NULL ? ": " : "", line)) <
        0)
        return rc;
    return json_push(w->list, json_string(text), e);
}

/* "a, b, c and 12 more" */
static int list_paths(const json_t *paths, struct buf *out, struct err *e)
{
    size_t count = json_array_size(paths);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count && i < PATHS_SHOWN; i++)
        rc = buf_addf(out, e, "%s%.300s", i == 0 ? "" : ", ",
                      json_string_value(json_array_get(paths, i)));
    if (rc == 0 && count > PATHS_SHOWN)
        rc = buf_addf(out, e, " and %zu more", count - PATHS_SHOWN);
    return rc;
}

static int warn_paths(struct warner *w, const char *subject, const char *what, const json_t *paths,
                      struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    if (json_array_size(paths) == 0)
        return 0;
    int rc = list_paths(paths, &text, e);
    return rc < 0 ? rc : warn(w, NULL, e, "%s: %s: %s", subject, what, buf_str(&text));
}

/* ---- keys that are lost ---------------------------------------------------------------------- */

static bool is_nothing(const json_t *value)
{
    return json_is_false(value) || (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static int warn_dropped(struct warner *w, const struct ycur *c, const struct linuxkit_node *node,
                        struct err *e)
{
    int rc = 0;
    if (node->type == LINUXKIT_LIST)
        for (size_t i = 0; rc == 0 && i < json_array_size(c->value); i++) {
            struct ycur item = ycur_item(c, i);
            rc = warn_dropped(w, &item, node->item, e);
        }
    if (node->type != LINUXKIT_OBJECT)
        return rc;
    for (const struct linuxkit_field *f = node->fields; rc == 0 && f->key != NULL; f++) {
        struct ycur m;
        if (!ycur_opt(c, f->key, &m))
            continue;
        bool lost =
            node->runtime_spec && (f->show == LINUXKIT_DROPPED || f->show == LINUXKIT_DROPPED_NULL);
        if (lost && !is_nothing(m.value))
            rc = warn(w, &m, e, "LinuxKit loses '%s'", f->key);
        else if (!lost)
            rc = warn_dropped(w, &m, f->node, e);
    }
    return rc;
}

/* ---- volumes ----------------------------------------------------------------------------------
 */

static int warn_volumes(struct warner *w, const struct ycur *root, struct err *e)
{
    struct ycur list;
    if (!ycur_opt(root, "volumes", &list))
        return 0;
    size_t count = json_array_size(list.value);
    size_t hidden = count - (w->c->visible_volumes < count ? w->c->visible_volumes : count);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur item = ycur_item(&list, i);
        const char *name = text_of(item.value, "name");
        if (json_is_true(json_object_get(item.value, "readonly")))
            rc = warn(w, &item, e, "the read-only volume '%.100s' is writable at run time", name);
        if (rc == 0 && i < hidden)
            rc = warn(
                w, &item, e,
                "LinuxKit forgets the volume '%.100s' when it merges the next file: nothing can "
                "bind it",
                name);
    }
    return rc;
}

/* ---- containers --------------------------------------------------------------------------------
 */

static int warn_owner(struct warner *w, const struct ycur *c, struct err *e)
{
    int64_t value = json_is_integer(c->value) ? json_integer_value(c->value) : 0;
    if (value >= 0 && value <= UINT32_MAX)
        return 0;
    return warn(w, c, e, "%" PRId64 " becomes %" PRIu32, value, (uint32_t)(uint64_t)value);
}

static int warn_owners(struct warner *w, const struct ycur *item, struct err *e)
{
    static const char *const keys[] = {"uid", "gid"};
    struct ycur m;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2; i++)
        if (ycur_opt(item, keys[i], &m))
            rc = warn_owner(w, &m, e);
    if (rc < 0 || !ycur_opt(item, "additionalGids", &m))
        return rc;
    for (size_t i = 0; rc == 0 && i < json_array_size(m.value); i++) {
        struct ycur id = ycur_item(&m, i);
        rc = warn_owner(w, &id, e);
    }
    return rc;
}

static int warn_mounts(struct warner *w, const struct ycur *item, struct err *e)
{
    struct ycur mounts;
    int rc = 0;
    if (!ycur_opt(item, "mounts", &mounts))
        return 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(mounts.value); i++) {
        struct ycur m = ycur_item(&mounts, i);
        const char *source = text_of(m.value, "source");
        if (strcmp(text_of(m.value, "type"), "bind") == 0 && *source != '/')
            rc = warn(
                w, &m, e,
                "the volume '%.100s' stays a name in config.json: LinuxKit does not replace it",
                source);
    }
    return rc;
}

static bool has(const json_t *list, const json_t *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), text))
            return true;
    return false;
}

/* What KEY.add says again stands twice. */
static int warn_added(struct warner *w, const struct ycur *item, const json_t *label,
                      const char *key, const char *add, struct err *e)
{
    struct ycur m;
    int rc = 0;
    if (json_object_get(item->value, key) != NULL || !ycur_opt(item, add, &m))
        return 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(m.value); i++) {
        struct ycur one = ycur_item(&m, i);
        if (has(json_object_get(label, key), one.value))
            rc = warn(w, &one, e, "'%.200s' stands twice: the image's label has it, too",
                      json_string_value(one.value));
    }
    return rc;
}

static int warn_image_config(struct warner *w, const struct ycur *item, const char *reference,
                             struct err *e)
{
    AUTO(oci_spec_image_config_dispose) struct oci_spec_image_config config = {0};
    AUTO_BUF text = BUF_INIT(CONFIG_MAX);
    const struct locked_image *image = locked_image_find(w->c->locked, reference);
    if (image == NULL || !image->has_config)
        return 0;
    int rc = cas_get(w->c->cas, &w->c->locked->blobs[image->config].digest, &text, e);
    if (rc < 0 ||
        (rc = oci_spec_image_config_parse(buf_str(&text), text.len, reference, &config, e)) < 0)
        return rc;
    const char *user = config.user != NULL ? config.user : "";
    bool root = *user == '\0' || strcmp(user, "0") == 0 || strcmp(user, "root") == 0 ||
                strcmp(user, "0:0") == 0;
    if (!root &&
        (rc = warn(w, item, e, "LinuxKit ignores USER '%.100s' of %.300s", user, reference)) < 0)
        return rc;
    rc = warn_added(w, item, config.entry, "capabilities", "capabilities.add", e);
    return rc < 0 ? rc : warn_added(w, item, config.entry, "binds", "binds.add", e);
}

static int warn_containers(struct warner *w, const struct ycur *root, const char *key,
                           struct err *e)
{
    const json_t *expanded = json_object_get(w->c->document, key);
    struct ycur list;
    int rc = 0;
    if (!ycur_opt(root, key, &list))
        return 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list.value); i++) {
        struct ycur item = ycur_item(&list, i);
        const char *name = text_of(item.value, "name");
        if (strchr(name, '/') != NULL || strcmp(name, "..") == 0)
            rc = warn(w, &item, e, "the name '%.200s' is a path: it is written as it stands", name);
        if (rc < 0 || (rc = warn_owners(w, &item, e)) < 0 || (rc = warn_mounts(w, &item, e)) < 0)
            return rc;
        rc = warn_image_config(w, &item, text_of(json_array_get(expanded, i), "image"), e);
    }
    return rc;
}

/* ---- layers ------------------------------------------------------------------------------------
 */

/* Caller frees *out. */
static int layers_of(struct warner *w, const char *reference, struct compat_layer **out,
                     size_t *count, struct err *e)
{
    const struct locked_image *image = locked_image_find(w->c->locked, reference);
    if (image == NULL)
        return err_set(e, ERR_HOST, "the image '%.200s' was not locked", reference);
    AUTO_FREE struct compat_layer *layers = array_new(image->layer_count + 1, sizeof(*layers));
    if (layers == NULL)
        return err_oom(e);
    for (size_t i = 0; i < image->layer_count; i++) {
        layers[i].digest = w->c->locked->blobs[image->layers[i].blob].digest;
        for (size_t k = 0; compression_names[k] != NULL; k++)
            if (strcmp(compression_names[k], image->layers[i].compression) == 0)
                layers[i].compression = (enum compression)k;
        layers[i].expansion = w->c->expansion;
    }
    *count = image->layer_count;
    *out = steal_ptr(&layers);
    return 0;
}

static int survey(struct warner *w, const char *reference, struct compat_survey *out, struct err *e)
{
    AUTO_FREE struct compat_layer *layers = NULL;
    size_t count = 0;
    int rc = layers_of(w, reference, &layers, &count, e);
    if (rc == 0)
        rc = compat_survey_layers(w->c->cas, layers, count, out, e);
    return rc < 0 ? err_wrap(e, "image '%.200s'", reference) : 0;
}

/* What LinuxKit leaves out of every image. */
static bool is_dropped(const char *path)
{
    static const char *const names[] = {".dockerenv", "Dockerfile", "dev/console",
                                        "dev/pts",    "dev/shm",    "etc/hostname"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], path) == 0)
            return true;
    return false;
}

static const char over_directory[] =
    "no directories, where the tar has directories with contents before them, so that each reader "
    "loses something else (strict mode keeps both)";

static bool is_touched_directory(const char *path)
{
    return !str_starts(path, "etc/");
}

static int warn_image(struct warner *w, const char *reference, bool at_root, struct err *e)
{
    static const char *const touched[] = {"dev",       "dev/pts",  "dev/shm",         "etc",
                                          "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc",
                                          "sys"};
    AUTO(compat_survey_dispose) struct compat_survey s = {0};
    AUTO_JSON json_t *over = json_array();
    const char *key = NULL;
    json_t *value = NULL;
    bool told = json_object_get(w->surveyed, reference) != NULL;
    if (*reference == '\0' || (told && !at_root))
        return 0;
    int rc = over == NULL ? err_oom(e) : survey(w, reference, &s, e);
    json_object_foreach(s.paths, key, value)
    {
        if (rc == 0 && at_root && !is_dropped(key))
            rc = compat_root_add(&w->root, key, (char)json_integer_value(value),
                                 json_string_value(json_object_get(s.links, key)), over, e);
    }
    for (size_t i = 0; rc == 0 && at_root && i < sizeof(touched) / sizeof(touched[0]); i++)
        if (strcmp(touched[i], "etc/mtab") != 0 || json_object_get(s.paths, touched[i]) == NULL)
            rc = compat_root_add(&w->root, touched[i], is_touched_directory(touched[i]) ? '5' : '0',
                                 NULL, NULL, e);
    if (rc == 0)
        rc = warn_paths(w, reference, over_directory, over, e);
    if (rc < 0 || told)
        return rc;
    if ((rc = warn_paths(w, reference,
                         "LinuxKit leaves out all that follows what says a size without content",
                         s.ends, e)) < 0 ||
        (rc = warn_paths(w, reference, "deleted by a layer, and yet there", s.back, e)) < 0 ||
        (rc = warn_paths(w, reference, "lost to a whiteout of the same layer", s.lost, e)) < 0 ||
        (rc = warn_paths(w, reference, "hard links before their targets", s.early, e)) < 0 ||
        (rc = warn_paths(w, reference, "hard links without their targets", s.dangling, e)) < 0 ||
        (rc = warn_paths(w, reference, "hard links to what another layer wrote over", s.changed,
                         e)) < 0)
        return rc;
    return json_object_set_new_nocheck(w->surveyed, reference, json_true()) < 0 ? err_oom(e) : 0;
}

static int visit_kernel(void *context, struct go_tar_header *h, struct go_tar_reader *r,
                        struct err *e)
{
    AUTO_FREE char *path = NULL;
    (void)r;
    int rc = go_tar_path_clean(h->name, &path, e);
    return rc < 0 || h->type == 'g' ? rc
                                    : compat_root_add(context, path, h->type, h->link, NULL, e);
}

/* The kernel's tar is the first at the root. */
static int add_kernel(struct warner *w, struct err *e)
{
    const json_t *kernel = json_object_get(w->c->document, "kernel");
    const char *reference = text_of(kernel, "image");
    const char *tar = json_string_value(json_object_get(kernel, "tar"));
    AUTO_FREE struct compat_layer *layers = NULL;
    size_t count = 0;
    if (tar == NULL)
        tar = "kernel.tar";
    if (*reference == '\0' || *tar == '\0' || strcmp(tar, "none") == 0)
        return 0;
    int rc = layers_of(w, reference, &layers, &count, e);
    if (rc == 0)
        rc = compat_kernel_names(w->c->cas, layers, count, tar, visit_kernel, &w->root, e);
    return rc < 0 ? err_wrap(e, "image '%.200s'", reference) : 0;
}

static int warn_kernel(struct warner *w, const struct ycur *root, struct err *e)
{
    AUTO(compat_survey_dispose) struct compat_survey s = {0};
    struct ycur kernel;
    struct ycur ucode;
    const char *reference = text_of(json_object_get(w->c->document, "kernel"), "image");
    if (*reference == '\0' || !ycur_opt(root, "kernel", &kernel) ||
        !ycur_opt(&kernel, "ucode", &ucode) || json_string_length(ucode.value) == 0)
        return 0;
    int rc = survey(w, reference, &s, e);
    if (rc < 0 || json_object_get(s.paths, json_string_value(ucode.value)) != NULL)
        return rc;
    return warn(w, &ucode, e,
                "the kernel image has no '%.200s': LinuxKit goes on without microcode",
                json_string_value(ucode.value));
}

static int warn_images(struct warner *w, const struct ycur *root, struct err *e)
{
    static const char *const lists[] = {"onboot", "onshutdown", "services"};
    const json_t *init = json_object_get(w->c->document, "init");
    const json_t *volumes = json_object_get(w->c->document, "volumes");
    int rc = warn_kernel(w, root, e);
    if (rc == 0)
        rc = add_kernel(w, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(init); i++)
        rc = warn_image(w, json_string_value(json_array_get(init, i)), true, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(volumes); i++) {
        const json_t *volume = json_array_get(volumes, i);
        AUTO_FREE char *reference = NULL;
        if (strcmp(text_of(volume, "format"), "oci") == 0 || *text_of(volume, "image") == '\0')
            continue;
        if ((rc = linuxkit_reference(text_of(volume, "image"), &reference, e)) == 0)
            rc = warn_image(w, reference, false, e);
    }
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        const json_t *list = json_object_get(w->c->document, lists[l]);
        for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
            rc = warn_image(w, text_of(json_array_get(list, i), "image"), false, e);
    }
    return rc;
}

/* ---- files ------------------------------------------------------------------------------------
 */

/* A directory that is made again for the sake of a file below it. */
static int warn_parent(struct warner *w, const struct ycur *item, const char *path, int64_t mode,
                       struct err *e)
{
    int rc = 0;
    if (mode != 0755 && compat_root_count(&w->root, path) > 0)
        rc = warn(w, item, e, "the directory '%.200s' becomes %04" PRIo64 " for what is below it",
                  path, (uint64_t)mode);
    else if ((mode & 06000) != 0)
        rc = warn(w, item, e, "the directory '%.200s' is made %04" PRIo64, path, (uint64_t)mode);
    return rc < 0 ? rc : compat_root_add(&w->root, path, '5', NULL, NULL, e);
}

static int warn_file(struct warner *w, const struct ycur *item, json_t *made, struct err *e)
{
    AUTO_FREE char *path = NULL;
    const char *mode_text = text_of(item->value, "mode");
    const char *written = text_of(item->value, "path");
    int64_t mode = json_is_true(json_object_get(item->value, "directory")) ? 0700 : 0600;
    int rc = 0;
    if ((*mode_text != '\0' && (rc = oci_spec_octal(mode_text, "file", &mode, e)) < 0) ||
        (rc = go_tar_path_clean(written + (*written == '/'), &path, e)) < 0 ||
        (rc = warn_owners(w, item, e)) < 0)
        return rc;
    if (strcmp(path, "..") == 0 || str_starts(path, "../"))
        rc = warn(w, item, e, "'%.200s' leads out of the root", written);
    for (int64_t class = 0700; class > 0; class >>= 3)
        if ((mode & class) != 0)
            mode |= class & 0111;
    for (char *slash = strchr(path, '/'); rc == 0 && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*path != '\0' && json_object_get(made, path) == NULL) {
            rc = warn_parent(w, item, path, mode, e);
            if (rc == 0 && json_object_set_new_nocheck(made, path, json_true()) < 0)
                rc = err_oom(e);
        }
        *slash = '/';
    }
    if (rc == 0 && json_object_set_new_nocheck(made, path, json_true()) < 0)
        rc = err_oom(e);
    return rc < 0 ? rc : compat_root_add(&w->root, path, '0', NULL, NULL, e);
}

static int warn_files(struct warner *w, const struct ycur *root, struct err *e)
{
    AUTO_JSON json_t *made = json_object();
    struct ycur list;
    int rc = made == NULL ? err_oom(e) : 0;
    if (rc < 0 || !ycur_opt(root, "files", &list))
        return rc;
    for (size_t i = 0; rc == 0 && i < json_array_size(list.value); i++) {
        struct ycur item = ycur_item(&list, i);
        rc = warn_file(w, &item, made, e);
    }
    return rc;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What stands several times at the root. Readers differ in which one counts. */
static int warn_twice(struct warner *w, struct err *e)
{
    size_t max = json_object_size(w->root.counts);
    AUTO_FREE const char **keys = array_new(max + 1, sizeof(*keys));
    AUTO_JSON json_t *paths = json_array();
    const char *key = NULL;
    json_t *value = NULL;
    size_t n = 0;
    int rc = 0;
    if (keys == NULL || paths == NULL)
        return err_oom(e);
    json_object_foreach(w->root.counts, key, value)
    {
        if (json_integer_value(value) > 1 && n < max)
            keys[n++] = key;
    }
    qsort(keys, n, sizeof(*keys), compare_texts); /* keys are unique */
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = json_push(paths, json_string(keys[i]), e);
    return rc < 0
               ? rc
               : warn_paths(w, "the tar",
                            "several entries of one name, so merge it into one tree before making "
                            "an image of it",
                            paths, e);
}

int compat_warn(const struct compat_check *c, json_t *warnings, struct err *e)
{
    static const char *const lists[] = {"onboot", "onshutdown", "services"};
    AUTO(warner_dispose)
    struct warner w = {.c = c, .list = warnings, .surveyed = json_object()};
    const struct ycur root = ycur_root(c->places);
    int rc = compat_root_init(&w.root, e);
    if (rc < 0 || w.surveyed == NULL)
        return rc < 0 ? rc : err_oom(e);
    rc = warn_dropped(&w, &root, &linuxkit_document, e);
    if (rc == 0)
        rc = warn_volumes(&w, &root, e);
    for (size_t i = 0; rc == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
        rc = warn_containers(&w, &root, lists[i], e);
    if (rc < 0 || (rc = warn_images(&w, &root, e)) < 0 || (rc = warn_files(&w, &root, e)) < 0)
        return rc;
    return warn_twice(&w, e);
}
