/* SPDX-License-Identifier: Apache-2.0 */
/* extract.file: the bytes of one regular file of a tree (a kernel out of its package). */
#include "base/file.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <string.h>

enum { COPY_SIZE = 256 * 1024 };

static int read_params(const struct jcur *params, const char **path, struct err *e)
{
    static const char *const keys[] = {"path", NULL};
    struct jcur c;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 || (rc = jcur_get(params, "path", &c, e)) < 0 ||
        (rc = jcur_string(&c, TREE_PATH_MAX, path, e)) < 0)
        return rc;
    if (!relpath_valid(*path))
        return jcur_fail(&c, e, "'%s' is no path without a leading '/', '.' and '..'", *path);
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    const char *path = NULL;

    (void)input_count;
    return read_params(params, &path, e);
}

static int copy_file(const struct tree_content *content, struct tree_reader *reader,
                     struct cas_writer *writer, uint8_t *data, struct err *e)
{
    for (uint64_t offset = 0; offset < content->size;) {
        uint64_t left = content->size - offset;
        size_t len = left < COPY_SIZE ? (size_t)left : COPY_SIZE;
        int rc;
        if ((rc = tree_reader_read(reader, content, offset, data, len, e)) < 0 ||
            (rc = cas_writer_write(writer, data, len, e)) < 0)
            return rc;
        offset += len;
    }
    return 0;
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct tree_reader *reader = NULL;
    const char *path = NULL;
    struct digest expected = {.alg = DIGEST_SHA256};

    (void)input_count;
    int rc = read_params(params, &path, e);
    if (rc < 0)
        return rc;
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
                             &writer, e)) < 0 ||
        (rc = tree_reader_new(inputs[0].tree, context->cas, &reader, e)) < 0)
        return rc;
    uint8_t *data = malloc(COPY_SIZE);
    rc = data == NULL ? err_oom(e) : copy_file(content, reader, writer, data, e);
    free(data);
    tree_reader_free(reader);
    return rc < 0 ? err_wrap(e, "cannot take '%s' out of the tree", path)
                  : output_commit(writer, out, e);
}

const struct step_kind step_extract_file = {
    .name = "extract.file",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
