/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipes: what people write. `assay.yml` (schemas/recipe.schema.json,
 * docs/reference/recipe.md), or a LinuxKit file as it is. Reading one touches
 * no network and no store; locking turns its names into digests.
 */
#ifndef ASSAY_BUILDER_RECIPE_RECIPE_H
#define ASSAY_BUILDER_RECIPE_RECIPE_H

#include "builder/linuxkit/document.h"
#include "builder/recipe/artifact.h"
#include "formats/stream/decompress.h"

#include <stdint.h>

enum {
    RECIPE_IMAGES_MAX = 256,
    RECIPE_PACKAGES_MAX = 4096,
    RECIPE_SUITES_MAX = 8, /* of one image */
    RECIPE_GLOBS_MAX = 256,
    RECIPE_ARTIFACTS_MAX = 32,
    RECIPE_FILES_MAX = 64, /* LinuxKit files that are merged */
};
#define RECIPE_EXPANSION_MAX ((int64_t)1000000) /* more than any compressor of layers reaches */
#define RECIPE_EPOCH_MAX ((int64_t)UINT32_MAX)  /* what squashfs and cpio can say */

enum recipe_dependencies {
    RECIPE_DEPENDENCIES_NONE,
    RECIPE_DEPENDENCIES_SOURCE,
    RECIPE_DEPENDENCIES_ALL
};

/* The suite of images that nobody wrote (boot loaders), when the recipe's own do not say one. */
#define RECIPE_SUITE_DEFAULT "trixie"

/* A list of strings, borrowed from the document; the array is owned. */
struct recipe_list {
    const char **items;
    size_t count;
};

struct recipe_debian {
    struct recipe_list suites;     /* at least one, in the recipe's order, each once */
    struct recipe_list components; /* sorted, unique */
    struct recipe_list packages;   /* sorted, unique */
    enum recipe_dependencies dependencies;
    json_t *rootfs; /* what recipe_rootfs.h gives; NULL: the packages are archives and no more */
    json_t *finish; /* parameters of tree.finish; NULL: nothing more is done */
};

struct recipe_oci {
    const char *layout;   /* directory or archive, relative to the recipe's directory */
    const char *manifest; /* "sha256:…" of a manifest or an index; NULL: `image` says */
    const char *image;    /* its reference name; NULL without a manifest: the only one there is */
    const char *platform; /* NULL: linux and the recipe's architecture */
};

struct recipe_registry {
    const char *image;    /* "alpine:3.20", "host/path@sha256:…"; locking reads it */
    const char *platform; /* NULL: linux and the recipe's architecture */
};

struct recipe_docker {
    const char *file;     /* path, relative to the recipe's directory */
    const char *image;    /* NAME[:TAG]; NULL: the only one there is */
    const char *platform; /* NULL: linux and the recipe's architecture */
};

struct recipe_git {
    const char *repository; /* directory, relative to the recipe's, or URL */
    const char *commit;     /* id, branch or tag */
    const char *tree;       /* the id that it must have; NULL = any */
    const char *path;       /* the directory of the commit that is taken; NULL = all */
};

struct recipe_directory {
    const char *path; /* relative to the recipe's directory */
    struct recipe_list ignore;
};

struct recipe_url {
    const char *url;
    const char *digest; /* "sha256:…" */
    bool unpack;        /* it is a tar; else one file */
    const char *path;   /* where the file goes */
    const char *mode;   /* of the file: four octal digits */
};

struct recipe_place {
    const char *match;
    const char *path;
};

enum recipe_image_kind {
    RECIPE_IMAGE_DEBIAN,
    RECIPE_IMAGE_OCI,
    RECIPE_IMAGE_REGISTRY,
    RECIPE_IMAGE_DOCKER,
    RECIPE_IMAGE_GIT,
    RECIPE_IMAGE_DIRECTORY,
    RECIPE_IMAGE_URL,
};

struct recipe_image {
    const char *name;
    enum recipe_image_kind kind;
    struct recipe_debian debian;
    struct recipe_oci oci;
    struct recipe_registry registry;
    struct recipe_docker docker;
    struct recipe_git git;
    struct recipe_directory directory;
    struct recipe_url url;
    struct recipe_list include;
    struct recipe_list exclude;
    struct recipe_place *places; /* sorted by match */
    size_t place_count;
    char *at; /* where it stands, for complaints while locking */
};

struct recipe {
    struct yaml_doc *doc;
    struct yaml_doc *system_doc; /* `system: {file: …}`, or LinuxKit files as they are; else NULL */
    struct ycur root;            /* of doc */
    struct ycur system_at;       /* of the system's document, for complaints */
    bool plain;                  /* LinuxKit files as they are */
    bool decompress_kernel;      /* the system's kernel out of its compression */
    uint32_t expansion;          /* how many times layers may expand; 0: as usual */
    char *directory;             /* of the recipe: relative paths start there */
    char *name;
    char *arch;
    int64_t epoch;
    struct recipe_image *images; /* sorted by name */
    size_t image_count;
    struct linuxkit *system; /* NULL: the one image is the system */
    struct recipe_artifact *artifacts;
    size_t artifact_count;
    json_t
        *document; /* for the plan: what was written, with name, arch, epoch and system filled in */
};

/* What the command line and the environment say. */
struct recipe_settings {
    const char *name;              /* --name; NULL = the recipe's */
    const char *arch;              /* --arch; NULL = the recipe's */
    const char *source_date_epoch; /* $SOURCE_DATE_EPOCH; NULL = unset */
    bool has_epoch;                /* --epoch */
    uint64_t epoch;
    bool decompress_kernel;     /* --decompress-kernel */
    uint32_t expansion;         /* --expansion; 0: the recipe's */
    const char *const *formats; /* --format: artifacts in the place of the recipe's */
    size_t format_count;
};

/*
 * A recipe, or LinuxKit files, which are merged in order; "-" is standard input.
 * Strict; ERR_INPUT "FILE:LINE:COLUMN: …", ERR_UNDECIDED for what this version cannot build.
 */
int recipe_read(const char *const *paths, size_t count, const struct recipe_settings *settings,
                struct recipe **out, struct err *e);
/* The same from memory; `path` is its name in complaints, and says where relative paths start. */
int recipe_parse(const void *data, size_t len, const char *path,
                 const struct recipe_settings *settings, struct recipe **out, struct err *e);
void recipe_free(struct recipe *r);
/* The image of that name, or NULL. */
const struct recipe_image *recipe_image_find(const struct recipe *r, const char *name);
/*
 * The images that are used, each once: the system's (without a system, the one image it stands
 * for), then those that only artifacts need; *system_count of the former. Caller frees the array,
 * not its strings.
 */
int recipe_images_used(const struct recipe *r, struct linuxkit_image **images, size_t *count,
                       size_t *system_count, struct err *e);

static inline void scope_recipe(struct recipe **r)
{
    recipe_free(*r);
}
#define AUTO_RECIPE AUTO(scope_recipe)

#endif
