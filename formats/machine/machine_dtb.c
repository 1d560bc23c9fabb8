/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_dtb.h"

#include "base/byte_order.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    FDT_BEGIN = 1,
    FDT_END_NODE = 2,
    FDT_PROP = 3,
    FDT_END = 9,
    HEADER = 40,
    TEXTS_MAX = 8 << 20, /* more than the texts of a configuration, so that the end can say it */
};

/* A tree being written. The first error stays in `rc`, and nothing is added after it. */
struct fdt {
    struct buf structure;
    struct buf strings;
    int rc;
    struct err *e;
};

static void add(struct fdt *f, struct buf *to, const void *data, size_t len)
{
    if (f->rc == 0)
        f->rc = buf_add(to, data, len, f->e);
}

static void add_u32(struct fdt *f, uint32_t v)
{
    uint8_t big[4];
    put_be32(big, v);
    add(f, &f->structure, big, sizeof(big));
}

static void pad(struct fdt *f, struct buf *to, size_t to_multiple)
{
    static const uint8_t zeros[8];
    add(f, to, zeros, (to_multiple - to->len % to_multiple) % to_multiple);
}

static void begin(struct fdt *f, const char *name)
{
    add_u32(f, FDT_BEGIN);
    add(f, &f->structure, name, strlen(name) + 1);
    pad(f, &f->structure, 4);
}

static void begin_at(struct fdt *f, const char *name, uint64_t address)
{
    char text[64];
    snprintf(text, sizeof(text), "%s@%" PRIx64, name, address);
    begin(f, text);
}

static void end(struct fdt *f)
{
    add_u32(f, FDT_END_NODE);
}

/* A property's name by its offset among the strings; each is there once. */
static uint32_t string_offset(struct fdt *f, const char *name)
{
    const struct buf *s = &f->strings;
    for (size_t at = 0; at < s->len; at += strlen((const char *)s->data + at) + 1)
        if (strcmp((const char *)s->data + at, name) == 0)
            return (uint32_t)at;
    uint32_t at = (uint32_t)s->len;
    add(f, &f->strings, name, strlen(name) + 1);
    return at;
}

static void prop(struct fdt *f, const char *name, const void *data, size_t len)
{
    add_u32(f, FDT_PROP);
    add_u32(f, (uint32_t)len);
    add_u32(f, string_offset(f, name));
    if (len > 0)
        add(f, &f->structure, data, len);
    pad(f, &f->structure, 4);
}

static void prop_text(struct fdt *f, const char *name, const char *text)
{
    prop(f, name, text, strlen(text) + 1);
}

static void prop_cells(struct fdt *f, const char *name, const uint32_t *cells, size_t count)
{
    uint8_t big[8 * 4];
    for (size_t i = 0; i < count; i++)
        put_be32(big + 4 * i, cells[i]);
    prop(f, name, big, 4 * count);
}

static void prop_u32(struct fdt *f, const char *name, uint32_t v)
{
    prop_cells(f, name, &v, 1);
}

static void prop_reg(struct fdt *f, uint64_t start, uint64_t length)
{
    uint8_t big[16];
    put_be64(big, start);
    put_be64(big + 8, length);
    prop(f, "reg", big, sizeof(big));
}

static void cells_2_2(struct fdt *f)
{
    prop_u32(f, "#address-cells", 2);
    prop_u32(f, "#size-cells", 2);
}

/* "rv64" and the extensions that misa has, in alphabetical order. */
static void isa_text(uint64_t misa, char out[32])
{
    size_t n = 4;
    memcpy(out, "rv64", 4);
    for (unsigned i = 0; i < 26; i++)
        if ((misa >> i & 1) != 0)
            out[n++] = (char)('a' + i);
    out[n] = 0;
}

