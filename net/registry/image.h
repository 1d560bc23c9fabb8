/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes as registries and layouts have them, OCI's and
 * Docker's: what they name, without judging what it means.
 */
#ifndef ASSAY_NET_REGISTRY_IMAGE_H
#define ASSAY_NET_REGISTRY_IMAGE_H

#include "base/digest.h"
#include "base/json.h"

#include <jansson.h>

#define IMAGE_EMPTY_BYTES "{}"

enum { IMAGE_ITEMS_MAX = 4096, IMAGE_DEPTH_MAX = 3 /* of indexes in indexes */ };

/* Texts are borrowed from the document, and NULL when absent. */
struct image_descriptor {
    struct digest digest; /* sha256 */
    uint64_t size;
    const char *media_type;
    const char *artifact_type;
    const char *title;
    const char *ref_name;
    json_t *json; /* as it stands there; borrowed */
};

struct image {
    json_t *document;
    bool is_index;
    const char *media_type;
    const char *artifact_type;      /* of a manifest: its own, else its configuration's type */
    struct image_descriptor config; /* of a manifest */
    struct image_descriptor *items; /* layers, or what an index has */
    size_t count;
    bool has_subject;
    struct image_descriptor subject;
};

void image_dispose(struct image *image);
#define AUTO_IMAGE AUTO(image_dispose) struct image

/* `what` names it in errors, which are ERR_INPUT: not JSON, neither one nor the other or both, a
 * descriptor without type, digest or size, digests other than sha256, too many. */
int image_parse(const void *data, size_t len, const char *what, struct image *out, struct err *e);

/* ERR_INPUT when the document is of Docker's schema 1, and says so. */
int image_check_schema(const struct jcur *c, struct err *e);

/* Whether the manifest is of a container image: its configuration says so. */
bool image_is_container(const struct image *image);
bool image_type_is_document(const char *media_type); /* a manifest or an index */
/* Layers whose bytes are kept elsewhere. */
bool image_type_is_foreign(const char *media_type);

/* The one item for "os/architecture[/variant]"; ERR_INPUT when there is none, or several. */
int image_choose(const struct image *index, const char *platform,
                 const struct image_descriptor **out, struct err *e);

/* {"mediaType", "digest", "size"}; caller owns *out. */
int image_descriptor_make(const char *media_type, const struct digest *digest, uint64_t size,
                          json_t **out, struct err *e);

#endif
