/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.iso: a tree as an ISO 9660 image (docs/formats/iso.md). A second input is the code of its
 * hybrid boot record.
 */
#include "base/byte_order.h"
#include "base/file.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/iso/iso.h"

struct params {
    const char *bios; /* NULL: none, as below */
    const char *efi;
    bool joliet;
    uint64_t time;
    const char *volume;
    struct glob_list *exclude;
};

static const struct param_text volume_text = {
    .max = ISO_VOLUME_MAX,
    .said_min = 1,
    .said_max = ISO_VOLUME_MAX,
    .pattern = "^[ -~]*$",
};

/* Printable ASCII: ECMA-119's d-characters and what else everybody writes. */
static int check_volume(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    const char *volume = ((const struct params *)fields)->volume;
    struct jcur c;
    (void)r;
    if (*volume != '\0' && param_printable(volume))
        return 0;
    int rc = jcur_get(object, "volume", &c, e);
    return rc < 0 ? rc
                  : jcur_fail(&c, e, "a volume's name is 1 to %d printable ASCII characters",
                              ISO_VOLUME_MAX);
}

static int check_hybrid(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    if (r->input_count > 1 && ((const struct params *)fields)->bios == NULL)
        return jcur_fail(object, e, "a hybrid boot record needs 'bios'");
    return 0;
}

static const struct param rows[] = {
    {PARAM_TEXT("bios", struct params, bios, &param_text_path), .optional = true,
     .said = SAID_TYPE},
    {PARAM_TEXT("efi", struct params, efi, &param_text_path), .optional = true, .said = SAID_TYPE},
    {PARAM_BOOL("joliet", struct params, joliet)},
    {PARAM_U64("time", struct params, time), .max = UINT32_MAX},
    {PARAM_TEXT("volume", struct params, volume, &volume_text)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
    {PARAM_RULE(check_volume)},
    {PARAM_RULE(check_hybrid)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

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

int step_encode_iso_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_ISO_LAYOUT layout = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_BUF mbr = BUF_INIT(ISO_MBR_CODE);
    uint8_t id[DIGEST_SHA256_SIZE];
    const struct params *given = params;
    struct iso_params p = {.volume = given->volume,
                           .time = given->time,
                           .joliet = given->joliet,
                           .bios = given->bios,
                           .efi = given->efi};
    int rc;

    if ((rc = check_inputs(inputs, input_count, e)) < 0 ||
        (input_count > 1 && (rc = cas_get(context->cas, &inputs[1].digest, &mbr, e)) < 0) ||
        (rc = id_derive(&inputs[0].digest, "encode.iso disk", id, e)) < 0)
        return rc;
    p.mbr = mbr.data;
    p.disk_id = get_le32(id);
    if ((rc = view_build(inputs[0].tree, given->exclude, &view, e)) < 0 ||
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
    .params = &takes,
};
