/*
 * config.json and runtime.json of a LinuxKit container (spec linuxkit sections
 * 3.3, 4 and 12), as LinuxKit writes them, defects included.
 */
#ifndef ASSAY_BUILDER_RECIPE_LKSPEC_H
#define ASSAY_BUILDER_RECIPE_LKSPEC_H

#include "base/buf.h"

#include <jansson.h>

/* Everything is borrowed; the documents are checked (lk_check). */
struct lk_container {
    const json_t *entry;        /* of onboot, onshutdown or services */
    const json_t *label;        /* org.mobyproject.config of its image; NULL = none */
    const json_t *image_config; /* `config` of the image's configuration; NULL = none */
    const json_t *ids;          /* lk_ids */
    const json_t *volumes;      /* array of the volumes that binds may name */
};

/* Name → id, from 100 up over onboot, onshutdown and services; the last of a name wins. */
int lk_ids(const json_t *document, json_t **out, struct err *e);
/* uid or gid: NULL, "", "root", a number (cut to 32 bits) or a name of `ids`. */
int lk_owner(const json_t *value, const json_t *ids, uint32_t *out, struct err *e);

bool lk_container_readonly(const struct lk_container *c);
/* Appends. ERR_INPUT for what LinuxKit refuses. */
int lk_config_json(const struct lk_container *c, struct buf *out, struct err *e);
/* `prefix` is the container's path, `root` where its image was unpacked; no leading slashes. */
int lk_runtime_json(const struct lk_container *c, const char *prefix, const char *root,
                    struct buf *out, struct err *e);

#endif
