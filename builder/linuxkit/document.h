/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LinuxKit documents: the YAML of `linuxkit build`, read strictly (docs/formats/linuxkit.md,
 * sections 3 and 14; docs/formats/linuxkit-strict.md). No key is ever ignored but `trust`, which
 * LinuxKit ignores too. A plan holds such a document again, which the step tree.linuxkit reads
 * with the same code.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_DOCUMENT_H
#define ASSAY_BUILDER_LINUXKIT_DOCUMENT_H

#include "base/yaml/ycur.h"

enum {
    LINUXKIT_INIT_MAX = 64,
    LINUXKIT_FILES_MAX = 4096,
    LINUXKIT_NAME_MAX = 512,
    LINUXKIT_CONTENTS_MAX = 1024 * 1024,
    LINUXKIT_CONTAINERS_MAX = 1024, /* of onboot, onshutdown and services each */
    LINUXKIT_VOLUMES_MAX = 1024,
};

struct oci_spec_blame;

enum linuxkit_file_kind {
    LINUXKIT_FILE_CONTENTS,
    LINUXKIT_FILE_SOURCE,
    LINUXKIT_FILE_DIRECTORY,
    LINUXKIT_FILE_SYMLINK,
};

/* Strings are borrowed from the document but for `path`, `at` and `made`. */
struct linuxkit_file {
    char *path;       /* normal form: no leading slash, no empty or "." component; "" is the root */
    char *at;         /* of a source: where it is named, for complaints */
    const char *file; /* of a source: the YAML file that names it; NULL in a plan */
    enum linuxkit_file_kind kind;
    const char *text; /* contents, source path or link target; NULL for directories */
    char *made;       /* a text of ours: metadata (kind CONTENTS), a source in normal form */
    bool has_mode;
    bool has_owner; /* uid or gid given */
    bool optional;
    uint16_t mode;
    uint32_t uid;
    uint32_t gid;
};

struct linuxkit_image {
    const char *name;
    char *at; /* where it is named, for complaints */
};

/* An entry of onboot, onshutdown or services. */
struct linuxkit_container {
    const char *list; /* "onboot", "onshutdown", "services" */
    size_t index;     /* in that list */
    const char *name; /* one path component */
    struct linuxkit_image image;
    json_t *entry; /* settled (linuxkit_settle); owned */
    char *at;
};

struct linuxkit_volume {
    const char *name;
    struct linuxkit_image image; /* name NULL: blank */
    bool readonly;
    bool oci;                /* the image as an OCI layout, not as files */
    const json_t *platforms; /* of the layout; NULL: all. Borrowed */
    const json_t *entry;
};

struct linuxkit {
    struct linuxkit_image kernel; /* name NULL: no kernel */
    const char *kernel_binary;
    const char *kernel_tar; /* NULL: none */
    const char *ucode;      /* NULL: none */
    const char *cmdline;
    struct linuxkit_image *init;
    size_t init_count;
    struct linuxkit_file *files;
    size_t file_count;
    struct linuxkit_container *containers; /* onboot, onshutdown, services */
    size_t container_count;
    struct linuxkit_volume *volumes;
    size_t volume_count;
    json_t *ids;               /* name of a container → its id; owned */
    const json_t *volume_list; /* of the document, borrowed; NULL: none */
    json_t *warnings;          /* texts: what LinuxKit would do otherwise; owned */
};

enum linuxkit_origin {
    LINUXKIT_IN_RECIPE, /* written in a recipe */
    LINUXKIT_FILES,     /* LinuxKit files as they are */
    LINUXKIT_IN_PLAN,   /* the step's document: no metadata, sources are names only */
};

/*
 * Reads the document at `c`; it must outlive *out. Caller frees with
 * linuxkit_free. ERR_INPUT for what is wrong, ERR_UNDECIDED for what this
 * version cannot build. `own` (NULL: none) has the names of the recipe's own
 * images as keys: they are no references.
 */
int linuxkit_parse(const struct ycur *c, enum linuxkit_origin origin, const json_t *own,
                   struct linuxkit **out, struct err *e);
void linuxkit_free(struct linuxkit *lk);

/* Whether the keys of this map are those of a LinuxKit file: it has one of them, and no `system`.
 */
bool linuxkit_looks_like(const json_t *document);

/* The images whose files it needs, each once: the kernel's first, then those of init, of volumes
 * (but of format oci) and of containers, in order. Caller frees the array, not its strings. */
int linuxkit_images(const struct linuxkit *lk, struct linuxkit_image **images, size_t *count,
                    struct err *e);

/* A container's path in the system: containers/onboot/000-NAME, containers/services/NAME; caller
 * frees. */
int linuxkit_container_path(const struct linuxkit_container *c, char **out, struct err *e);
/*
 * Checks what the containers say by making their config.json without a user;
 * `label` and `image_config` may be NULL. ERR_INPUT with the place of what is wrong.
 */
int linuxkit_check_container(const struct ycur *document, const struct linuxkit *lk, size_t index,
                             const json_t *label, const json_t *image_config, struct err *e);

/*
 * Prefixes a complaint about an entry of onboot, onshutdown, services or files
 * with its place, or its key's when `blame` (may be NULL) says one; `name` may be NULL. Returns the
 * complaint's code.
 */
int linuxkit_blame(const struct ycur *document, const char *list, size_t index, const char *name,
                   const struct oci_spec_blame *blame, struct err *e);

static inline void scope_linuxkit(struct linuxkit **lk)
{
    linuxkit_free(*lk);
}
#define AUTO_LINUXKIT AUTO(scope_linuxkit)

#endif
