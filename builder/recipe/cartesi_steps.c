/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The artifact `cartesi` as steps: its sources, the machine, its hash, its run
 * configuration, and the forms that it is packed in.
 */
#include "base/media_types.h"
#include "builder/recipe/artifact_cartesi.h"
#include "builder/recipe/artifact_disk.h"
#include "builder/recipe/compiler.h"

#include <stdio.h>
#include <string.h>

enum { INPUTS_MAX = 21, PARTS_MAX = 16 };

#define ID "cartesi"

/* The inputs of tree.cartesi while they are collected. */
struct machine {
    struct compiler *c;
    const struct recipe_artifact *a;
    json_t *roles; /* what each input is */
    char *inputs[INPUTS_MAX + 1];
    size_t count;
};

static void machine_dispose(struct machine *m)
{
    json_decref(m->roles);
    for (size_t i = 0; i < m->count; i++)
        free(m->inputs[i]);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- sources ------------------------------------------------------------------------------ */

/* The step that makes the output NAME.ARTIFACT; the artifact's own steps are pushed first. */
static int artifact_source(struct compiler *c, const struct recipe_artifact *a, const char *name,
                           const char **out, struct err *e)
{
    AUTO_FREE char *suffix = NULL;
    int rc = str_format(&suffix, e, ".%s", name);
    for (size_t i = 0; rc == 0 && i < c->recipe->artifact_count; i++) {
        const struct recipe_artifact *other = &c->recipe->artifacts[i];
        if (other != a && strcmp(other->kind->name, name) == 0)
            rc = other->kind->compile(c, other, e);
    }
    if (rc < 0)
        return rc;
    *out = compiler_output_step(c, suffix);
    return *out != NULL ? 0
                        : err_set(e, ERR_INPUT,
                                  "%s: the machine takes in the artifact '%s', which this recipe "
                                  "does not make as one file",
                                  a->at != NULL ? a->at : "artifacts", name);
}

/* The id of the input or step that gives the source's bytes; caller frees. */
static int source_step(struct machine *m, const json_t *source, const char *id, char **out,
                       struct err *e)
{
    struct compiler *c = m->c;
    const char *file = text_of(source, "file");
    const char *image = text_of(source, "image");
    const char *artifact = text_of(source, "artifact");
    const char *step = id;
    int rc = 0;
    if (file != NULL) {
        const struct locked_blob *blob = locked_file_find(c->locked, file);
        if (blob == NULL)
            return err_set(e, ERR_INPUT, "the file '%s' is not locked", file);
        step = blob->id;
    } else if (image != NULL) {
        const char *tree = compiler_image(c, image);
        if (tree == NULL)
            return err_set(e, ERR_INPUT, "the image '%s' is not locked", image);
        rc = compiler_extract(c, id, tree, text_of(source, "path"), e);
    } else if (artifact != NULL) {
        rc = artifact_source(c, m->a, artifact, &step, e);
    } else if (json_object_get(source, "initrd") != NULL) {
        rc = artifact_initrd(c, &step, e);
    } else {
        if (!compiler_has_kernel(c))
            return err_set(e, ERR_INPUT,
                           "%s: the machine takes in the kernel of a system that has "
                           "none",
                           m->a->at != NULL ? m->a->at : "artifacts");
        step = "kernel";
        rc = compiler_extract(c, step, c->system_step, "boot/kernel", e);
    }
    return rc < 0 ? rc : str_copy(out, step, e);
}

/* Adds an input; takes its id. */
static int add_input(struct machine *m, const char *role, char *id_taken, struct err *e)
{
    AUTO_FREE char *id = id_taken;
    if (m->count == INPUTS_MAX)
        return err_set(e, ERR_INPUT, "a machine has at most %d inputs", INPUTS_MAX);
    int rc = json_push(m->roles, json_string(role), e);
    if (rc == 0)
        m->inputs[m->count++] = steal_ptr(&id);
    return rc;
}

static int add_source(struct machine *m, const json_t *source, const char *role, struct err *e)
{
    char id[64];
    char *step = NULL;
    (void)snprintf(id, sizeof(id), ID "-%s", role);
    for (char *p = id; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    int rc = source_step(m, source, id, &step, e);
    return rc < 0 ? rc : add_input(m, role, step, e);
}

static bool has_source(const json_t *object)
{
    return json_object_get(object, "file") != NULL || json_object_get(object, "image") != NULL ||
           json_object_get(object, "artifact") != NULL ||
           json_object_get(object, "initrd") != NULL || json_object_get(object, "kernel") != NULL;
}

/* ---- ram: one source at the start as it is, others put together ---------------------------- */

static int join_parts(struct machine *m, const json_t *parts, struct err *e)
{
    size_t count = json_array_size(parts);
    AUTO_JSON json_t *params = json_object();
    AUTO_JSON json_t *offsets = json_array();
    char *ids[PARTS_MAX + 1] = {NULL};
    const char *inputs[PARTS_MAX + 1] = {NULL};
    char *joined = NULL;
    int rc = params == NULL || offsets == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const json_t *part = json_array_get(parts, i);
        char id[64];
        (void)snprintf(id, sizeof(id), ID "-ram.%zu", i);
        if ((rc = source_step(m, part, id, &ids[i], e)) == 0)
            rc = json_push(offsets, json_incref(json_object_get(part, "offset")), e);
        inputs[i] = ids[i];
    }
    if (rc == 0)
        rc = json_put(params, "offsets", steal_ptr(&offsets), e);
    if (rc == 0)
        rc = compiler_step_inputs(m->c, ID "-ram", "join.parts", inputs, steal_ptr(&params), e);
    if (rc == 0 && (rc = str_copy(&joined, ID "-ram", e)) == 0)
        rc = add_input(m, "ram", joined, e);
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    return rc;
}

static int add_ram(struct machine *m, struct err *e)
{
    const json_t *parts = json_object_get(m->a->options, "ram");
    if (json_array_size(parts) == 0)
        return 0;
    if (json_array_size(parts) == 1 &&
        json_integer_value(json_object_get(json_array_get(parts, 0), "offset")) == 0)
        return add_source(m, json_array_get(parts, 0), "ram", e);
    return join_parts(m, parts, e);
}

/* ---- drives --------------------------------------------------------------------------------- */

/* What tree.cartesi is told of them; their sources become inputs. */
static int add_drives(struct machine *m, const char *key, json_t *params, struct err *e)
{
    static const char *const keys[] = {"align", "label", "length", "start", "readOnly"};
    const json_t *drives = json_object_get(m->a->options, key);
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(drives); i++) {
        const json_t *drive = json_array_get(drives, i);
        AUTO_JSON json_t *out = json_object();
        char role[32];
        if (out == NULL)
            return err_oom(e);
        (void)snprintf(role, sizeof(role), "%s.%zu", key, i);
        if (has_source(drive))
            rc = add_source(m, drive, role, e);
        for (size_t k = 0; rc == 0 && k < sizeof(keys) / sizeof(keys[0]); k++)
            if (json_object_get(drive, keys[k]) != NULL)
                rc = json_put(out, keys[k], json_incref(json_object_get(drive, keys[k])), e);
        if (rc == 0)
            rc = json_push(list, steal_ptr(&out), e);
    }
    return rc < 0 ? rc : json_put(params, key, steal_ptr(&list), e);
}

