/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.linuxkit: images, kernel, containers and files of a LinuxKit document merged into one
 * tree, in the strict mode of docs/formats/linuxkit-strict.md (docs/formats/linuxkit.md, section
 * 14): one entry a path, the last wins; times never after the epoch.
 */
#include "builder/linuxkit/strict_tree.h"
#include "builder/steps/kinds.h"

#include <string.h>

enum {
    IMAGES_MAX = 1 + LINUXKIT_INIT_MAX + LINUXKIT_VOLUMES_MAX + 3 * LINUXKIT_CONTAINERS_MAX,
    BLOBS_MAX = 65536, /* of the layouts of volumes */
    INPUTS_MAX = 2 * IMAGES_MAX + BLOBS_MAX + LINUXKIT_FILES_MAX
};

/* ---- parameters ------------------------------------------------------------------------ */

/* But for the images, which the table knows. */
static void params_dispose(void *fields)
{
    struct strict_tree_params *p = fields;
    linuxkit_free(p->lk);
    for (size_t i = 0; i < p->layout_count; i++)
        free(p->layouts[i].blobs);
    free(p->layouts);
    free(p->configs);
    free(p->sources);
}

static int read_document(const struct param_reading *r, const struct jcur *c, void *field,
                         struct err *e)
{
    const struct ycur y = ycur_json(c->value, "document");
    (void)r;
    int rc = linuxkit_parse(&y, LINUXKIT_IN_PLAN, NULL, field, e);
    if (rc == 0)
        return 0;
    /* A plan has numbers and images' names only: nothing here is undecided. */
    if (rc == -ERR_UNDECIDED)
        (void)err_recode(e, ERR_INPUT);
    return err_wrap(e, "document");
}

/* The images are those of the document, each once, in the order of linuxkit_images: one form per
 * value. */
static int match_images(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    const struct strict_tree_params *p = fields;
    AUTO_FREE struct linuxkit_image *wanted = NULL;
    struct jcur images;
    size_t count = 0;
    (void)r;
    int rc = linuxkit_images(p->lk, &wanted, &count, e);
    if (rc < 0 || (rc = jcur_get(object, "images", &images, e)) < 0)
        return rc;
    bool same = count == p->image_count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(wanted[i].name, p->images[i]) == 0;
    return same ? 0 : jcur_fail(&images, e, "these are not the images that the document names");
}

/* `decompressed`, if it is there, is true. */
static int check_decompressed(const struct param_reading *r, const struct jcur *object,
                              const void *fields, struct err *e)
{
    const struct strict_tree_params *p = fields;
    struct jcur m;
    (void)r;
    if (!jcur_opt(object, "decompressed", &m) || (p->decompressed && p->lk->kernel.name != NULL))
        return 0;
    return jcur_fail(&m, e, "only true, and only of a kernel");
}

/* The images whose configuration is among the inputs, ascending. */
static int read_configs(const struct param_reading *r, const struct jcur *c, void *field,
                        struct err *e)
{
    struct strict_tree_params *p = r->params;
    (void)field;
    int rc = jcur_array(c, p->image_count, &p->config_count, e);
    if (rc < 0)
        return rc;
    p->configs = array_new(p->config_count + 1, sizeof(*p->configs));
    if (p->configs == NULL)
        return err_oom(e);
    for (size_t i = 0; i < p->config_count; i++) {
        struct jcur item = jcur_item(c, i);
        uint64_t index = 0;
        if ((rc = jcur_u64(&item, p->image_count - 1, &index, e)) < 0)
            return rc;
        if (i > 0 && index <= p->configs[i - 1])
            return jcur_fail(&item, e, "indices of images must ascend");
        p->configs[i] = (size_t)index;
    }
    return 0;
}

/* An index into the inputs of layouts, which follow the configurations; the first mentions of the
 * inputs are in order. */
static int read_layout_input(const struct jcur *c, struct strict_tree_params *p, size_t *out,
                             struct err *e)
{
    uint64_t index = 0;
    int rc = jcur_u64(c, BLOBS_MAX, &index, e);
    if (rc < 0)
        return rc;
    if (index > p->layout_inputs)
        return jcur_fail(c, e, "%zu is the next blob of a layout", p->layout_inputs);
    p->layout_inputs += index == p->layout_inputs;
    *out = strict_tree_first_blob(p) + p->config_count + (size_t)index;
    return 0;
}

