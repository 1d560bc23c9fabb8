/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a file has data, for encoders that write holes. Its bytes decide, not where the file came
 * from: a hole is made of whole units of zeros, aligned to their size (the file's last unit may be
 * shorter). What a file system knows of holes only saves reading.
 */
#ifndef ASSAY_FORMATS_TREE_PIECES_H
#define ASSAY_FORMATS_TREE_PIECES_H

#include "formats/tree/tree.h"

struct tree_pieces {
    struct tree_piece {
        uint64_t offset;
        uint64_t len;
    } * items;
    size_t count;
    size_t room;
    uint64_t unit;
};

/*
 * `unit` bytes, a power of two from 4096 on, or the least double of it with which there are at most
 * `max` pieces; max is at least 1. A file without a hole is one piece, one of zeros alone none.
 */
int tree_pieces_find(struct tree_reader *r, const struct tree_content *c, uint64_t unit, size_t max,
                     struct tree_pieces *out, struct err *e);
void tree_pieces_dispose(struct tree_pieces *p);

#endif