/* ---- the machine ------------------------------------------------------------------------------
 */

static int machine_step(struct machine *m, struct err *e)
{
    static const char *const copied[] = {"emulator", "hashFunction", "ramLength", "bootargs",
                                         "init",     "entrypoint",   "registers", "phtcSize"};
    static const char *const singles[][2] = {
        {"dtb", "dtb"}, {"uarch", "uarchRam"}, {"rxBuffer", "rxBuffer"}, {"txBuffer", "txBuffer"}};
    AUTO_JSON json_t *params = json_object();
    const json_t *options = m->a->options;
    int rc = params == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < sizeof(copied) / sizeof(copied[0]); i++)
        if (json_object_get(options, copied[i]) != NULL)
            rc = json_put(params, copied[i], json_incref(json_object_get(options, copied[i])), e);
    if (rc == 0)
        rc = add_ram(m, e);
    for (size_t i = 0; rc == 0 && i < 4; i++)
        if (json_object_get(options, singles[i][0]) != NULL)
            rc = add_source(m, json_object_get(options, singles[i][0]), singles[i][1], e);
    if (rc < 0 || (rc = add_drives(m, "flashDrives", params, e)) < 0 ||
        (rc = add_drives(m, "nvrams", params, e)) < 0 ||
        (rc = json_put(params, "inputs", json_incref(m->roles), e)) < 0)
        return rc;
    return compiler_step_inputs(m->c, ID, "tree.cartesi", (const char *const *)m->inputs,
                                steal_ptr(&params), e);
}

/* Its hash, its config, and how it is to be run. */
static int document_steps(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    AUTO_JSON json_t *run = json_object();
    json_t *limit = json_object_get(a->options, "maxCycle");
    if (run == NULL)
        return err_oom(e);
    int rc = limit == NULL ? 0 : json_put(run, "maxCycle", json_incref(limit), e);
    if (rc < 0 ||
        (rc = compiler_step(c, ID "-hash", "encode.cartesi-hash", ID, json_object(), e)) < 0 ||
        (rc = compiler_step(c, ID "-run", "encode.cartesi-run", ID, steal_ptr(&run), e)) < 0 ||
        (rc = compiler_extract(c, ID "-config", ID, "config.json", e)) < 0 ||
        (rc = compiler_output(c, ".hash", ID "-hash", MEDIA_TEXT, e)) < 0 ||
        (rc = compiler_output(c, ".run.json", ID "-run", MEDIA_ASSAY_CARTESI_RUN, e)) < 0)
        return rc;
    return compiler_output(c, ".config.json", ID "-config", MEDIA_JSON, e);
}

/* ---- packed ------------------------------------------------------------------------------------
 */

static bool wants(const struct recipe_artifact *a, const char *pack)
{
    const json_t *packs = json_object_get(a->options, "pack");
    for (size_t i = 0; i < json_array_size(packs); i++)
        if (strcmp(json_string_value(json_array_get(packs, i)), pack) == 0)
            return true;
    return false;
}