static int read_layout(const struct jcur *c, struct strict_tree_params *p, struct strict_layout *l,
                       struct err *e)
{
    static const char *const keys[] = {"volume", "mediaType", "root", "blobs", NULL};
    struct jcur blobs;
    struct jcur root;
    uint64_t volume = 0;
    int rc = jcur_object(c, keys, e);
    if (rc < 0 || (rc = jcur_get_u64(c, "volume", LINUXKIT_VOLUMES_MAX, &volume, e)) < 0 ||
        (rc = jcur_get_string(c, "mediaType", 256, &l->media_type, e)) < 0 ||
        (rc = jcur_get(c, "root", &root, e)) < 0 || (rc = jcur_get(c, "blobs", &blobs, e)) < 0 ||
        (rc = jcur_array(&blobs, BLOBS_MAX, &l->blob_count, e)) < 0 ||
        (rc = read_layout_input(&root, p, &l->root, e)) < 0)
        return rc;
    l->volume = (size_t)volume;
    l->blobs = array_new(l->blob_count + 1, sizeof(*l->blobs));
    if (l->blobs == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < l->blob_count; i++) {
        struct jcur item = jcur_item(&blobs, i);
        rc = read_layout_input(&item, p, &l->blobs[i], e);
    }
    return rc;
}

/* Every volume of format oci has its layout, in the order of the volumes. */
static int read_layouts(const struct param_reading *r, const struct jcur *c, void *field,
                        struct err *e)
{
    struct strict_tree_params *p = r->params;
    size_t count = 0;
    size_t next = 0;
    (void)field;
    int rc = jcur_array(c, LINUXKIT_VOLUMES_MAX, &count, e);
    if (rc < 0)
        return rc;
    p->layouts = array_new(count + 1, sizeof(*p->layouts));
    if (p->layouts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(c, i);
        p->layout_count = i + 1;
        if ((rc = read_layout(&item, p, &p->layouts[i], e)) < 0)
            return rc;
        while (next < p->lk->volume_count && !p->lk->volumes[next].oci)
            next++;
        if (next >= p->lk->volume_count || p->layouts[i].volume != next)
            return jcur_fail(&item, e, "the next volume of format oci is another");
        next++;
    }
    for (; next < p->lk->volume_count; next++)
        if (p->lk->volumes[next].oci)
            return jcur_fail(c, e, "the volume '%s' has no layout", p->lk->volumes[next].name);
    return 0;
}

/* Every file with a source has its blob, in the order of the files. */
static int read_sources(const struct param_reading *r, const struct jcur *c, void *field,
                        struct err *e)
{
    struct strict_tree_params *p = r->params;
    size_t next = 0;
    (void)field;
    int rc = jcur_array(c, LINUXKIT_FILES_MAX, &p->source_count, e);
    if (rc < 0)
        return rc;
    p->sources = array_new(p->source_count + 1, sizeof(*p->sources));
    if (p->sources == NULL)
        return err_oom(e);
    for (size_t i = 0; i < p->source_count; i++) {
        struct jcur item = jcur_item(c, i);
        uint64_t index = 0;
        if ((rc = jcur_u64(&item, LINUXKIT_FILES_MAX, &index, e)) < 0)
            return rc;
        while (next < p->lk->file_count && p->lk->files[next].kind != LINUXKIT_FILE_SOURCE)
            next++;
        if (next >= p->lk->file_count || index != next)
            return jcur_fail(&item, e, "the next file with a source is another");
        p->sources[i] = next++;
    }
    for (; next < p->lk->file_count; next++)
        if (p->lk->files[next].kind == LINUXKIT_FILE_SOURCE)
            return jcur_fail(c, e, "files[%zu] has a source, but no blob", next);
    return 0;
}

static int check_inputs(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    const struct strict_tree_params *p = fields;
    size_t wanted =
        strict_tree_first_blob(p) + p->config_count + p->layout_inputs + p->source_count;
    if (r->input_count != wanted)
        return jcur_fail(object, e, "the parameters name %zu inputs, but there are %zu", wanted,
                         r->input_count);
    return 0;
}

static const struct param_text image_text = {.max = LINUXKIT_NAME_MAX};
static const struct param image = {.type = PARAM_TYPE_TEXT, .text = &image_text};
static const struct param_list image_list = {PARAM_VALUES(const char *, &image), .max = IMAGES_MAX};

