/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A LinuxKit system in strict mode while the step tree.linuxkit makes its tree:
 * one entry a path (docs/formats/linuxkit-strict.md). The parts are in files of
 * their own: strict_tree_kernel.c, strict_tree_init.c, strict_tree_containers.c,
 * strict_tree_files.c.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_STRICT_TREE_H
#define ASSAY_BUILDER_LINUXKIT_STRICT_TREE_H

#include "builder/linuxkit/document.h"
#include "builder/linuxkit/oci_spec.h"
#include "builder/plan/step_kind.h"

/* The OCI layout that is the content of a volume. */
struct strict_layout {
    size_t volume;
    const char *media_type; /* of the root: an index or a manifest */
    size_t root;            /* into the inputs, as below */
    size_t *blobs;          /* owned */
    size_t blob_count;
};

struct strict_tree_params {
    struct linuxkit *lk;
    const char **images;
    size_t image_count;
    bool decompressed; /* the first blob is the kernel, decompressed */
    size_t *configs;   /* indices of the images whose configurations follow the trees */
    size_t config_count;
    struct strict_layout *layouts;
    size_t layout_count;
    size_t layout_inputs; /* how many inputs the layouts have, after the configurations */
    size_t *sources;      /* file index per blob at the end */
    size_t source_count;
    int64_t epoch;
};

/* The first blob among the inputs that is not the decompressed kernel. */
static inline size_t strict_tree_first_blob(const struct strict_tree_params *p)
{
    return p->image_count + p->decompressed;
}

struct strict_tree {
    const struct strict_tree_params *p;
    const struct step_input *inputs;
    struct cas *cas;
    struct tree *tree;
    struct tree_packer *packer;
    struct tree_content hosts; /* of etc/hosts, stored once; size 0: not yet */
    char **unpacked; /* by image: the path where a container's files are; NULL: nowhere yet */
};

/* The index of an image, and its tree. */
size_t strict_tree_image_index(const struct strict_tree *m, const char *name);
const struct tree *strict_tree_image(const struct strict_tree *m, const char *name);

/* Nameless inodes of the tree, with the epoch as their time. */
int strict_tree_inode(struct strict_tree *m, enum tree_type type, uint16_t mode,
                      struct tree_inode **out, struct err *e);
int strict_tree_file(struct strict_tree *m, uint16_t mode, const void *data, size_t len,
                     struct tree_inode **out, struct err *e);
int strict_tree_symlink(struct strict_tree *m, const char *target, struct tree_inode **out,
                        struct err *e);
/* A file with the bytes of an input. */
int strict_tree_blob(struct strict_tree *m, const struct step_input *blob, uint16_t mode,
                     struct tree_inode **out, struct err *e);
/* LinuxKit's etc/hosts. */
int strict_tree_hosts(struct strict_tree *m, struct tree_inode **out, struct err *e);

/*
 * Where an entry goes: links in the directories on the way are followed inside
 * the root; what is missing of them is made, 0755 root.
 */
int strict_tree_parent(struct strict_tree *m, const char *path, struct tree_node **dir,
                       const char **name, struct err *e);
/* Puts a leaf at a path. It may replace a file or a link, never a directory with what is in it. */
int strict_tree_put(struct strict_tree *m, const char *path, struct tree_inode *inode,
                    struct err *e);

/* The whole content of a file of an image. */
int strict_tree_read(const struct strict_tree *m, const struct tree *from,
                     const struct tree_inode *file, struct buf *out, struct err *e);

/*
 * What an image brings from the machine that made it, and LinuxKit leaves out
 * (docs/formats/linuxkit.md, section 7).
 */
bool strict_tree_skipped(const char *path);

int strict_tree_add_kernel_tar(struct strict_tree *m, struct err *e);
int strict_tree_add_kernel(struct strict_tree *m, struct err *e);
int strict_tree_add_init(struct strict_tree *m, struct err *e);
int strict_tree_add_volumes(struct strict_tree *m, struct err *e);
int strict_tree_add_containers(struct strict_tree *m, struct err *e);
int strict_tree_add_files(struct strict_tree *m, struct err *e);

/* Who USER of an image is, by its etc/passwd and etc/group (strict_tree_user.c). Caller frees the
 * groups. */
int strict_user_find(const struct buf *passwd, const struct buf *groups, const json_t *ids,
                     const char *text, struct oci_spec_user *out, struct err *e);
int strict_tree_user(const struct strict_tree *m, const struct tree *image, const char *text,
                     struct oci_spec_user *out, struct err *e);

#endif
