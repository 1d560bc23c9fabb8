/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a sparse file: the pieces that have data, in order; zeros are between them. Whatever
 * an archive says, a map that is kept is ordered, does not overlap, and ends within its file.
 */
#ifndef ASSAY_FORMATS_TAR_TAR_MAP_H
#define ASSAY_FORMATS_TAR_TAR_MAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAR_PIECES_MAX = 1 << 20 };

struct tar_map {
    struct tar_piece {
        uint64_t offset;
        uint64_t len;
    } * pieces;
    size_t count;
    size_t room;
    uint64_t data; /* bytes of all pieces */
    uint64_t size; /* of the file */
    size_t next;   /* reading: the piece that is reached or comes, */
    uint64_t at;   /* and the place in the file */
};

void tar_map_dispose(struct tar_map *m);
/* The next piece. ERR_INPUT when it begins before the one before ends, or with TAR_PIECES_MAX. */
int tar_map_add(struct tar_map *m, uint64_t offset, uint64_t len, struct err *e);
/* "OFFSET,LENGTH,OFFSET,LENGTH…", as pax format 0.1 has them; may be empty. */
int tar_map_add_text(struct tar_map *m, const uint8_t *text, size_t len, struct err *e);
/* Pieces of GNU's old format: `max` of them at most; an empty one is the last. */
int tar_map_add_fields(struct tar_map *m, const uint8_t *fields, size_t max, struct err *e);
/* All are there. ERR_INPUT when they reach beyond `size`, or have not `stored` bytes together. */
int tar_map_close(struct tar_map *m, uint64_t size, uint64_t stored, struct err *e);
/* How many bytes of one kind come, which *data tells; 0 at the file's end. */
uint64_t tar_map_run(struct tar_map *m, bool *data);
/* So many of them were taken. */
void tar_map_take(struct tar_map *m, uint64_t len);

/* Reads the decimal numbers, each with a newline, of format 1.0: bytes of `block` at a time. */
struct tar_map_text {
    uint64_t number;
    unsigned digits;
    bool counted; /* the first number, how many pieces */
    bool odd;     /* an offset waits for its length */
    uint64_t offset;
    uint64_t left; /* pieces */
};
/* *done when the last number was in it: the rest of the block is zeros then. */
int tar_map_add_block(struct tar_map *m, struct tar_map_text *t, const uint8_t *block, bool *done,
                      struct err *e);

#endif
