/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.iso: a tree as an ISO 9660 image (docs/formats/iso.md). A second input is the code of its
 * hybrid boot record.
 */
#include "base/file.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/iso/iso.h"

static int read_path(const struct jcur *params, const char *key, const char **out, struct err *e)
{
    struct jcur c;

    *out = NULL;
    if (!jcur_opt(params, key, &c))
        return 0;
    int rc = jcur_string(&c, TREE_PATH_MAX, out, e);
    if (rc < 0)
        return rc;
    if (!relpath_valid(*out))
        return jcur_fail(&c, e, "'%s' is no path without a leading '/', '.' and '..'", *out);
    return 0;
}

/* Printable ASCII: ECMA-119's d-characters and what else everybody writes. */
static bool volume_valid(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7e)
            return false;
    }
    return *text != '\0';
}

static int read_params(const struct jcur *params, size_t input_count, struct iso_params *out,
                       struct err *e)
{
    static const char *const keys[] = {"bios", "efi", "exclude", "joliet", "volume", "time", NULL};
    struct iso_params p = {0};
    struct jcur c;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = read_path(params, "bios", &p.bios, e)) < 0 ||
        (rc = read_path(params, "efi", &p.efi, e)) < 0 ||
        (rc = params_bool(params, "joliet", &p.joliet, e)) < 0 ||
        (rc = jcur_get_u64(params, "time", UINT32_MAX, &p.time, e)) < 0 ||
        (rc = jcur_get(params, "volume", &c, e)) < 0 ||
        (rc = jcur_string(&c, ISO_VOLUME_MAX, &p.volume, e)) < 0 ||
        (rc = view_check_exclude(params, e)) < 0)
        return rc;
    if (!volume_valid(p.volume))
        return jcur_fail(&c, e, "a volume's name is 1 to %d printable ASCII characters",
                         ISO_VOLUME_MAX);
    if (input_count > 1 && p.bios == NULL)
        return jcur_fail(params, e, "a hybrid boot record needs 'bios'");
    *out = p;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    struct iso_params p;

    return read_params(params, input_count, &p, e);
}

static int check_inputs(const struct step_input *inputs, size_t input_count, struct err *e)
{
    if (inputs[0].kind != VALUE_TREE)
        return err_set(e, ERR_INPUT, "'%s' is no tree", inputs[0].id);
    if (input_count > 1 && (inputs[1].kind != VALUE_BLOB || inputs[1].size != ISO_MBR_CODE))
        return err_set(e, ERR_INPUT, "'%s' is no boot record's code: it must have %d bytes",
                       inputs[1].id, ISO_MBR_CODE);
    return 0;
}

/* Rock Ridge has no attributes: what would be lost without a word is refused. */
static int check_attributes(const struct view *v, struct err *e)
{
    for (size_t i = 0; i < v->inode_count; i++) {
        AUTO_FREE char *path = NULL;
        if (v->inodes[i].inode->xattr_count == 0)
            continue;
        int rc = view_path(v, v->inodes[i].first, &path, e);
        if (rc < 0)
            return rc;
        return err_set(e, ERR_INPUT, "cannot put '%s' into an ISO image: it has no attribute '%s'",
                       *path == '\0' ? "." : path, v->inodes[i].inode->xattrs[0].name);
    }
    return 0;
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_ISO_LAYOUT layout = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_BUF mbr = BUF_INIT(ISO_MBR_CODE);
    uint8_t id[DIGEST_SHA256_SIZE];
    struct iso_params p = {0};
    int rc;

    if ((rc = read_params(params, input_count, &p, e)) < 0 ||
        (rc = check_inputs(inputs, input_count, e)) < 0 ||
        (input_count > 1 && (rc = cas_get(context->cas, &inputs[1].digest, &mbr, e)) < 0) ||
        (rc = id_derive(&inputs[0].digest, "encode.iso disk", id, e)) < 0)
        return rc;
    p.mbr = mbr.data;
    p.disk_id =
        (uint32_t)id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 24;
    if ((rc = view_build(inputs[0].tree, params, &view, e)) < 0 ||
        (rc = check_attributes(&view, e)) < 0 ||
        (rc = iso_layout(&view, inputs[0].tree, &p, &layout, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, layout.size, &writer, e)) < 0 ||
        (rc = iso_write(&layout, inputs[0].tree, context->cas, context->progress, sink_cas(writer),
                        e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_iso = {
    .name = "encode.iso",
    .min_inputs = 1,
    .max_inputs = 2,
    .takes = VALUE_ANY,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
