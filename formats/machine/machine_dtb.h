/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree that the emulator gives its guest (docs/formats/machine.md, section 4.5), and
 * any flattened device tree as text.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_DTB_H
#define ASSAY_FORMATS_MACHINE_MACHINE_DTB_H

#include "formats/machine/machine_config.h"

enum { MACHINE_RNG_SEED_SIZE = 4096, MACHINE_DTB_SIZE = 1 << 20 };
extern const uint8_t machine_rng_seed[MACHINE_RNG_SEED_SIZE];

/* The tree of a resolved config. ERR_INPUT when it does not fit its range. Appends. */
int machine_dtb_format(const struct machine_config *c, struct buf *out, struct err *e);

/*
 * Device tree source of a flattened tree (Devicetree Specification v0.4, chapter
 * 5). Long values are shown by their length. ERR_INPUT when it is malformed.
 * Appends.
 */
int machine_dtb_text(const uint8_t *data, size_t len, struct buf *out, struct err *e);

#endif
