/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image in the form of `docker save`: a tar with manifest.json, image
 * configurations and layers, the layers in `ID/layer.tar` (which may be links to
 * one another) or, since Docker 25, in `blobs/sha256/HEX`. Nothing in it is
 * trusted: names that are digests are checked, and each layer against the
 * configuration's diff_ids.
 */
#ifndef ASSAY_BUILDER_SOURCES_DOCKER_ARCHIVE_H
#define ASSAY_BUILDER_SOURCES_DOCKER_ARCHIVE_H

#include "builder/plan/locked.h"
#include "store/cas/cas.h"

enum { DOCKER_DOCUMENT_MAX = 4 * 1024 * 1024, DOCKER_LAYERS_MAX = 512, DOCKER_IMAGES_MAX = 4096 };

struct docker_request {
    const char *archive;  /* a tar: plain, gzip, zstd or xz */
    const char *image;    /* NAME[:TAG]; NULL: the archive has one image */
    const char *platform; /* "linux/riscv64" */
    const char *name;     /* of the image in the recipe */
    bool keep_config;     /* make the configuration an input, too */
    struct cas *cas;
};

/* Adds the image and its layers, bottom first with their diff ids. ERR_INPUT for all that is wrong.
 */
int docker_lock(const struct docker_request *request, struct locked *out, struct err *e);

/* The part of manifest.json that matters; paths are clean (tar_reader.h). */
struct docker_image {
    char *config;
    char **layers;
    size_t layer_count;
};
/* The one image called `wanted` (NULL: the only one). For docker_lock and for tests. */
int docker_manifest_parse(const void *data, size_t len, const char *wanted,
                          struct docker_image *out, struct err *e);
void docker_image_dispose(struct docker_image *image);

#endif
