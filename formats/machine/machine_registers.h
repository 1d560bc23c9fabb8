/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor's registers: their names in config.json, their places in the
 * shadow state, and their values at creation (docs/formats/machine.md, sections 2, 4.1 and 4.2).
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_REGISTERS_H
#define ASSAY_FORMATS_MACHINE_MACHINE_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum { MACHINE_REGISTERS = 107, MACHINE_REGISTERS_V6 = 106, MACHINE_UARCH_REGISTERS = 35 };

/* Register i stands at byte 8 i of its page. */
struct machine_register {
    const char *group; /* "clint", "plic", "htif", "iflags": an object in config.json; else NULL */
    const char *name;
    uint64_t initial;
};

extern const struct machine_register machine_registers[MACHINE_REGISTERS];
extern const struct machine_register machine_uarch_registers[MACHINE_UARCH_REGISTERS];
/* The same of archive version 6: without imcyclemax, and with another name for `halt`. */
extern const struct machine_register machine_registers_v6[MACHINE_REGISTERS_V6];
extern const struct machine_register machine_uarch_registers_v6[MACHINE_UARCH_REGISTERS];

/* Indexes of those that rules speak of; the same in all versions but for the last. */
enum {
    REGISTER_X0 = 0,
    REGISTER_MCYCLE = 0x100 / 8,
    REGISTER_PC = 0x108 / 8,
    REGISTER_MISA = 0x250 / 8,
    REGISTER_MVENDORID = 0x288 / 8,
    REGISTER_MARCHID = 0x290 / 8,
    REGISTER_MIMPID = 0x298 / 8,
    REGISTER_IUNREP = 0x2f0 / 8,
    REGISTER_IYIELD = 0x350 / 8,
};
/* Of the microarchitecture. */
enum { UARCH_REGISTER_CYCLE = 1, UARCH_REGISTER_PC = 2, UARCH_REGISTER_X0 = 3 };

#endif
