/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file that is to be unpacked begins as a tar, in no compression or one that is read. */
#ifndef ASSAY_BUILDER_SOURCES_TAR_CHECK_H
#define ASSAY_BUILDER_SOURCES_TAR_CHECK_H

#include "formats/stream/decompress.h"

/*
 * *out is its compression. ERR_INPUT says what the file, or what is in it, is instead: bzip2, a
 * zip, gzip in gzip; `advice` ends it. An empty tar is one. Only the first block is looked at: the
 * rest is read when it is built.
 */
int tar_check(int fd, const char *advice, enum compression *out, struct err *e);

#endif
