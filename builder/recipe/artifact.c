/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/artifact.h"

#include "base/json.h"
#include "base/nearest.h"

#include <string.h>

#define DISK_LISTED(id, ...) &artifact_##id,
/* One row a line: rows that are added side by side do not conflict. */
/* clang-format off */
const struct artifact_kind *const artifact_kinds[] = {
    &artifact_squashfs,
    &artifact_erofs,
    &artifact_ext4,
    &artifact_tar,
    &artifact_docker,
    &artifact_kernel_initrd,
    &artifact_tar_kernel_initrd,
    &artifact_kernel_squashfs,
    &artifact_kernel_erofs,
    &artifact_kernel_iso,
    &artifact_iso_bios,
    &artifact_iso_efi,
    &artifact_iso_efi_initrd,
    &artifact_oci,
    &artifact_cartesi,
    DISK_FORMATS(DISK_LISTED)
    &artifact_rpi3,
    NULL,
};
/* clang-format on */
enum { KIND_COUNT = sizeof(artifact_kinds) / sizeof(artifact_kinds[0]) - 1 };

/* For ycur_choice and ycur_map. */
static void kind_names(const char *out[KIND_COUNT + 1])
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        out[i] = artifact_kinds[i]->name;
    out[KIND_COUNT] = NULL;
}

static const struct artifact_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(artifact_kinds[i]->name, name) == 0)
            return artifact_kinds[i];
    return NULL;
}

/* ---- options that several kinds have ---------------------------------------------- */

int artifact_read_compression(const struct ycur *c, const struct compressor *const *list,
                              const struct compressor *normal, json_t *options, struct err *e)
{
    const char *names[COMPRESSORS_MAX + 1] = {NULL};
    const struct compressor *z = normal;
    struct ycur m;
    size_t choice = 0;
    int rc = 0;
    for (size_t i = 0; i < COMPRESSORS_MAX && list[i] != NULL; i++)
        names[i] = list[i]->name;
    if (c != NULL && ycur_opt(c, "compressor", &m)) {
        if ((rc = ycur_choice(&m, names, &choice, e)) < 0)
            return rc;
        z = list[choice];
    }
    int64_t level = z->level_normal;
    if (c != NULL && ycur_opt(c, "level", &m)) {
        if ((rc = ycur_int(&m, z->level_min, z->level_max, &level, e)) < 0)
            return rc;
        if (!compressor_has_level(z, level))
            return ycur_fail(&m, ERR_INPUT, e, "%s has the levels %d (fast) and %d (small)",
                             z->name, z->level_min, z->level_max);
    }
    return artifact_put_compression(options, z, level, e);
}

int artifact_put_compression(json_t *options, const struct compressor *z, int64_t level,
                             struct err *e)
{
    int rc = json_put_string(options, "compressor", z->name, e);
    return rc < 0 ? rc : json_put_u64(options, "level", (uint64_t)level, e);
}

int artifact_read_flag(const struct ycur *c, const char *key, bool normal, json_t *options,
                       struct err *e)
{
    struct ycur m;
    bool value = normal;
    int rc = 0;
    if (c != NULL && ycur_opt(c, key, &m) && (rc = ycur_bool(&m, &value, e)) < 0)
        return rc;
    return json_put(options, key, json_boolean(value), e);
}

int artifact_read_size(const struct ycur *c, uint64_t *out, struct err *e)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    const char *text = NULL;
    int64_t number = 0;
    uint64_t v = 0;
    int rc;
    if (json_is_integer(c->value)) {
        if ((rc = ycur_int(c, 0, ARTIFACT_SIZE_MAX, &number, e)) < 0)
            return rc;
        *out = (uint64_t)number;
        return 0;
    }
    if ((rc = ycur_text(c, 32, &text, e)) < 0)
        return rc;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && digits <= 12; i++)
        v = v * 10 + (uint64_t)(text[i] - '0');
    for (size_t i = 0; digits > 0 && digits <= 12 && i < 3; i++)
        if (strcmp(text + digits, units[i].unit) == 0 &&
            v <= (uint64_t)ARTIFACT_SIZE_MAX >> units[i].shift) {
            *out = v << units[i].shift;
            return 0;
        }
    return ycur_fail(c, ERR_INPUT, e, "'%s' is no size like 4096 or 128MiB", text);
}

int artifact_read_image(const struct ycur *c, const char *key, const char *name,
                        const char *const *packages, struct recipe_artifact *out, struct err *e)
{
    struct ycur m;
    struct artifact_image image = {.name = name, .packages = packages};
    if (out->image_count == ARTIFACT_IMAGES_MAX)
        return err_set(e, ERR_INPUT, "more than %d images for one artifact", ARTIFACT_IMAGES_MAX);
    if (c != NULL && ycur_opt(c, key, &m)) {
        int rc = ycur_text(&m, 512, &image.name, e);
        if (rc < 0)
            return rc;
        image.packages = NULL;
    }
    out->images[out->image_count++] = image;
    return 0;
}

/* ---- parsing ------------------------------------------------------------------------ */

static int fill(const struct artifact_kind *kind, const struct ycur *options, struct err *e,
                struct recipe_artifact *out)
{
    out->kind = kind;
    out->options = json_object();
    if (out->options == NULL)
        return err_oom(e);
    return kind->read(options, out, e);
}

int artifact_default(const char *name, struct recipe_artifact *out, struct err *e)
{
    const struct artifact_kind *kind = kind_find(name);
    if (kind == NULL) {
        const char *names[KIND_COUNT + 1];
        char hint[NEAREST_HINT_MAX];
        kind_names(names);
        return err_set(e, ERR_USAGE, "there is no artifact '%.64s'%s", name,
                       nearest_hint(name, names, "", hint));
    }
    return fill(kind, NULL, e, out);
}

int artifact_parse(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    const char *names[KIND_COUNT + 1];
    size_t choice = 0;
    int rc = ycur_where(c, &out->at, e);
    if (rc < 0)
        return rc;
    kind_names(names);
    if (json_is_string(c->value)) {
        rc = ycur_choice(c, names, &choice, e);
        return rc < 0 ? rc : fill(artifact_kinds[choice], NULL, e, out);
    }
    if ((rc = ycur_map(c, names, e)) < 0)
        return rc;
    if (json_object_size(c->value) != 1)
        return ycur_fail(c, ERR_INPUT, e, "an artifact is a name, or a map with one name");
    struct ycur options;
    const char *name = json_object_iter_key(json_object_iter(c->value));
    if ((rc = ycur_get(c, name, &options, e)) < 0)
        return rc;
    const struct artifact_kind *kind = kind_find(name);
    if (kind == NULL)
        return ycur_fail(c, ERR_INPUT, e, "there is no artifact '%.64s'", name);
    return fill(kind, &options, e, out);
}

void artifact_dispose(struct recipe_artifact *a)
{
    json_decref(a->options);
    free(a->at);
}
