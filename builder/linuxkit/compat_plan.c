/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_plan.h"

#include "base/media_types.h"
#include "builder/linuxkit/compat_image.h"
#include "builder/plan/plan.h"
#include "builder/plan/plan_write.h"

#include <string.h>

#define TAR "encode.linuxkit-tar"
#define PART "extract.linuxkit"

/* One step, and the output that it is, if any. */
struct row {
    const char *format;
    const char *id;
    const char *kind;
    const char *part;   /* of PART */
    const char *with;   /* the step whose output is the second input; NULL: none */
    const char *suffix; /* of the output; NULL: none */
    const char *media_type;
};

static const struct row rows[] = {
    {"tar", "tar", TAR, NULL, NULL, ".tar", MEDIA_TAR},
    {"docker", "docker", TAR, NULL, NULL, ".docker", MEDIA_TAR},
    {"kernel+initrd", "kernel", PART, "kernel", NULL, "-kernel", MEDIA_BYTES},
    {"kernel+initrd", "initrd", PART, "initrd", NULL, "-initrd.img", MEDIA_BYTES},
    {"kernel+initrd", "cmdline", PART, "cmdline", NULL, "-cmdline", MEDIA_TEXT},
    {"tar-kernel-initrd", "bare", PART, "initrd-bare", NULL, NULL, NULL},
    {"tar-kernel-initrd", "initrd-tar", PART, "tar", "bare", "-initrd.tar", MEDIA_TAR},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* What LinuxKit makes with containers that put the time and random numbers in. */
static const char *const others[] = {"kernel+squashfs",
                                     "kernel+erofs",
                                     "kernel+iso",
                                     "iso-bios",
                                     "iso-efi",
                                     "iso-efi-initrd",
                                     "raw-bios",
                                     "raw-efi",
                                     "qcow2-bios",
                                     "qcow2-efi",
                                     "vhd",
                                     "dynamic-vhd",
                                     "vmdk",
                                     "gcp",
                                     "aws",
                                     "rpi3",
                                     NULL};

static int check_format(const char *format, struct err *e)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].format, format) == 0)
            return 0;
    for (size_t i = 0; others[i] != NULL; i++)
        if (strcmp(others[i], format) == 0)
            return err_set(
                e, ERR_UNDECIDED,
                "LinuxKit itself never makes the same '%s' twice, so there is nothing to "
                "compare with: build it without --compat",
                format);
    return err_set(e, ERR_USAGE,
                   "'%.64s' is no format: tar, docker, kernel+initrd and tar-kernel-initrd are",
                   format);
}

static bool has(const json_t *list, const char *format)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), format) == 0)
            return true;
    return false;
}

static int add_format(json_t *list, const char *name, size_t len, struct err *e)
{
    AUTO_FREE char *format = NULL;
    int rc = str_format(&format, e, "%.*s", (int)len, name);
    if (rc < 0 || (rc = check_format(format, e)) < 0)
        return rc;
    return has(list, format) ? 0 : json_push(list, json_string(format), e);
}

int compat_plan_formats(const char *const *names, size_t count, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        for (const char *p = names[i]; rc == 0 && p != NULL;) {
            size_t len = strcspn(p, ",");
            rc = add_format(list, p, len, e);
            p = p[len] == ',' ? p + len + 1 : NULL;
        }
    if (rc == 0 && json_array_size(list) == 0)
        rc = json_push(list, json_string("tar"), e);
    if (rc == 0)
        *out = steal_ptr(&list);
    return rc;
}

