/* A stored machine packed as tar, back to a directory. */
#ifndef ASSAY_BUILDER_CARTESI_UNPACK_H
#define ASSAY_BUILDER_CARTESI_UNPACK_H

#include "base/err.h"

/*
 * Unpacks the tar (plain, gzip, zstd or xz by its first bytes) at `path` into a
 * new directory under `scratch`: its regular files only, all of one directory,
 * zeros as holes. GNU's sparse files (format 0) are read, as the emulator's
 * users pack machines with them. Anything else in it, and anything malformed, is
 * ERR_INPUT. The caller removes and frees *out.
 */
int machine_unpack(const char *path, const char *scratch, char **out, struct err *e);

#endif
