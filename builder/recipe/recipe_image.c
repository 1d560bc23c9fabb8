/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe_image.h"

#include "base/digest.h"
#include "base/file.h"
#include "builder/recipe/recipe_rootfs.h"
#include "builder/recipe/recipe_source.h"
#include "formats/tree/glob.h"

#include <string.h>

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What LinuxKit lets an image be called, within reason. */
static bool image_name_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > LINUXKIT_NAME_MAX || !is_name_byte(name[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_name_byte(name[i]) && strchr("._/:@+-", name[i]) == NULL)
            return false;
    return true;
}

/* Debian policy 5.6.7: lower-case letters, digits, + - . , at least two, not starting with a sign.
 */
static bool package_valid(const char *name)
{
    size_t len = strlen(name);
    if (len < 2 || len > 120)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool plain = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');
        if (!plain && (i == 0 || strchr("+-.", name[i]) == NULL))
            return false;
    }
    return true;
}

/* A suite or a component: "trixie-updates", "non-free-firmware". It becomes a word of an apt source
 * line. */
static bool word_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 64 || !is_name_byte(name[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_name_byte(name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    return true;
}

/* "./x", "a//b", "a/../b" and "a/" match no path: what they were to leave out would stay in. */
static bool parts_named(const char *pattern)
{
    for (const char *part = pattern;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n <= 2 && strspn(part, ".") == n))
            return false;
        if (part[n] == '\0')
            return true;
        part += n + 1;
    }
}

static bool glob_valid(const char *pattern)
{
    AUTO_GLOB struct glob *glob = NULL;
    struct err ignored = ERR_INIT;
    return glob_new(pattern, &glob, &ignored) == 0 && parts_named(pattern);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int recipe_read_list(const struct ycur *c, size_t max, bool set, bool (*valid)(const char *),
                     const char *what, struct recipe_list *out, struct err *e)
{
    size_t count = 0;
    int rc = ycur_list(c, max, &count, e);
    if (rc < 0)
        return rc;
    out->items = array_new(count + 1, sizeof(*out->items));
    if (out->items == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(c, i);
        if ((rc = ycur_text(&item, 1024, &out->items[i], e)) < 0)
            return rc;
        if (valid != NULL && !valid(out->items[i]))
            return ycur_fail(&item, ERR_INPUT, e, "'%.64s' is no %s", out->items[i], what);
        for (size_t k = 0; k < i; k++)
            if (strcmp(out->items[k], out->items[i]) == 0)
                return ycur_fail(&item, ERR_INPUT, e, "'%.64s' is listed twice", out->items[i]);
    }
    out->count = count;
    if (set)
        qsort(out->items, count, sizeof(*out->items), compare_texts); /* unique: a total order */
    return 0;
}

static int read_components(const struct ycur *c, struct recipe_debian *out, struct err *e)
{
    struct ycur m;
    if (!ycur_opt(c, "components", &m)) {
        out->components.items = array_new(1, sizeof(*out->components.items));
        if (out->components.items == NULL)
            return err_oom(e);
        out->components.items[0] = "main";
        out->components.count = 1;
        return 0;
    }
    int rc = recipe_read_list(&m, 16, true, word_valid, "component of a Debian archive",
                              &out->components, e);
    if (rc == 0 && out->components.count == 0)
        return ycur_fail(&m, ERR_INPUT, e, "the list of components is empty");
    return rc;
}

/* `suite: NAME`, or `suites: [NAME, …]` where the newest version of each package is wanted. */
static int read_suites(const struct ycur *c, struct recipe_debian *out, struct err *e)
{
    struct ycur m;
    struct ycur one;
    if (!ycur_opt(c, "suites", &m)) {
        int rc = ycur_get(c, "suite", &m, e);
        if (rc < 0)
            return rc;
        out->suites.items = array_new(1, sizeof(*out->suites.items));
        if (out->suites.items == NULL)
            return err_oom(e);
        if ((rc = ycur_text(&m, 64, &out->suites.items[0], e)) < 0)
            return rc;
        if (!word_valid(out->suites.items[0]))
            return ycur_fail(&m, ERR_INPUT, e, "'%.64s' is no name of a suite",
                             out->suites.items[0]);
        out->suites.count = 1;
        return 0;
    }
    if (ycur_opt(c, "suite", &one))
        return ycur_fail_key(&m, ERR_INPUT, e, "'suite' or 'suites', not both");
    int rc = recipe_read_list(&m, RECIPE_SUITES_MAX, false, word_valid, "name of a suite",
                              &out->suites, e);
    if (rc == 0 && out->suites.count == 0)
        return ycur_fail(&m, ERR_INPUT, e, "the list of suites is empty");
    return rc;
}

static int read_debian(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    static const char *const keys[] = {"suite",        "suites", "components", "packages",
                                       "dependencies", "rootfs", NULL};
    struct recipe_debian *out = &image->debian;
    static const char *const depths[] = {"none", "same-source", "all", NULL};
    struct ycur m;
    size_t choice = 0;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = read_suites(c, out, e)) < 0 || (rc = read_components(c, out, e)) < 0 ||
        (rc = ycur_get(c, "packages", &m, e)) < 0 ||
        (rc = recipe_read_list(&m, RECIPE_PACKAGES_MAX, true, package_valid,
                               "name of a Debian package", &out->packages, e)) < 0)
        return rc;
    if (out->packages.count == 0)
        return ycur_fail(&m, ERR_INPUT, e, "the list of packages is empty");
    if (ycur_opt(c, "dependencies", &m) && (rc = ycur_choice(&m, depths, &choice, e)) < 0)
        return rc;
    out->dependencies = (enum recipe_dependencies)choice;
    return ycur_opt(c, "rootfs", &m) ? recipe_rootfs_parse(&m, &out->rootfs, &out->finish, e) : 0;
}

