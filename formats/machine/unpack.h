/* SPDX-License-Identifier: Apache-2.0 */
/* A stored machine packed as tar, back to a directory. */
#ifndef ASSAY_FORMATS_MACHINE_UNPACK_H
#define ASSAY_FORMATS_MACHINE_UNPACK_H

#include "base/err.h"

#include <stdint.h>

/*
 * Unpacks the tar (plain, gzip, zstd or xz by its first bytes) at `path` into a
 * new directory under `scratch`: its regular files only, all of one directory,
 * zeros as holes. GNU's sparse files are read (the old format, as the emulator's
 * users pack machines, and 1.0, as `encode.tar` does). Anything else in it, and anything malformed,
 * is ERR_INPUT. The caller removes and frees *out.
 */
int machine_unpack(const char *path, const char *scratch, char **out, struct err *e);
/* The same from a descriptor into a directory that is there, with every file synced. */
int machine_unpack_into(int fd, uint64_t size, const char *into, struct err *e);

#endif
