/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a stored machine contradict itself? What the loader demands, what follows
 * from config.json, and what the caches claim (docs/formats/machine.md).
 */
#ifndef ASSAY_FORMATS_MACHINE_SNAPSHOT_CHECK_H
#define ASSAY_FORMATS_MACHINE_SNAPSHOT_CHECK_H

#include "formats/machine/snapshot.h"

enum { FINDINGS_MAX = 1000 };

struct findings {
    json_t *list;  /* strings: contradictions, FINDINGS_MAX at most */
    size_t count;  /* all of them */
    json_t *notes; /* strings: what is worth knowing and no contradiction */
};
int finding_add(struct findings *f, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int finding_note(struct findings *f, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

struct snapshot_check {
    bool state_only; /* caches and the uarch RAM may be missing */
    bool custom_dtb; /* the device tree may be another than the config gives */
    unsigned jobs;
};

/* config.json, registers, padding, PMAs, device tree, uarch; files of the directory. */
int snapshot_check_state(const struct snapshot *s, const struct snapshot_check *options,
                         struct findings *f, struct err *e);
int snapshot_check_files(const struct snapshot *s, const struct snapshot_check *options,
                         struct findings *f, struct err *e);
/*
 * The true root hash to `root`; and whatever of the caches the emulator would refuse,
 * never writes, or would print, prove or compute a false hash from. Caches that are
 * not there count as empty ones.
 */
int snapshot_check_caches(const struct snapshot *s, const struct machine_tree *tree,
                          uint8_t root[MACHINE_HASH_SIZE], struct findings *f, struct err *e);

#endif
