/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/place.h"
#include "builder/linuxkit/merge.h"
#include "builder/plan/plan.h"
#include "builder/recipe/recipe_formats.h"
#include "builder/recipe/recipe_image.h"
#include "builder/sources/words.h"

#include <string.h>

static const char *const top_keys[] = {
    "arch", "epoch", "name", "images", "system", "limits", "decompressKernel", "artifacts", NULL};
static const char *const archs[] = {"riscv64", "amd64", "arm64", NULL};

/* ---- name, arch, epoch ---------------------------------------------------------- */

static int set_name(struct recipe *r, const struct ycur *c, const char *text, struct err *e)
{
    if (!plan_id_valid(text))
        return ycur_fail(c, ERR_INPUT, e,
                         "'%.64s' is no name: lower-case letters, digits, '.', '_', '-'", text);
    return str_copy(&r->name, text, e);
}

/* "dir/Hello.yml" → hello; "hello/assay.yml" → hello (its directory). */
static int default_name(struct recipe *r, const struct ycur *c, const char *path, struct err *e)
{
    AUTO_FREE char *stem = NULL;
    AUTO_FREE char *directory = NULL;
    int rc = str_copy(&stem, path_base(path), e);
    if (rc < 0 || (rc = str_copy(&directory, path_base(r->directory), e)) < 0)
        return rc;
    char *dot = strrchr(stem, '.');
    if (dot != NULL && dot != stem)
        *dot = '\0';
    plan_id_lower(stem);
    plan_id_lower(directory);
    if (strcmp(stem, "assay") != 0)
        return set_name(r, c, stem, e);
    if (!plan_id_valid(directory))
        return ycur_fail(c, ERR_INPUT, e, "the recipe has no name: add 'name: …'");
    return set_name(r, c, directory, e);
}

/* --name, else the recipe's, else the file's. */
static int read_name(struct recipe *r, const struct ycur *c, const char *path,
                     const struct recipe_settings *s, struct err *e)
{
    struct ycur m;
    const char *text = NULL;
    bool written = ycur_opt(c, "name", &m);
    int rc = written ? ycur_text(&m, 100, &text, e) : 0;
    if (rc < 0)
        return rc;
    if (s->name != NULL)
        return str_copy(&r->name, s->name, e);
    return written ? set_name(r, &m, text, e) : default_name(r, c, path, e);
}

static int read_arch(struct recipe *r, const struct ycur *c, const struct recipe_settings *s,
                     struct err *e)
{
    struct ycur m;
    size_t choice = 0;
    if (!ycur_opt(c, "arch", &m)) {
        if (s->arch == NULL)
            return ycur_fail(
                c, ERR_INPUT, e,
                "no architecture: add 'arch: riscv64' (or amd64, arm64), or give --arch");
        return str_copy(&r->arch, s->arch, e);
    }
    int rc = ycur_choice(&m, archs, &choice, e);
    if (rc < 0)
        return rc;
    if (s->arch != NULL && strcmp(s->arch, archs[choice]) != 0)
        return ycur_fail(&m, ERR_INPUT, e, "the recipe is for %s, --arch says %s", archs[choice],
                         s->arch);
    return str_copy(&r->arch, archs[choice], e);
}

/* --epoch, else the recipe's, else $SOURCE_DATE_EPOCH, else 0. */
static int read_epoch(struct recipe *r, const struct ycur *c, const struct recipe_settings *s,
                      struct err *e)
{
    struct ycur m;
    bool written = ycur_opt(c, "epoch", &m);
    int rc = written ? ycur_int(&m, 0, RECIPE_EPOCH_MAX, &r->epoch, e) : 0;
    if (rc < 0)
        return rc;
    if (s->has_epoch) {
        if (s->epoch > (uint64_t)RECIPE_EPOCH_MAX)
            return err_set(e, ERR_USAGE, "--epoch is larger than %lld",
                           (long long)RECIPE_EPOCH_MAX);
        r->epoch = (int64_t)s->epoch;
        return 0;
    }
    if (written || s->source_date_epoch == NULL)
        return 0;
    const char *text = s->source_date_epoch;
    size_t len = strlen(text);
    int64_t value = 0;
    bool good = len >= 1 && len <= 10 && strspn(text, "0123456789") == len;
    for (size_t i = 0; good && i < len; i++)
        value = value * 10 + (text[i] - '0');
    if (!good || value > RECIPE_EPOCH_MAX)
        return err_set(e, ERR_USAGE,
                       "SOURCE_DATE_EPOCH is not a number of seconds up to %lld: '%.32s'",
                       (long long)RECIPE_EPOCH_MAX, text);
    r->epoch = value;
    return 0;
}

