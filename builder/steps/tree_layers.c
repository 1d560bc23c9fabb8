/* SPDX-License-Identifier: Apache-2.0 */
/* tree.layers: archives (OCI layers, Debian packages) applied over one another, bottom first. */
#include "base/file.h"
#include "builder/steps/kinds.h"
#include "formats/layers/layers.h"

#include <string.h>

enum { LAYERS_MAX = 65536, PLACES_MAX = 4096 };

#define TIME_MAX ((int64_t)9007199254740991) /* 2^53 - 1, as in all JSON here */

struct params {
    struct layer_input *layers;
    size_t layer_count;
    struct layers_options options;
    struct layer_place *places;
};

static void params_dispose(struct params *p)
{
    for (size_t i = 0; i < p->options.place_count; i++) {
        glob_free(p->places[i].match);
        free(p->places[i].path);
        free(p->places[i].pattern);
    }
    free(p->places);
    free(p->layers);
    glob_list_free(p->options.include);
    glob_list_free(p->options.exclude);
}
#define AUTO_PARAMS AUTO(params_dispose) struct params

static int read_tar(const struct jcur *c, struct layer_input *out, struct err *e)
{
    static const char *const keys[] = {"form", "compression", "diffId", NULL};
    struct jcur compression;
    struct jcur diff_id;
    size_t choice = 0;
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = jcur_get(c, "compression", &compression, e);
    if (rc == 0)
        rc = jcur_choice(&compression, compression_names, &choice, e);
    if (rc == 0 && jcur_opt(c, "diffId", &diff_id))
        rc = jcur_digest(&diff_id, &out->diff_id, e);
    out->form = LAYER_TAR;
    out->compression = (enum compression)choice;
    return rc;
}

/* "0000" to "7777": always four octal digits, so that one mode has one form. */
static int read_mode(const struct jcur *c, uint16_t *out, struct err *e)
{
    const char *text = NULL;
    unsigned mode = 0;
    int rc = jcur_get_string(c, "mode", 4, &text, e);
    if (rc < 0)
        return rc;
    if (strlen(text) != 4 || strspn(text, "01234567") != 4)
        return jcur_fail(c, e, "a mode is four octal digits, not '%s'", text);
    for (const char *p = text; *p != 0; p++)
        mode = mode * 8 + (unsigned)(*p - '0');
    *out = (uint16_t)mode;
    return 0;
}

static int read_file(const struct jcur *c, struct layer_input *out, struct err *e)
{
    static const char *const keys[] = {"form", "path", "mode", NULL};
    struct jcur path;
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = jcur_get(c, "path", &path, e);
    if (rc == 0)
        rc = jcur_string(&path, TREE_PATH_MAX, &out->path, e);
    if (rc < 0)
        return rc;
    if (!relpath_valid(out->path) || str_starts(out->path, ".wh.") ||
        strstr(out->path, "/.wh.") != NULL)
        return jcur_fail(&path, e, "'%s' is no path of a file", out->path);
    out->form = LAYER_FILE;
    return read_mode(c, &out->mode, e);
}

static int read_layer(const struct jcur *c, struct layer_input *out, struct err *e)
{
    static const char *const forms[] = {"tar", "deb", "file", NULL};
    static const char *const keys[] = {"form", NULL};
    struct jcur form;
    size_t choice = 0;
    int rc = jcur_open_object(c, e);
    if (rc == 0)
        rc = jcur_get(c, "form", &form, e);
    if (rc == 0)
        rc = jcur_choice(&form, forms, &choice, e);
    if (rc < 0)
        return rc;
    if (choice == 0)
        return read_tar(c, out, e);
    if (choice == 2)
        return read_file(c, out, e);
    out->form = LAYER_DEB;
    return jcur_object(c, keys, e);
}

static int read_layers(const struct jcur *root, size_t input_count, struct params *p, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    int rc = jcur_get(root, "layers", &list, e);
    if (rc == 0)
        rc = jcur_array(&list, LAYERS_MAX, &count, e);
    if (rc == 0 && count != input_count)
        rc = jcur_fail(&list, e, "%zu layers for %zu inputs", count, input_count);
    if (rc < 0)
        return rc;
    p->layers = array_new(count, sizeof(*p->layers));
    if (p->layers == NULL)
        return err_oom(e);
    p->layer_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        rc = read_layer(&item, &p->layers[i], e);
    }
    return rc;
}