static void put_cpus(struct fdt *f, const struct machine_config *c)
{
    char isa[32];
    isa_text(c->registers[REGISTER_MISA], isa);
    begin(f, "cpus");
    prop_u32(f, "#address-cells", 1);
    prop_u32(f, "#size-cells", 0);
    prop_u32(f, "timebase-frequency", 15625);
    begin(f, "cpu@0");
    prop_text(f, "device_type", "cpu");
    prop_u32(f, "reg", 0);
    prop_text(f, "status", "okay");
    prop_text(f, "compatible", "riscv");
    prop_text(f, "riscv,isa", isa);
    prop_text(f, "mmu-type", "riscv,sv39");
    prop_u32(f, "clock-frequency", 128000000);
    begin(f, "interrupt-controller");
    prop_u32(f, "#address-cells", 0);
    prop_u32(f, "#interrupt-cells", 1);
    prop(f, "interrupt-controller", NULL, 0);
    prop_text(f, "compatible", "riscv,cpu-intc");
    prop_u32(f, "phandle", 1);
    end(f);
    end(f);
    end(f);
}

static void put_soc(struct fdt *f)
{
    static const char compatible[] = "ucbbar,riscvemu-bar-soc\0simple-bus";
    begin(f, "soc");
    cells_2_2(f);
    prop(f, "compatible", compatible, sizeof(compatible));
    prop(f, "ranges", NULL, 0);
    begin_at(f, "clint", 0x2000000);
    prop_text(f, "compatible", "riscv,clint0");
    prop_reg(f, 0x2000000, 0xc0000);
    prop_cells(f, "interrupts-extended", (const uint32_t[]){1, 3, 1, 7}, 4);
    end(f);
    begin_at(f, "plic", 0x40100000);
    prop_u32(f, "#interrupt-cells", 1);
    prop(f, "interrupt-controller", NULL, 0);
    prop_text(f, "compatible", "riscv,plic0");
    prop_u32(f, "riscv,ndev", 31);
    prop_reg(f, 0x40100000, 0x400000);
    prop_cells(f, "interrupts-extended", (const uint32_t[]){1, 9, 1, 11}, 4);
    prop_u32(f, "phandle", 2);
    end(f);
    begin_at(f, "htif", 0x40008000);
    prop_text(f, "compatible", "ucb,htif0");
    prop_reg(f, 0x40008000, 0x1000);
    prop_cells(f, "interrupts-extended", (const uint32_t[]){1, 13}, 2);
    end(f);
    end(f);
}

static void put_memory(struct fdt *f, const struct machine_config *c)
{
    begin_at(f, "memory", 0x80000000);
    prop_text(f, "device_type", "memory");
    prop_reg(f, 0x80000000, c->ram_length);
    end(f);
    begin(f, "reserved-memory");
    cells_2_2(f);
    prop(f, "ranges", NULL, 0);
    begin_at(f, "fw_resv", 0x80000000);
    prop_reg(f, 0x80000000, c->version->firmware_reserved);
    prop(f, "no-map", NULL, 0);
    end(f);
    end(f);
}

static void put_alias(struct fdt *f, const char *own, size_t i, const struct machine_drive *d,
                      const char *node)
{
    char name[32];
    char target[64];
    snprintf(name, sizeof(name), "%s%zu", own, i);
    snprintf(target, sizeof(target), "/%s@%" PRIx64, node, d->start);
    prop_text(f, name, target);
    if (d->label[0] != 0)
        prop_text(f, d->label, target);
}

static void put_drives(struct fdt *f, const struct machine_config *c)
{
    for (size_t i = 0; i < c->drive_count; i++) {
        begin_at(f, "pmem", c->drives[i].start);
        prop_text(f, "compatible", "pmem-region");
        prop_reg(f, c->drives[i].start, c->drives[i].length);
        prop(f, "volatile", NULL, 0);
        end(f);
    }
    for (size_t i = 0; i < c->nvram_count; i++) {
        begin_at(f, "uio", c->nvrams[i].start);
        prop_text(f, "compatible", "generic-uio");
        prop_reg(f, c->nvrams[i].start, c->nvrams[i].length);
        end(f);
    }
    if (c->drive_count + c->nvram_count == 0)
        return;
    begin(f, "aliases");
    for (size_t i = 0; i < c->drive_count; i++)
        put_alias(f, "flashdrive", i, &c->drives[i], "pmem");
    for (size_t i = 0; i < c->nvram_count; i++)
        put_alias(f, "nvram", i, &c->nvrams[i], "uio");
    end(f);
}