/* ---- the system ------------------------------------------------------------------- */

/* A file of `system: {file: …}`. */
static int read_system_file(const struct recipe *r, const struct ycur *c, struct yaml_doc **out,
                            struct err *e)
{
    const char *name = NULL;
    AUTO_FREE char *path = NULL;
    int rc = ycur_text(c, 4095, &name, e);
    if (rc < 0)
        return rc;
    if (!relpath_valid(name))
        return ycur_fail(c, ERR_INPUT, e, "'%.128s': a path below the recipe's directory", name);
    rc = path_join(&path, r->directory, name, e);
    return rc < 0 ? rc : yaml_doc_read(path, out, e);
}

static int merge_system_files(struct recipe *r, const struct ycur *list, struct err *e)
{
    struct yaml_doc *parts[RECIPE_FILES_MAX] = {NULL};
    size_t count = 0;
    size_t n = 0;
    int rc = ycur_list(list, RECIPE_FILES_MAX, &count, e);
    if (rc == 0 && count == 0)
        rc = ycur_fail(list, ERR_INPUT, e, "the list of files is empty");
    for (; rc == 0 && n < count; n += rc == 0) {
        const struct ycur item = ycur_item(list, n);
        rc = read_system_file(r, &item, &parts[n], e);
    }
    if (rc == 0)
        return linuxkit_merge_docs(parts, n, &r->system_doc, e);
    for (size_t i = 0; i < n; i++)
        yaml_doc_free(parts[i]);
    return rc;
}

/* `system: {file: path}`, or a list of paths, is told from a LinuxKit document by its one key,
 * which LinuxKit does not have. */
static int open_system_file(struct recipe *r, const struct ycur *c, struct err *e)
{
    static const char *const keys[] = {"file", NULL};
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "file", &m, e)) < 0)
        return rc;
    rc = json_is_array(m.value) ? merge_system_files(r, &m, e)
                                : read_system_file(r, &m, &r->system_doc, e);
    if (rc == 0)
        r->system_at = ycur_root(r->system_doc);
    return rc;
}

static int read_system(struct recipe *r, json_t **written, struct err *e)
{
    int rc = 0;
    if (!ycur_opt(&r->root, "system", &r->system_at))
        return 0;
    const struct ycur m = r->system_at;
    bool file = json_object_get(m.value, "file") != NULL;
    if (file && (rc = open_system_file(r, &m, e)) < 0)
        return rc;
    if ((rc = linuxkit_parse(&r->system_at, file ? LINUXKIT_FILES : LINUXKIT_IN_RECIPE,
                             json_object_get(r->root.value, "images"), &r->system, e)) < 0)
        return rc;
    *written = r->system_at.value;
    return 0;
}

/* ---- artifacts ---------------------------------------------------------------------- */

