/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_state.h"

#include "base/byte_order.h"

#include <stdio.h>
#include <string.h>

static void put_word(uint8_t *bytes, size_t i, uint64_t v)
{
    put_le64(bytes + 8 * i, v);
}

uint64_t machine_word(const uint8_t *bytes, size_t i)
{
    return get_le64(bytes + 8 * i);
}

void machine_state_bytes(const struct machine_config *config, uint8_t out[MACHINE_STATE_SIZE])
{
    memset(out, 0, MACHINE_STATE_SIZE);
    for (size_t i = 0; i < config->version->register_count; i++)
        put_word(out, i, config->registers[i]);
    for (size_t at = MACHINE_TLB_START; at < MACHINE_TLB_END; at += MACHINE_TLB_SLOT) {
        put_word(out + at, 0, UINT64_MAX); /* no page */
        put_word(out + at, 2, UINT64_MAX); /* no PMA */
    }
}

void machine_uarch_bytes(const struct machine_config *config, uint8_t out[MACHINE_PAGE])
{
    memset(out, 0, MACHINE_PAGE);
    for (size_t i = 0; i < MACHINE_UARCH_REGISTERS; i++)
        put_word(out, i, config->uarch_registers[i]);
}

static void add_pma(struct machine_pma *out, size_t *n, const char *name, uint64_t start,
                    uint64_t length, uint64_t flags)
{
    struct machine_pma *p = &out[(*n)++];
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->istart = start | flags;
    p->length = length;
}

/* Flags of section 4.4; for drives, of the writable and of the read-only one. */
static const struct {
    uint64_t flags;
    uint64_t read_only;
} pma_flags[] = {
    [MACHINE_RAM] = {0x0fd, 0x0fd},   [MACHINE_DTB] = {0x0fd, 0x0fd},
    [MACHINE_FLASH] = {0x1ed, 0x1a5}, [MACHINE_NVRAM] = {0x5ed, 0x5a5},
    [MACHINE_TX] = {0x46d, 0x46d},    [MACHINE_RX] = {0x3e5, 0x3e5},
    [MACHINE_PMAS] = {0x0a5, 0x0a5},
};

static void add_range(const struct machine_range *ranges, size_t count, enum machine_kind kind,
                      size_t index, struct machine_pma *out, size_t *n)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].kind == kind && ranges[i].index == index)
            add_pma(out, n, ranges[i].name, ranges[i].start, ranges[i].length,
                    ranges[i].read_only ? pma_flags[kind].read_only : pma_flags[kind].flags);
}

size_t machine_pmas(const struct machine_config *config, struct machine_pma *out)
{
    struct machine_range ranges[MACHINE_RANGES_MAX];
    size_t count = machine_config_ranges(config, ranges);
    size_t n = 0;
    add_range(ranges, count, MACHINE_RAM, 0, out, &n);
    add_range(ranges, count, MACHINE_DTB, 0, out, &n);
    for (size_t i = 0; i < config->drive_count; i++)
        add_range(ranges, count, MACHINE_FLASH, i, out, &n);
    for (size_t i = 0; i < config->nvram_count; i++)
        add_range(ranges, count, MACHINE_NVRAM, i, out, &n);
    add_range(ranges, count, MACHINE_TX, 0, out, &n);
    add_range(ranges, count, MACHINE_RX, 0, out, &n);
    add_pma(out, &n, "device htif", 0x40008000, 0x1000, 0x28e);
    add_pma(out, &n, "device clint", 0x2000000, 0xc0000, 0x20e);
    add_pma(out, &n, "device plic", 0x40100000, 0x400000, 0x30e);
    add_range(ranges, count, MACHINE_PMAS, 0, out, &n);
    return n;
}

void machine_pmas_bytes(const struct machine_config *config, uint8_t out[MACHINE_PAGE])
{
    struct machine_pma pmas[MACHINE_PMAS_MAX];
    size_t count = machine_pmas(config, pmas);
    memset(out, 0, MACHINE_PAGE);
    for (size_t i = 0; i < count; i++) {
        put_word(out, 2 * i, pmas[i].istart);
        put_word(out, 2 * i + 1, pmas[i].length);
    }
}
