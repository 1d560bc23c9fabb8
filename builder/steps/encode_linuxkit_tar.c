/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.linuxkit-tar: the tar that `linuxkit build --no-sbom --format tar`
 * writes, byte for byte (docs/formats/linuxkit-compat.md).
 */
#include "builder/linuxkit/compat_system.h"
#include "builder/linuxkit/schema.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/stream/relay.h"

#include <string.h>

enum { IMAGES_MAX = 4096, LAYERS_MAX = 512, NAME_MAX_BYTES = 4096, BLOBS_MAX = 65536 };

struct layer {
    size_t blob; /* input, as all below */
    size_t compression;
};

struct image {
    const char *name;
    size_t config;
    struct layer *layers;
    size_t layer_count;
};

struct params {
    json_t *document;
    uint64_t visible_volumes;
    bool dockerfile;
    bool decompress_kernel;
    uint32_t expansion;
    struct image *images;
    size_t image_count;
    struct compat_system_layout *layouts;
    size_t layout_count;
    struct compat_system_source *sources;
    size_t source_count;
};

static int check_document(const struct jcur *c, struct err *e)
{
    const struct ycur y = ycur_json(c->value, "document");
    return linuxkit_check(&y, &linuxkit_document, e);
}

static int check_inputs(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    const struct params *p = fields;
    if (r->input_count == 0 && p->image_count + p->layout_count + p->source_count > 0)
        return jcur_fail(object, e, "images, layouts or sources, but no inputs");
    return 0;
}

static const struct param_text name_text = {.max = NAME_MAX_BYTES};
static const struct param_text media_type_text = {.max = 256};

static const struct param layer_rows[] = {
    {PARAM_INPUT("blob", struct layer, blob), .in_range = true},
    {PARAM_CHOICE("compression", struct layer, compression, compression_names)},
};
static const struct step_params layer_takes = {STEP_PARAMS(layer_rows, struct layer)};
static const struct param_list layer_list = {PARAM_ITEMS(struct layer, &layer_takes),
                                             .max = LAYERS_MAX};

static const struct param image_rows[] = {
    {PARAM_TEXT("name", struct image, name, &name_text)},
    {PARAM_INPUT("config", struct image, config), .in_range = true},
    {PARAM_LIST("layers", struct layer, struct image, layers, layer_count, &layer_list),
     .said = SAID_TYPE},
};
static const struct step_params image_takes = {STEP_PARAMS(image_rows, struct image)};
static const struct param_list image_list = {PARAM_ITEMS(struct image, &image_takes),
                                             .max = IMAGES_MAX};

static const struct param blob = {.type = PARAM_TYPE_INPUT, .in_range = true};
static const struct param_list blob_list = {PARAM_VALUES(size_t, &blob), .max = BLOBS_MAX};

static const struct param layout_rows[] = {
    {PARAM_SIZE("volume", struct compat_system_layout, volume), .max = IMAGES_MAX,
     .said = SAID_FROM},
    {PARAM_TEXT("mediaType", struct compat_system_layout, media_type, &media_type_text)},
    {PARAM_INPUT("index", struct compat_system_layout, index), .in_range = true},
    {PARAM_LIST("blobs", size_t, struct compat_system_layout, blobs, blob_count, &blob_list),
     .said = SAID_TYPE},
};
static const struct step_params layout_takes = {
    STEP_PARAMS(layout_rows, struct compat_system_layout)};
static const struct param_list layout_list = {
    PARAM_ITEMS(struct compat_system_layout, &layout_takes), .max = IMAGES_MAX};

static const struct param source_rows[] = {
    {PARAM_SIZE("file", struct compat_system_source, file), .max = BLOBS_MAX, .said = SAID_FROM},
    {PARAM_INPUT("blob", struct compat_system_source, blob), .in_range = true},
};
static const struct step_params source_takes = {
    STEP_PARAMS(source_rows, struct compat_system_source)};
static const struct param_list source_list = {
    PARAM_ITEMS(struct compat_system_source, &source_takes), .max = BLOBS_MAX};

static const struct param rows[] = {
    {PARAM_THERE("document")},
    {PARAM_U64("visibleVolumes", struct params, visible_volumes), .max = BLOBS_MAX,
     .said = SAID_FROM},
    {PARAM_THERE("images")},
    {PARAM_THERE("layouts")},
    {PARAM_THERE("sources")},
    {PARAM_BOOL("dockerfile", struct params, dockerfile), .optional = true},
    {PARAM_BOOL("decompressKernel", struct params, decompress_kernel), .optional = true},
    PARAM_EXPANSION(struct params, expansion),
    {PARAM_OBJECT("document", struct params, document, check_document)},
    {PARAM_LIST("images", struct image, struct params, images, image_count, &image_list),
     .said = SAID_TYPE},
    {PARAM_LIST("layouts", struct compat_system_layout, struct params, layouts, layout_count,
                &layout_list),
     .said = SAID_TYPE},
    {PARAM_LIST("sources", struct compat_system_source, struct params, sources, source_count,
                &source_list),
     .said = SAID_TYPE},
    {PARAM_RULE(check_inputs)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* The images with their digests; dispose whatever the result. */
static int make_images(const struct params *p, const struct step_input *inputs,
                       struct compat_system *s, struct err *e)
{
    s->images = array_new(p->image_count, sizeof(*s->images));
    if (s->images == NULL)
        return err_oom(e);
    s->image_count = p->image_count;
    for (size_t i = 0; i < p->image_count; i++) {
        const struct image *from = &p->images[i];
        struct compat_system_image *to = &s->images[i];
        to->reference = from->name;
        to->config = inputs[from->config].digest;
        to->layers = array_new(from->layer_count, sizeof(*to->layers));
        if (to->layers == NULL)
            return err_oom(e);
        to->layer_count = from->layer_count;
        for (size_t k = 0; k < from->layer_count; k++) {
            to->layers[k].digest = inputs[from->layers[k].blob].digest;
            to->layers[k].compression = (enum compression)from->layers[k].compression;
            to->layers[k].expansion = p->expansion;
        }
    }
    return 0;
}

static void images_dispose(struct compat_system *s)
{
    for (size_t i = 0; i < s->image_count; i++)
        free(s->images[i].layers);
    free(s->images);
}

int step_encode_linuxkit_tar_run(const struct step_context *context, void *params,
                                 const struct step_input *inputs, size_t input_count,
                                 struct step_output *out, struct err *e)
{
    const struct params *p = params;
    AUTO(images_dispose)
    struct compat_system system = {
        .document = p->document,
        .visible_volumes = (size_t)p->visible_volumes,
        .dockerfile = p->dockerfile,
        .decompress_kernel = p->decompress_kernel,
        .layouts = p->layouts,
        .layout_count = p->layout_count,
        .sources = p->sources,
        .source_count = p->source_count,
    };
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_SINK_RELAY struct sink_relay *relay = NULL;
    (void)input_count;
    int rc = make_images(p, inputs, &system, e);
    if (rc < 0 || (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    const struct sink store = sink_cas(writer);
    if ((rc = sink_relay_new(&store, &relay, e)) < 0 ||
        (rc = compat_system_write(&system, inputs, context->cas, sink_relay_sink(relay), e)) < 0 ||
        (rc = sink_relay_finish(relay, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_linuxkit_tar = {
    .name = "encode.linuxkit-tar",
    .min_inputs = 0,
    .max_inputs = 65536,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
