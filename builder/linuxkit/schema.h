/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema of LinuxKit documents as one table (docs/formats/linuxkit.md, section 3): what
 * keys there are, of which type, in the order in which LinuxKit writes them.
 * Reading, checking and rendering all walk it.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_SCHEMA_H
#define ASSAY_BUILDER_LINUXKIT_SCHEMA_H

#include "base/yaml/ycur.h"

enum linuxkit_type {
    LINUXKIT_TEXT,
    LINUXKIT_BOOL,
    LINUXKIT_INT,
    LINUXKIT_TEXT_OR_INT,
    LINUXKIT_LIST,   /* of `item` */
    LINUXKIT_MAP,    /* text → text */
    LINUXKIT_OBJECT, /* with `fields` */
};

/* How a key is written in metadata and --dry-run when it is absent or empty. */
enum linuxkit_show {
    LINUXKIT_IF_SET,      /* a plain value: not when "", false or 0 */
    LINUXKIT_IF_GIVEN,    /* an optional one: when the key was there */
    LINUXKIT_ALWAYS,      /* with its zero value */
    LINUXKIT_ALWAYS_NULL, /* null when the key was not there */
    LINUXKIT_STRUCT,      /* always in JSON, in YAML when it has members */
    LINUXKIT_DROPPED,     /* LinuxKit's decoder loses it: written as if absent */
    LINUXKIT_DROPPED_NULL,
    LINUXKIT_HIDDEN, /* no key of the schema: written in YAML as an empty map */
    LINUXKIT_HIDDEN_NULL,
};

/* What an integer is kept in; what does not fit is refused. */
enum linuxkit_range {
    LINUXKIT_INT64,
    LINUXKIT_UINT64,
    LINUXKIT_UINT32,
    LINUXKIT_UINT16,
};

struct linuxkit_node;
struct linuxkit_field {
    const char *key;
    const struct linuxkit_node *node;
    enum linuxkit_show show;
    bool required;
};
struct linuxkit_node {
    enum linuxkit_type type;
    const struct linuxkit_node *item;
    const struct linuxkit_field *fields; /* ends with a NULL key */
    const char *const *choices;          /* of a text; NULL = any */
    bool runtime_spec;                   /* YAML keys are all lower case */
    enum linuxkit_range range;           /* of an integer */
    bool any;                            /* a text that may have NUL in it (YAML_NUL) */
};

extern const struct linuxkit_node linuxkit_document;
/* An entry of onboot, onshutdown or services. */
extern const struct linuxkit_node compat_entry;
/* What the label org.mobyproject.config of an image holds: an entry without name and image. */
extern const struct linuxkit_node linuxkit_label;
extern const struct linuxkit_node linuxkit_resources;

/* The value is as the schema says; ERR_INPUT "FILE:LINE:COLUMN: …" for the first thing that is not.
 */
int linuxkit_check(const struct ycur *c, const struct linuxkit_node *node, struct err *e);

/*
 * A copy of a checked value for plans: 1.0 where an integer belongs becomes 1, and an integer
 * beyond 2^53, which JSON cannot say safely, its digits in a text. linuxkit_check takes such texts
 * in documents that come from no YAML file. Caller owns *out.
 */
int linuxkit_settle(const json_t *value, const struct linuxkit_node *node, json_t **out,
                    struct err *e);
/* The number of a settled integer. */
int64_t linuxkit_integer(const json_t *value);

#endif
