/* SPDX-License-Identifier: Apache-2.0 */
/* The packages of one root file system. Private to builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_INSTALLED_H
#define ASSAY_BUILDER_DEBIAN_INSTALLED_H

#include "builder/debian/control.h"
#include "builder/debian/rootfs.h"

struct installed_package {
    const char *input; /* the plan's id, for messages; borrowed */
    struct control control;
    struct deb_control *files; /* owned from the time when its layer was applied */
    struct buf list;           /* paths as shipped, one a line, as dpkg lists them */
    char **lost;               /* paths, as the tree has them, that others took over */
    size_t lost_count;
    size_t lost_cap;
    char **conffiles; /* as the package lists them, each once */
    size_t conffile_count;
    char **conffiles_sorted; /* the same strings */
    size_t *replaces;        /* packages that it replaces, in a version that fits; sorted */
    size_t replace_count;
    size_t replace_cap;
};

/* Paths of the tree. */
struct installed_divert {
    char *from;
    char *to;
    const char *by; /* NULL: no package */
};

struct installed {
    const struct rootfs_options *options;
    struct installed_package *packages; /* in the order of the layers */
    size_t count;
    size_t *by_name;                  /* indices */
    struct installed_divert *diverts; /* the options', by `from` */
};

void installed_dispose(struct installed *s);

/* The package of that name (NULL-terminated), or NULL. */
const struct installed_package *installed_find(const struct installed *s, const char *name,
                                               size_t *index);

/* order.c: what a package depends on comes before it (docs/formats/debian.md, "Order"). */
int installed_order(const struct installed *s, size_t *order, struct err *e);

/* Takes what others took over out of a package's list. */
int installed_drop_lost(const struct installed *s, struct installed_package *p, struct err *e);

/* ---- writing into the tree: files.c ---- */

/* What may be hashed for dpkg in all: hostile packages name one large file many times. */
#define ROOTFS_MD5_MAX ((uint64_t)16 << 30)

struct rootfs_writer {
    struct tree *tree;
    struct tree_packer *packer;
    struct tree_reader *reader; /* contents that packages brought */
    int64_t time;
    uint64_t md5_bytes; /* hashed so far */
};

/* A new file, 0:gid; one that is there already is ERR_INPUT. Missing directories are made. */
int rootfs_put(struct rootfs_writer *w, const char *path, uint16_t mode, uint32_t gid,
               const void *data, size_t len, struct err *e);
/* The same, with the contents that the packer was given since tree_packer_begin. */
int rootfs_put_begun(struct rootfs_writer *w, const char *path, uint16_t mode, uint32_t gid,
                     struct err *e);
/* The same, with a content that is in a pack. */
int rootfs_put_content(struct rootfs_writer *w, const char *path, uint16_t mode,
                       const struct tree_content *content, struct err *e);
/* New contents for a file that is there; all else of it stays. */
int rootfs_rewrite(struct rootfs_writer *w, const char *path, const void *data, size_t len,
                   struct err *e);
int rootfs_put_link(struct rootfs_writer *w, const char *path, const char *target, struct err *e);
/* A text that packages brought, at most out->max bytes; *found is false when there is none. */
int rootfs_get(struct rootfs_writer *w, const char *path, struct buf *out, bool *found,
               struct err *e);
/* The MD5 of a file's contents in hexadecimal, for dpkg, which knows no other; not for security. */
int rootfs_md5(struct rootfs_writer *w, const struct tree_content *content, char out[33],
               struct err *e);

/* ---- what is written ---- */

int database_write(struct rootfs_writer *w, struct installed *s, struct err *e); /* database.c */
int triggers_write(struct rootfs_writer *w, const struct installed *s,
                   struct err *e); /* triggers.c */
int alternatives_write(struct rootfs_writer *w, const struct rootfs_options *o,
                       struct err *e); /* alternatives.c */
int accounts_write(struct rootfs_writer *w, const struct rootfs_options *o,
                   struct err *e); /* accounts.c */

#endif