static int check_artifacts(const struct recipe *r, struct err *e)
{
    for (size_t i = 0; i < r->artifact_count; i++) {
        const struct recipe_artifact *a = &r->artifacts[i];
        if (a->kind->needs_kernel && (r->system == NULL || r->system->kernel.name == NULL))
            return err_set(e, ERR_INPUT, "%s: '%s' needs a system with a kernel", a->at,
                           a->kind->name);
        for (size_t k = 0; k < i; k++)
            if (r->artifacts[k].kind == a->kind)
                return err_set(e, ERR_INPUT, "%s: '%s' is asked for twice", a->at, a->kind->name);
            else if (a->kind->own_suffix != NULL && r->artifacts[k].kind->own_suffix != NULL &&
                     strcmp(a->kind->own_suffix, r->artifacts[k].kind->own_suffix) == 0)
                return err_set(e, ERR_INPUT, "%s: two artifacts would both be called '%s%s'", a->at,
                               r->name, a->kind->own_suffix);
    }
    return 0;
}

/* As LinuxKit: kernel+initrd; a tar when there is no kernel. */
static int default_artifacts(struct recipe *r, struct err *e)
{
    bool kernel = r->system != NULL && r->system->kernel.name != NULL;
    r->artifacts = array_new(1, sizeof(*r->artifacts));
    if (r->artifacts == NULL)
        return err_oom(e);
    r->artifact_count = 1;
    return artifact_default(kernel ? artifact_kernel_initrd.name : artifact_tar.name,
                            &r->artifacts[0], e);
}

static int read_list(struct recipe *r, const struct ycur *c, struct err *e)
{
    struct ycur m;
    size_t count = 0;
    if (!ycur_opt(c, "artifacts", &m))
        return default_artifacts(r, e);
    int rc = ycur_list(&m, RECIPE_ARTIFACTS_MAX, &count, e);
    if (rc < 0)
        return rc;
    if (count == 0)
        return ycur_fail(&m, ERR_INPUT, e, "the list of artifacts is empty");
    r->artifacts = array_new(count, sizeof(*r->artifacts));
    if (r->artifacts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(&m, i);
        r->artifact_count = i + 1;
        if ((rc = artifact_parse(&item, &r->artifacts[i], e)) < 0)
            return rc;
    }
    return check_artifacts(r, e);
}

static int read_artifacts(struct recipe *r, const struct ycur *c, const struct recipe_settings *s,
                          struct err *e)
{
    int rc = read_list(r, c, e);
    if (rc < 0 || s->format_count == 0)
        return rc;
    rc = recipe_choose_formats(r, s->formats, s->format_count, e);
    return rc < 0 ? rc : check_artifacts(r, e);
}

/* ---- images -------------------------------------------------------------------------- */

const struct recipe_image *recipe_image_find(const struct recipe *r, const char *name)
{
    for (size_t i = 0; i < r->image_count; i++)
        if (strcmp(r->images[i].name, name) == 0)
            return &r->images[i];
    return NULL;
}

static int read_images(struct recipe *r, const struct ycur *c, struct err *e)
{
    struct ycur m;
    AUTO_FREE const char **keys = NULL;
    size_t count = 0;
    if (!ycur_opt(c, "images", &m))
        return 0;
    int rc = ycur_open_map(&m, e);
    if (rc < 0 || (rc = ycur_keys(&m, &keys, &count, e)) < 0)
        return rc;
    if (count > RECIPE_IMAGES_MAX)
        return ycur_fail(&m, ERR_INPUT, e, "more than %d images", RECIPE_IMAGES_MAX);
    r->images = array_new(count + 1, sizeof(*r->images));
    if (r->images == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur item;
        r->image_count = i + 1;
        if ((rc = ycur_get(&m, keys[i], &item, e)) < 0 ||
            (rc = recipe_image_parse(&item, keys[i], &r->images[i], e)) < 0)
            return rc;
    }
    return 0;
}

static bool artifacts_use(const struct recipe *r, const char *name)
{
    for (size_t i = 0; i < r->artifact_count; i++)
        for (size_t k = 0; k < r->artifacts[i].image_count; k++)
            if (strcmp(r->artifacts[i].images[k].name, name) == 0)
                return true;
    return false;
}

