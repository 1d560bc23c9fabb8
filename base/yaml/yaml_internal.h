/* SPDX-License-Identifier: Apache-2.0 */
/* What yaml.c and yaml_read.c share about struct yaml_doc; nobody else includes it. */
#ifndef ASSAY_BASE_YAML_YAML_INTERNAL_H
#define ASSAY_BASE_YAML_YAML_INTERNAL_H

#include "base/yaml/yaml.h"

/* One place of the result: what stands in `parent` under `key` (or at `index`). */
struct row {
    const json_t *parent;
    char *key;
    size_t index;
    struct yaml_mark value;
    struct yaml_mark at_key;
};

struct yaml_doc {
    char *file;
    json_t *root;
    struct yaml_mark start;
    struct row *rows;
    size_t row_count;
    size_t row_cap;
    struct yaml_doc **parts; /* of a merged document */
    size_t part_count;
};

/* Reads one document of a text into an empty `doc` that has its file's name: root, start and rows.
 * `go`: as LinuxKit's library reads it. ERR_INPUT with FILE:LINE:COLUMN. */
int yaml_doc_compose(struct yaml_doc *doc, const void *data, size_t len, bool go, struct err *e);

#endif
