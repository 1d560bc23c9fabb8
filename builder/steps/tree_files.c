/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.files: blobs and texts as the files of a tree, or put into one: what goes onto a boot
 * medium (docs/formats/plan.md).
 */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include "base/file.h"

#include <string.h>

enum { TEXT_MAX = 65536, FILES_MAX = 4096, MODE_DIGITS = 4 };

/* ---- parameters ------------------------------------------------------------------- */

struct file {
    const char *path;
    const char *text; /* NULL: an input */
    size_t input;
    uint16_t mode;
};

static int read_mode(const struct jcur *c, uint16_t *out, struct err *e)
{
    struct jcur m;
    const char *text = NULL;
    unsigned mode = 0;
    int rc;

    if ((rc = jcur_get(c, "mode", &m, e)) < 0 || (rc = jcur_string(&m, MODE_DIGITS, &text, e)) < 0)
        return rc;
    if (strlen(text) != MODE_DIGITS || strspn(text, "01234567") != MODE_DIGITS)
        return jcur_fail(&m, e, "'%s' is no mode of four octal digits", text);
    for (const char *p = text; *p != '\0'; p++)
        mode = mode * 8 + (unsigned)(*p - '0');
    *out = (uint16_t)mode;
    return 0;
}

static int read_file(const struct jcur *c, size_t input_count, struct file *out, struct err *e)
{
    static const char *const keys[] = {"input", "mode", "path", "text", NULL};
    struct file f = {0};
    struct jcur m;
    struct jcur input;
    uint64_t index = 0;
    int rc;

    if ((rc = jcur_object(c, keys, e)) < 0 || (rc = jcur_get(c, "path", &m, e)) < 0 ||
        (rc = jcur_string(&m, TREE_PATH_MAX, &f.path, e)) < 0)
        return rc;
    if (!relpath_valid(f.path))
        return jcur_fail(&m, e, "'%s' is no path without a leading '/', '.' and '..'", f.path);
    if (jcur_opt(c, "text", &m) == jcur_opt(c, "input", &input))
        return jcur_fail(c, e, "a file has either 'input' or 'text'");
    if (jcur_opt(c, "text", &m) ? (rc = jcur_string(&m, TEXT_MAX, &f.text, e)) < 0
                                : (rc = jcur_u64(&input, UINT32_MAX, &index, e)) < 0)
        return rc;
    if (f.text == NULL && index >= input_count)
        return jcur_fail(&input, e, "there is no such input");
    f.input = (size_t)index;
    if ((rc = read_mode(c, &f.mode, e)) < 0)
        return rc;
    *out = f;
    return 0;
}

typedef int visit_file(void *context, const struct file *f, struct err *e);

/* Calls visit, which may be NULL, for each file. */
static int read_params(const struct jcur *params, size_t input_count, int64_t *epoch,
                       visit_file *visit, void *context, struct err *e)
{
    static const char *const keys[] = {"epoch", "files", NULL};
    struct jcur c;
    size_t count = 0;
    AUTO_FREE bool *used = array_new(input_count + 1, sizeof(*used));
    int rc;

    if (used == NULL)
        return err_oom(e);
    if ((rc = jcur_object(params, keys, e)) < 0 || (rc = jcur_get(params, "epoch", &c, e)) < 0 ||
        (rc = jcur_i64(&c, 0, UINT32_MAX, epoch, e)) < 0 ||
        (rc = jcur_get(params, "files", &c, e)) < 0 ||
        (rc = jcur_array(&c, FILES_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&c, i);
        struct file f = {0};
        if ((rc = read_file(&item, input_count, &f, e)) < 0 ||
            (visit != NULL && (rc = visit(context, &f, e)) < 0))
            return rc;
        used[f.input] = used[f.input] || f.text == NULL;
    }
    /* The first input may be the tree that files are put into. */
    for (size_t i = 1; i < input_count; i++) {
        if (!used[i])
            return jcur_fail(&c, e, "no file is made of input %zu", i);
    }
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    int64_t epoch = 0;

    return read_params(params, input_count, &epoch, NULL, NULL, e);
}

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

static int add_file(void *context, const struct file *f, struct err *e)
{
    struct build *b = context;
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
    inode->mode = f->mode;
    inode->mtime = b->epoch;
    if ((rc = set_content(b, f, inode, e)) < 0)
        return rc;
    return tree_link(b->tree, dir, base, inode, &node, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_TREE struct tree *t = NULL;
    bool based = input_count > 0 && inputs[0].kind == VALUE_TREE;
    struct build b = {.cas = context->cas, .inputs = inputs};

    int rc = (based ? tree_copy(inputs[0].tree, &t, e) : tree_new(&t, e));
    if (rc < 0)
        return rc;
    b.tree = t;
    if ((rc = read_params(params, input_count, &b.epoch, NULL, NULL, e)) < 0)
        return rc;
    if (!based)
        tree_root(t)->inode->mtime = b.epoch;
    if ((rc = read_params(params, input_count, &b.epoch, add_file, &b, e)) < 0)
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
    .check = check,
    .run = run,
};