int recipe_read_platform(const struct ycur *c, const char **out, struct err *e)
{
    struct ycur m;
    if (!ycur_opt(c, "platform", &m))
        return 0;
    int rc = ycur_text(&m, 64, out, e);
    if (rc < 0)
        return rc;
    if (!relpath_valid(*out) || strchr(*out, '/') == NULL)
        return ycur_fail(&m, ERR_INPUT, e, "a platform is like linux/riscv64, not '%.64s'", *out);
    return 0;
}

static int read_registry(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    struct recipe_registry *out = &image->registry;
    static const char *const keys[] = {"image", "platform", NULL};
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "image", &m, e)) < 0 ||
        (rc = ycur_text(&m, 512, &out->image, e)) < 0)
        return rc;
    return recipe_read_platform(c, &out->platform, e);
}

static int read_oci(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    static const char *const keys[] = {"layout", "manifest", "image", "platform", NULL};
    struct recipe_oci *out = &image->oci;
    struct ycur m;
    struct digest digest;
    struct err ignored = ERR_INIT;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "layout", &m, e)) < 0 ||
        (rc = ycur_text(&m, 4095, &out->layout, e)) < 0)
        return rc;
    if (ycur_opt(c, "image", &m) && (rc = ycur_text(&m, LINUXKIT_NAME_MAX, &out->image, e)) < 0)
        return rc;
    if (ycur_opt(c, "manifest", &m)) {
        if (out->image != NULL)
            return ycur_fail(&m, ERR_INPUT, e, "'manifest' or 'image', not both");
        if ((rc = ycur_text(&m, 256, &out->manifest, e)) < 0)
            return rc;
        if (digest_parse(out->manifest, &digest, &ignored) < 0 || digest.alg != DIGEST_SHA256)
            return ycur_fail(&m, ERR_INPUT, e, "'%.100s' is no sha256 digest", out->manifest);
    }
    return recipe_read_platform(c, &out->platform, e);
}

static int read_places(const struct ycur *c, struct recipe_image *out, struct err *e)
{
    AUTO_FREE const char **keys = NULL;
    size_t count = 0;
    int rc = ycur_open_map(c, e);
    if (rc < 0 || (rc = ycur_keys(c, &keys, &count, e)) < 0)
        return rc;
    if (count > RECIPE_GLOBS_MAX)
        return ycur_fail(c, ERR_INPUT, e, "more than %d places", RECIPE_GLOBS_MAX);
    out->places = array_new(count + 1, sizeof(*out->places));
    if (out->places == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur m;
        const char *path = NULL;
        if ((rc = ycur_get(c, keys[i], &m, e)) < 0 || (rc = ycur_text(&m, 1024, &path, e)) < 0)
            return rc;
        if (!relpath_valid(path))
            return ycur_fail(&m, ERR_INPUT, e, "'%.128s' is no path inside an image", path);
        if (!glob_valid(keys[i]))
            return ycur_fail_key(&m, ERR_INPUT, e, "'%.128s' is no glob of paths", keys[i]);
        out->places[i] = (struct recipe_place){keys[i], path};
    }
    out->place_count = count;
    return 0;
}

