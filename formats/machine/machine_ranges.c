/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything lies: lengths, starts, overlaps, names and sizes of files (sections 1, 3 and 6).
 */
#include "formats/machine/machine_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RAM_START ((uint64_t)0x80000000)
#define DRIVES_HIGH ((uint64_t)1 << 55)
#define DRIVES_STEP ((uint64_t)1 << 52)
/* The emulator asks of a range's end, too, that it be an address of 56 bits: the last page stays
 * free. */
#define ADDRESS_LAST (((uint64_t)1 << 56) - 1)

struct place {
    const char *name;
    uint64_t start;
    uint64_t length;
};

/* Indexed by enum machine_kind. */
static const struct place places[MACHINE_FIXED] = {
    [MACHINE_STATE] = {"shadow state", 0, 0x8000},
    [MACHINE_PMAS] = {"pmas", 0x10000, 0x1000},
    [MACHINE_UARCH_STATE] = {"uarch state", 0x400000, 0x1000},
    [MACHINE_UARCH_RAM] = {"uarch ram", 0x600000, 0x200000},
    [MACHINE_RX] = {"cmio rx buffer", 0x60000000, 0x200000},
    [MACHINE_TX] = {"cmio tx buffer", 0x60800000, 0x200000},
    [MACHINE_DTB] = {"dtb", 0x7ff00000, 0x100000},
    [MACHINE_RAM] = {"ram", RAM_START, 0},
};

/* Devices have no file and no hash, but nothing else may lie there. */
static const struct place devices[] = {
    {"clint", 0x2000000, 0xc0000},
    {"htif", 0x40008000, 0x1000},
    {"plic", 0x40100000, 0x400000},
};

unsigned machine_log2(uint64_t length)
{
    unsigned log2 = 0;
    while (log2 < 63 && (uint64_t)1 << log2 < length)
        log2++;
    return log2;
}

static int check_length(const char *name, uint64_t length, struct err *e)
{
    if (length == 0 || length % MACHINE_PAGE != 0)
        return err_set(e, ERR_INPUT, "the length of the %s, %" PRIu64 ", is not a multiple of %d",
                       name, length, MACHINE_PAGE);
    if (length > ADDRESS_LAST)
        return err_set(e, ERR_INPUT, "the length of the %s, %" PRIu64 ", is too large", name,
                       length);
    return 0;
}

static int place_drive(struct machine_drive *d, const char *name, uint64_t *cursor, struct err *e)
{
    int rc = check_length(name, d->length, e);
    if (rc < 0 || d->start != MACHINE_AUTO)
        return rc;
    uint64_t span = (uint64_t)1 << machine_log2(d->length);
    *cursor = (*cursor + span - 1) / span * span;
    d->start = *cursor;
    *cursor += span; /* at most 16 spans of 2^56 above 2^31: no overflow */
    return 0;
}

static int check_range(const struct machine_range *r, struct err *e)
{
    uint64_t span = (uint64_t)1 << r->log2;
    if (r->start % span != 0)
        return err_set(e, ERR_INPUT, "the %s starts at 0x%" PRIx64 ", not a multiple of 0x%" PRIx64,
                       r->name, r->start, span);
    if (r->start > ADDRESS_LAST || r->length > ADDRESS_LAST - r->start)
        return err_set(e, ERR_INPUT,
                       "the %s ends at 2^56 or beyond, where the emulator loads nothing", r->name);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        if (r->start < devices[i].start + devices[i].length && devices[i].start < r->start + span)
            return err_set(e, ERR_INPUT, "the %s overlaps the device %s", r->name, devices[i].name);
    return 0;
}

