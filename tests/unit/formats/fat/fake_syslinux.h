/* SPDX-License-Identifier: Apache-2.0 */
/* A program with a boot sector, an ldlinux.sys and an ldlinux.c32 in it, as SYSLINUX's installer
 * has them. */
#ifndef ASSAY_TESTS_UNIT_FORMATS_FAT_FAKE_SYSLINUX_H
#define ASSAY_TESTS_UNIT_FORMATS_FAT_FAKE_SYSLINUX_H

#include "base/byte_order.h"

#include <string.h>

enum {
    FAKE_SIZE = 64 * 1024,
    FAKE_BOOT = 0x100, /* where things are in it */
    FAKE_IMAGE = 0x300,
    FAKE_IMAGE_LEN = 0xe400, /* not a multiple of 64 KiB: two extents and some */
    FAKE_C32 = FAKE_IMAGE + FAKE_IMAGE_LEN,
    FAKE_C32_LEN = 52 + 100 + 2 * 40,
    FAKE_PATCH = FAKE_IMAGE + 0x18,
    FAKE_EXTENDED = 0x1000, /* in the image */
    FAKE_TABLE = 0x40,
    FAKE_TABLE_ROOM = 192,
    FAKE_VARIABLES = 0x1100,
    FAKE_LOW = 0x11a, /* in the boot sector */
    FAKE_HIGH = 0x120,
};

static inline void fake_syslinux(uint8_t p[FAKE_SIZE])
{
    uint8_t *boot = p + FAKE_BOOT;
    uint8_t *image = p + FAKE_IMAGE;
    uint8_t *c32 = p + FAKE_C32;

    for (size_t i = 0; i < FAKE_SIZE; i++)
        p[i] = (uint8_t)(i * 7 + i / 256 + 1);
    memcpy(p, "\177ELF", 4);
    memcpy(boot, "\xeb\x58\x90SYSLINUX", 11);
    put_le32(boot + FAKE_LOW, 0xdeadbeef);
    put_le32(boot + FAKE_HIGH, 0xfeedface);
    put_le32(boot + 0x1f8, 0x3eb202fe);
    put_le16(boot + 510, 0xaa55);
    memcpy(image, "\r\nSYSLINUX 6.04 ", 16);
    memset(p + FAKE_PATCH, 0, 24);
    put_le32(p + FAKE_PATCH, 0x3eb202fe);
    put_le16(p + FAKE_PATCH + 20, 127);
    put_le16(p + FAKE_PATCH + 22, FAKE_EXTENDED);
    put_le16(image + FAKE_EXTENDED, FAKE_VARIABLES);
    put_le16(image + FAKE_EXTENDED + 10, FAKE_TABLE);
    put_le16(image + FAKE_EXTENDED + 12, FAKE_TABLE_ROOM);
    put_le16(image + FAKE_EXTENDED + 14, FAKE_LOW);
    put_le16(image + FAKE_EXTENDED + 16, FAKE_HIGH);
    memset(c32, 0, FAKE_C32_LEN);
    memcpy(c32, "\177ELF\1\1\1", 7);
    put_le16(c32 + 16, 3);
    put_le16(c32 + 18, 3);
    put_le32(c32 + 32, 52 + 100);
    put_le16(c32 + 40, 52);
    put_le16(c32 + 46, 40);
    put_le16(c32 + 48, 2);
}

#endif
