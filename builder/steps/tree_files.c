/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.files: blobs and texts as the files of a tree, or put into one: what goes onto a boot
 * medium (docs/formats/plan.md).
 */
#include "base/file.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <string.h>

enum { FILES_MAX = 4096 };

/* ---- parameters ------------------------------------------------------------------- */

struct file {
    const char *path;
    const char *text; /* NULL: an input */
    size_t input;
    const char *mode;
};

struct params {
    int64_t epoch;
    struct file *files;
    size_t count;
};

static int check_source(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    struct jcur input;
    struct jcur text;
    (void)r;
    (void)fields;
    if (jcur_opt(object, "text", &text) == jcur_opt(object, "input", &input))
        return jcur_fail(object, e, "a file has either 'input' or 'text'");
    return 0;
}

/* The first input may be the tree that files are put into. */
static int check_used(const struct param_reading *r, const struct jcur *object, const void *fields,
                      struct err *e)
{
    struct jcur files;
    (void)fields;
    int rc = jcur_get(object, "files", &files, e);
    if (rc < 0)
        return rc;
    for (size_t i = 1; i < r->input_count; i++)
        if (!r->used[i])
            return jcur_fail(&files, e, "no file is made of input %zu", i);
    return 0;
}

static const struct param_text mode_text = {
    .max = PARAM_MODE_DIGITS, .valid = param_mode_valid, .is = "no mode of four octal digits"};

static const struct param file_rows[] = {
    {PARAM_TEXT("path", struct file, path, &param_text_path)},
    {PARAM_RULE(check_source)},
    {PARAM_TEXT("text", struct file, text, &param_text_content), .optional = true},
    {PARAM_INPUT("input", struct file, input), .optional = true},
    {PARAM_TEXT("mode", struct file, mode, &mode_text)},
};
static const struct step_params file_takes = {STEP_PARAMS(file_rows, struct file)};
static const struct param_list file_list = {PARAM_ITEMS(struct file, &file_takes),
                                            .max = FILES_MAX};

static const struct param rows[] = {
    {PARAM_I64("epoch", struct params, epoch), .max = UINT32_MAX},
    {PARAM_LIST("files", struct file, struct params, files, count, &file_list),
     .said = SAID_BY_HAND},
    {PARAM_RULE(check_used)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* ---- running ---------------------------------------------------------------------- */

struct build {
    struct cas *cas;
    struct tree *tree;
    const struct step_input *inputs;
    int64_t epoch;
};

static int set_content(struct build *b, const struct file *f, struct tree_inode *inode,
                       struct err *e)
{
    struct digest digest;
    uint64_t size = 0;

    if (f->text != NULL) {
        size = strlen(f->text);
        int rc = cas_put(b->cas, f->text, (size_t)size, &digest, e);
        if (rc < 0)
            return rc;
    } else {
        const struct step_input *in = &b->inputs[f->input];
        if (in->kind != VALUE_BLOB)
            return err_set(e, ERR_INPUT, "cannot make the file '%s' of the tree '%s'", f->path,
                           in->id);
        digest = in->digest;
        size = in->size;
    }
    memcpy(inode->content.sha256, digest.bytes, DIGEST_SHA256_SIZE);
    inode->content.size = size;
    return size == 0 ? 0 : tree_add_pack(b->tree, &digest, &inode->content.pack, e);
}

static int add_file(struct build *b, const struct file *f, struct err *e)
{
    const char *base = path_base(f->path);
    struct tree_node *dir = tree_root(b->tree);
    struct tree_node *node = NULL;
    struct tree_inode *inode = NULL;
    AUTO_FREE char *parent = NULL;
    int rc;

    if (base > f->path) {
        if ((rc = str_format(&parent, e, "%.*s", (int)(base - f->path - 1), f->path)) < 0 ||
            (rc = tree_make_dirs(b->tree, parent, b->epoch, &dir, e)) < 0)
            return rc;
    }
    const struct tree_node *old = tree_child(dir, base);
    if (old != NULL && old->inode->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "cannot put the file '%s' into the tree: it is a directory",
                       f->path);
    if ((rc = tree_inode_new(b->tree, TREE_FILE, &inode, e)) < 0)
        return rc;
    inode->mode = param_mode(f->mode);
    inode->mtime = b->epoch;
    if ((rc = set_content(b, f, inode, e)) < 0)
        return rc;
    return tree_link(b->tree, dir, base, inode, &node, e);
}

int step_tree_files_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    const struct params *p = params;
    AUTO_TREE struct tree *t = NULL;
    bool based = input_count > 0 && inputs[0].kind == VALUE_TREE;
    struct build b = {.cas = context->cas, .inputs = inputs, .epoch = p->epoch};

    int rc = (based ? tree_copy(inputs[0].tree, &t, e) : tree_new(&t, e));
    if (rc < 0)
        return rc;
    b.tree = t;
    if (!based)
        tree_root(t)->inode->mtime = b.epoch;
    for (size_t i = 0; i < p->count; i++)
        if ((rc = add_file(&b, &p->files[i], e)) < 0)
            return rc;
    *out = (struct step_output){.kind = VALUE_TREE, .tree = steal_ptr(&t)};
    return 0;
}

const struct step_kind step_tree_files = {
    .name = "tree.files",
    .min_inputs = 0,
    .max_inputs = 4096,
    .takes = VALUE_ANY,
    .gives = VALUE_TREE,
    .params = &takes,
};
