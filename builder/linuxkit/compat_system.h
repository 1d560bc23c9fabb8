/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a LinuxKit tar in their order (docs/formats/linuxkit.md, sections 8 and 10). */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_SYSTEM_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_SYSTEM_H

#include "builder/linuxkit/compat_image.h"

struct compat_system_image {
    const char *reference;
    struct compat_layer *layers;
    size_t layer_count;
    struct digest config;
};
/* A volume of format oci. */
struct compat_system_layout {
    size_t volume;
    const char *media_type; /* of the index */
    size_t index;           /* into the inputs, as all below */
    size_t *blobs;
    size_t blob_count;
};
struct compat_system_source {
    size_t file;
    size_t blob;
};

/* Borrowed. */
struct compat_system {
    const json_t *document;
    size_t visible_volumes;
    bool dockerfile; /* as format docker has it */
    bool decompress_kernel;
    struct compat_system_image *images;
    size_t image_count;
    struct compat_system_layout *layouts;
    size_t layout_count;
    struct compat_system_source *sources;
    size_t source_count;
};

/* What a file of the document says, but for its bytes, as compat_system_write reads it. ERR_INPUT.
 */
int compat_system_check_file(const json_t *file, const json_t *ids, struct err *e);

int compat_system_write(const struct compat_system *s, const struct step_input *inputs,
                        struct cas *cas, struct sink to, struct err *e);

#endif
