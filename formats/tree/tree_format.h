/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two documents that a tree is stored as (docs/formats/tree.md): the
 * canonical serialisation, whose digest is the tree's, and the locations of
 * its contents. Both have exactly one form: what is read is written again and
 * compared, so nothing that parses is ambiguous.
 */
#ifndef ASSAY_FORMATS_TREE_TREE_FORMAT_H
#define ASSAY_FORMATS_TREE_TREE_FORMAT_H

#include "formats/tree/tree.h"

/* Where a document goes, piece by piece. */
struct tree_sink {
    void *context;
    int (*put)(void *context, const void *data, size_t len, struct err *e);
};

int tree_format(const struct tree *t, const struct tree_sink *sink, struct err *e);
/* ERR_INPUT names the line. The contents of the files have no location yet. */
int tree_parse(const void *data, size_t len, struct tree **out, struct err *e);

/* Fails with ERR_INPUT when a file's pack was never committed. */
int tree_format_locations(const struct tree *t, const struct tree_sink *sink, struct err *e);
/* Fills in every file's pack and offset, and registers the packs. */
int tree_parse_locations(struct tree *t, const void *data, size_t len, struct err *e);

#endif
