/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_version.h"

#include "base/encoding.h"

#include <string.h>

static const struct machine_version versions[] = {
    {
        .name = "0.21",
        .archive_version = 7,
        .whole = true,
        .nvrams = true,
        .registers = machine_registers,
        .register_count = MACHINE_REGISTERS,
        .uarch_registers = machine_uarch_registers,
        .bootargs = "quiet earlycon=sbi console=hvc0 uio_pdrv_genirq.of_id=generic-uio "
                    "root=/dev/pmem0 rw init=/usr/sbin/cartesi-init",
        .mvendorid = 0x6361727465736920,
        .marchid = 21,
        .mimpid = 21,
        .firmware_reserved = 0x80000,
        .uarch_image_sha256 = "f880fe818432036f4e48b946937b31d4fe308ee03691bb2e9b3a29fba55ee8d0",
        .uarch_ram_sha256 = "076f9948c2ec7bd86ac5f4685fb41c058f6d935ed7e0282c91be8934c470cd16",
        .uarch_ram_node =
            {
                "643273123c1e8744d7cdb012fcbe40da989f1cc22655a385acd2bb47ce4a4c8a",
                "197e476d6bdb316aa51cc3b904ff919b2892a8e1cb6d92566982e68868f44d5d",
            },
    },
    {
        .name = "0.20",
        .archive_version = 6,
        .drives_high = true,
        .registers = machine_registers_v6,
        .register_count = MACHINE_REGISTERS_V6,
        .uarch_registers = machine_uarch_registers_v6,
        .bootargs = "quiet earlycon=sbi console=hvc0 root=/dev/pmem0 rw "
                    "init=/usr/sbin/cartesi-init",
        .mvendorid = 0x6361727465736920,
        .marchid = 20,
        .mimpid = 20,
        .uarch_ram_sha256 = "8743467eb1ff82a1797d75cc081027191631a6c075db1c001e489e9471104494",
        .uarch_ram_node =
            {
                "405ecbf4d8ee53d919a2167fc7aa11b25c3df2b666533b31f9410635f583864a",
                "c24287302cf8bc6feddaa81295a2409f0f2f48086c7d899972caafcc02bedab4",
            },
    },
};

const struct machine_version *machine_version_find(uint64_t archive_version)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (versions[i].archive_version == archive_version)
            return &versions[i];
    return NULL;
}

int machine_version_writable(const struct machine_version *version, struct err *e)
{
    return version->whole
               ? 0
               : err_set(e, ERR_INPUT, "machines of emulator %s are read, and not written",
                         version->name);
}

const struct machine_version *machine_version_named(const char *name)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (strcmp(versions[i].name, name) == 0)
            return &versions[i];
    return NULL;
}

void machine_version_uarch_node(const struct machine_version *version, enum machine_hash function,
                                uint8_t out[MACHINE_HASH_SIZE])
{
    const char *hex = version->uarch_ram_node[function];
    memset(out, 0, MACHINE_HASH_SIZE);
    (void)hex_decode(hex, strlen(hex), out, MACHINE_HASH_SIZE);
}
