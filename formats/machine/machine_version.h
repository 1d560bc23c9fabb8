/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between releases of the Cartesi machine emulator, one row each
 * (docs/formats/machine.md, sections 1, 4 and 7). Another release is another row.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_VERSION_H
#define ASSAY_FORMATS_MACHINE_MACHINE_VERSION_H

#include "base/err.h"
#include "formats/machine/machine_hash.h"
#include "formats/machine/machine_registers.h"

struct machine_version {
    const char *name; /* as the device tree says it: "0.21" */
    uint64_t archive_version;
    /* Machines are written, and their device tree and caches are known. Of others the state is
     * read. */
    bool whole;
    bool nvrams;      /* there are NVRAMs, and labels */
    bool drives_high; /* a drive without a start lies at 2^55 and above, not behind the RAM */
    const struct machine_register *registers;
    size_t register_count;
    const struct machine_register *uarch_registers;
    const char *bootargs; /* unless others are given */
    uint64_t mvendorid;
    uint64_t marchid;
    uint64_t mimpid;
    uint64_t firmware_reserved; /* bytes at the start of RAM that the DTB reserves */
    /* The microarchitecture's RAM: a program of the emulator's own, known by its digests only. */
    const char *uarch_image_sha256; /* the file that an installation has */
    const char *uarch_ram_sha256;   /* the same, zero-padded to the whole range */
    const char *uarch_ram_node[2];  /* its subtree's hash, by enum machine_hash */
};

/* NULL when the archive version is none that is known. */
const struct machine_version *machine_version_find(uint64_t archive_version);
/* ERR_INPUT unless machines of this release are written. */
int machine_version_writable(const struct machine_version *version, struct err *e);
/* The same by name, "0.21". */
const struct machine_version *machine_version_named(const char *name);
/* The subtree hash of the untouched uarch RAM (node 0x600000, log2 21). */
void machine_version_uarch_node(const struct machine_version *version, enum machine_hash function,
                                uint8_t out[MACHINE_HASH_SIZE]);

#endif
