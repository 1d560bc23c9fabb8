/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A LinuxKit document as LinuxKit writes it back: `files: metadata:` and
 * `--dry-run` (docs/formats/linuxkit.md, sections 1 and 10).
 */
#ifndef ASSAY_BUILDER_LINUXKIT_RENDER_H
#define ASSAY_BUILDER_LINUXKIT_RENDER_H

#include "builder/linuxkit/schema.h"

enum linuxkit_form {
    LINUXKIT_FORM_JSON,  /* encoding/json, four spaces */
    LINUXKIT_FORM_YAML2, /* yaml.v2: metadata */
    LINUXKIT_FORM_YAML3, /* yaml.v3: --dry-run */
    /* Strict mode's, which lose nothing that was written: */
    LINUXKIT_FORM_SPEC,    /* JSON of the OCI runtime specification: config.json */
    LINUXKIT_FORM_WRITTEN, /* structures of the runtime specification as they were written: metadata
                            */
};

/*
 * A checked value with its members in LinuxKit's order and as its decoder
 * kept them. Caller owns *out; without members that stay out.
 */
int linuxkit_normal(const json_t *value, const struct linuxkit_node *node, enum linuxkit_form form,
                    json_t **out, struct err *e);
/* Appends the text of a checked document. */
int linuxkit_render(const json_t *document, enum linuxkit_form form, struct buf *out,
                    struct err *e);
/* The same in strict mode, as YAML or JSON: it reads as a LinuxKit document again. */
int linuxkit_render_strict(const json_t *document, bool yaml, struct buf *out, struct err *e);

/* A normal form as YAML (yaml_writer.c). Appends. */
int linuxkit_yaml_format(const json_t *value, enum linuxkit_form form, struct buf *out,
                         struct err *e);

/*
 * A scalar of a LinuxKit file as yaml.v3 writes it again, at its indentation, in a document of its
 * own: a map with the keys a (the scalar; of a scalar inside brackets: a list of it) and b, a list
 * of it and b, or a map with the scalar as its key. *written is false where the text cannot change
 * on the way; then there is nothing in *out.
 */
int linuxkit_yaml_again(const struct yaml_written *at, bool *written, struct buf *out,
                        struct err *e);

#endif
