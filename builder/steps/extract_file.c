/* SPDX-License-Identifier: Apache-2.0 */
/* extract.file: the bytes of one regular file of a tree (a kernel out of its package). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/tree/image_writer.h"

#include <string.h>

struct params {
    const char *path;
};

static const struct param rows[] = {
    {PARAM_TEXT("path", struct params, path, &param_text_path)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_extract_file_run(const struct step_context *context, void *params,
                          const struct step_input *inputs, size_t input_count,
                          struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const char *path = ((const struct params *)params)->path;
    struct digest expected = {.alg = DIGEST_SHA256};

    int rc;

    (void)input_count;
    const struct tree_node *node = tree_find(inputs[0].tree, path, true);
    if (node == NULL)
        return err_set(e, ERR_INPUT, "cannot take '%s' out of the tree: there is no such file",
                       path);
    if (node->inode->type != TREE_FILE)
        return err_set(e, ERR_INPUT, "cannot take '%s' out of the tree: it is no regular file",
                       path);
    const struct tree_content *content = &node->inode->content;
    memcpy(expected.bytes, content->sha256, DIGEST_SHA256_SIZE);
    if ((rc = cas_writer_new(context->cas, content->size == 0 ? NULL : &expected, content->size,
                             &writer, e)) < 0)
        return rc;
    rc = tree_content_write(inputs[0].tree, context->cas, content, sink_cas(writer), e);
    return rc < 0 ? err_wrap(e, "cannot take '%s' out of the tree", path)
                  : output_commit(writer, out, e);
}

const struct step_kind step_extract_file = {
    .name = "extract.file",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .params = &takes,
};
