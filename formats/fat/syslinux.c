/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/fat/syslinux.h"

#include "base/byte_order.h"

#include <string.h>

enum {
    MAGIC = 0x3eb202fe,
    MAGIC_AT_BOOT = 0x1f8, /* in the boot sector, before 0xaa55 and a size */
    LOAD_ADDRESS = 0x8000, /* where ldlinux.sys begins in memory */
    IMAGE_MIN = 4096,
    IMAGE_MAX = 512 * 1024,
    EXTENT = 10,   /* bytes: the first sector in 64 bits, their number in 16 */
    VARIABLES = 2, /* sectors behind the image: two copies of the auxiliary data vector */
};

/* The patch area, from its magic number on. */
enum {
    PATCH_DATA_SECTORS = 8,
    PATCH_ADV_SECTORS = 10,
    PATCH_DWORDS = 12,
    PATCH_CHECKSUM = 16,
    PATCH_EXTENDED = 22, /* offset of the extended area in the image */
    PATCH_SIZE = 24,
};
/* The extended patch area. */
enum {
    EXT_ADV_POINTERS = 0,
    EXT_SECTORS = 10, /* offset of the table of extents */
    EXT_SECTOR_COUNT = 12,
    EXT_SECT1_LOW = 14, /* offsets in the boot sector */
    EXT_SECT1_HIGH = 16,
    EXT_SIZE = 20,
};
/* The auxiliary data vector. */
#define ADV_HEAD UINT32_C(0x5a2d2fa5)
#define ADV_SUM UINT32_C(0xa3041767)
#define ADV_TAIL UINT32_C(0xdd28bf64)

/* ---- finding -------------------------------------------------------------------- */

static const char name[] = "SYSLINUX";

static bool is_boot_sector(const uint8_t *p)
{
    static const uint8_t jump[] = {0xeb, 0x58, 0x90};
    return memcmp(p, jump, sizeof(jump)) == 0 && memcmp(p + 3, name, 8) == 0 &&
           get_le32(p + MAGIC_AT_BOOT) == MAGIC && get_le16(p + 510) == 0xaa55;
}

/* "\r\nSYSLINUX 6.04 …" and, soon, the magic number. */
static bool is_image(const uint8_t *p, size_t len)
{
    if (len < IMAGE_MIN || p[0] != '\r' || p[1] != '\n' || memcmp(p + 2, name, 8) != 0)
        return false;
    for (size_t i = 12; i + PATCH_SIZE <= 256; i += 4)
        if (get_le32(p + i) == MAGIC)
            return true;
    return false;
}

/* An ELF file for the i386 that ends with its section headers; its length, 0: it is none. */
static size_t module_length(const uint8_t *p, size_t len)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    if (len < 52 || memcmp(p, ident, sizeof(ident)) != 0 || get_le16(p + 16) != 3 ||
        get_le16(p + 18) != 3 || get_le16(p + 40) != 52 || get_le16(p + 46) != 40)
        return 0;
    uint64_t end = (uint64_t)get_le32(p + 32) + (uint64_t)get_le16(p + 48) * 40;
    return end <= len && end > 52 ? (size_t)end : 0;
}

static int find_one(const uint8_t *p, size_t len, size_t size,
                    bool (*is)(const uint8_t *p, size_t len), const char *what, const uint8_t **out,
                    struct err *e)
{
    const uint8_t *found = NULL;
    for (size_t i = 0; i + size <= len; i++) {
        if (!is(p + i, len - i))
            continue;
        if (found != NULL)
            return err_set(e, ERR_INPUT, "the SYSLINUX installer has more than one %s", what);
        found = p + i;
    }
    if (found == NULL)
        return err_set(e, ERR_INPUT, "the SYSLINUX installer has no %s", what);
    *out = found;
    return 0;
}

static bool boot_at(const uint8_t *p, size_t len)
{
    return len >= SYSLINUX_SECTOR && is_boot_sector(p);
}

int syslinux_find(const uint8_t *installer, size_t len, struct syslinux *out, struct err *e)
{
    struct syslinux s = {0};
    const uint8_t *end = installer + len;
    int rc;

    if (len < 4 || len > SYSLINUX_INSTALLER_MAX || memcmp(installer, "\177ELF", 4) != 0)
        return err_set(e, ERR_INPUT, "the SYSLINUX installer is no ELF program of at most 1 MiB");
    if ((rc = find_one(installer, len, SYSLINUX_SECTOR, boot_at, "boot sector", &s.boot, e)) < 0 ||
        (rc = find_one(installer, len, IMAGE_MIN, is_image, "ldlinux.sys", &s.image, e)) < 0)
        return rc;
    /* The module is the next object of the program's data. Up to 31 zero bytes between the two are
     * taken as the image's: they change its checksum's length, not its meaning. */
    const uint8_t *p = s.image + IMAGE_MIN;
    while (p < end && module_length(p, (size_t)(end - p)) == 0)
        p++;
    if (p == end || (size_t)(p - s.image) > IMAGE_MAX)
        return err_set(e, ERR_INPUT,
                       "the SYSLINUX installer has no ldlinux.c32 behind ldlinux.sys");
    s.c32 = p;
    s.c32_len = module_length(p, (size_t)(end - p));
    s.image_len = (size_t)(p - s.image) / 4 * 4;
    *out = s;
    return 0;
}

