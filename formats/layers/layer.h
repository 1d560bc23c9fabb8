/* SPDX-License-Identifier: Apache-2.0 */
/* One layer, read but not yet applied: what layer_decode.c gives to layer_apply.c. Private to
 * formats/layers. */
#ifndef ASSAY_FORMATS_LAYERS_LAYER_H
#define ASSAY_FORMATS_LAYERS_LAYER_H

#include "formats/layers/layers.h"

#include <stdatomic.h>
#include <string.h>

/* The top-level names that a merged /usr takes over. */
enum { MERGED_COUNT = 7 };
extern const char *const merged_names[MERGED_COUNT];
/* The index of the path's first component among them, or -1. */
int merged_index(const char *path);

enum layer_role {
    ROLE_ENTRY,
    ROLE_WHITEOUT, /* `path` of lower layers goes */
    ROLE_OPAQUE,   /* all that lower layers have in `path` goes */
};

enum { LAYER_NO_LINK = -1 };

struct layer_entry {
    enum layer_role role;
    enum tree_type type;
    bool hard_link;
    bool hidden; /* filtered out, but a kept hard link needs it */
    bool moved;  /* the archive has the path without the "usr/" in front */
    uint16_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t major;
    uint32_t minor;
    int64_t mtime;
    size_t path; /* into layer.text */
    size_t link;
    struct tree_content content; /* its pack is the layer's */
    struct tree_xattr *xattrs;
    size_t xattr_count;
};

struct layer {
    char *text; /* all paths and link targets */
    size_t text_len;
    size_t text_cap;
    struct layer_entry *entries; /* in the archive's order */
    size_t count;
    size_t cap;
    bool has_pack;
    struct digest pack;
    bool merged[MERGED_COUNT]; /* an entry was rewritten */
    size_t *wanted;            /* targets of kept hard links that the filter drops: into text */
    size_t wanted_count;
    size_t wanted_cap;
    struct deb_control *control; /* packages, when the options ask for it */
};

static inline const char *layer_path(const struct layer *l, const struct layer_entry *n)
{
    return l->text + n->path;
}
static inline const char *layer_link(const struct layer *l, const struct layer_entry *n)
{
    return l->text + n->link;
}

/* What all layers of a stack share while they are read. */
struct layer_needs {
    char **paths; /* that the filter drops and hard links need; sorted, unique */
    size_t count;
    atomic_size_t *cost; /* of the entries kept so far, of all layers (LAYERS_COST_MAX) */
};
/* The index of a path, or SIZE_MAX. */
size_t layer_need(const struct layer_needs *needs, const char *path);

/* Keeps the path of the entry that is being read, for complaints. */
static inline void layer_reach(char to[TREE_PATH_MAX + 1], const char *path)
{
    size_t len = strlen(path);
    len = len < TREE_PATH_MAX ? len : TREE_PATH_MAX;
    memcpy(to, path, len);
    to[len] = '\0';
}

/* Whether include and exclude leave a path. The root is always left. Remembers which patterns of
 * include chose something. */
bool layers_keep(const struct layers_options *o, const char *path);

int layer_decode(struct cas *cas, const struct layer_input *input, const struct layers_options *o,
                 const struct layer_needs *needs, unsigned threads, struct layer **out,
                 struct err *e);
void layer_free(struct layer *l);

/* A stack of layers being applied. */
struct layer_stack {
    struct tree *tree;
    const struct layers_options *options;
    const struct layer_needs *needs;
    const struct layer_input *inputs; /* for naming both sides of a conflict */
    struct tree_node *attic;          /* hidden entries, named by their index in needs */
    bool merged[MERGED_COUNT];
};
/* Takes the extended attributes out of the entries. */
int layer_apply(struct layer_stack *s, struct layer *l, size_t index, struct err *e);
/* Makes the links lib -> usr/lib, … that rewriting calls for. */
int layers_make_merged_links(struct layer_stack *s, struct err *e);

#endif
