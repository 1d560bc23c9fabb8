/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: what a recipe can ask for, one row of one table each, with the options people may set.
 * A row's file (artifact_*.c) reads the options and compiles them into steps and outputs. */
#ifndef ASSAY_BUILDER_RECIPE_ARTIFACT_H
#define ASSAY_BUILDER_RECIPE_ARTIFACT_H

#include "base/yaml/ycur.h"
#include "builder/recipe/artifact_disk_formats.h"
#include "formats/stream/compressor.h"

enum { ARTIFACT_IMAGES_MAX = 32, ARTIFACT_FILES_MAX = 32 };

struct compiler; /* builder/recipe/compiler.h */
struct recipe_artifact;

struct artifact_kind {
    const char *name;  /* in recipes: "squashfs" */
    bool needs_kernel; /* makes no sense of a system without one */
    /* How the name of an output ends that only this kind makes so; NULL: none, or one that kinds
     * may share. */
    const char *own_suffix;
    /* The options at c, NULL: none written; fills out->options and out->images. */
    int (*read)(const struct ycur *c, struct recipe_artifact *out, struct err *e);
    /* Pushes its steps and outputs. */
    int (*compile)(struct compiler *c, const struct recipe_artifact *a, struct err *e);
};

/* An image that the artifact needs besides the system's, like a boot loader's. */
struct artifact_image {
    const char *name;            /* of the recipe's images; when it has none of that name: */
    const char *const *packages; /* the Debian packages it is made of, sorted, NULL-terminated; NULL
                                    when the recipe must have the image */
};

struct recipe_artifact {
    const struct artifact_kind *kind;
    json_t *options; /* every option of the kind, set or default; owned */
    char *at;        /* where it stands, for complaints; owned; NULL when nobody wrote it */
    struct artifact_image images[ARTIFACT_IMAGES_MAX]; /* strings borrowed */
    size_t image_count;
    const char *files[ARTIFACT_FILES_MAX]; /* that it takes in, below the recipe's directory;
                                              borrowed */
    size_t file_count;
};

/* "squashfs" or {squashfs: {compressor: xz}}. */
int artifact_parse(const struct ycur *c, struct recipe_artifact *out, struct err *e);
/* The same without a place in a document: all options at their defaults. ERR_USAGE for no such
 * name. */
int artifact_default(const char *name, struct recipe_artifact *out, struct err *e);
void artifact_dispose(struct recipe_artifact *a);

/* Reads `compressor`, one of the list, and `level` into options: what is not written is `normal`,
 * and that compressor's normal level. c may be NULL. */
int artifact_read_compression(const struct ycur *c, const struct compressor *const *list,
                              const struct compressor *normal, json_t *options, struct err *e);
/* The two as options of an artifact or parameters of a step. */
int artifact_put_compression(json_t *options, const struct compressor *z, int64_t level,
                             struct err *e);
int artifact_read_flag(const struct ycur *c, const char *key, bool normal, json_t *options,
                       struct err *e);
#define ARTIFACT_SIZE_MAX ((int64_t)1 << 52)
/* A number of bytes: an integer, or text like "128MiB" with KiB, MiB or GiB; at most
 * ARTIFACT_SIZE_MAX. */
int artifact_read_size(const struct ycur *c, uint64_t *out, struct err *e);
/* Adds an image to out->images: the one that the option `key` at c names, else `name` made of
 * `packages`. */
int artifact_read_image(const struct ycur *c, const char *key, const char *name,
                        const char *const *packages, struct recipe_artifact *out, struct err *e);

/* All of them; ends with NULL. The recipe's schema and the documentation have these names and no
 * others: a test compares them. */
extern const struct artifact_kind *const artifact_kinds[];
/* The rows, grouped by file. */
extern const struct artifact_kind artifact_cartesi;           /* artifact_cartesi.c */
extern const struct artifact_kind artifact_squashfs;          /* artifact_image.c */
extern const struct artifact_kind artifact_ext4;              /* artifact_image.c */
extern const struct artifact_kind artifact_erofs;             /* artifact_image.c */
extern const struct artifact_kind artifact_kernel_iso;        /* artifact_iso.c */
extern const struct artifact_kind artifact_iso_bios;          /* artifact_iso.c */
extern const struct artifact_kind artifact_iso_efi;           /* artifact_iso.c */
extern const struct artifact_kind artifact_iso_efi_initrd;    /* artifact_iso.c */
extern const struct artifact_kind artifact_kernel_squashfs;   /* artifact_image.c */
extern const struct artifact_kind artifact_kernel_erofs;      /* artifact_image.c */
extern const struct artifact_kind artifact_tar;               /* artifact_tree.c */
extern const struct artifact_kind artifact_docker;            /* artifact_tree.c */
extern const struct artifact_kind artifact_tar_kernel_initrd; /* artifact_tree.c */
extern const struct artifact_kind artifact_kernel_initrd;     /* artifact_tree.c */
extern const struct artifact_kind artifact_oci;               /* artifact_tree.c */
#define DISK_DECLARED(id, ...) extern const struct artifact_kind artifact_##id;
DISK_FORMATS(DISK_DECLARED)                      /* artifact_disk.c */
extern const struct artifact_kind artifact_rpi3; /* artifact_rpi3.c */

#endif
