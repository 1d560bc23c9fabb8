/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source tree while it is read, and the blob that it becomes: one canonical
 * tar (docs/formats/tar.md) with normal owners, modes and times, so that the
 * same tree is the same blob wherever it was read. Its layer is applied by
 * tree.layers like any other.
 */
#ifndef ASSAY_BUILDER_SOURCES_TREE_BLOB_H
#define ASSAY_BUILDER_SOURCES_TREE_BLOB_H

#include "base/private_dir.h"
#include "base/progress.h"
#include "formats/tree/tree.h"

/* Contents are kept in a store of its own below `temp` until the blob is written. */
struct tree_blob {
    struct private_dir dir;
    struct cas *scratch;
    struct tree *tree;
    struct tree_packer *packer;
};

#define TREE_BLOB_INIT                                                                             \
    {                                                                                              \
        .dir = PRIVATE_DIR_INIT                                                                    \
    }

/* `temp`: the directory for temporary files. */
int tree_blob_begin(struct tree_blob *b, const char *temp, struct err *e);
void tree_blob_dispose(struct tree_blob *b);
#define AUTO_TREE_BLOB AUTO(tree_blob_dispose) struct tree_blob

/* Names an entry below `dir`: 0:0, time 0, mode 0755 for directories and executables, else 0644.
 * A name that is taken, or that a layer would read as a whiteout, is ERR_INPUT. */
int tree_blob_add_dir(struct tree_blob *b, struct tree_node *dir, const char *name,
                      struct tree_node **out, struct err *e);
/* An empty file; its content by b->packer or by copying another's. */
int tree_blob_add_file(struct tree_blob *b, struct tree_node *dir, const char *name,
                       bool executable, struct tree_inode **out, struct err *e);
int tree_blob_add_link(struct tree_blob *b, struct tree_node *dir, const char *name,
                       const char *target, struct err *e);

/* The blob, in `cas`. A tree without entries is ERR_INPUT. */
int tree_blob_commit(struct tree_blob *b, struct cas *cas, struct digest *digest, uint64_t *size,
                     struct err *e);

#endif
