/* SPDX-License-Identifier: Apache-2.0 */
/* encode.ext4: a tree as an ext4 image (docs/formats/ext4.md). */
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/ext4/ext4.h"

#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << 44)

static bool label_valid(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == '/')
            return false;
    }
    return true;
}

static const struct param_text label_text = {
    .max = EXT4_LABEL_MAX,
    .valid = label_valid,
    .is = "no label of printable ASCII",
    .said_max = EXT4_LABEL_MAX,
    .pattern = "^[!-.0-~]*$",
};

struct params {
    uint64_t time;
    bool xattrs;
    const char *uuid;
    struct glob_list *exclude;
    const char *label;
    uint64_t size;
};

static const struct param rows[] = {
    {PARAM_U64("time", struct params, time), .max = UINT32_MAX},
    {PARAM_BOOL("xattrs", struct params, xattrs)},
    {PARAM_TEXT("uuid", struct params, uuid, &param_text_uuid)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
    {PARAM_TEXT("label", struct params, label, &label_text)},
    {PARAM_U64("size", struct params, size), .max = SIZE_LIMIT, .multiple = EXT4_BLOCK,
     .complaint = "a size"},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int make_ids(const struct digest *tree, const char *uuid, struct ext4_params *p,
                    struct err *e)
{
    uint8_t seed[DIGEST_SHA256_SIZE];

    int rc = id_derive(tree, "encode.ext4 hash seed", seed, e);
    if (rc < 0)
        return rc;
    memcpy(p->hash_seed, seed, sizeof(p->hash_seed));
    return id_uuid(uuid, tree, "encode.ext4 uuid", p->uuid, e);
}

int step_encode_ext4_run(const struct step_context *context, void *params,
                         const struct step_input *inputs, size_t input_count,
                         struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_EXT4_LAYOUT layout = {0};
    AUTO_TREE_READER struct tree_reader *reader = NULL;
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const struct params *p = params;
    struct ext4_params image = {
        .size = p->size, .time = p->time, .label = p->label, .xattrs = p->xattrs};
    int rc;

    (void)input_count;
    if ((rc = make_ids(&inputs[0].digest, p->uuid, &image, e)) < 0 ||
        (rc = view_build(inputs[0].tree, p->exclude, &view, e)) < 0 ||
        (rc = tree_reader_new(inputs[0].tree, context->cas, &reader, e)) < 0 ||
        (rc = ext4_layout(&view, &image, reader, &layout, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, (uint64_t)layout.blocks * EXT4_BLOCK, &writer,
                             e)) < 0 ||
        (rc = ext4_write(&layout, inputs[0].tree, context->cas, context->progress, sink_cas(writer),
                         e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_ext4 = {
    .name = "encode.ext4",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
};