int machine_config_resolve(struct machine_config *c, struct err *e)
{
    struct machine_range ranges[MACHINE_RANGES_MAX];
    int rc = check_length("ram", c->ram_length, e);
    if (rc < 0)
        return rc;
    if (c->ram_length > RAM_START)
        return err_set(e, ERR_INPUT, "the ram is larger than 2 GiB");
    uint64_t cursor = RAM_START + ((uint64_t)1 << machine_log2(c->ram_length));
    for (size_t i = 0; rc == 0 && i < c->drive_count; i++) {
        if (c->version->drives_high && c->drives[i].start == MACHINE_AUTO)
            c->drives[i].start = DRIVES_HIGH + i * DRIVES_STEP;
        rc = place_drive(&c->drives[i], "flash drive", &cursor, e);
    }
    for (size_t i = 0; rc == 0 && i < c->nvram_count; i++)
        rc = place_drive(&c->nvrams[i], "nvram", &cursor, e);
    if (rc < 0)
        return rc;
    size_t count = machine_config_ranges(c, ranges);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = check_range(&ranges[i], e);
        if (rc == 0 && i > 0 &&
            ranges[i].start < ranges[i - 1].start + ((uint64_t)1 << ranges[i - 1].log2))
            rc =
                err_set(e, ERR_INPUT, "the %s overlaps the %s", ranges[i].name, ranges[i - 1].name);
    }
    return rc;
}

static void add_drive(struct machine_range *out, enum machine_kind kind, size_t index,
                      const struct machine_drive *d)
{
    const char *noun = kind == MACHINE_FLASH ? "flash drive" : "nvram";
    memset(out, 0, sizeof(*out));
    out->kind = kind;
    out->index = index;
    out->start = d->start;
    out->length = d->length;
    out->log2 = machine_log2(d->length);
    out->backing = &d->backing;
    out->read_only = d->read_only;
    if (d->label[0] != 0)
        snprintf(out->name, sizeof(out->name), "%s %zu '%s'", noun, index, d->label);
    else
        snprintf(out->name, sizeof(out->name), "%s %zu", noun, index);
}

static int by_start(const void *a, const void *b)
{
    const struct machine_range *x = a;
    const struct machine_range *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

size_t machine_config_ranges(const struct machine_config *c, struct machine_range *out)
{
    size_t n = 0;
    for (; n < MACHINE_FIXED; n++) {
        memset(&out[n], 0, sizeof(out[n]));
        out[n].kind = (enum machine_kind)n;
        out[n].start = places[n].start;
        out[n].length = n == MACHINE_RAM ? c->ram_length : places[n].length;
        out[n].log2 = machine_log2(out[n].length);
        out[n].backing = &c->backing[n];
        snprintf(out[n].name, sizeof(out[n].name), "%s", places[n].name);
    }
    for (size_t i = 0; i < c->drive_count; i++)
        add_drive(&out[n++], MACHINE_FLASH, i, &c->drives[i]);
    for (size_t i = 0; i < c->nvram_count; i++)
        add_drive(&out[n++], MACHINE_NVRAM, i, &c->nvrams[i]);
    qsort(out, n, sizeof(out[0]), by_start);
    return n;
}

char *machine_range_file(uint64_t start, uint64_t length, const char *extension, char *out)
{
    snprintf(out, 48, "%016" PRIx64 "-%" PRIx64 ".%.4s", start, length, extension);
    return out;
}

uint64_t machine_dht_size(uint64_t length)
{
    return 64 * (((uint64_t)1 << machine_log2(length)) / MACHINE_PAGE);
}

uint64_t machine_dpt_size(uint64_t length)
{
    return 2 * (((uint64_t)1 << machine_log2(length)) / MACHINE_PAGE);
}

uint64_t machine_phtc_file_size(const struct machine_config *c)
{
    return 24 + 12304 * c->phtc_size;
}

/* Inner nodes strictly above a range, each counted once: those of the first range that lies below.
 */
uint64_t machine_sht_size(const struct machine_range *ranges, size_t count)
{
    uint64_t nodes = 2 + count; /* the empty one, the root, the ranges */
    for (size_t i = 0; i < count; i++)
        for (unsigned log2 = ranges[i].log2 + 1; log2 < 64; log2++)
            if (i == 0 || ranges[i].start >> log2 != ranges[i - 1].start >> log2)
                nodes++;
    return 64 * nodes;
}
