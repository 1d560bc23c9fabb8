/* SPDX-License-Identifier: Apache-2.0 */
/* Laying one tree over another. */
#ifndef ASSAY_FORMATS_TREE_GRAFT_H
#define ASSAY_FORMATS_TREE_GRAFT_H

#include "formats/tree/tree.h"

/* Whether the entry at `path` (no leading slash) is left out, with what is below it. */
typedef bool graft_skip(const char *path);

/*
 * Copies every entry of `from` into `to`: a path that both have becomes that of
 * `from`; where both have a directory its metadata become those of `from` and
 * its children are merged. A directory of `from` where `to` has a link to a directory goes
 * through the link, and a link of `from` where `to` has a directory with contents gets these
 * contents put to where it leads (lib -> usr/lib); no directory with contents is ever
 * replaced: ERR_INPUT. Hard links of `from` stay hard links. `skip` may be NULL. `from` is not
 * changed.
 */
int tree_graft(struct tree *to, const struct tree *from, graft_skip *skip, struct err *e);
/* The same below the directory `at` of `to`, which takes the place of the root. */
int tree_graft_at(struct tree *to, struct tree_node *at, const struct tree *from, graft_skip *skip,
                  struct err *e);

/* A copy of `inode`, a file of `from`, as a nameless inode of `to`; not for directories. */
int graft_inode(struct tree *to, const struct tree *from, const struct tree_inode *inode,
                struct tree_inode **out, struct err *e);

#endif
