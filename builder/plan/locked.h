/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What locking found: every name of a recipe as digests, with the bytes in the
 * store. compile.c turns this and the recipe into a plan; nothing here knows
 * of mirrors, hosts or paths.
 */
#ifndef ASSAY_BUILDER_PLAN_LOCKED_H
#define ASSAY_BUILDER_PLAN_LOCKED_H

#include "base/digest.h"
#include "base/json.h"

struct locked_blob {
    char *id; /* unique in the plan, of the plan's alphabet */
    struct digest digest;
    uint64_t size;
    json_t *from; /* the plan's "from" */
};

struct locked_layer {
    size_t blob;
    const char *form;        /* "deb", "tar" or "file"; static */
    const char *compression; /* tar: "none", "gzip", "zstd"; static */
    bool has_diff_id;
    struct digest diff_id;
    const char *path; /* file: where it goes, and its mode, "0644"; the recipe's or static */
    const char *mode;
};

/* An image: its layers, bottom first. */
struct locked_image {
    char *name;
    struct locked_layer *layers;
    size_t layer_count;
    size_t layer_cap;
    bool has_config;
    size_t config; /* blob of its configuration, when that was asked for */
};

/* A `source:` of the system's files; dropped when it was optional and missing. */
struct locked_source {
    size_t file; /* index into the recipe's files */
    size_t blob;
    bool dropped;
};

/* The image of a volume of format oci: a part of its layout. */
struct locked_layout {
    size_t volume;    /* index into the system's volumes */
    char *media_type; /* of the root: an index or a manifest */
    size_t root;      /* blobs, as below */
    size_t *blobs;    /* configuration, layers, manifest of each image */
    size_t blob_count;
    size_t blob_cap;
};

/* A file that an artifact takes in. */
struct locked_file {
    const char *path; /* as the recipe has it; borrowed from the recipe */
    size_t blob;
};

struct locked {
    struct locked_blob *blobs;
    size_t blob_count;
    size_t blob_cap;
    struct locked_image *images;
    size_t image_count;
    size_t image_cap;
    struct locked_source *sources;
    size_t source_count;
    size_t source_cap;
    struct locked_layout *layouts; /* in the order of the volumes */
    size_t layout_count;
    size_t layout_cap;
    struct locked_file *files;
    size_t file_count;
    size_t file_cap;
    json_t *notes; /* array of strings: what was not as it says, and was taken; NULL: nothing */
};

void locked_dispose(struct locked *l);
#define AUTO_LOCKED AUTO(locked_dispose) struct locked

/*
 * Adds an input. Bytes that are there already are not added again: *index is
 * then the older one's. The id is made of `prefix` and `name`, with bytes that
 * an id cannot have replaced, and numbered when taken. Takes `from`, also on failure.
 */
int locked_add_blob(struct locked *l, const char *prefix, const char *name,
                    const struct digest *digest, uint64_t size, json_t *from_taken, size_t *index,
                    struct err *e);
int locked_add_image(struct locked *l, const char *name, struct locked_image **out, struct err *e);
/* Borrowed until the next image is added; NULL when there is none of that name. */
const struct locked_image *locked_image_find(const struct locked *l, const char *name);
int locked_add_layer(struct locked_image *image, const struct locked_layer *layer, struct err *e);
/* Borrowed until the next layout is added. */
int locked_add_layout(struct locked *l, size_t volume, const char *media_type, size_t root,
                      struct locked_layout **out, struct err *e);
int locked_layout_push(struct locked_layout *layout, size_t blob, struct err *e);
int locked_add_source(struct locked *l, const struct locked_source *source, struct err *e);
int locked_add_file(struct locked *l, const char *path, size_t blob, struct err *e);
/* The blob of the artifact's file of that path; NULL when there is none. Borrowed. */
const struct locked_blob *locked_file_find(const struct locked *l, const char *path);

/* One line for whoever locks: it changes nothing. */
int locked_note(struct locked *l, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The plan's list of inputs; caller owns *out. */
int locked_inputs(const struct locked *l, json_t **out, struct err *e);

/* "prefix" + name in the plan's alphabet, at most 100 bytes; caller frees. */
int locked_id(const char *prefix, const char *name, char **out, struct err *e);

#endif
