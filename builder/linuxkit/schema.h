/*
 * The schema of LinuxKit documents as one table (spec linuxkit section 3): what
 * keys there are, of which type, in the order in which LinuxKit writes them.
 * Reading, checking and rendering all walk it.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_SCHEMA_H
#define ASSAY_BUILDER_LINUXKIT_SCHEMA_H

#include "base/yaml/ycur.h"

enum lk_type {
    LK_TEXT,
    LK_BOOL,
    LK_INT,
    LK_TEXT_OR_INT,
    LK_LIST,   /* of `item` */
    LK_MAP,    /* text → text */
    LK_OBJECT, /* with `fields` */
};

/* How a key is written in metadata and --dry-run when it is absent or empty. */
enum lk_show {
    LK_IF_SET,      /* a plain value: not when "", false or 0 */
    LK_IF_GIVEN,    /* an optional one: when the key was there */
    LK_ALWAYS,      /* with its zero value */
    LK_ALWAYS_NULL, /* null when the key was not there */
    LK_STRUCT,      /* always in JSON, in YAML when it has members */
    LK_DROPPED,     /* LinuxKit's decoder loses it: written as if absent */
    LK_DROPPED_NULL,
    LK_HIDDEN, /* no key of the schema: written in YAML as an empty map */
    LK_HIDDEN_NULL,
};

/* What an integer is kept in; what does not fit is refused. */
enum lk_range {
    LK_INT64,
    LK_UINT64,
    LK_UINT32,
    LK_UINT16,
};

struct lk_node;
struct lk_field {
    const char *key;
    const struct lk_node *node;
    enum lk_show show;
    bool required;
};
struct lk_node {
    enum lk_type type;
    const struct lk_node *item;
    const struct lk_field *fields; /* ends with a NULL key */
    const char *const *choices;    /* of a text; NULL = any */
    bool runtime_spec;             /* YAML keys are all lower case */
    enum lk_range range;           /* of an integer */
    bool any;                      /* a text that may have NUL in it (YAML_NUL) */
};

extern const struct lk_node lk_document;
/* An entry of onboot, onshutdown or services. */
extern const struct lk_node lk_entry;
/* What the label org.mobyproject.config of an image holds: an entry without name and image. */
extern const struct lk_node lk_label;
extern const struct lk_node lk_resources;

/* The value is as the schema says; ERR_INPUT "FILE:LINE:COLUMN: …" for the first thing that is not.
 */
int lk_check(const struct ycur *c, const struct lk_node *node, struct err *e);

/*
 * A copy of a checked value for plans: 1.0 where an integer belongs becomes 1, and an integer
 * beyond 2^53, which JSON cannot say safely, its digits in a text. lk_check takes such texts in
 * documents that come from no YAML file. Caller owns *out.
 */
int lk_settle(const json_t *value, const struct lk_node *node, json_t **out, struct err *e);
/* The number of a settled integer. */
int64_t lk_integer(const json_t *value);

#endif
