/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored machine at cycle 0, made from a config and its input files (docs/formats/machine.md,
 * sections 1 to 6): config.json, every range's .bin, caches of zeros in the right sizes. Where
 * inputs come from and where files go is the caller's: a directory (snapshot_write.h), or a tree
 * of the store (the step tree.cartesi).
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_WRITE_H
#define ASSAY_FORMATS_MACHINE_MACHINE_WRITE_H

#include "formats/machine/machine_config.h"

#include <sys/types.h>

/* An input file of a range, a regular one. */
struct machine_input {
    int fd; /* -1 = none: the range starts as zeros, or as the config says */
    uint64_t size;
    const char *name; /* in errors; borrowed from the source */
};

struct machine_source {
    /* Opens what the range of this kind is backed by; `data` is never "" but for the uarch RAM.
     * The writer closes out->fd. */
    int (*open)(void *context, enum machine_kind kind, const char *data, struct machine_input *out,
                struct err *e);
    void *context;
};

struct machine_sink {
    /*
     * The next file: `size` bytes of zeros with this mode. The writer puts what is not zero at
     * *base and behind it in *fd, and leaves *fd open.
     */
    int (*begin)(void *context, const char *name, mode_t mode, uint64_t size, int *fd,
                 uint64_t *base, struct err *e);
    /* All of it is written. Not called after a failure. */
    int (*end)(void *context, struct err *e);
    void *context;
};

struct machine_write {
    struct machine_source source;
    struct machine_sink sink;
    bool round_lengths; /* a drive without a length has its file's, rounded up to whole pages */
    struct buf *notes;  /* what people should know, a string with its NUL each; may be NULL */
};

/*
 * Fills in automatic lengths and starts of `config`, then gives the sink every
 * file, config.json first. ERR_INPUT: an input longer than its range, shorter
 * although shared, a range that cannot lie where it should, or no uarch RAM of
 * this emulator.
 */
int machine_write(struct machine_config *config, const struct machine_write *options,
                  struct err *e);

#endif
