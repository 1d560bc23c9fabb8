/*
 * LinuxKit documents: the YAML of `linuxkit build`, read strictly (spec
 * linuxkit sections 3 and 14; docs/formats/linuxkit-strict.md). Every key of
 * the schema is known, so that a misspelt one is told from one that this
 * version does not build yet: kernel, init and files are built; onboot,
 * onshutdown, services and volumes are refused with ERR_UNDECIDED when they
 * hold anything. No key is ever ignored but `trust`, which LinuxKit ignores too.
 */
#ifndef ASSAY_BUILDER_RECIPE_LINUXKIT_H
#define ASSAY_BUILDER_RECIPE_LINUXKIT_H

#include "builder/recipe/ycur.h"

enum {
    LINUXKIT_INIT_MAX = 64,
    LINUXKIT_FILES_MAX = 4096,
    LINUXKIT_NAME_MAX = 512,
    LINUXKIT_CONTENTS_MAX = 1024 * 1024,
};

enum linuxkit_file_kind {
    LINUXKIT_FILE_CONTENTS,
    LINUXKIT_FILE_SOURCE,
    LINUXKIT_FILE_DIRECTORY,
    LINUXKIT_FILE_SYMLINK,
};

/* Strings are borrowed from the document but for `path`. */
struct linuxkit_file {
    char *path; /* normal form: no leading slash, no empty or "." component */
    char *at;   /* of a source: where it is named, for complaints */
    enum linuxkit_file_kind kind;
    const char *text; /* contents, source path or link target; NULL for directories */
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

struct linuxkit {
    struct linuxkit_image kernel; /* name NULL: no kernel */
    const char *kernel_binary;
    const char *kernel_tar; /* NULL: none */
    const char *cmdline;
    struct linuxkit_image *init;
    size_t init_count;
    struct linuxkit_file *files;
    size_t file_count;
};

/*
 * Reads the document at `c`; it must outlive *out. Caller frees with
 * linuxkit_free. ERR_INPUT for what is wrong, ERR_UNDECIDED for what this
 * version cannot build.
 */
int linuxkit_parse(const struct ycur *c, struct linuxkit **out, struct err *e);
void linuxkit_free(struct linuxkit *lk);

/* Whether the keys of this map are those of a LinuxKit file: it has one of them, and no `system`.
 */
bool linuxkit_looks_like(const json_t *document);

/* The images it names, each once: the kernel's first, then those of init in order. Caller frees the
 * array, not its strings. */
int linuxkit_images(const struct linuxkit *lk, struct linuxkit_image **images, size_t *count,
                    struct err *e);

static inline void scope_linuxkit(struct linuxkit **lk)
{
    linuxkit_free(*lk);
}
#define AUTO_LINUXKIT AUTO(scope_linuxkit)

#endif
