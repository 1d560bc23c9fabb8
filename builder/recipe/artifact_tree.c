/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts made of the system's tree by one encoder each: tar, kernel+initrd, oci; and tars of
 * them: docker, tar-kernel-initrd. */
#include "base/media_types.h"
#include "builder/recipe/artifact.h"
#include "builder/recipe/compiler.h"

/* ---- options -------------------------------------------------------------------------- */

static int read_tar(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {NULL};
    (void)out;
    return c == NULL ? 0 : ycur_map(c, keys, e);
}

static int read_initrd(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"compressor", "level", NULL};
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    return rc < 0 ? rc
                  : artifact_read_compression(c, compressors_gzip_or_none, &compressor_gzip,
                                              out->options, e);
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
    if (rc < 0 || (rc = artifact_read_compression(c, compressors_gzip_or_none, &compressor_gzip,
                                                  out->options, e)) < 0)
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

static int compile_tar(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    json_t *params = NULL;
    int rc = compiler_tree_params(c, a, false, &params, e);
    if (rc < 0 || (rc = compiler_step(c, "tar", "encode.tar", c->system_step, params, e)) < 0)
        return rc;
    return compiler_output(c, ".tar", "tar", MEDIA_TAR, e);
}

static int compile_kernel_initrd(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    int rc = compiler_kernel_outputs(c, e);
    if (rc < 0 || (rc = compiler_initrd(c, "initrd", a, e)) < 0)
        return rc;
    return compiler_output(c, "-initrd.img", "initrd", MEDIA_ASSAY_INITRD, e);
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
    return compiler_output(c, ".oci", "oci", MEDIA_OCI_MANIFEST, e);
}

/* ---- tars with more in them --------------------------------------------------------------- */

/* LinuxKit's: a context for `docker build`, the system with a Dockerfile in its root. */
static int compile_docker(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    static const char dockerfile[] = "\nFROM scratch\nCOPY . ./\nENTRYPOINT [\"/bin/rc.init\"]\n";
    AUTO_JSON json_t *files = json_array();
    json_t *params = NULL;
    const char *const inputs[] = {c->system_step, NULL};
    int rc = files == NULL ? err_oom(e) : 0;
    if (rc < 0 || (rc = compiler_file_text(files, "Dockerfile", dockerfile, e)) < 0 ||
        (rc = compiler_files(c, "docker.tree", inputs, steal_ptr(&files), e)) < 0 ||
        (rc = compiler_tree_params(c, a, false, &params, e)) < 0 ||
        (rc = compiler_step(c, "docker", "encode.tar", "docker.tree", params, e)) < 0)
        return rc;
    return compiler_output(c, ".docker", "docker", MEDIA_TAR, e);
}

/* As in LinuxKit, microcode is a file beside the initrd here, not its beginning. */
static int compile_tar_kernel_initrd(struct compiler *c, const struct recipe_artifact *a,
                                     struct err *e)
{
    AUTO_JSON json_t *files = json_array();
    AUTO_JSON json_t *tar_params = NULL;
    json_t *params = NULL;
    const bool ucode = c->recipe->system->ucode != NULL;
    const char *const initrd = ucode ? "initrd.plain" : "initrd";
    const char *const inputs[] = {"kernel", initrd, ucode ? "ucode" : NULL, NULL};
    int rc = files == NULL ? err_oom(e) : 0;
    if (rc < 0 || (rc = compiler_extract(c, "kernel", c->system_step, "boot/kernel", e)) < 0 ||
        (rc = compiler_tree_params(c, a, true, &params, e)) < 0 ||
        (rc = compiler_step(c, initrd, "encode.initrd", c->system_step, params, e)) < 0 ||
        (ucode && (rc = compiler_extract(c, "ucode", c->system_step, "boot/ucode.cpio", e)) < 0) ||
        (rc = compiler_file_input(files, "kernel", 0, e)) < 0 ||
        (rc = compiler_file_input(files, "initrd.img", 1, e)) < 0 ||
        (ucode && (rc = compiler_file_input(files, "ucode.cpio", 2, e)) < 0) ||
        (rc = compiler_file_text(files, "cmdline", c->recipe->system->cmdline, e)) < 0 ||
        (rc = compiler_files(c, "initrd-tar.tree", inputs, steal_ptr(&files), e)) < 0)
        return rc;
    tar_params = json_pack("{s:[]}", "exclude");
    if (tar_params == NULL)
        return err_oom(e);
    if ((rc = compiler_step(c, "initrd-tar", "encode.tar", "initrd-tar.tree",
                            steal_ptr(&tar_params), e)) < 0)
        return rc;
    return compiler_output(c, "-initrd.tar", "initrd-tar", MEDIA_TAR, e);
}

const struct artifact_kind artifact_tar = {
    .name = "tar", .own_suffix = ".tar", .read = read_tar, .compile = compile_tar};
const struct artifact_kind artifact_kernel_initrd = {.name = "kernel+initrd",
                                                     .needs_kernel = true,
                                                     .read = read_initrd,
                                                     .compile = compile_kernel_initrd};
const struct artifact_kind artifact_oci = {.name = "oci", .read = read_oci, .compile = compile_oci};
const struct artifact_kind artifact_docker = {
    .name = "docker", .read = read_tar, .compile = compile_docker};
const struct artifact_kind artifact_tar_kernel_initrd = {.name = "tar-kernel-initrd",
                                                         .needs_kernel = true,
                                                         .read = read_initrd,
                                                         .compile = compile_tar_kernel_initrd};