static int tar_step(struct compiler *c, const struct recipe_artifact *a, const char *digest,
                    struct err *e)
{
    const char *const known[] = {digest, ID "-hash", NULL};
    AUTO_JSON json_t *params = json_object();
    int rc = params == NULL ? err_oom(e) : json_put(params, "exclude", json_array(), e);
    if (rc < 0 || (rc = json_put(params, "sparse", json_true(), e)) < 0 ||
        (rc = compiler_step(c, ID "-tar", "encode.tar", ID, steal_ptr(&params), e)) < 0)
        return rc;
    if (wants(a, "directory") &&
        (rc = compiler_output_known(c, ".cartesi", ID "-tar", MEDIA_ASSAY_CARTESI_MACHINE, known,
                                    e)) < 0)
        return rc;
    return !wants(a, "tar")
               ? 0
               : compiler_output_known(c, ".cartesi.tar", ID "-tar", MEDIA_TAR, known, e);
}

/* A hash tree behind the squashfs, with salt and UUID of the machine's hash. */
static int verity_step(struct compiler *c, const char *digest, struct err *e)
{
    const char *const known[] = {digest, ID "-hash", "dmVerityRoot", ID "-verity-root", NULL};
    static const char *const inputs[] = {ID "-squashfs", ID "-hash", NULL};
    AUTO_JSON json_t *params = json_object();
    AUTO_JSON json_t *root = json_object();
    AUTO_JSON json_t *facts = json_object();
    int rc = params == NULL || root == NULL || facts == NULL ? err_oom(e) : 0;
    if (rc < 0 || (rc = json_put(params, "append", json_true(), e)) < 0 ||
        (rc = json_put_string(params, "salt", "derived", e)) < 0 ||
        (rc = json_put_string(params, "uuid", "derived", e)) < 0 ||
        (rc = json_put(root, "appended", json_true(), e)) < 0 ||
        (rc = json_put_string(root, "form", "root-hash", e)) < 0 ||
        (rc = json_put(facts, "appended", json_true(), e)) < 0 ||
        (rc = json_put_string(facts, "form", "json", e)) < 0 ||
        (rc = compiler_step_inputs(c, ID "-verity", "encode.verity", inputs, steal_ptr(&params),
                                   e)) < 0 ||
        (rc = compiler_step(c, ID "-verity-root", "extract.verity", ID "-verity", steal_ptr(&root),
                            e)) < 0 ||
        (rc = compiler_step(c, ID "-verity-facts", "extract.verity", ID "-verity",
                            steal_ptr(&facts), e)) < 0 ||
        (rc = compiler_output_known(c, ".cartesi.squashfs", ID "-verity", MEDIA_ASSAY_SQUASHFS,
                                    known, e)) < 0 ||
        (rc = compiler_output(c, ".cartesi.squashfs.root-hash", ID "-verity-root", MEDIA_TEXT, e)) <
            0)
        return rc;
    return compiler_output(c, ".cartesi.squashfs.verity.json", ID "-verity-facts",
                           MEDIA_ASSAY_VERITY, e);
}

static int squashfs_step(struct compiler *c, const struct recipe_artifact *a, const char *digest,
                         struct err *e)
{
    const char *const known[] = {digest, ID "-hash", NULL};
    AUTO_JSON json_t *params = json_object();
    int rc = params == NULL ? err_oom(e) : json_put(params, "exclude", json_array(), e);
    if (rc < 0 ||
        (rc = artifact_put_compression(params, &compressor_zstd, compressor_zstd.level_normal, e)) <
            0 ||
        (rc = json_put_u64(params, "blockSize", 131072, e)) < 0 ||
        (rc = json_put(params, "fragments", json_true(), e)) < 0 ||
        (rc = json_put(params, "exports", json_true(), e)) < 0 ||
        (rc = json_put(params, "xattrs", json_true(), e)) < 0 ||
        (rc = json_put_u64(params, "time", 0, e)) < 0 ||
        (rc = compiler_step(c, ID "-squashfs", "encode.squashfs", ID, steal_ptr(&params), e)) < 0)
        return rc;
    if (json_is_true(json_object_get(a->options, "verity")))
        return verity_step(c, digest, e);
    return compiler_output_known(c, ".cartesi.squashfs", ID "-squashfs", MEDIA_ASSAY_SQUASHFS,
                                 known, e);
}

int cartesi_compile(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    AUTO(machine_dispose) struct machine m = {.c = c, .a = a, .roles = json_array()};
    const char *function = text_of(a->options, "hashFunction");
    const char *digest = strcmp(function, "sha256") == 0 ? "cartesiSha256" : "cartesiKeccak256";
    int rc = m.roles == NULL ? err_oom(e) : machine_step(&m, e);
    if (rc < 0 || (rc = document_steps(c, a, e)) < 0)
        return rc;
    if ((wants(a, "directory") || wants(a, "tar")) && (rc = tar_step(c, a, digest, e)) < 0)
        return rc;
    return wants(a, "squashfs") ? squashfs_step(c, a, digest, e) : 0;
}
