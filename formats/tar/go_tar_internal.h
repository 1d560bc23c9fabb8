/* SPDX-License-Identifier: Apache-2.0 */
/* What go_tar_reader.c and go_tar_sparse.c share; nobody else includes it. */
#ifndef ASSAY_FORMATS_TAR_GO_TAR_INTERNAL_H
#define ASSAY_FORMATS_TAR_GO_TAR_INTERNAL_H

#include "formats/tar/go_tar.h"

int go_tar_read_exact(const struct source *s, void *data, size_t len, struct err *e);

/* Takes a record of format 0.0 into the map of format 0.1. */
int go_tar_sparse_record(struct buf *map, const char *key, const char *value, bool *taken,
                         struct err *e);
/* When the entry is sparse, its size and name become the file's, and the reader gives its content
 * with its holes. `header` is its block. */
int go_tar_sparse(struct go_tar_reader *r, struct go_tar_header *h, const uint8_t *header,
                  struct err *e);

#endif