/* ---- installing ------------------------------------------------------------------- */

static size_t image_sectors(const struct syslinux *s)
{
    return (s->image_len + SYSLINUX_SECTOR - 1) / SYSLINUX_SECTOR;
}

size_t syslinux_installed_size(const struct syslinux *s)
{
    return (image_sectors(s) + VARIABLES) * SYSLINUX_SECTOR;
}

/* An empty auxiliary data vector, as `syslinux --reset-adv` leaves it. */
static void put_variables(uint8_t *p)
{
    memset(p, 0, SYSLINUX_SECTOR);
    put_le32(p, ADV_HEAD);
    put_le32(p + 4, ADV_SUM);
    put_le32(p + SYSLINUX_SECTOR - 4, ADV_TAIL);
}

/* Runs of sectors behind the image's first: none of 64 KiB or more, none across such a bound of
 * memory. */
static bool put_extents(uint8_t *table, uint32_t room, uint32_t sector, uint32_t count)
{
    uint32_t address = LOAD_ADDRESS + SYSLINUX_SECTOR;

    memset(table, 0, (size_t)room * EXTENT);
    while (count > 0) {
        uint32_t n = (0x10000 - address % 0x10000) / SYSLINUX_SECTOR;
        if (n > 127)
            n = 127;
        if (n > count)
            n = count;
        if (room-- == 0)
            return false;
        put_le64(table, sector);
        put_le16(table + 8, n);
        table += EXTENT;
        sector += n;
        address += n * SYSLINUX_SECTOR;
        count -= n;
    }
    return true;
}

static int patch_boot_sector(const uint8_t *extended, uint32_t sector, uint8_t *boot, struct err *e)
{
    uint32_t low = get_le16(extended + EXT_SECT1_LOW);
    uint32_t high = get_le16(extended + EXT_SECT1_HIGH);

    /* What the assembler left there to be replaced. */
    if (low + 4 > MAGIC_AT_BOOT || high + 4 > MAGIC_AT_BOOT || get_le32(boot + low) != 0xdeadbeef ||
        get_le32(boot + high) != 0xfeedface)
        return err_set(e, ERR_INPUT,
                       "SYSLINUX's boot sector has no place for the first sector's number");
    put_le32(boot + low, sector);
    put_le32(boot + high, 0);
    return 0;
}

static void put_checksum(uint8_t *image, size_t len, uint8_t *field)
{
    uint32_t sum = MAGIC;

    put_le32(field, 0);
    for (size_t i = 0; i < len; i += 4)
        sum -= get_le32(image + i);
    put_le32(field, sum);
}

int syslinux_install(const struct syslinux *s, uint32_t sector, uint8_t *file,
                     uint8_t boot[SYSLINUX_SECTOR], struct err *e)
{
    size_t size = syslinux_installed_size(s);
    uint32_t sectors = (uint32_t)image_sectors(s);
    uint8_t *patch = file;

    memset(file, 0, size);
    memcpy(file, s->image, s->image_len);
    memcpy(boot, s->boot, SYSLINUX_SECTOR);
    while (get_le32(patch) != MAGIC) /* within the first 256 bytes: is_image() */
        patch += 4;
    uint32_t at = get_le16(patch + PATCH_EXTENDED);
    if (at + EXT_SIZE > s->image_len)
        return err_set(e, ERR_INPUT, "ldlinux.sys points outside of itself");
    const uint8_t *extended = file + at;
    uint32_t table = get_le16(extended + EXT_SECTORS);
    uint32_t room = get_le16(extended + EXT_SECTOR_COUNT);
    uint32_t variables = get_le16(extended + EXT_ADV_POINTERS);
    if ((uint64_t)table + (uint64_t)room * EXTENT > s->image_len ||
        (uint64_t)variables + 16 > s->image_len)
        return err_set(e, ERR_INPUT, "ldlinux.sys points outside of itself");
    int rc = patch_boot_sector(extended, sector, boot, e);
    if (rc < 0)
        return rc;
    put_le16(patch + PATCH_DATA_SECTORS, sectors);
    put_le16(patch + PATCH_ADV_SECTORS, VARIABLES);
    put_le32(patch + PATCH_DWORDS, (uint32_t)(s->image_len / 4));
    if (!put_extents(file + table, room, sector + 1, sectors - 1))
        return err_set(e, ERR_INPUT, "ldlinux.sys has no room for the list of its sectors");
    put_le64(file + variables, (uint64_t)sector + sectors);
    put_le64(file + variables + 8, (uint64_t)sector + sectors + 1);
    put_checksum(file, s->image_len, patch + PATCH_CHECKSUM);
    put_variables(file + size - (size_t)2 * SYSLINUX_SECTOR);
    put_variables(file + size - SYSLINUX_SECTOR);
    return 0;
}
