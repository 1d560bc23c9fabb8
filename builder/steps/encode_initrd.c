/* SPDX-License-Identifier: Apache-2.0 */
/* encode.initrd: a tree as a newc cpio archive, plain or gzip'ed (docs/formats/cpio.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/cpio/cpio_writer.h"

#include "base/file.h"

enum { CHUNK = 65536 };

/* prepend: the path of a file of the tree. */
static int check_prepend(const struct jcur *params, struct err *e)
{
    struct jcur m;
    const char *path = NULL;

    if (!jcur_opt(params, "prepend", &m))
        return 0;
    int rc = jcur_string(&m, TREE_PATH_MAX, &path, e);
    if (rc < 0)
        return rc;
    return relpath_valid(path) ? 0 : jcur_fail(&m, e, "'%.100s' is no path in a tree", path);
}

static int read_params(const struct jcur *params, bool *gzip, int *level, struct err *e)
{
    static const char *const keys[] = {"compressor", "exclude", "level", "prepend", NULL};
    size_t index = 0;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = params_compressor(params, compressor_gzip_or_none, &index, level, e)) < 0 ||
        (rc = view_check_exclude(params, e)) < 0 || (rc = check_prepend(params, e)) < 0)
        return rc;
    *gzip = *level != 0;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    bool gzip = false;
    int level = 0;

    (void)input_count;
    return read_params(params, &gzip, &level, e);
}

static int copy_file(const struct tree *t, const struct tree_inode *file, struct cas *cas,
                     struct sink to, struct err *e)
{
    struct tree_reader *reader = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = tree_reader_new(t, cas, &reader, e);
    for (uint64_t at = 0; rc == 0 && at < file->content.size;) {
        uint64_t left = file->content.size - at;
        size_t len = left < CHUNK ? (size_t)left : CHUNK;
        if ((rc = tree_reader_read(reader, &file->content, at, chunk, len, e)) == 0)
            rc = sink_write(&to, chunk, len, e);
        at += len;
    }
    tree_reader_free(reader);
    return rc;
}

/* Microcode, which the kernel reads before it can decompress anything, comes first and as it is. */
static int write_prepended(const struct jcur *params, const struct tree *t, struct cas *cas,
                           struct sink to, struct err *e)
{
    const char *path = json_string_value(json_object_get(params->value, "prepend"));
    if (path == NULL)
        return 0;
    const struct tree_node *node = tree_find(t, path, true);
    if (node == NULL || node->inode->type != TREE_FILE)
        return err_set(e, ERR_INPUT, "there is no file '%.200s' to prepend", path);
    return copy_file(t, node->inode, cas, to, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    bool gzip = false;
    int level = 0;
    int rc;

    (void)input_count;
    if ((rc = read_params(params, &gzip, &level, e)) < 0 ||
        (rc = view_build(inputs[0].tree, params, &view, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    struct sink sink = sink_cas(writer);
    if ((rc = write_prepended(params, inputs[0].tree, context->cas, sink, e)) < 0)
        return rc;
    if (gzip) {
        if ((rc = gzip_writer_new(sink, level, context->jobs, &zip, e)) < 0)
            return rc;
        sink = sink_gzip(zip);
    }
    if ((rc = cpio_write(inputs[0].tree, &view, context->cas, context->progress, sink, e)) < 0)
        return rc;
    if (gzip && (rc = gzip_writer_finish(zip, e)) < 0)
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
    .check = check,
    .run = run,
    .wide = true,
};