/* Without a system: the one image that no artifact needs for itself; NULL unless it is one. */
static const struct recipe_image *single_image(const struct recipe *r)
{
    const struct recipe_image *single = NULL;
    for (size_t i = 0; i < r->image_count; i++) {
        if (artifacts_use(r, r->images[i].name))
            continue;
        if (single != NULL)
            return NULL;
        single = &r->images[i];
    }
    return single;
}

static int system_images(const struct recipe *r, struct linuxkit_image **out, size_t *count,
                         struct err *e)
{
    if (r->system != NULL)
        return linuxkit_images(r->system, out, count, e);
    const struct recipe_image *single = single_image(r);
    if (single == NULL)
        return err_set(e, ERR_INPUT, "no system, and not exactly one image");
    *out = array_new(1, sizeof(**out));
    if (*out == NULL)
        return err_oom(e);
    **out = (struct linuxkit_image){.name = single->name, .at = single->at};
    *count = 1;
    return 0;
}

int recipe_images_used(const struct recipe *r, struct linuxkit_image **images, size_t *count,
                       size_t *system_count, struct err *e)
{
    AUTO_FREE struct linuxkit_image *system = NULL;
    size_t used = 0;
    int rc = system_images(r, &system, &used, e);
    if (rc < 0)
        return rc;
    AUTO_FREE struct linuxkit_image *all =
        array_new(used + r->artifact_count * ARTIFACT_IMAGES_MAX + 1, sizeof(*all));
    if (all == NULL)
        return err_oom(e);
    *system_count = used;
    if (used > 0)
        memcpy(all, system, used * sizeof(*all));
    for (size_t i = 0; i < r->artifact_count; i++) {
        const struct recipe_artifact *a = &r->artifacts[i];
        for (size_t k = 0; k < a->image_count; k++) {
            size_t same = 0;
            while (same < used && strcmp(all[same].name, a->images[k].name) != 0)
                same++;
            if (same == used)
                all[used++] = (struct linuxkit_image){.name = a->images[k].name, .at = a->at};
        }
    }
    *images = steal_ptr(&all);
    *count = used;
    return 0;
}

static int compare_images(const void *a, const void *b)
{
    const struct recipe_image *x = a;
    const struct recipe_image *y = b;
    return strcmp(x->name, y->name);
}

/* An image of Debian packages that the recipe did not write, of the suites that its others use. */
static int add_packages_image(struct recipe *r, const struct artifact_image *from, struct err *e)
{
    struct recipe_image image = {.name = from->name, .kind = RECIPE_IMAGE_DEBIAN};
    size_t packages = 0;
    static const char *const otherwise[] = {RECIPE_SUITE_DEFAULT};
    const char *const *suites = otherwise;
    size_t suite_count = 1;
    for (size_t i = r->image_count; i-- > 0;) {
        if (r->images[i].kind != RECIPE_IMAGE_DEBIAN)
            continue;
        suites = r->images[i].debian.suites.items;
        suite_count = r->images[i].debian.suites.count;
    }
    while (from->packages[packages] != NULL)
        packages++;
    struct recipe_image *grown = reallocarray(r->images, r->image_count + 1, sizeof(*grown));
    if (grown == NULL)
        return err_oom(e);
    r->images = grown;
    image.debian.packages.items = array_new(packages + 1, sizeof(const char *));
    image.debian.components.items = array_new(1, sizeof(const char *));
    image.debian.suites.items = array_new(suite_count, sizeof(const char *));
    int rc = str_copy(&image.at, "artifacts", e);
    if (rc < 0 || image.debian.packages.items == NULL || image.debian.components.items == NULL ||
        image.debian.suites.items == NULL) {
        recipe_image_dispose(&image);
        return err_oom(e);
    }
    for (size_t i = 0; i < packages; i++)
        image.debian.packages.items[i] = from->packages[i];
    image.debian.packages.count = packages;
    memcpy(image.debian.suites.items, suites, suite_count * sizeof(*suites));
    image.debian.suites.count = suite_count;
    image.debian.components.items[0] = "main";
    image.debian.components.count = 1;
    r->images[r->image_count++] = image;
    qsort(r->images, r->image_count, sizeof(*r->images), compare_images); /* names are unique */
    return 0;
}