static bool wanted(const struct compat_plan *p, const char *format)
{
    return has(p->formats, format);
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* An init image may bring boot/kernel, too, but what can be known beforehand is the document. */
static bool has_boot_file(const struct compat_plan *p, const char *name)
{
    const json_t *files = json_object_get(p->document, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *path = member(json_array_get(files, i), "path");
        if (strcmp(path + (*path == '/'), name) == 0)
            return true;
    }
    return false;
}

/* LinuxKit writes no file for what is not there or empty. */
static bool makes(const struct compat_plan *p, const struct row *row)
{
    const json_t *kernel = json_object_get(p->document, "kernel");
    bool has_kernel = *member(kernel, "image") != '\0';
    if (!wanted(p, row->format))
        return false;
    if (strcmp(row->id, "kernel") == 0)
        return has_kernel || has_boot_file(p, "boot/kernel");
    if (strcmp(row->id, "cmdline") == 0)
        return (has_kernel && *member(kernel, "cmdline") != '\0') ||
               has_boot_file(p, "boot/cmdline");
    return true;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static int push_step(json_t *steps, const char *id, const char *kind, json_t *in_taken,
                     json_t *params_taken, struct err *e)
{
    json_t *step = NULL;
    int rc = plan_write_step(id, kind, in_taken, params_taken, &step, e);
    return rc < 0 ? rc : json_push(steps, step, e);
}

static int tar_params(const struct compat_plan *p, bool dockerfile, json_t **out, struct err *e)
{
    AUTO_JSON json_t *params = json_object();
    if (params == NULL)
        return err_oom(e);
    int rc = json_put(params, "document", json_deep_copy(p->document), e);
    if (rc < 0 || (rc = json_put_u64(params, "visibleVolumes", p->visible_volumes, e)) < 0 ||
        (rc = json_put(params, "images", json_deep_copy(p->images), e)) < 0 ||
        (rc = json_put(params, "layouts", json_deep_copy(p->layouts), e)) < 0 ||
        (rc = json_put(params, "sources", json_deep_copy(p->sources), e)) < 0 ||
        (dockerfile && (rc = json_put(params, "dockerfile", json_true(), e)) < 0) ||
        (p->decompress_kernel && (rc = json_put(params, "decompressKernel", json_true(), e)) < 0) ||
        (p->expansion != 0 && (rc = json_put_u64(params, "expansion", p->expansion, e)) < 0))
        return rc;
    *out = steal_ptr(&params);
    return 0;
}

static int push_tar(const struct compat_plan *p, json_t *steps, bool docker, struct err *e)
{
    AUTO_JSON json_t *in = json_array();
    json_t *params = NULL;
    int rc = in == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < p->locked->blob_count; i++)
        rc = json_push(in, json_string(p->locked->blobs[i].id), e);
    if (rc < 0 || (rc = tar_params(p, docker, &params, e)) < 0)
        return rc;
    return push_step(steps, docker ? "docker" : "tar", TAR, steal_ptr(&in), params, e);
}

static int push_part(json_t *steps, const struct row *row, struct err *e)
{
    AUTO_JSON json_t *in = json_array();
    AUTO_JSON json_t *params = json_object();
    if (in == NULL || params == NULL)
        return err_oom(e);
    int rc = json_push(in, json_string("tar"), e);
    if (rc == 0 && row->with != NULL)
        rc = json_push(in, json_string(row->with), e);
    if (rc < 0 || (rc = json_put_string(params, "part", row->part, e)) < 0)
        return rc;
    return push_step(steps, row->id, PART, steal_ptr(&in), steal_ptr(&params), e);
}

static int make_steps(const struct compat_plan *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *steps = json_array();
    bool tar = false;
    if (steps == NULL)
        return err_oom(e);
    for (size_t i = 0; i < ROW_COUNT; i++)
        tar = tar || (makes(p, &rows[i]) && strcmp(rows[i].id, "docker") != 0);
    int rc = tar ? push_tar(p, steps, false, e) : 0;
    for (size_t i = 0; rc == 0 && i < ROW_COUNT; i++) {
        if (!makes(p, &rows[i]))
            continue;
        if (rows[i].part != NULL)
            rc = push_part(steps, &rows[i], e);
        else if (strcmp(rows[i].id, "docker") == 0)
            rc = push_tar(p, steps, true, e);
    }
    if (rc == 0)
        *out = steal_ptr(&steps);
    return rc;
}

/* ---- outputs and the rest ------------------------------------------------------------------ */

static int make_outputs(const struct compat_plan *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *outputs = json_array();
    int rc = outputs == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < ROW_COUNT; i++) {
        AUTO_JSON json_t *output = json_object();
        AUTO_FREE char *name = NULL;
        if (rows[i].suffix == NULL || !makes(p, &rows[i]))
            continue;
        if (output == NULL)
            return err_oom(e);
        if ((rc = str_format(&name, e, "%s%s", p->name, rows[i].suffix)) < 0 ||
            (rc = json_put_string(output, "name", name, e)) < 0 ||
            (rc = json_put_string(output, "from", rows[i].id, e)) < 0 ||
            (rc = json_put_string(output, "mediaType", rows[i].media_type, e)) < 0)
            return rc;
        rc = json_push(outputs, steal_ptr(&output), e);
    }
    if (rc == 0)
        *out = steal_ptr(&outputs);
    return rc;
}

static int make_recipe(const struct compat_plan *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *recipe = json_object();
    if (recipe == NULL)
        return err_oom(e);
    int rc = json_put_string(recipe, "compat", "linuxkit", e);
    if (rc < 0 || (rc = json_put_string(recipe, "name", p->name, e)) < 0 ||
        (rc = json_put_string(recipe, "arch", p->arch, e)) < 0 ||
        (rc = json_put(recipe, "formats", json_deep_copy(p->formats), e)) < 0 ||
        (rc = json_put(recipe, "system", json_deep_copy(p->written), e)) < 0)
        return rc;
    *out = steal_ptr(&recipe);
    return 0;
}

int compat_plan_make(const struct compat_plan *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *plan = json_object();
    AUTO_JSON json_t *steps = NULL;
    json_t *part = NULL;
    if (plan == NULL)
        return err_oom(e);
    int rc = make_steps(p, &steps, e);
    if (rc < 0 || (rc = json_put_string(plan, "type", PLAN_TYPE, e)) < 0 ||
        (rc = json_put_string(plan, "name", p->name, e)) < 0 ||
        (rc = json_put_string(plan, "arch", p->arch, e)) < 0 ||
        (rc = json_put_u64(plan, "epoch", (uint64_t)LINUXKIT_FIXED_TIME, e)) < 0 ||
        (rc = make_recipe(p, &part, e)) < 0 || (rc = json_put(plan, "recipe", part, e)) < 0 ||
        (rc = plan_toolchain(steps, p->table, &part, e)) < 0 ||
        (rc = json_put(plan, "toolchain", part, e)) < 0 ||
        (rc = locked_inputs(p->locked, &part, e)) < 0 ||
        (rc = json_put(plan, "inputs", part, e)) < 0 ||
        (rc = json_put(plan, "steps", steal_ptr(&steps), e)) < 0 ||
        (rc = make_outputs(p, &part, e)) < 0 || (rc = json_put(plan, "outputs", part, e)) < 0)
        return rc;
    *out = steal_ptr(&plan);
    return 0;
}