static void put_cmio(struct fdt *f, uint64_t iyield)
{
    begin(f, "cmio");
    cells_2_2(f);
    prop_text(f, "compatible", "ctsi-cmio");
    begin_at(f, "rx_buffer", 0x60000000);
    prop_reg(f, 0x60000000, 0x200000);
    end(f);
    begin_at(f, "tx_buffer", 0x60800000);
    prop_reg(f, 0x60800000, 0x200000);
    end(f);
    end(f);
    if (iyield == 0)
        return;
    begin(f, "yield");
    prop_text(f, "compatible", "ctsi-yield");
    if ((iyield & 2) != 0)
        prop(f, "manual", NULL, 0);
    if ((iyield & 1) != 0)
        prop(f, "automatic", NULL, 0);
    end(f);
}

static void put_root(struct fdt *f, const struct machine_config *c)
{
    begin(f, "");
    cells_2_2(f);
    prop_text(f, "compatible", "ucbbar,riscvemu-bar_dev");
    prop_text(f, "model", "ucbbar,riscvemu-bare");
    begin(f, "chosen");
    prop_text(f, "bootargs", c->bootargs);
    prop(f, "rng-seed", machine_rng_seed, MACHINE_RNG_SEED_SIZE);
    end(f);
    begin(f, "cartesi-machine");
    prop_text(f, "version", c->version->name);
    prop(f, "init", c->init, strlen(c->init));
    prop(f, "entrypoint", c->entrypoint, strlen(c->entrypoint));
    end(f);
    put_cpus(f, c);
    put_soc(f);
    put_memory(f, c);
    put_drives(f, c);
    put_cmio(f, c->registers[REGISTER_IYIELD]);
    end(f);
    add_u32(f, FDT_END);
}

static uint32_t align8(size_t n)
{
    return (uint32_t)((n + 7) / 8 * 8);
}

int machine_dtb_format(const struct machine_config *c, struct buf *out, struct err *e)
{
    AUTO_BUF blob = BUF_INIT(TEXTS_MAX);
    struct fdt f = {.structure = BUF_INIT(TEXTS_MAX), .strings = BUF_INIT(65536), .e = e};
    put_root(&f, c);
    uint32_t strings = align8(HEADER + f.structure.len);
    uint32_t reserved = align8(strings + f.strings.len);
    const uint32_t header[] = {0xd00dfeed,
                               reserved + 16,
                               HEADER,
                               strings,
                               reserved,
                               17,
                               16,
                               0,
                               (uint32_t)f.strings.len,
                               (uint32_t)f.structure.len};
    for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++) {
        uint8_t big[4];
        put_be32(big, header[i]);
        add(&f, &blob, big, sizeof(big));
    }
    if (f.rc == 0)
        add(&f, &blob, buf_str(&f.structure), f.structure.len);
    pad(&f, &blob, 8);
    if (f.rc == 0)
        add(&f, &blob, buf_str(&f.strings), f.strings.len);
    pad(&f, &blob, 8);
    add(&f, &blob, (const uint8_t[16]){0}, 16);
    buf_dispose(&f.structure);
    buf_dispose(&f.strings);
    if (f.rc < 0)
        return f.rc;
    if (blob.len > MACHINE_DTB_SIZE)
        return err_set(e, ERR_INPUT,
                       "the device tree needs %zu bytes, more than its range of 1 MiB", blob.len);
    return buf_add(out, blob.data, blob.len, e);
}
