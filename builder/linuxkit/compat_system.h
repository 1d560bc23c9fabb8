/* The parts of a LinuxKit tar in their order (spec linuxkit sections 8 and 10). */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_SYSTEM_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_SYSTEM_H

#include "builder/linuxkit/compat_image.h"

struct lk_system_image {
    const char *reference;
    struct lk_layer *layers;
    size_t layer_count;
    struct digest config;
};
/* A volume of format oci. */
struct lk_system_layout {
    size_t volume;
    const char *media_type; /* of the index */
    size_t index;           /* into the inputs, as all below */
    size_t *blobs;
    size_t blob_count;
};
struct lk_system_source {
    size_t file;
    size_t blob;
};

/* Borrowed from the step's parameters but for the arrays. */
struct lk_system {
    const json_t *document;
    size_t visible_volumes;
    bool dockerfile; /* as format docker has it */
    bool decompress_kernel;
    struct lk_system_image *images;
    size_t image_count;
    struct lk_system_layout *layouts;
    size_t layout_count;
    struct lk_system_source *sources;
    size_t source_count;
};
void lk_system_dispose(struct lk_system *s);

/* What a file of the document says, but for its bytes, as lk_system_write reads it. ERR_INPUT. */
int lk_system_check_file(const json_t *file, const json_t *ids, struct err *e);

int lk_system_write(const struct lk_system *s, const struct step_input *inputs, struct cas *cas,
                    struct sink to, struct err *e);

#endif
