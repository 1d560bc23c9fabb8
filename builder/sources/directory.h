/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory as it stands, less what is ignored: names, contents, links and
 * the owner's x bit count; owners, other modes, times, extended attributes and
 * hard links do not. Links are kept as links and never followed; devices,
 * pipes and sockets are refused unless they are ignored.
 */
#ifndef ASSAY_BUILDER_SOURCES_DIRECTORY_H
#define ASSAY_BUILDER_SOURCES_DIRECTORY_H

#include "builder/sources/ignore.h"
#include "builder/sources/tree_blob.h"

/* Rules in this file at the top of a directory come before those of the caller. */
#define DIRECTORY_IGNORE_FILE ".assayignore"

/* Adds all of `path` to b's root. ERR_INPUT when a file changes while it is read, or a name of a
 * directory means something else, or another directory, when all of it was. */
int directory_read(const char *path, const char *const *rules, size_t rule_count,
                   struct tree_blob *b, struct err *e);

#endif
