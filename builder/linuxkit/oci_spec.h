/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json and runtime.json of a LinuxKit container (docs/formats/linuxkit.md, sections 3.3,
 * 4 and 12), as LinuxKit writes them, defects included; with `strict` as
 * docs/formats/linuxkit-strict.md says.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_OCI_SPEC_H
#define ASSAY_BUILDER_LINUXKIT_OCI_SPEC_H

#include "base/buf.h"

#include <jansson.h>

struct yaml_doc;

/* The configuration of an image, and what its label org.mobyproject.config says. */
struct oci_spec_image_config {
    json_t *document;       /* the whole configuration; owned */
    const json_t *config;   /* its `config`; NULL: none */
    const char *user;       /* "" when it says none */
    struct yaml_doc *label; /* NULL: none; owned */
    json_t *entry;          /* the label's value, settled; NULL: none; owned */
};
/* `name` is the image's, for complaints. The label is checked by the schema, the types of what
 * containers use are checked, too. Dispose *out also on failure. */
int oci_spec_image_config_parse(const void *text, size_t len, const char *name,
                                struct oci_spec_image_config *out, struct err *e);
void oci_spec_image_config_dispose(struct oci_spec_image_config *c);

/* Which key of the entry was being read: of a list the item, else SIZE_MAX. */
struct oci_spec_blame {
    const char *key; /* NULL: none */
    size_t index;
};

/* What USER of an image stands for. */
struct oci_spec_user {
    uint32_t uid;
    uint32_t gid;
    uint32_t *groups; /* owned */
    size_t group_count;
};

/* Everything is borrowed; the documents are checked (linuxkit_check). */
struct oci_spec_container {
    const json_t *entry;        /* of onboot, onshutdown or services */
    const json_t *label;        /* org.mobyproject.config of its image; NULL = none */
    const json_t *image_config; /* `config` of the image's configuration; NULL = none */
    const json_t *ids;          /* oci_spec_ids */
    const json_t *volumes;      /* array of the volumes that binds may name */
    bool strict;
    const struct oci_spec_user
        *user; /* strict: who runs when neither uid nor gid is given; NULL = root */
    struct oci_spec_blame *blame; /* set while reading, for complaints; NULL = nobody asks */
};

/* Name → id, from 100 up over onboot, onshutdown and services; the last of a name wins. */
int oci_spec_ids(const json_t *document, json_t **out, struct err *e);
/* uid or gid: NULL, "", "root", a number (cut to 32 bits) or a name of `ids`. */
int oci_spec_owner(const json_t *value, const json_t *ids, uint32_t *out, struct err *e);

/* The same in strict mode: digits in a text are a number; nothing is cut, 4294967295 is refused. */
int oci_spec_owner_strict(const json_t *value, const json_t *ids, uint32_t *out, struct err *e);
/* A mode as LinuxKit reads it: octal digits after an optional sign, in 32 bits. ERR_INPUT names
 * `what`. */
int oci_spec_octal(const char *text, const char *what, int64_t *out, struct err *e);

bool oci_spec_container_readonly(const struct oci_spec_container *c);
/* Appends. ERR_INPUT for what LinuxKit refuses. */
int oci_spec_config_json(const struct oci_spec_container *c, struct buf *out, struct err *e);
/* `prefix` is the container's path, `root` where its image was unpacked; no leading slashes. */
int oci_spec_runtime_json(const struct oci_spec_container *c, const char *prefix, const char *root,
                          struct buf *out, struct err *e);

#endif
