/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where LinuxKit's reading of an image's layers (docs/formats/linuxkit.md, section 6)
 * differs from the OCI image specification: which paths come back, get lost, or
 * are hard links that lead nowhere or elsewhere.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_SURVEY_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_SURVEY_H

#include "builder/linuxkit/compat_image.h"

struct compat_survey {
    json_t *paths;    /* object: what LinuxKit emits → its type as an integer */
    json_t *links;    /* object: what of these is a link → where it leads */
    json_t *ends;     /* array: at which path the image ends for LinuxKit, when it does */
    json_t *back;     /* arrays of paths: deleted by a layer, but there */
    json_t *lost;     /* there, but left out */
    json_t *early;    /* hard links before their targets */
    json_t *dangling; /* hard links whose targets are not there */
    json_t *changed;  /* hard links whose targets another layer wrote */
};

/* Reads the layers, bottom first, once. Dispose *out also on failure. */
int compat_survey_layers(struct cas *cas, const struct compat_layer *layers, size_t count,
                         struct compat_survey *out, struct err *e);
void compat_survey_dispose(struct compat_survey *s);

#endif
