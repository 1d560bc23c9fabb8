/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.linuxkit-tar: the tar that `linuxkit build --no-sbom --format tar`
 * writes, byte for byte (docs/formats/linuxkit-compat.md).
 */
#include "builder/linuxkit/compat_system.h"
#include "builder/linuxkit/schema.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <string.h>

enum { IMAGES_MAX = 4096, LAYERS_MAX = 512, NAME_MAX_BYTES = 4096 };

static int read_index(const struct jcur *c, const char *key, size_t input_count, size_t *out,
                      struct err *e)
{
    uint64_t value = 0;
    int rc = jcur_get_u64(c, key, input_count - 1, &value, e);
    *out = (size_t)value;
    return rc;
}

/* The inputs' indices are kept in `config` and `layers` until run knows their digests. */
struct image_indices {
    size_t config;
    size_t *layers;
};

struct params {
    struct compat_system system;
    struct image_indices *indices;
};

static void params_dispose(struct params *p)
{
    for (size_t i = 0; p->indices != NULL && i < p->system.image_count; i++)
        free(p->indices[i].layers);
    free(p->indices);
    compat_system_dispose(&p->system);
}

static int read_layers(const struct jcur *c, size_t input_count, struct compat_system_image *image,
                       struct image_indices *indices, struct err *e)
{
    static const char *const keys[] = {"blob", "compression", NULL};
    size_t count = 0;
    int rc = jcur_array(c, LAYERS_MAX, &count, e);
    if (rc < 0)
        return rc;
    image->layers = array_new(count + 1, sizeof(*image->layers));
    indices->layers = array_new(count + 1, sizeof(*indices->layers));
    if (image->layers == NULL || indices->layers == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(c, i);
        struct jcur m;
        size_t choice = 0;
        if ((rc = jcur_object(&item, keys, e)) < 0 ||
            (rc = read_index(&item, "blob", input_count, &indices->layers[i], e)) < 0 ||
            (rc = jcur_get(&item, "compression", &m, e)) < 0 ||
            (rc = jcur_choice(&m, compression_names, &choice, e)) < 0)
            return rc;
        image->layers[i].compression = (enum compression)choice;
    }
    image->layer_count = count;
    return 0;
}

static int read_images(const struct jcur *c, size_t input_count, struct params *p, struct err *e)
{
    static const char *const keys[] = {"name", "config", "layers", NULL};
    size_t count = 0;
    int rc = jcur_array(c, IMAGES_MAX, &count, e);
    if (rc < 0)
        return rc;
    p->system.images = array_new(count + 1, sizeof(*p->system.images));
    p->indices = array_new(count + 1, sizeof(*p->indices));
    if (p->system.images == NULL || p->indices == NULL)
        return err_oom(e);
    p->system.image_count = count;
    for (size_t i = 0; i < count; i++) {
        struct compat_system_image *image = &p->system.images[i];
        struct jcur item = jcur_item(c, i);
        struct jcur layers;
        if ((rc = jcur_object(&item, keys, e)) < 0 ||
            (rc = jcur_get_string(&item, "name", NAME_MAX_BYTES, &image->reference, e)) < 0 ||
            (rc = read_index(&item, "config", input_count, &p->indices[i].config, e)) < 0 ||
            (rc = jcur_get(&item, "layers", &layers, e)) < 0 ||
            (rc = read_layers(&layers, input_count, image, &p->indices[i], e)) < 0)
            return rc;
    }
    return 0;
}

static int read_layout(const struct jcur *c, size_t input_count, struct compat_system_layout *l,
                       struct err *e)
{
    static const char *const keys[] = {"volume", "mediaType", "index", "blobs", NULL};
    struct jcur blobs;
    uint64_t volume = 0;
    size_t count = 0;
    int rc = jcur_object(c, keys, e);
    if (rc < 0 || (rc = jcur_get_u64(c, "volume", IMAGES_MAX, &volume, e)) < 0 ||
        (rc = jcur_get_string(c, "mediaType", 256, &l->media_type, e)) < 0 ||
        (rc = read_index(c, "index", input_count, &l->index, e)) < 0 ||
        (rc = jcur_get(c, "blobs", &blobs, e)) < 0 ||
        (rc = jcur_array(&blobs, 65536, &count, e)) < 0)
        return rc;
    l->volume = (size_t)volume;
    l->blobs = array_new(count + 1, sizeof(*l->blobs));
    if (l->blobs == NULL)
        return err_oom(e);
    l->blob_count = count;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&blobs, i);
        uint64_t index = 0;
        if ((rc = jcur_u64(&item, input_count - 1, &index, e)) < 0)
            return rc;
        l->blobs[i] = (size_t)index;
    }
    return 0;
}

