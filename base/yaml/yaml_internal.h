/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share about struct yaml_doc and its nodes; nobody else includes it.
 */
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

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* A value as it is written. */
struct node {
    struct node *allocated; /* all nodes, for freeing */
    enum node_kind kind;
    struct yaml_mark mark;
    bool plain;  /* resolve it by the core schema */
    bool open;   /* being read: an alias to it would contain itself */
    bool passed; /* yaml_pass_run has been here */
    bool flow;   /* of a list or map: in brackets or braces */
    bool comment;
    bool foot;
    enum yaml_style style;
    char *tag; /* explicit, or NULL */
    char *text;
    size_t len;
    struct node **items; /* lists; maps: key, value, key, value … */
    size_t count;
    size_t cap;
};

/* A walk over a file by characters, which libyaml counts; only forward. */
struct yaml_source {
    const char *text;
    size_t len;
    size_t index; /* the character at byte `at` */
    size_t at;
};

/* What stands before the lines of a block text: a comment on the line of its key, of an anchor or
 * tag, or of its first character; one that has a line of its own. */
struct yaml_comments {
    bool beside;
    bool alone;
};
/* From character `from` on, which is the end of its key or its own start. */
struct yaml_comments yaml_source_comments(struct yaml_source *s, size_t from);

/* Whether a comment follows character `from`, where the document's last text ends, and none that
 * follows it is indented less: go-yaml then takes them for the document's. */
bool yaml_source_foot(struct yaml_source *s, size_t from);

/* Shows every scalar below `root` to the pass. */
int yaml_pass_run(struct node *root, const struct yaml_pass *pass, const char *file, struct err *e);

/* Reads one document of a text into an empty `doc` that has its file's name: root, start and rows.
 * `go`: as LinuxKit's library reads it; `pass`: NULL, or done between reading and decoding.
 * ERR_INPUT with FILE:LINE:COLUMN. */
int yaml_doc_compose(struct yaml_doc *doc, const void *data, size_t len, bool go,
                     const struct yaml_pass *pass, struct err *e);

#endif
