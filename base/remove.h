/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a tree that somebody else has filled: of any depth, with any modes, and without a link
 * followed out of it. Nothing is allocated and only system calls are made, so that a signal's
 * handler may call it.
 */
#ifndef ASSAY_BASE_REMOVE_H
#define ASSAY_BASE_REMOVE_H

/* The file or tree `name` in `dirfd` (or AT_FDCWD); a missing one is fine. 0, or the errno. */
int remove_tree(int dirfd, const char *name);

#endif
