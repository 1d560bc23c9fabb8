/*
 * A LinuxKit document as LinuxKit writes it back: `files: metadata:` and
 * `--dry-run` (spec linuxkit sections 1 and 10).
 */
#ifndef ASSAY_BUILDER_LINUXKIT_RENDER_H
#define ASSAY_BUILDER_LINUXKIT_RENDER_H

#include "builder/linuxkit/schema.h"

enum lk_form {
    LK_FORM_JSON,  /* encoding/json, four spaces */
    LK_FORM_YAML2, /* yaml.v2: metadata */
    LK_FORM_YAML3, /* yaml.v3: --dry-run */
    /* Strict mode's, which lose nothing that was written: */
    LK_FORM_SPEC,    /* JSON of the OCI runtime specification: config.json */
    LK_FORM_WRITTEN, /* structures of the runtime specification as they were written: metadata */
};

/*
 * A checked value with its members in LinuxKit's order and as its decoder
 * kept them. Caller owns *out; without members that stay out.
 */
int lk_normal(const json_t *value, const struct lk_node *node, enum lk_form form, json_t **out,
              struct err *e);
/* Appends the text of a checked document. */
int lk_render(const json_t *document, enum lk_form form, struct buf *out, struct err *e);
/* The same in strict mode, as YAML or JSON: it reads as a LinuxKit document again. */
int lk_render_strict(const json_t *document, bool yaml, struct buf *out, struct err *e);

/* A normal form as YAML (lkyaml.c). Appends. */
int lk_yaml_format(const json_t *value, enum lk_form form, struct buf *out, struct err *e);

#endif
