/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: the contents of many files one after another in one blob of the store. */
#ifndef ASSAY_FORMATS_TREE_PACK_H
#define ASSAY_FORMATS_TREE_PACK_H

#include "formats/tree/tree.h"

struct pack_writer;

int pack_writer_new(struct cas *cas, struct pack_writer **out, struct err *e);
void pack_writer_free(struct pack_writer *p); /* drops the blob when not committed */

static inline void scope_pack_writer(struct pack_writer **p)
{
    pack_writer_free(*p);
}
#define AUTO_PACK_WRITER AUTO(scope_pack_writer)

/* One file: begin, any number of writes, end. `end` fills size, digest and offset; the pack is the
 * caller's. */
int pack_writer_begin(struct pack_writer *p, struct err *e);
int pack_writer_write(struct pack_writer *p, const void *data, size_t len, struct err *e);
int pack_writer_zeros(struct pack_writer *p, uint64_t len, struct err *e);
int pack_writer_end(struct pack_writer *p, struct tree_content *content, struct err *e);
/* *used is false, and there is no blob, when no file had any bytes. */
int pack_writer_commit(struct pack_writer *p, bool *used, struct digest *blob, struct err *e);

#endif
