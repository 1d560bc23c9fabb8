/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's layers as LinuxKit puts them into its tar (docs/formats/linuxkit.md, sections 6 to
 * 8), the defects of its flattening included.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_IMAGE_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_IMAGE_H

#include "builder/plan/step_kind.h"
#include "formats/stream/decompress.h"
#include "formats/tar/go_tar.h"

#define LINUXKIT_FIXED_TIME ((int64_t)1492533000)

struct compat_layer {
    struct digest digest;
    enum compression compression;
    unsigned expansion; /* how many times its bytes may expand; 0: as usual */
};

/* Where entries go, and what they say of themselves. Borrowed. */
struct compat_place {
    struct cas *cas;
    struct sink to;
    const char *location; /* "init[0]" */
    const char *source;   /* the image's reference, or a word of LinuxKit's own; NULL: entries say
                             neither */
};

/* One entry with the fixed time and the place's records; `data` is a file's content. */
int compat_put(const struct compat_place *p, char type, const char *name, int64_t mode,
               const char *link, const void *data, size_t len, struct err *e);
/* As compat_put, with owner and time said. */
struct compat_entry {
    char type;
    const char *name;
    const char *link;
    int64_t mode;
    uint32_t uid;
    uint32_t gid;
    int64_t mtime;
    const void *data;
    size_t len;
    const struct go_tar_header *like; /* whose records it takes; NULL: none */
};
int compat_put_entry(const struct compat_place *p, const struct compat_entry *entry, struct err *e);
/* A directory entry for each component of "a/b/". */
int compat_put_prefix(const struct compat_place *p, const char *prefix, struct err *e);
/* A blob of the store as a file. */
int compat_put_blob(const struct compat_place *p, const char *name, int64_t mode, int64_t mtime,
                    const struct digest *digest, uint64_t size, struct err *e);
/* An entry as it was read, its content copied. Adds the records. */
int compat_copy(const struct compat_place *p, struct go_tar_header *h, struct go_tar_reader *r,
                struct err *e);

/* Sees each entry of a layer; above 0 ends the layer, and is what compat_read_layer returns. */
typedef int compat_visit_fn(void *context, struct go_tar_header *h, struct go_tar_reader *r,
                            struct err *e);
int compat_read_layer(struct cas *cas, const struct compat_layer *layer, compat_visit_fn *visit,
                      void *context, struct err *e);
/* Whether LinuxKit emits the entry; remembers it in `seen` for the layers below, for the top layer
 * comes first. Its name is cleaned. */
int compat_admit(struct go_tar_header *h, json_t *seen, bool *emitted, struct err *e);

/* `resolv` is what etc/resolv.conf becomes a link to; NULL = a file. `apk` takes the content of
 * lib/apk/db/installed; NULL = nobody wants it. *has_apk tells whether there was one. */
int compat_image_tar(const struct compat_place *p, const struct compat_layer *layers, size_t count,
                     const char *prefix, const char *resolv, struct buf *apk, bool *has_apk,
                     struct err *e);

struct compat_kernel {
    const char *binary;
    const char *tar;   /* NULL: none */
    const char *ucode; /* NULL: none */
    const char *cmdline;
    bool decompress; /* gzip, or a bzImage of it; all else is refused */
};
/* Shows each entry of the kernel's tar, where there is one; `visit` takes no content. */
int compat_kernel_names(struct cas *cas, const struct compat_layer *layers, size_t count,
                        const char *tar, compat_visit_fn *visit, void *context, struct err *e);
int compat_kernel_tar(const struct compat_place *p, const struct compat_layer *layers, size_t count,
                      const struct compat_kernel *kernel, struct err *e);

#endif