/* ---- which kind of image ---- */

struct image_kind {
    const char *key;
    enum recipe_image_kind kind;
    int (*read)(const struct ycur *c, struct recipe_image *out, struct err *e);
};

static const struct image_kind image_kinds[] = {
    {"debian", RECIPE_IMAGE_DEBIAN, read_debian},
    {"oci", RECIPE_IMAGE_OCI, read_oci},
    {"registry", RECIPE_IMAGE_REGISTRY, read_registry},
    {"docker-archive", RECIPE_IMAGE_DOCKER, recipe_read_docker},
    {"git", RECIPE_IMAGE_GIT, recipe_read_git},
    {"directory", RECIPE_IMAGE_DIRECTORY, recipe_read_directory},
    {"url", RECIPE_IMAGE_URL, recipe_read_url},
};

static int choose_kind(const struct ycur *c, const char *name, const struct image_kind **out,
                       struct err *e)
{
    AUTO_BUF all = BUF_INIT(1024);
    size_t found = 0;
    for (size_t i = 0; i < sizeof(image_kinds) / sizeof(image_kinds[0]); i++) {
        struct ycur ignored;
        int rc = buf_addf(&all, e, "%s%s", i > 0 ? ", " : "", image_kinds[i].key);
        if (rc < 0)
            return rc;
        if (!ycur_opt(c, image_kinds[i].key, &ignored))
            continue;
        found++;
        *out = &image_kinds[i];
    }
    if (found == 1)
        return 0;
    return ycur_fail(c, ERR_INPUT, e, "the image '%.64s' needs %s of %s", name,
                     found > 1 ? "only one" : "one", buf_str(&all));
}

int recipe_image_parse(const struct ycur *c, const char *name, struct recipe_image *out,
                       struct err *e)
{
    static const char *const keys[] = {"debian",  "oci",       "registry", "docker-archive",
                                       "git",     "directory", "url",      "include",
                                       "exclude", "place",     NULL};
    const struct image_kind *kind = NULL;
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_where(c, &out->at, e)) < 0)
        return rc;
    out->name = name;
    if (!image_name_valid(name))
        return ycur_fail_key(c, ERR_INPUT, e, "'%.64s' is no name of an image", name);
    if ((rc = choose_kind(c, name, &kind, e)) < 0)
        return rc;
    out->kind = kind->kind;
    if ((rc = ycur_get(c, kind->key, &m, e)) < 0 || (rc = kind->read(&m, out, e)) < 0)
        return rc;
    if (ycur_opt(c, "include", &m) &&
        (rc = recipe_read_list(&m, RECIPE_GLOBS_MAX, false, glob_valid, "glob of paths",
                               &out->include, e)) < 0)
        return rc;
    if (ycur_opt(c, "exclude", &m) &&
        (rc = recipe_read_list(&m, RECIPE_GLOBS_MAX, false, glob_valid, "glob of paths",
                               &out->exclude, e)) < 0)
        return rc;
    if (!ycur_opt(c, "place", &m))
        return 0;
    if (out->kind == RECIPE_IMAGE_DEBIAN && out->debian.rootfs != NULL)
        return ycur_fail_key(&m, ERR_INPUT, e,
                             "'place' cannot go with 'rootfs': dpkg would not find what was moved");
    return read_places(&m, out, e);
}

void recipe_image_dispose(struct recipe_image *image)
{
    free(image->debian.suites.items);
    free(image->debian.components.items);
    free(image->debian.packages.items);
    json_decref(image->debian.rootfs);
    json_decref(image->debian.finish);
    free(image->directory.ignore.items);
    free(image->include.items);
    free(image->exclude.items);
    free(image->places);
    free(image->at);
}
