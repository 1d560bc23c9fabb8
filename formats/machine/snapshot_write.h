/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a stored machine at cycle 0 from a config and its input files, the way
 * the emulator stores one (docs/formats/machine.md, sections 1 to 6): config.json,
 * every range's .bin (with holes), caches of zeros in the right sizes.
 */
#ifndef ASSAY_FORMATS_MACHINE_SNAPSHOT_WRITE_H
#define ASSAY_FORMATS_MACHINE_SNAPSHOT_WRITE_H

#include "formats/machine/snapshot.h"

struct snapshot_write {
    const char *inputs; /* directory in which the config's file names are looked up; NULL = none */
    const char *uarch_ram; /* the emulator's uarch RAM image; NULL = by the config's name */
    const char *output;    /* the new directory; must not exist */
    /* Told what the machine lacks or does not take from its config; may be NULL. */
    void (*note)(void *context, const char *text);
    void *context;
};

/*
 * Fills in automatic lengths and starts of `config` and writes the machine;
 * nothing is left of it after an error. ERR_INPUT: a file is missing (one with a
 * name that the emulator itself gives, like 0000000060000000-200000.bin, counts as
 * zeros, and a note says so), longer than its range, shorter although shared,
 * or no uarch RAM of this emulator.
 */
int snapshot_write(struct machine_config *config, const struct snapshot_write *options,
                   struct err *e);
/* The machine again in a new directory: config.json and state as they are, caches empty, so that
 * the emulator computes every hash itself. Nothing is left of it after an error. */
int snapshot_unpack(const struct snapshot *s, const char *output, struct err *e);

#endif