static int read_layouts(const struct jcur *c, size_t input_count, struct compat_system *s,
                        struct err *e)
{
    size_t count = 0;
    int rc = jcur_array(c, IMAGES_MAX, &count, e);
    if (rc < 0)
        return rc;
    s->layouts = array_new(count + 1, sizeof(*s->layouts));
    if (s->layouts == NULL)
        return err_oom(e);
    s->layout_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(c, i);
        rc = read_layout(&item, input_count, &s->layouts[i], e);
    }
    return rc;
}

static int read_sources(const struct jcur *c, size_t input_count, struct compat_system *s,
                        struct err *e)
{
    static const char *const keys[] = {"file", "blob", NULL};
    size_t count = 0;
    int rc = jcur_array(c, 65536, &count, e);
    if (rc < 0)
        return rc;
    s->sources = array_new(count + 1, sizeof(*s->sources));
    if (s->sources == NULL)
        return err_oom(e);
    s->source_count = count;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(c, i);
        uint64_t file = 0;
        if ((rc = jcur_object(&item, keys, e)) < 0 ||
            (rc = jcur_get_u64(&item, "file", 65536, &file, e)) < 0 ||
            (rc = read_index(&item, "blob", input_count, &s->sources[i].blob, e)) < 0)
            return rc;
        s->sources[i].file = (size_t)file;
    }
    return 0;
}

/* May be left out, and then it is false. */
static int read_flag(const struct jcur *c, const char *key, bool *out, struct err *e)
{
    struct jcur m;
    *out = false;
    return jcur_opt(c, key, &m) ? jcur_bool(&m, out, e) : 0;
}

static int read_params(const struct jcur *c, size_t input_count, struct params *p, struct err *e)
{
    static const char *const keys[] = {"document", "visibleVolumes", "images",           "layouts",
                                       "sources",  "dockerfile",     "decompressKernel", NULL};
    /* Without inputs no index is right; one more makes the bound of jcur_get_u64 hold. */
    size_t bound = input_count == 0 ? 1 : input_count;
    struct jcur document;
    struct jcur images;
    struct jcur layouts;
    struct jcur sources;
    uint64_t visible = 0;
    int rc = jcur_object(c, keys, e);
    if (rc < 0 || (rc = jcur_get(c, "document", &document, e)) < 0 ||
        (rc = jcur_get_u64(c, "visibleVolumes", 65536, &visible, e)) < 0 ||
        (rc = jcur_get(c, "images", &images, e)) < 0 ||
        (rc = jcur_get(c, "layouts", &layouts, e)) < 0 ||
        (rc = jcur_get(c, "sources", &sources, e)) < 0)
        return rc;
    if ((rc = read_flag(c, "dockerfile", &p->system.dockerfile, e)) < 0 ||
        (rc = read_flag(c, "decompressKernel", &p->system.decompress_kernel, e)) < 0)
        return rc;
    const struct ycur y = ycur_json(document.value, "document");
    p->system.document = document.value;
    p->system.visible_volumes = (size_t)visible;
    if ((rc = linuxkit_check(&y, &linuxkit_document, e)) < 0 ||
        (rc = read_images(&images, bound, p, e)) < 0 ||
        (rc = read_layouts(&layouts, bound, &p->system, e)) < 0 ||
        (rc = read_sources(&sources, bound, &p->system, e)) < 0)
        return rc;
    if (input_count == 0 &&
        p->system.image_count + p->system.layout_count + p->system.source_count > 0)
        return jcur_fail(c, e, "images, layouts or sources, but no inputs");
    return 0;
}

static int check(const struct jcur *c, size_t input_count, struct err *e)
{
    AUTO(params_dispose) struct params p = {0};
    return read_params(c, input_count, &p, e);
}

static int write_sink(void *context, const void *data, size_t len, struct err *e)
{
    return cas_writer_write(context, data, len, e);
}

static int run(const struct step_context *context, const struct jcur *c,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO(params_dispose) struct params p = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    int rc = read_params(c, input_count, &p, e);
    for (size_t i = 0; rc == 0 && i < p.system.image_count; i++) {
        struct compat_system_image *image = &p.system.images[i];
        image->config = inputs[p.indices[i].config].digest;
        for (size_t k = 0; k < image->layer_count; k++)
            image->layers[k].digest = inputs[p.indices[i].layers[k]].digest;
    }
    if (rc < 0 || (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    const struct sink to = {.context = writer, .write = write_sink};
    if ((rc = compat_system_write(&p.system, inputs, context->cas, to, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_linuxkit_tar = {
    .name = "encode.linuxkit-tar",
    .min_inputs = 0,
    .max_inputs = 65536,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
