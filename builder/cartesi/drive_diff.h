/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two flash drives differ, in files instead of pages: both are read as the guest would
 * (squashfs; formats/squashfs/squashfs_reader.h) and walked side by side.
 */
#ifndef ASSAY_BUILDER_CARTESI_DRIVE_DIFF_H
#define ASSAY_BUILDER_CARTESI_DRIVE_DIFF_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct drive_diff {
    /* Told of one difference: the path in the drive ("/" for its root), and in what. */
    int (*found)(void *context, const char *path, const char *text, struct err *e);
    void *context;
};

/*
 * *compared says whether both drives hold a file system that is known; else nothing is told.
 * ERR_INPUT when one is damaged, has directories nested over 256 deep, more than 2^20 files, or
 * more to compare than 64 GiB.
 */
int drive_diff(int a, uint64_t a_length, int b, uint64_t b_length, const char *name,
               const struct drive_diff *options, bool *compared, struct err *e);

#endif
