/* SPDX-License-Identifier: Apache-2.0 */
/* tree.layers: archives (OCI layers, Debian packages) applied over one another, bottom first. */
#include "base/file.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/layers/layers.h"

#include <string.h>

enum { LAYERS_MAX = 65536, PLACES_MAX = 4096 };

#define TIME_MAX ((int64_t)9007199254740991) /* 2^53 - 1, as in all JSON here */

struct layer {
    size_t form; /* into forms */
    size_t compression;
    struct digest diff_id;
    const char *path;
    const char *mode;
};

struct params {
    struct layer *layers;
    size_t layer_count;
    struct glob_list *include;
    struct glob_list *exclude;
    struct layer_place *places;
    size_t place_count;
    bool usr_merged;
    int64_t clamp;
    uint32_t expansion;
};

static const char *const forms[] = {"tar", "deb", "file", NULL};
enum { TAR, DEB, FILE_ALONE };
static const enum layer_form layer_forms[] = {LAYER_TAR, LAYER_DEB, LAYER_FILE};

/* ---- layers ---- */

static bool layer_path_valid(const char *path)
{
    return relpath_valid(path) && !str_starts(path, ".wh.") && strstr(path, "/.wh.") == NULL;
}

static const struct param_text layer_path_text = {
    .max = TREE_PATH_MAX,
    .valid = layer_path_valid,
    .is = "no path of a file",
    .said_min = 1,
    .said_max = TREE_PATH_MAX,
};
static const struct param_text mode_text = {.max = PARAM_MODE_DIGITS, .pattern = "^[0-7]{4}$"};

/* Always four octal digits, so that one mode has one form. */
static int check_mode(const struct param_reading *r, const struct jcur *object, const void *fields,
                      struct err *e)
{
    const char *mode = ((const struct layer *)fields)->mode;
    (void)r;
    return param_mode_valid(mode)
               ? 0
               : jcur_fail(object, e, "a mode is four octal digits, not '%s'", mode);
}

static int pick_form(const struct param_reading *r, const struct jcur *item, size_t *out,
                     struct err *e)
{
    struct jcur form;
    (void)r;
    int rc = jcur_get(item, "form", &form, e);
    return rc < 0 ? rc : jcur_choice(&form, forms, out, e);
}

static const struct param tar_rows[] = {
    {PARAM_CONST("form", struct layer, form, forms, TAR)},
    {PARAM_CHOICE("compression", struct layer, compression, compression_names)},
    {PARAM_DIGEST("diffId", struct layer, diff_id), .optional = true},
};
static const struct param deb_rows[] = {
    {PARAM_CONST("form", struct layer, form, forms, DEB)},
};
static const struct param file_rows[] = {
    {PARAM_CONST("form", struct layer, form, forms, FILE_ALONE)},
    {PARAM_TEXT("path", struct layer, path, &layer_path_text)},
    {PARAM_TEXT("mode", struct layer, mode, &mode_text)},
    {PARAM_RULE(check_mode)},
};
static const struct step_params tar_takes = {STEP_PARAMS(tar_rows, struct layer)};
static const struct step_params deb_takes = {STEP_PARAMS(deb_rows, struct layer)};
static const struct step_params file_takes = {STEP_PARAMS(file_rows, struct layer)};
static const struct param_list layer_list = {
    PARAM_ITEMS(struct layer, [TAR] = &tar_takes, [DEB] = &deb_takes, [FILE_ALONE] = &file_takes),
    .max = LAYERS_MAX, .pick = pick_form, .per_input = "layers"};

/* ---- places ---- */

static int read_match(const struct param_reading *r, const struct jcur *object, void *field,
                      struct err *e)
{
    struct jcur match;
    (void)r;
    int rc = jcur_get(object, "match", &match, e);
    if (rc < 0 || glob_new(json_string_value(match.value), field, e) == 0)
        return rc;
    char line[ERR_FRAME_MAX];
    return jcur_fail(&match, e, "%s", err_line(e, line, sizeof(line)));
}

static void place_dispose(void *fields)
{
    struct layer_place *place = fields;
    glob_free(place->match);
    place->match = NULL;
}

static const struct param_text match_text = {
    .max = GLOB_PATTERN_MAX, .said_min = 1, .said_max = GLOB_PATTERN_MAX};
static const struct param place_rows[] = {
    {PARAM_TEXT("match", struct layer_place, pattern, &match_text)},
    {PARAM_TEXT("path", struct layer_place, path, &param_text_path)},
    {PARAM_OTHER(NULL, struct glob *, struct layer_place, match, read_match)},
};
static const struct step_params place_takes = {STEP_PARAMS(place_rows, struct layer_place),
                                               .dispose = place_dispose};
static const struct param_list place_list = {PARAM_ITEMS(struct layer_place, &place_takes),
                                             .max = PLACES_MAX};

/* ---- all of it ---- */

static const struct param rows[] = {
    {PARAM_LIST("layers", struct layer, struct params, layers, layer_count, &layer_list),
     .said = SAID_FROM},
    {PARAM_GLOBS("include", struct params, include)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
    {PARAM_LIST("place", struct layer_place, struct params, places, place_count, &place_list),
     .said = SAID_FROM},
    {PARAM_BOOL("usrMerged", struct params, usr_merged)},
    {PARAM_I64("clamp", struct params, clamp), .min = -TIME_MAX, .max = TIME_MAX,
     .said = SAID_TYPE},
    PARAM_EXPANSION(struct params, expansion),
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static struct layer_input make_layer(const struct layer *l, const struct step_input *input)
{
    struct layer_input out = {.name = input->id,
                              .blob = input->digest,
                              .form = layer_forms[l->form],
                              .compression = (enum compression)l->compression,
                              .diff_id = l->diff_id,
                              .path = l->path};
    if (l->form == FILE_ALONE)
        out.mode = param_mode(l->mode);
    return out;
}

int step_tree_layers_run(const struct step_context *context, void *params,
                         const struct step_input *inputs, size_t input_count,
                         struct step_output *out, struct err *e)
{
    const struct params *p = params;
    AUTO_FREE struct layer_input *layers = array_new(input_count, sizeof(*layers));
    AUTO_TREE struct tree *tree = NULL;
    const struct layers_options options = {.include = p->include,
                                           .exclude = p->exclude,
                                           .places = p->places,
                                           .place_count = p->place_count,
                                           .usr_merged = p->usr_merged,
                                           .clamp = p->clamp,
                                           .expansion = p->expansion,
                                           .jobs = context->jobs,
                                           .progress = context->progress};
    if (layers == NULL)
        return err_oom(e);
    for (size_t i = 0; i < input_count; i++)
        layers[i] = make_layer(&p->layers[i], &inputs[i]);
    int rc = layers_flatten(context->cas, layers, input_count, &options, &tree, e);
    return rc < 0 ? rc : output_tree(context->cas, &tree, out, e);
}

/* Decompressing is defined by the formats alone, so no library is part of this step's key. */
const struct step_kind step_tree_layers = {
    .name = "tree.layers",
    .libraries = NULL,
    .min_inputs = 0, /* an image of no layers is an empty tree */
    .max_inputs = LAYERS_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_TREE,
    .params = &takes,
    .wide = true,
};
