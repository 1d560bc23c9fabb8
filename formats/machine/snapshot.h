/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored machine as it lies on disk: its config and its ranges' files, sizes
 * checked. Cache files are never trusted and never read here.
 */
#ifndef ASSAY_FORMATS_MACHINE_SNAPSHOT_H
#define ASSAY_FORMATS_MACHINE_SNAPSHOT_H

#include "formats/machine/machine_config.h"
#include "formats/machine/machine_tree.h"

struct snapshot {
    char *path; /* as it was named, for errors */
    char *temp; /* what a tar was unpacked to; removed by dispose */
    int dirfd;
    struct buf text; /* config.json as it stands */
    struct machine_config config;
    struct machine_range ranges[MACHINE_RANGES_MAX];
    int fds[MACHINE_RANGES_MAX]; /* -1: the uarch RAM is not there */
    size_t count;
    bool uarch_missing;
    uint8_t uarch_node[MACHINE_HASH_SIZE]; /* what stands for it then */
    struct tree_range tree_ranges[MACHINE_RANGES_MAX];
};

/*
 * Opens a directory, or a tar (plain, gzip, zstd, xz) that is unpacked, sparse,
 * into a new directory under `scratch`. Everything but the uarch RAM must be
 * there, regular files of exactly the right size: else ERR_INPUT. Dispose *out
 * whatever the result.
 */
int snapshot_open(const char *path, const char *scratch, struct snapshot *out, struct err *e);
void snapshot_dispose(struct snapshot *s);
#define AUTO_SNAPSHOT AUTO(snapshot_dispose) struct snapshot

/* The tree over this machine; borrows from `s`. */
void snapshot_tree(const struct snapshot *s, unsigned jobs, struct machine_tree *out);
/* The range's index of a fixed kind. */
size_t snapshot_range(const struct snapshot *s, enum machine_kind kind);
/* A whole small range (at most 1 MiB); caller frees. */
int snapshot_read(const struct snapshot *s, enum machine_kind kind, uint8_t **out, struct err *e);

#endif
