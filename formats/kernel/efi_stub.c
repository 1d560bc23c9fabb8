/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/kernel/efi_stub.h"

#include "base/byte_order.h"

#include <stdbool.h>
#include <string.h>

/* Offsets in the file, but for those of the PE header, which are from its signature on. */
enum {
    DOS_PE = 0x3c, /* where the PE header is */
    DOS_SIZE = 0x40,
    PE_MACHINE = 4,
    PE_OPTIONAL_SIZE = 20,
    PE_CHARACTERISTICS = 22,
    PE_OPTIONAL = 24,
    OPTIONAL_MAGIC = 0,
    OPTIONAL_SUBSYSTEM = 68,
    OPTIONAL_LEAST = 70,
    MAGIC_PE32_PLUS = 0x20b,
    SUBSYSTEM_EFI_APPLICATION = 10,
    CHARACTERISTIC_DLL = 0x2000,
    SETUP_MAGIC = 0x202, /* of a bzImage */
};

const char *const efi_stub_archs[] = {"amd64", "arm64", "riscv64", NULL};
static const uint16_t machines[] = {0x8664, 0xaa64, 0x5064};

static bool has(const uint8_t *head, size_t len, size_t at, const char *bytes, size_t count)
{
    return at <= len && len - at >= count && memcmp(head + at, bytes, count) == 0;
}

/* What a file is that is no PE program. */
static const char *kind_of(const uint8_t *head, size_t len)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t count;
        const char *is;
    } known[] = {
        {0, "\177ELF", 4, "an ELF file, as decompressKernel gives it"},
        {0, "\x1f\x8b", 2, "packed with gzip (decompressKernel unpacks it)"},
        {0, "\x28\xb5\x2f\xfd", 4, "packed with zstd (decompressKernel unpacks it)"},
        {0,
         "\xfd"
         "7zXZ",
         5, "packed with xz (decompressKernel unpacks it)"},
        {SETUP_MAGIC, "HdrS", 4, "a bzImage without an EFI stub"},
        {0x38, "ARM\x64", 4, "an arm64 Image without an EFI stub"},
        {0x38, "RSC\x05", 4, "a riscv Image without an EFI stub"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (has(head, len, known[i].at, known[i].bytes, known[i].count))
            return known[i].is;
    return "no program of EFI";
}

static int check_machine(uint16_t machine, size_t arch, struct err *e)
{
    if (machine == machines[arch])
        return 0;
    for (size_t i = 0; efi_stub_archs[i] != NULL; i++)
        if (machine == machines[i])
            return err_set(e, ERR_INPUT, "it is a program of EFI for %s", efi_stub_archs[i]);
    return err_set(e, ERR_INPUT, "it is a program for another machine (0x%04x)", machine);
}

int efi_stub_check(const uint8_t *head, size_t len, size_t arch, struct err *e)
{
    size_t at = has(head, len, 0, "MZ", 2) && len >= DOS_SIZE ? get_le32(head + DOS_PE) : 0;

    if (at < DOS_SIZE || at > len || len - at < PE_OPTIONAL + OPTIONAL_LEAST ||
        memcmp(head + at, "PE\0", 4) != 0)
        return err_set(e, ERR_INPUT, "it is %s", kind_of(head, len));
    const uint8_t *pe = head + at;
    int rc = check_machine(get_le16(pe + PE_MACHINE), arch, e);
    if (rc < 0)
        return rc;
    const uint8_t *optional = pe + PE_OPTIONAL;
    size_t size = get_le16(pe + PE_OPTIONAL_SIZE);
    if (size < OPTIONAL_LEAST || size > len - at - PE_OPTIONAL ||
        (get_le16(pe + PE_CHARACTERISTICS) & CHARACTERISTIC_DLL) != 0 ||
        get_le16(optional + OPTIONAL_MAGIC) != MAGIC_PE32_PLUS ||
        get_le16(optional + OPTIONAL_SUBSYSTEM) != SUBSYSTEM_EFI_APPLICATION)
        return err_set(e, ERR_INPUT, "it is a PE program, but none that EFI starts");
    return 0;
}
