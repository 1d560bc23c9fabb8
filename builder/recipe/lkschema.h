/*
 * The schema of LinuxKit documents as one table (spec linuxkit section 3): what
 * keys there are, of which type, in the order in which LinuxKit writes them.
 * Reading, checking and rendering all walk it.
 */
#ifndef ASSAY_BUILDER_RECIPE_LKSCHEMA_H
#define ASSAY_BUILDER_RECIPE_LKSCHEMA_H

#include "builder/recipe/ycur.h"

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
    LK_DROPPED,     /* LinuxKit's decoder loses it: written as if absent */
    LK_DROPPED_NULL,
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
};

extern const struct lk_node lk_document;
/* What the label org.mobyproject.config of an image holds: an entry without name and image. */
extern const struct lk_node lk_label;
extern const struct lk_node lk_resources;

/* The value is as the schema says; ERR_INPUT "FILE:LINE:COLUMN: …" for the first thing that is not.
 */
int lk_check(const struct ycur *c, const struct lk_node *node, struct err *e);

#endif
