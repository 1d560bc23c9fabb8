/* SPDX-License-Identifier: Apache-2.0 */
/* encode.initrd: a tree as a newc cpio archive, plain or gzip'ed (docs/formats/cpio.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/cpio/cpio_writer.h"

#include "base/file.h"
#include "formats/tree/image_writer.h"

struct params {
    struct param_compression compression;
    struct glob_list *exclude;
    const char *prepend; /* NULL: nothing */
};

static const struct param_text prepend_text = {
    .max = TREE_PATH_MAX,
    .valid = relpath_valid,
    .is = "no path in a tree",
    .quoted = 100,
    .said_min = 1,
};

static const struct param rows[] = {
    {PARAM_COMPRESSOR(struct params, compression, compressors_gzip_or_none)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
    {PARAM_TEXT("prepend", struct params, prepend, &prepend_text), .optional = true},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* Microcode, which the kernel reads before it can decompress anything, comes first and as it is. */
static int write_prepended(const char *path, const struct tree *t, struct cas *cas, struct sink to,
                           struct err *e)
{
    if (path == NULL)
        return 0;
    const struct tree_node *node = tree_find(t, path, true);
    if (node == NULL || node->inode->type != TREE_FILE)
        return err_set(e, ERR_INPUT, "there is no file '%.200s' to prepend", path);
    return tree_content_write(t, cas, &node->inode->content, to, e);
}

int step_encode_initrd_run(const struct step_context *context, void *params,
                           const struct step_input *inputs, size_t input_count,
                           struct step_output *out, struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    const struct params *p = params;
    int rc;

    (void)input_count;
    if ((rc = view_build(inputs[0].tree, p->exclude, &view, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    struct sink sink = sink_cas(writer);
    if ((rc = write_prepended(p->prepend, inputs[0].tree, context->cas, sink, e)) < 0)
        return rc;
    if ((rc = gzip_writer_optional(sink, p->compression.level, context->jobs, &zip, &sink, e)) <
            0 ||
        (rc = cpio_write(inputs[0].tree, &view, context->cas, context->progress, sink, e)) < 0 ||
        (rc = gzip_writer_finish(zip, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_encode_initrd = {
    .name = "encode.initrd",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
