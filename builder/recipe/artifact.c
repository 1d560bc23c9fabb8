/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/artifact.h"

#include "base/json.h"

#include <string.h>

/* One row a line: rows that are added side by side do not conflict. */
/* clang-format off */
static const struct artifact_kind *const kinds[] = {
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
    &artifact_raw_bios,
    &artifact_raw_efi,
    &artifact_aws,
    &artifact_qcow2_bios,
    &artifact_qcow2_efi,
    &artifact_vhd,
    &artifact_dynamic_vhd,
    &artifact_vmdk,
    &artifact_gcp,
    &artifact_rpi3,
};
enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

/* The same names in the same order, for ycur_choice and ycur_map. */
static const char *const kind_names[] = {
    "squashfs",
    "erofs",
    "ext4",
    "tar",
    "docker",
    "kernel+initrd",
    "tar-kernel-initrd",
    "kernel+squashfs",
    "kernel+erofs",
    "kernel+iso",
    "iso-bios",
    "iso-efi",
    "iso-efi-initrd",
    "oci",
    "cartesi",
    "raw-bios",
    "raw-efi",
    "aws",
    "qcow2-bios",
    "qcow2-efi",
    "vhd",
    "dynamic-vhd",
    "vmdk",
    "gcp",
    "rpi3",
    NULL,
};
/* clang-format on */
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == KIND_COUNT + 1,
               "a name for each kind");

static const struct artifact_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

/* ---- options that several kinds have ---------------------------------------------- */

struct compressor {
    const char *name;
    int64_t min, max, normal; /* levels */
};

static const struct compressor compressors[] = {
    {"gzip", 1, 9, 9}, {"zstd", 1, 22, 15}, {"xz", 0, 9, 6}, {"lz4", 0, 12, 0}, {"none", 0, 0, 0},
};

static const struct compressor *compressor_find(const char *name)
{
    for (size_t i = 0; i < sizeof(compressors) / sizeof(compressors[0]); i++)
        if (strcmp(compressors[i].name, name) == 0)
            return &compressors[i];
    return NULL;
}

int artifact_read_compression(const struct ycur *c, const char *const *names, const char *normal,
                              json_t *options, struct err *e)
{
    struct ycur m;
    size_t choice = 0;
    int rc = 0;
    const char *name = normal;
    if (c != NULL && ycur_opt(c, "compressor", &m)) {
        if ((rc = ycur_choice(&m, names, &choice, e)) < 0)
            return rc;
        name = names[choice];
    }
    const struct compressor *z = compressor_find(name);
    if (z == NULL)
        return err_set(e, ERR_INPUT, "there is no compressor '%s'", name);
    int64_t level = z->normal;
    if (c != NULL && ycur_opt(c, "level", &m)) {
        if ((rc = ycur_int(&m, z->min, z->max, &level, e)) < 0)
            return rc;
        if (strcmp(name, "lz4") == 0 && level != 0 && level != 12)
            return ycur_fail(&m, ERR_INPUT, e, "lz4 has the levels 0 (fast) and 12 (small)");
    }
    if ((rc = json_put_string(options, "compressor", name, e)) < 0)
        return rc;
    return json_put_u64(options, "level", (uint64_t)level, e);
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
    if (kind == NULL)
        return err_set(e, ERR_USAGE, "there is no artifact '%.64s'", name);
    return fill(kind, NULL, e, out);
}

int artifact_parse(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    size_t choice = 0;
    int rc = ycur_where(c, &out->at, e);
    if (rc < 0)
        return rc;
    if (json_is_string(c->value)) {
        rc = ycur_choice(c, kind_names, &choice, e);
        return rc < 0 ? rc : fill(kinds[choice], NULL, e, out);
    }
    if ((rc = ycur_map(c, kind_names, e)) < 0)
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
