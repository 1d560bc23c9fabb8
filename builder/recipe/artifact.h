/* Artifacts: what a recipe can ask for, one row of one table each, with the options people may set.
 */
#ifndef ASSAY_BUILDER_RECIPE_ARTIFACT_H
#define ASSAY_BUILDER_RECIPE_ARTIFACT_H

#include "builder/recipe/ycur.h"

struct artifact_kind {
    const char *name;   /* in recipes: "squashfs" */
    const char *step;   /* the step kind that encodes it */
    const char *id;     /* the step's id in plans */
    const char *suffix; /* of the output: NAME + suffix */
    const char *media_type;
    bool without_boot; /* boot/ stays out of it when the system has a kernel, as in LinuxKit */
    bool with_kernel;  /* comes with the outputs NAME-kernel and NAME-cmdline */
};

struct recipe_artifact {
    const struct artifact_kind *kind;
    json_t *options; /* every option of the kind, set or default; owned */
    char *at;        /* where it stands, for complaints; owned */
};

const struct artifact_kind *artifact_kind_find(const char *name);
/* NULL-terminated, for messages. */
const char *const *artifact_kind_names(void);

/* "squashfs" or {squashfs: {compressor: xz}}. */
int artifact_parse(const struct ycur *c, struct recipe_artifact *out, struct err *e);
/* The same without a place in a document: all options at their defaults. */
int artifact_default(const char *name, struct recipe_artifact *out, struct err *e);
void artifact_dispose(struct recipe_artifact *a);

#endif
