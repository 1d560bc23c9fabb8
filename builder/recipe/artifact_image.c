/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts that are file-system images of the system's tree, with a dm-verity hash tree where it
 * is asked for: squashfs, erofs, ext4; and with the kernel beside them, as LinuxKit has them:
 * kernel+squashfs, kernel+erofs.
 */
#include "base/media_types.h"
#include "builder/recipe/artifact.h"
#include "builder/recipe/compiler.h"
#include "formats/squashfs/squashfs_compressors.h"

#include <string.h>

/* ---- options -------------------------------------------------------------------------- */

enum { EXT4_MIB_MAX = 16 * 1024 * 1024 };

static const char derived[] = "derived";

/* `verity: true`, or a map; options get `verity` only when there is one. */
static int read_verity(const struct ycur *c, json_t *options, struct err *e)
{
    static const char *const keys[] = {"append", "salt", "uuid", NULL};
    struct ycur v;
    struct ycur m;
    bool on = true;
    const char *salt = derived;
    const char *uuid = derived;
    AUTO_JSON json_t *verity = json_object();
    if (verity == NULL)
        return err_oom(e);
    if (c == NULL || !ycur_opt(c, "verity", &v))
        return 0;
    bool map = json_is_object(v.value);
    int rc = map ? ycur_map(&v, keys, e) : ycur_bool(&v, &on, e);
    if (rc < 0 || !on)
        return rc;
    if (map && ycur_opt(&v, "salt", &m) && (rc = ycur_text0(&m, 512, &salt, e)) < 0)
        return rc;
    if (map && ycur_opt(&v, "uuid", &m) && (rc = ycur_text(&m, 36, &uuid, e)) < 0)
        return rc;
    if ((rc = artifact_read_flag(map ? &v : NULL, "append", true, verity, e)) < 0 ||
        (rc = json_put_string(verity, "salt", salt, e)) < 0 ||
        (rc = json_put_string(verity, "uuid", uuid, e)) < 0)
        return rc;
    return json_put(options, "verity", steal_ptr(&verity), e);
}

static int read_squashfs(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"compressor", "level",  "blockSize", "fragments",
                                       "exports",    "xattrs", "verity",    NULL};
    struct ycur m;
    int64_t block = 131072;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0 || (rc = artifact_read_compression(c, squashfs_compressors, &compressor_zstd,
                                                  out->options, e)) < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "blockSize", &m)) {
        if ((rc = ycur_int(&m, 4096, 1048576, &block, e)) < 0)
            return rc;
        if ((block & (block - 1)) != 0)
            return ycur_fail(&m, ERR_INPUT, e, "a block size is a power of two, not %lld",
                             (long long)block);
    }
    if ((rc = json_put_u64(out->options, "blockSize", (uint64_t)block, e)) < 0 ||
        (rc = artifact_read_flag(c, "fragments", true, out->options, e)) < 0 ||
        (rc = artifact_read_flag(c, "exports", true, out->options, e)) < 0)
        return rc;
    rc = artifact_read_flag(c, "xattrs", true, out->options, e);
    return rc < 0 ? rc : read_verity(c, out->options, e);
}

static int read_erofs(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"uuid", "verity", "xattrs", NULL};
    struct ycur m;
    const char *uuid = derived;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "uuid", &m) && (rc = ycur_text(&m, 36, &uuid, e)) < 0)
        return rc;
    if ((rc = json_put_string(out->options, "uuid", uuid, e)) < 0 ||
        (rc = artifact_read_flag(c, "xattrs", true, out->options, e)) < 0)
        return rc;
    return read_verity(c, out->options, e);
}

static int read_ext4(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"label", "size", "uuid", "verity", "xattrs", NULL};
    struct ycur m;
    const char *uuid = derived;
    const char *label = "";
    int64_t mib = 0;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "uuid", &m) && (rc = ycur_text(&m, 36, &uuid, e)) < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "label", &m) && (rc = ycur_text0(&m, 16, &label, e)) < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "size", &m) && (rc = ycur_int(&m, 1, EXT4_MIB_MAX, &mib, e)) < 0)
        return rc;
    if ((rc = json_put_string(out->options, "uuid", uuid, e)) < 0 ||
        (rc = json_put_string(out->options, "label", label, e)) < 0 ||
        (rc = json_put_u64(out->options, "size", (uint64_t)mib << 20, e)) < 0 ||
        (rc = artifact_read_flag(c, "xattrs", true, out->options, e)) < 0)
        return rc;
    return read_verity(c, out->options, e);
}

/* ---- steps ---------------------------------------------------------------------------- */

