/* Artifacts made of the system's tree by one encoder each: squashfs, tar, kernel+initrd, oci. */
#include "builder/recipe/artifact.h"
#include "builder/recipe/compiler.h"

/* ---- options -------------------------------------------------------------------------- */

static int read_squashfs(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"compressor", "level",  "blockSize", "fragments",
                                       "exports",    "xattrs", NULL};
    static const char *const names[] = {"gzip", "zstd", "xz", "lz4", "none", NULL};
    struct ycur m;
    int64_t block = 131072;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0 || (rc = artifact_read_compression(c, names, "zstd", out->options, e)) < 0)
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
    return artifact_read_flag(c, "xattrs", true, out->options, e);
}

static int read_tar(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {NULL};
    (void)out;
    return c == NULL ? 0 : ycur_map(c, keys, e);
}

static const char *const GZIP_OR_NONE[] = {"gzip", "none", NULL};

static int read_initrd(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"compressor", "level", NULL};
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    return rc < 0 ? rc : artifact_read_compression(c, GZIP_OR_NONE, "gzip", out->options, e);
}

/* The image configuration's own keys (OCI image specification, config.md); the step checks their
 * types. */
static int read_oci(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"compressor", "level", "config", NULL};
    static const char *const config_keys[] = {
        "User",    "ExposedPorts", "Env",    "Entrypoint", "Cmd",
        "Volumes", "WorkingDir",   "Labels", "StopSignal", NULL};
    struct ycur m;
    AUTO_JSON json_t *config = NULL;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0 || (rc = artifact_read_compression(c, GZIP_OR_NONE, "gzip", out->options, e)) < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "config", &m)) {
        if ((rc = ycur_map(&m, config_keys, e)) < 0)
            return rc;
        config = json_deep_copy(m.value);
    } else {
        config = json_object();
    }
    return json_put(out->options, "config", steal_ptr(&config), e);
}

/* ---- steps ---------------------------------------------------------------------------- */

static int compile_squashfs(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    AUTO_JSON json_t *params = NULL;
    int rc = compiler_tree_params(c, a, true, &params, e);
    if (rc < 0 || (rc = json_put_u64(params, "time", (uint64_t)c->recipe->epoch, e)) < 0)
        return rc;
    if ((rc = compiler_step(c, "squashfs", "encode.squashfs", c->system_step, steal_ptr(&params),
                            e)) < 0)
        return rc;
    return compiler_output(c, ".squashfs", "squashfs", "application/vnd.assay.squashfs", e);
}

static int compile_tar(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    json_t *params = NULL;
    int rc = compiler_tree_params(c, a, false, &params, e);
    if (rc < 0 || (rc = compiler_step(c, "tar", "encode.tar", c->system_step, params, e)) < 0)
        return rc;
    return compiler_output(c, ".tar", "tar", "application/x-tar", e);
}

static int compile_kernel_initrd(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    int rc = compiler_kernel_outputs(c, e);
    if (rc < 0 || (rc = compiler_initrd(c, "initrd", a, e)) < 0)
        return rc;
    return compiler_output(c, "-initrd.img", "initrd", "application/vnd.assay.initrd", e);
}

static int compile_oci(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    AUTO_JSON json_t *params = NULL;
    int rc = compiler_tree_params(c, a, false, &params, e);
    if (rc < 0 || (rc = json_put_string(params, "architecture", c->recipe->arch, e)) < 0 ||
        (rc = json_put_string(params, "os", "linux", e)) < 0 ||
        (rc = json_put_u64(params, "created", (uint64_t)c->recipe->epoch, e)) < 0 ||
        (rc = compiler_step(c, "oci", "encode.oci", c->system_step, steal_ptr(&params), e)) < 0)
        return rc;
    return compiler_output(c, ".oci", "oci", "application/vnd.oci.image.manifest.v1+json", e);
}

const struct artifact_kind artifact_squashfs = {
    .name = "squashfs", .read = read_squashfs, .compile = compile_squashfs};
const struct artifact_kind artifact_tar = {.name = "tar", .read = read_tar, .compile = compile_tar};
const struct artifact_kind artifact_kernel_initrd = {.name = "kernel+initrd",
                                                     .needs_kernel = true,
                                                     .read = read_initrd,
                                                     .compile = compile_kernel_initrd};
const struct artifact_kind artifact_oci = {.name = "oci", .read = read_oci, .compile = compile_oci};
