/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ranges that a config alone decides: shadow state, uarch state and PMAs as
 * they are at creation (docs/formats/machine.md, sections 4.1, 4.2 and 4.4).
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_STATE_H
#define ASSAY_FORMATS_MACHINE_MACHINE_STATE_H

#include "formats/machine/machine_config.h"

enum {
    MACHINE_STATE_SIZE = 0x8000,
    MACHINE_TLB_START = 0x1000,
    MACHINE_TLB_END = 0x7000,
    MACHINE_TLB_SLOT = 32,
    MACHINE_REVERT_START = 0xfe0, /* 32 bytes: the revert root hash */
    MACHINE_PMAS_MAX = 32,
    MACHINE_PMA_MEMORY = 1, /* a flag in istart */
};

struct machine_pma {
    char name[MACHINE_LABEL_MAX + 17];
    uint64_t istart; /* start | flags */
    uint64_t length;
};

/* `config` is resolved; returns how many there are; `out` holds MACHINE_PMAS_MAX. */
size_t machine_pmas(const struct machine_config *config, struct machine_pma *out);
void machine_pmas_bytes(const struct machine_config *config, uint8_t out[MACHINE_PAGE]);
void machine_state_bytes(const struct machine_config *config, uint8_t out[MACHINE_STATE_SIZE]);
void machine_uarch_bytes(const struct machine_config *config, uint8_t out[MACHINE_PAGE]);
/* Word i of a page. */
uint64_t machine_word(const uint8_t *bytes, size_t i);

#endif
