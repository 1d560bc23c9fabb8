/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What encoders of trees write through: the contents of files, a sink, how much went into it. An
 * encoder adds its layout.
 */
#ifndef ASSAY_FORMATS_TREE_IMAGE_WRITER_H
#define ASSAY_FORMATS_TREE_IMAGE_WRITER_H

#include "base/progress.h"
#include "formats/stream/sink.h"
#include "formats/tree/tree.h"

enum { IMAGE_CHUNK = 256 * 1024 };

struct image_writer {
    struct tree_reader *reader;
    struct sink sink;
    uint64_t at; /* bytes written */
    /* Told while contents are written, as a part of `total` bytes; what is NULL: it is not. */
    struct progress *progress;
    const char *what;
    uint64_t total;
    uint8_t *chunk; /* IMAGE_CHUNK bytes, free between calls */
};

/* The rest of *w is the caller's to fill. Dispose it whatever the result. */
int image_writer_open(struct image_writer *w, const struct tree *t, struct cas *cas,
                      struct sink sink, struct err *e);
void image_writer_dispose(struct image_writer *w);
#define AUTO_IMAGE_WRITER AUTO(image_writer_dispose) struct image_writer

int image_put(struct image_writer *w, const void *data, size_t len, struct err *e);
/* Zeros up to byte `at` of the output; nothing when that is behind. */
int image_zeros_to(struct image_writer *w, uint64_t at, struct err *e);
/* Zeros up to a multiple of `unit`. */
int image_align(struct image_writer *w, uint64_t unit, struct err *e);
/* The bytes from `from` to `end` of a file. */
int image_content(struct image_writer *w, const struct tree_content *c, uint64_t from, uint64_t end,
                  struct err *e);

/* All of a file's bytes, alone. */
int tree_content_write(const struct tree *t, struct cas *cas, const struct tree_content *c,
                       struct sink to, struct err *e);

#endif
