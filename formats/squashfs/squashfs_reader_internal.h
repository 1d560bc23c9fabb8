/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the reader share and nobody else sees. */
#ifndef ASSAY_FORMATS_SQUASHFS_SQUASHFS_READER_INTERNAL_H
#define ASSAY_FORMATS_SQUASHFS_SQUASHFS_READER_INTERNAL_H

#include "base/byte_order.h"
#include "formats/squashfs/squashfs_reader.h"

#define NO_XATTRS UINT32_MAX
#define NO_TABLE UINT64_MAX

/* ERR_INPUT, naming the image. */
int drive_broken(const struct drive_image *image, const char *what, struct err *e);
int drive_read_at(const struct drive_image *image, uint64_t position, void *out, size_t len,
                  struct err *e);
/* Takes `len` bytes at *place, across metadata blocks, and moves it. */
int drive_take(struct drive_image *image, struct drive_place *place, void *out, size_t len,
               struct err *e);
/* Entry `index` of a table that is found by a list of its metadata blocks' positions. */
int drive_table_entry(struct drive_image *image, uint64_t table, size_t index, void *out,
                      size_t size, struct err *e);

#endif
