/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_registers.h"

#define R(name, initial)                                                                           \
    {                                                                                              \
        NULL, name, initial                                                                        \
    }
#define G(group, name, initial)                                                                    \
    {                                                                                              \
        group, name, initial                                                                       \
    }

/* In the order of the shadow state. marchid, mimpid and mvendorid are the emulator's own:
 * machine_version.h. */
// clang-format off
#define BEFORE_IMCYCLEMAX \
    R("x0", 0), R("x1", 0), R("x2", 0), R("x3", 0), R("x4", 0), R("x5", 0), R("x6", 0), R("x7", 0), \
    R("x8", 0), R("x9", 0), R("x10", 0), R("x11", 0x7ff00000), R("x12", 0), R("x13", 0), \
    R("x14", 0), R("x15", 0), R("x16", 0), R("x17", 0), R("x18", 0), R("x19", 0), R("x20", 0), \
    R("x21", 0), R("x22", 0), R("x23", 0), R("x24", 0), R("x25", 0), R("x26", 0), R("x27", 0), \
    R("x28", 0), R("x29", 0), R("x30", 0), R("x31", 0), R("mcycle", 0), R("pc", 0x80000000), \
    R("fcsr", 0), R("f0", 0), R("f1", 0), R("f2", 0), R("f3", 0), R("f4", 0), R("f5", 0), \
    R("f6", 0), R("f7", 0), R("f8", 0), R("f9", 0), R("f10", 0), R("f11", 0), R("f12", 0), \
    R("f13", 0), R("f14", 0), R("f15", 0), R("f16", 0), R("f17", 0), R("f18", 0), R("f19", 0), \
    R("f20", 0), R("f21", 0), R("f22", 0), R("f23", 0), R("f24", 0), R("f25", 0), R("f26", 0), \
    R("f27", 0), R("f28", 0), R("f29", 0), R("f30", 0), R("f31", 0), R("iprv", 3), \
    R("mstatus", 0xa00000000), R("mtvec", 0), R("mscratch", 0), R("mepc", 0), R("mcause", 0), \
    R("mtval", 0), R("misa", 0x800000000014112d), R("mie", 0), R("mip", 0), R("medeleg", 0), \
    R("mideleg", 0), R("mcounteren", 0), R("menvcfg", 0), R("mvendorid", 0), R("marchid", 0), \
    R("mimpid", 0), R("stvec", 0), R("sscratch", 0), R("sepc", 0), R("scause", 0), R("stval", 0), \
    R("satp", 0), R("scounteren", 0), R("senvcfg", 0), R("ilrsc", UINT64_MAX), \
    R("icycleinstret", 0), R("iunrep", 0)
#define AFTER_IMCYCLEMAX \
    G("iflags", "X", 0), \
    G("iflags", "Y", 0), G("iflags", "H", 0), G("clint", "mtimecmp", 0), G("plic", "girqpend", 0), \
    G("plic", "girqsrvd", 0), G("htif", "tohost", 0), G("htif", "fromhost", 0), \
    G("htif", "ihalt", 1), G("htif", "iconsole", 2), G("htif", "iyield", 3)

const struct machine_register machine_registers[MACHINE_REGISTERS] = {
    BEFORE_IMCYCLEMAX, R("imcyclemax", UINT64_MAX), AFTER_IMCYCLEMAX};
const struct machine_register machine_registers_v6[MACHINE_REGISTERS_V6] = {
    BEFORE_IMCYCLEMAX, AFTER_IMCYCLEMAX};

#define AFTER_HALT \
    R("cycle", 0), R("pc", 0x600000), R("x0", 0), R("x1", 0), R("x2", 0), R("x3", 0), \
    R("x4", 0), R("x5", 0), R("x6", 0), R("x7", 0), R("x8", 0), R("x9", 0), R("x10", 0), \
    R("x11", 0), R("x12", 0), R("x13", 0), R("x14", 0), R("x15", 0), R("x16", 0), R("x17", 0), \
    R("x18", 0), R("x19", 0), R("x20", 0), R("x21", 0), R("x22", 0), R("x23", 0), R("x24", 0), \
    R("x25", 0), R("x26", 0), R("x27", 0), R("x28", 0), R("x29", 0), R("x30", 0), R("x31", 0)

const struct machine_register machine_uarch_registers[MACHINE_UARCH_REGISTERS] = {
    R("halt", 0), AFTER_HALT};
const struct machine_register machine_uarch_registers_v6[MACHINE_UARCH_REGISTERS] = {
    R("halt_flag", 0), AFTER_HALT};
// clang-format on