static const struct param rows[] = {
    {PARAM_THERE("document")},
    {PARAM_THERE("images")},
    {PARAM_THERE("configs")},
    {PARAM_THERE("layouts")},
    {PARAM_THERE("sources")},
    {PARAM_I64("epoch", struct strict_tree_params, epoch), .max = UINT32_MAX, .said = SAID_TYPE},
    {PARAM_OTHER("document", struct linuxkit *, struct strict_tree_params, lk, read_document)},
    {PARAM_LIST("images", const char *, struct strict_tree_params, images, image_count,
                &image_list),
     .said = SAID_TYPE},
    {PARAM_RULE(match_images)},
    {PARAM_BOOL("decompressed", struct strict_tree_params, decompressed), .optional = true,
     .said = SAID_BY_HAND},
    {PARAM_RULE(check_decompressed)},
    {PARAM_OTHER("configs", size_t *, struct strict_tree_params, configs, read_configs)},
    {PARAM_OTHER("layouts", struct strict_layout *, struct strict_tree_params, layouts,
                 read_layouts)},
    {PARAM_OTHER("sources", size_t *, struct strict_tree_params, sources, read_sources)},
    {PARAM_RULE(check_inputs)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct strict_tree_params),
                                         .dispose = params_dispose};

/* ---- the step ---- */

static int clamp_time(void *context, const char *path, struct tree_node *node, struct err *e)
{
    const struct strict_tree_params *p = context;
    (void)path;
    (void)e;
    if (node->inode->mtime > p->epoch)
        node->inode->mtime = p->epoch;
    if (node->inode->mtime < 0)
        node->inode->mtime = 0;
    return 0;
}

static int merge_all(struct strict_tree *m, struct err *e)
{
    struct strict_tree_params bounds = {.epoch = m->p->epoch};
    int rc = strict_tree_add_kernel_tar(m, e);
    if (rc < 0 || (rc = strict_tree_add_init(m, e)) < 0 ||
        (rc = strict_tree_add_kernel(m, e)) < 0 || (rc = strict_tree_add_volumes(m, e)) < 0 ||
        (rc = strict_tree_add_containers(m, e)) < 0 || (rc = strict_tree_add_files(m, e)) < 0 ||
        (rc = tree_packer_commit(m->packer, e)) < 0)
        return rc;
    return tree_walk(m->tree, clamp_time, &bounds, e);
}

/* Trees first, one per image, then blobs. */
static int check_kinds(const struct strict_tree_params *p, const struct step_input *inputs,
                       size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        enum value_kind wanted = i < p->image_count ? VALUE_TREE : VALUE_BLOB;
        if (inputs[i].kind != wanted)
            return err_set(e, ERR_INPUT, "the input '%s' is no %s", inputs[i].id,
                           wanted == VALUE_TREE ? "tree" : "blob");
    }
    return 0;
}

static void strict_tree_dispose(struct strict_tree *m)
{
    for (size_t i = 0; m->unpacked != NULL && i < m->p->image_count; i++)
        free(m->unpacked[i]);
    free(m->unpacked);
    tree_packer_free(m->packer);
    tree_free(m->tree);
}

int step_tree_linuxkit_run(const struct step_context *context, void *params,
                           const struct step_input *inputs, size_t input_count,
                           struct step_output *out, struct err *e)
{
    const struct strict_tree_params *p = params;
    AUTO(strict_tree_dispose)
    struct strict_tree m = {.p = p, .inputs = inputs, .cas = context->cas};
    int rc = check_kinds(p, inputs, input_count, e);
    if (rc < 0 || (rc = tree_new(&m.tree, e)) < 0 ||
        (rc = tree_packer_new(m.tree, context->cas, &m.packer, e)) < 0)
        return rc;
    m.unpacked = array_new(p->image_count + 1, sizeof(*m.unpacked));
    if (m.unpacked == NULL)
        return err_oom(e);
    tree_root(m.tree)->inode->mtime = p->epoch;
    if ((rc = merge_all(&m, e)) < 0)
        return rc;
    out->kind = VALUE_TREE;
    out->tree = steal_ptr(&m.tree);
    return 0;
}

const struct step_kind step_tree_linuxkit = {
    .name = "tree.linuxkit",
    .min_inputs = 0,
    .max_inputs = INPUTS_MAX,
    .takes = VALUE_ANY,
    .gives = VALUE_TREE,
    .params = &takes,
};