/* The hash tree of the step `from`, and what tells of it. *out: the step whose output the image is;
 * caller frees. */
static int verity_steps(struct compiler *c, const json_t *verity, const char *from,
                        const char *suffix, char **out, struct err *e)
{
    static const char *const forms[][2] = {{"root-hash", MEDIA_TEXT}, {"json", MEDIA_JSON}};
    bool append = json_is_true(json_object_get(verity, "append"));
    AUTO_FREE char *id = NULL;
    AUTO_FREE char *output = NULL;
    int rc = str_format(&id, e, "%s.verity", from);
    if (rc < 0 || (rc = str_format(&output, e, "%s.verity", suffix)) < 0 ||
        (rc = compiler_step(c, id, "encode.verity", from, json_deep_copy(verity), e)) < 0 ||
        (!append && (rc = compiler_output(c, output, id, MEDIA_BYTES, e)) < 0))
        return rc;
    for (size_t i = 0; i < 2; i++) {
        AUTO_FREE char *step = NULL;
        AUTO_FREE char *name = NULL;
        const char *const inputs[] = {id, append ? NULL : from, NULL};
        json_t *params = json_pack("{s:b,s:s}", "appended", append, "form", forms[i][0]);
        if ((rc = str_format(&step, e, "%s.%s", id, forms[i][0])) < 0 ||
            (rc = str_format(&name, e, i == 0 ? "%s.root-hash" : "%s.verity.json", suffix)) < 0) {
            json_decref(params);
            return rc;
        }
        if ((rc = compiler_step_inputs(c, step, "extract.verity", inputs, params, e)) < 0 ||
            (rc = compiler_output(c, name, step, forms[i][1], e)) < 0)
            return rc;
    }
    return append ? (*out = steal_ptr(&id), 0) : str_copy(out, from, e);
}

/* An image of the system's tree as the output NAME + suffix. */
static int image(struct compiler *c, const struct recipe_artifact *a, const char *step,
                 const char *suffix, struct err *e)
{
    AUTO_FREE char *kind = NULL;
    AUTO_FREE char *media = NULL;
    AUTO_FREE char *whole = NULL;
    AUTO_JSON json_t *params = NULL;
    const json_t *verity = json_object_get(a->options, "verity");
    int rc = str_format(&kind, e, "encode.%s", step);
    if (rc < 0 || (rc = str_format(&media, e, MEDIA_ASSAY "%s", step)) < 0 ||
        (rc = compiler_tree_params(c, a, true, &params, e)) < 0 ||
        (rc = json_put_u64(params, "time", (uint64_t)c->recipe->epoch, e)) < 0)
        return rc;
    (void)json_object_del(params, "verity");
    if ((rc = compiler_step(c, step, kind, c->system_step, steal_ptr(&params), e)) < 0)
        return rc;
    rc = verity == NULL ? str_copy(&whole, step, e)
                        : verity_steps(c, verity, step, suffix, &whole, e);
    return rc < 0 ? rc : compiler_output(c, suffix, whole, media, e);
}

static int compile_squashfs(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    return image(c, a, "squashfs", ".squashfs", e);
}

static int compile_erofs(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    return image(c, a, "erofs", ".erofs", e);
}

static int compile_ext4(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    return image(c, a, "ext4", ".ext4", e);
}

static int compile_kernel_squashfs(struct compiler *c, const struct recipe_artifact *a,
                                   struct err *e)
{
    int rc = compiler_kernel_outputs(c, e);
    return rc < 0 ? rc : image(c, a, "squashfs", "-squashfs.img", e);
}

static int compile_kernel_erofs(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    int rc = compiler_kernel_outputs(c, e);
    return rc < 0 ? rc : image(c, a, "erofs", "-erofs.img", e);
}

const struct artifact_kind artifact_squashfs = {
    .name = "squashfs", .read = read_squashfs, .compile = compile_squashfs};
const struct artifact_kind artifact_erofs = {
    .name = "erofs", .read = read_erofs, .compile = compile_erofs};
const struct artifact_kind artifact_ext4 = {
    .name = "ext4", .read = read_ext4, .compile = compile_ext4};
const struct artifact_kind artifact_kernel_squashfs = {.name = "kernel+squashfs",
                                                       .needs_kernel = true,
                                                       .read = read_squashfs,
                                                       .compile = compile_kernel_squashfs};
const struct artifact_kind artifact_kernel_erofs = {.name = "kernel+erofs",
                                                    .needs_kernel = true,
                                                    .read = read_erofs,
                                                    .compile = compile_kernel_erofs};