static int read_place(const struct jcur *c, struct layer_place *out, struct err *e)
{
    static const char *const keys[] = {"match", "path", NULL};
    struct jcur match;
    struct jcur path;
    const char *match_text = "";
    const char *path_text = "";
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = jcur_get(c, "match", &match, e);
    if (rc == 0)
        rc = jcur_string(&match, GLOB_PATTERN_MAX, &match_text, e);
    if (rc == 0)
        rc = jcur_get(c, "path", &path, e);
    if (rc == 0)
        rc = jcur_string(&path, TREE_PATH_MAX, &path_text, e);
    if (rc == 0 && !relpath_valid(path_text))
        rc = jcur_fail(&path, e, "'%s' is no path without a leading '/', '.' and '..'", path_text);
    if (rc != 0)
        return rc;
    if (glob_new(match_text, &out->match, e) < 0) {
        char line[ERR_FRAME_MAX];
        return jcur_fail(&match, e, "%s", err_line(e, line, sizeof(line)));
    }
    rc = str_copy(&out->path, path_text, e);
    return rc < 0 ? rc : str_copy(&out->pattern, match_text, e);
}

static int read_places(const struct jcur *root, struct params *p, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    int rc = jcur_get(root, "place", &list, e);
    if (rc == 0)
        rc = jcur_array(&list, PLACES_MAX, &count, e);
    if (rc < 0)
        return rc;
    p->places = array_new(count, sizeof(*p->places));
    if (p->places == NULL)
        return err_oom(e);
    p->options.places = p->places;
    p->options.place_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        rc = read_place(&item, &p->places[i], e);
    }
    return rc;
}

static int read_globs(const struct jcur *root, const char *key, struct glob_list **out,
                      struct err *e)
{
    struct jcur list;
    int rc = jcur_get(root, key, &list, e);
    return rc < 0 ? rc : glob_list_parse(&list, out, e);
}

static int read_params(const struct jcur *root, size_t input_count, struct params *p, struct err *e)
{
    static const char *const keys[] = {"layers",    "include", "exclude", "place",
                                       "usrMerged", "clamp",   NULL};
    struct jcur merged;
    struct jcur clamp;
    int rc = jcur_object(root, keys, e);
    if (rc == 0)
        rc = read_layers(root, input_count, p, e);
    if (rc == 0)
        rc = read_globs(root, "include", &p->options.include, e);
    if (rc == 0)
        rc = read_globs(root, "exclude", &p->options.exclude, e);
    if (rc == 0)
        rc = read_places(root, p, e);
    if (rc == 0)
        rc = jcur_get(root, "usrMerged", &merged, e);
    if (rc == 0)
        rc = jcur_bool(&merged, &p->options.usr_merged, e);
    if (rc == 0)
        rc = jcur_get(root, "clamp", &clamp, e);
    return rc < 0 ? rc : jcur_i64(&clamp, -TIME_MAX, TIME_MAX, &p->options.clamp, e);
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    AUTO_PARAMS p = {0};
    return read_params(params, input_count, &p, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_PARAMS p = {0};
    AUTO_TREE struct tree *tree = NULL;
    struct digest digest;
    struct digest locations;
    int rc = read_params(params, input_count, &p, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < input_count; i++) {
        p.layers[i].name = inputs[i].id;
        p.layers[i].blob = inputs[i].digest;
    }
    p.options.jobs = context->jobs;
    p.options.progress = context->progress;
    rc = layers_flatten(context->cas, p.layers, p.layer_count, &p.options, &tree, e);
    if (rc == 0)
        rc = tree_store(tree, context->cas, &digest, &locations, e);
    if (rc < 0)
        return rc;
    out->kind = VALUE_TREE;
    out->digest = digest;
    out->locations = locations;
    out->tree = steal_ptr(&tree);
    return 0;
}

/* Decompressing is defined by the formats alone, so no library is part of this step's key. */
const struct step_kind step_tree_layers = {
    .name = "tree.layers",
    .libraries = NULL,
    .min_inputs = 1,
    .max_inputs = LAYERS_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_TREE,
    .check = check,
    .run = run,
    .wide = true,
};