static int add_artifact_images(struct recipe *r, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < r->artifact_count; i++) {
        const struct recipe_artifact *a = &r->artifacts[i];
        for (size_t k = 0; rc == 0 && k < a->image_count; k++)
            if (a->images[k].packages != NULL && recipe_image_find(r, a->images[k].name) == NULL)
                rc = add_packages_image(r, &a->images[k], e);
    }
    return rc;
}

/* An image that nothing uses is a mistake somewhere: it would be fetched, or left out, in silence.
 */
static int check_images(const struct recipe *r, const struct ycur *c, bool other_formats,
                        struct err *e)
{
    AUTO_FREE struct linuxkit_image *used = NULL;
    size_t count = 0;
    size_t system = 0;
    if (r->system == NULL && single_image(r) == NULL)
        return ycur_fail(c, ERR_INPUT, e,
                         "no 'system': without one, 'images' must have exactly one image");
    int rc = recipe_images_used(r, &used, &count, &system, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < r->image_count; i++) {
        size_t k = 0;
        while (k < count && strcmp(used[k].name, r->images[i].name) != 0)
            k++;
        /* Some artifact that --format left out may have needed it. */
        if (k == count && !other_formats)
            return err_set(e, ERR_INPUT,
                           "%s: the image '%s' is not used by the system nor by an artifact",
                           r->images[i].at, r->images[i].name);
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------ */

/* --decompress-kernel, else the recipe's `decompressKernel`. */
static int read_decompress(struct recipe *r, const struct ycur *c, const struct recipe_settings *s,
                           struct err *e)
{
    struct ycur m;
    int rc = 0;
    if (ycur_opt(c, "decompressKernel", &m))
        rc = ycur_bool(&m, &r->decompress_kernel, e);
    r->decompress_kernel = r->decompress_kernel || s->decompress_kernel;
    if (rc == 0 && r->decompress_kernel && (r->system == NULL || r->system->kernel.name == NULL))
        rc = ycur_fail(c, ERR_INPUT, e, "there is no kernel to decompress");
    return rc;
}

/* --expansion, else the recipe's `limits: {expansion: …}`. What is no more than usual is not said.
 */
static int read_limits(struct recipe *r, const struct ycur *c, const struct recipe_settings *s,
                       struct err *e)
{
    static const char *const keys[] = {"expansion", NULL};
    struct ycur limits;
    struct ycur m;
    int64_t value = 0;
    int rc = 0;
    if (ycur_opt(c, "limits", &limits) &&
        ((rc = ycur_map(&limits, keys, e)) < 0 ||
         (ycur_opt(&limits, "expansion", &m) &&
          (rc = ycur_int(&m, DECOMPRESS_RATIO_MAX, RECIPE_EXPANSION_MAX, &value, e)) < 0)))
        return rc;
    if (s->expansion != 0)
        value = s->expansion;
    r->expansion = value > DECOMPRESS_RATIO_MAX ? (uint32_t)value : 0;
    return 0;
}

/* What stands behind the '?' of a URL opens a door: the document says where it is, and not how. */
static int make_public(json_t *image, const char *kind, const char *key, struct err *e)
{
    json_t *source = json_object_get(image, kind);
    const char *text = json_string_value(json_object_get(source, key));
    AUTO_FREE char *public = NULL;
    if (text == NULL || !url_is_remote(text))
        return 0;
    int rc = place_public(text, &public, e);
    return rc < 0 ? rc : json_put_string(source, key, public, e);
}

static int make_images_public(json_t *images, struct err *e)
{
    const char *name = NULL;
    json_t *image = NULL;
    int rc = 0;
    json_object_foreach(images, name, image)
    {
        if ((rc = make_public(image, "url", "url", e)) < 0 ||
            (rc = make_public(image, "git", "repository", e)) < 0)
            return rc;
    }
    return rc;
}

static int put_limits(struct recipe *r, struct err *e)
{
    AUTO_JSON json_t *limits = json_object();
    if (limits == NULL)
        return err_oom(e);
    if (r->expansion == 0) {
        (void)json_object_del(r->document, "limits");
        return 0;
    }
    int rc = json_put_u64(limits, "expansion", r->expansion, e);
    return rc < 0 ? rc : json_put(r->document, "limits", steal_ptr(&limits), e);
}

static int make_document(struct recipe *r, const json_t *top, json_t *system, bool linuxkit,
                         struct err *e)
{
    r->document = linuxkit ? json_object() : json_deep_copy(top);
    if (r->document == NULL)
        return err_oom(e);
    int rc = make_images_public(json_object_get(r->document, "images"), e);
    if (rc < 0 || (rc = json_put_string(r->document, "name", r->name, e)) < 0 ||
        (rc = json_put_string(r->document, "arch", r->arch, e)) < 0 ||
        (rc = json_put_u64(r->document, "epoch", (uint64_t)r->epoch, e)) < 0 ||
        (r->decompress_kernel &&
         (rc = json_put(r->document, "decompressKernel", json_true(), e)) < 0) ||
        (rc = put_limits(r, e)) < 0)
        return rc;
    return system == NULL ? 0 : json_put(r->document, "system", json_deep_copy(system), e);
}

static int read_assay(struct recipe *r, const struct ycur *c, const char *path,
                      const struct recipe_settings *s, struct err *e)
{
    json_t *system = NULL;
    int rc = ycur_map(c, top_keys, e);
    if (rc < 0 || (rc = read_name(r, c, path, s, e)) < 0 || (rc = read_arch(r, c, s, e)) < 0 ||
        (rc = read_epoch(r, c, s, e)) < 0 || (rc = read_images(r, c, e)) < 0 ||
        (rc = read_system(r, &system, e)) < 0 || (rc = read_decompress(r, c, s, e)) < 0 ||
        (rc = read_limits(r, c, s, e)) < 0 || (rc = read_artifacts(r, c, s, e)) < 0 ||
        (rc = add_artifact_images(r, e)) < 0 ||
        (rc = check_images(r, c, s->format_count > 0, e)) < 0 ||
        (rc = make_document(r, c->value, system, false, e)) < 0)
        return rc;
    return s->format_count > 0 ? recipe_document_formats(r, e) : 0;
}

/* A LinuxKit file is a recipe without images of its own: name by file, architecture by --arch. */
static int read_linuxkit(struct recipe *r, const struct ycur *c, const char *path,
                         const struct recipe_settings *s, struct err *e)
{
    if (s->arch == NULL)
        return err_set(e, ERR_USAGE,
                       "%s: a LinuxKit file does not name its architecture: give --arch", path);
    r->plain = true;
    r->system_at = *c;
    /* It has none of assay.yml's own keys: name and epoch come from elsewhere. */
    AUTO_JSON json_t *nothing = json_object();
    if (nothing == NULL)
        return err_oom(e);
    struct ycur none = *c;
    none.value = nothing;
    int rc = str_copy(&r->arch, s->arch, e);
    if (rc < 0 || (rc = read_name(r, &none, path, s, e)) < 0 ||
        (rc = linuxkit_parse(c, LINUXKIT_FILES, NULL, &r->system, e)) < 0 ||
        (rc = read_decompress(r, &none, s, e)) < 0 || (rc = read_limits(r, &none, s, e)) < 0 ||
        (rc = read_epoch(r, &none, s, e)) < 0 || (rc = read_artifacts(r, &none, s, e)) < 0 ||
        (rc = add_artifact_images(r, e)) < 0 ||
        (rc = make_document(r, NULL, c->value, true, e)) < 0)
        return rc;
    return s->format_count > 0 ? recipe_document_formats(r, e) : 0;
}

static int set_directory(struct recipe *r, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return str_copy(&r->directory, ".", e);
    if (slash == path)
        return str_copy(&r->directory, "/", e);
    return str_format(&r->directory, e, "%.*s", (int)(slash - path), path);
}

static int read_document(struct recipe *r, const char *path, const struct recipe_settings *s,
                         struct err *e)
{
    r->root = ycur_root(r->doc);
    int rc = set_directory(r, path, e);
    if (rc < 0)
        return rc;
    if (linuxkit_looks_like(r->root.value))
        return read_linuxkit(r, &r->root, path, s, e);
    return read_assay(r, &r->root, path, s, e);
}

static int check_settings(const struct recipe_settings *s, struct err *e)
{
    if (s->name != NULL && (!plan_id_valid(s->name) || strlen(s->name) > 100))
        return err_set(e, ERR_USAGE,
                       "--name is of lower-case letters, digits, '.', '_', '-', not '%.64s'",
                       s->name);
    if (s->arch == NULL)
        return 0;
    for (size_t i = 0; archs[i] != NULL; i++)
        if (strcmp(archs[i], s->arch) == 0)
            return 0;
    return err_set(e, ERR_USAGE, "--arch is riscv64, amd64 or arm64, not '%.32s'", s->arch);
}

int recipe_parse(const void *data, size_t len, const char *path,
                 const struct recipe_settings *settings, struct recipe **out, struct err *e)
{
    AUTO_RECIPE struct recipe *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    int rc = check_settings(settings, e);
    if (rc < 0 || (rc = yaml_doc_parse(data, len, path, &r->doc, e)) < 0 ||
        (rc = read_document(r, path, settings, e)) < 0)
        return rc;
    *out = steal_ptr(&r);
    return 0;
}

/* Several files are LinuxKit's: a recipe has `system: {file: […]}`. */
static int check_parts(struct yaml_doc *const *parts, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!linuxkit_looks_like(yaml_doc_root(parts[i])))
            return err_set(e, ERR_USAGE,
                           "%s: no LinuxKit file: only those are merged on the command line",
                           yaml_doc_file(parts[i]));
    return 0;
}

static int read_parts(const char *const *paths, size_t count, struct recipe *r, struct err *e)
{
    struct yaml_doc *parts[RECIPE_FILES_MAX] = {NULL};
    size_t n = 0;
    int rc = 0;
    if (count > RECIPE_FILES_MAX)
        return err_set(e, ERR_USAGE, "more than %d files", RECIPE_FILES_MAX);
    for (; rc == 0 && n < count; n += rc == 0)
        rc = yaml_doc_read(paths[n], &parts[n], e);
    if (rc == 0 && (rc = check_parts(parts, n, e)) == 0)
        return linuxkit_merge_docs(parts, n, &r->doc, e);
    for (size_t i = 0; i < n; i++)
        yaml_doc_free(parts[i]);
    return rc;
}

int recipe_read(const char *const *paths, size_t count, const struct recipe_settings *settings,
                struct recipe **out, struct err *e)
{
    AUTO_RECIPE struct recipe *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    int rc = check_settings(settings, e);
    if (rc < 0)
        return rc;
    rc = count == 1 ? yaml_doc_read(paths[0], &r->doc, e) : read_parts(paths, count, r, e);
    if (rc < 0)
        return rc;
    const char *last = paths[count - 1];
    /* LinuxKit's own name for what comes from standard input. */
    if ((rc = read_document(r, strcmp(last, "-") == 0 ? "moby" : last, settings, e)) < 0)
        return rc;
    *out = steal_ptr(&r);
    return 0;
}

void recipe_free(struct recipe *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->image_count; i++)
        recipe_image_dispose(&r->images[i]);
    for (size_t i = 0; i < r->artifact_count; i++)
        artifact_dispose(&r->artifacts[i]);
    free(r->images);
    free(r->artifacts);
    linuxkit_free(r->system);
    free(r->directory);
    free(r->name);
    free(r->arch);
    json_decref(r->document);
    yaml_doc_free(r->system_doc);
    yaml_doc_free(r->doc);
    free(r);
}
