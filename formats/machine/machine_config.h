/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of a stored machine: read strictly, checked by every rule of the loader, written
 * byte for byte as the emulator writes it (docs/formats/machine.md, sections 1 to 3).
 *
 * Keys that are missing take the emulator's defaults; unknown keys, negative
 * numbers and duplicates are refused.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_CONFIG_H
#define ASSAY_FORMATS_MACHINE_MACHINE_CONFIG_H

#include "base/buf.h"
#include "formats/machine/machine_registers.h"
#include "formats/machine/machine_version.h"

#include <jansson.h>

enum {
    MACHINE_PAGE = 4096,
    MACHINE_PAGE_LOG2 = 12,
    MACHINE_DRIVES_MAX = 8,
    MACHINE_NVRAMS_MAX = 8,
    MACHINE_LABEL_MAX = 31,
    MACHINE_CONFIG_BYTES_MAX = 8 << 20,
    MACHINE_FILE_NAME_MAX = 4095,
};
#define MACHINE_AUTO UINT64_MAX /* a length or start that the rules of section 3 give */

/* Every kind of range that is stored; the first FIXED kinds occur once. */
enum machine_kind {
    MACHINE_STATE,
    MACHINE_PMAS,
    MACHINE_UARCH_STATE,
    MACHINE_UARCH_RAM,
    MACHINE_RX,
    MACHINE_TX,
    MACHINE_DTB,
    MACHINE_RAM,
    MACHINE_FIXED,
    MACHINE_FLASH = MACHINE_FIXED,
    MACHINE_NVRAM,
};
enum { MACHINE_RANGES_MAX = MACHINE_FIXED + MACHINE_DRIVES_MAX + MACHINE_NVRAMS_MAX };

/* Where a range's bytes come from. `data` is the name as it was given ("" = none); borrowed. */
struct machine_backing {
    const char *data;
    bool shared;
};

struct machine_drive {
    struct machine_backing backing;
    const char *label; /* "" = none */
    uint64_t start;
    uint64_t length;
    uint64_t align; /* of a length that its file gives; 0 = whole pages. No part of config.json */
    bool read_only;
};

struct machine_config {
    json_t *document; /* owns every string below */
    const struct machine_version *version;
    enum machine_hash hash;
    bool hash_shared;
    uint64_t phtc_size;
    const char *bootargs;
    const char *init;
    const char *entrypoint;
    uint64_t ram_length;
    struct machine_backing backing[MACHINE_FIXED];
    uint64_t registers[MACHINE_REGISTERS];
    uint64_t uarch_registers[MACHINE_UARCH_REGISTERS];
    struct machine_drive drives[MACHINE_DRIVES_MAX];
    size_t drive_count;
    struct machine_drive nvrams[MACHINE_NVRAMS_MAX];
    size_t nvram_count;
};

/*
 * `what` names the document in errors. Everything that does not need the
 * machine's other files is checked but for automatic lengths and starts:
 * machine_config_resolve. ERR_INPUT. Dispose *out whatever the result.
 */
int machine_config_parse(const void *data, size_t len, const char *what, struct machine_config *out,
                         struct err *e);
void machine_config_dispose(struct machine_config *c);
#define AUTO_MACHINE_CONFIG AUTO(machine_config_dispose) struct machine_config

/* The bytes of config.json for a directory of this machine. Appends. Lengths and starts resolved.
 */
int machine_config_format(const struct machine_config *c, struct buf *out, struct err *e);

/*
 * Gives starts to the drives and NVRAMs that have none (section 3), then checks
 * lengths, alignment, overlaps and counts. No length may be MACHINE_AUTO any more.
 */
int machine_config_resolve(struct machine_config *c, struct err *e);

/* One stored range. */
struct machine_range {
    enum machine_kind kind;
    size_t index; /* among drives or NVRAMs */
    uint64_t start;
    uint64_t length;
    unsigned log2;                         /* of the length, rounded up */
    const struct machine_backing *backing; /* borrowed from the config */
    bool read_only;
    char name[MACHINE_LABEL_MAX + 17]; /* for people: "ram", "flash drive 0 'root'" */
};
/* All ranges of a resolved config by ascending start; `out` holds MACHINE_RANGES_MAX. */
size_t machine_config_ranges(const struct machine_config *c, struct machine_range *out);
/* "0000000080000000-10000.bin" and its like; `out` holds 48 bytes; returns it. */
char *machine_range_file(uint64_t start, uint64_t length, const char *extension, char *out);
/* The least n with 2^n >= length; length in [1, 2^63]. */
unsigned machine_log2(uint64_t length);
/* Sizes of the cache files of a range of this length, and of hash_tree.*. */
uint64_t machine_dht_size(uint64_t length);
uint64_t machine_dpt_size(uint64_t length);
uint64_t machine_phtc_file_size(const struct machine_config *c);
uint64_t machine_sht_size(const struct machine_range *ranges, size_t count);

#endif
