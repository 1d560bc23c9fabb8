/* SPDX-License-Identifier: Apache-2.0 */
/* SYSLINUX without its installer: what is found in the program, what is refused, and what
 * installation makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/fat/syslinux.h"

#include "base/byte_order.h"
#include "tests/unit/formats/fat/fake_syslinux.h"

static struct err e;
static uint8_t program[FAKE_SIZE];

static int setup(void **state)
{
    (void)state;
    fake_syslinux(program);
    return 0;
}

static void test_found(void **state)
{
    (void)state;
    struct syslinux s = {0};
    assert_int_equal(syslinux_find(program, FAKE_SIZE, &s, &e), 0);
    assert_ptr_equal(s.boot, program + FAKE_BOOT);
    assert_ptr_equal(s.image, program + FAKE_IMAGE);
    assert_int_equal(s.image_len, FAKE_IMAGE_LEN);
    assert_ptr_equal(s.c32, program + FAKE_C32);
    assert_int_equal(s.c32_len, FAKE_C32_LEN);
    assert_int_equal(syslinux_installed_size(&s), FAKE_IMAGE_LEN + 1024);
}

static void test_installed(void **state)
{
    (void)state;
    struct syslinux s = {0};
    uint8_t boot[SYSLINUX_SECTOR];
    enum { FIRST = 5000, SECTORS = FAKE_IMAGE_LEN / 512 };
    assert_int_equal(syslinux_find(program, FAKE_SIZE, &s, &e), 0);
    size_t size = syslinux_installed_size(&s);
    AUTO_FREE uint8_t *file = malloc(size);
    assert_non_null(file);
    assert_int_equal(syslinux_install(&s, FIRST, file, boot, &e), 0);
    assert_int_equal(get_le32(boot + FAKE_LOW), FIRST);
    assert_int_equal(get_le32(boot + FAKE_HIGH), 0);
    const uint8_t *patch = file + 0x18;
    assert_int_equal(get_le16(patch + 8), SECTORS);
    assert_int_equal(get_le16(patch + 10), 2);
    assert_int_equal(get_le32(patch + 12), FAKE_IMAGE_LEN / 4);
    uint32_t sum = 0;
    for (size_t i = 0; i < FAKE_IMAGE_LEN; i += 4)
        sum += get_le32(file + i);
    assert_int_equal(sum, 0x3eb202fe);
    /* The extents are the sectors behind the first, in order, none across 64 KiB of memory. */
    uint32_t next = FIRST + 1;
    uint32_t address = 0x8200;
    const uint8_t *extent = file + FAKE_TABLE;
    for (; get_le16(extent + 8) != 0; extent += 10) {
        uint32_t bytes = get_le16(extent + 8) * 512;
        assert_int_equal(get_le32(extent), next);
        assert_int_equal(get_le32(extent + 4), 0);
        assert_true(bytes < 65536);
        assert_int_equal(address / 65536, (address + bytes - 1) / 65536);
        next += get_le16(extent + 8);
        address += bytes;
    }
    assert_int_equal(next, FIRST + SECTORS);
    assert_int_equal(get_le32(file + FAKE_VARIABLES), FIRST + SECTORS);
    assert_int_equal(get_le32(file + FAKE_VARIABLES + 8), FIRST + SECTORS + 1);
    assert_int_equal(get_le32(file + size - 1024), 0x5a2d2fa5);
    assert_int_equal(get_le32(file + size - 1020), 0xa3041767);
    assert_int_equal(get_le32(file + size - 4), 0xdd28bf64);
}

struct change {
    size_t at;
    uint8_t byte;
    const char *part; /* of the message */
};

static void test_refused(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {0, 'x', "no ELF program"},
        {FAKE_BOOT, 0, "no boot sector"},
        {FAKE_BOOT + 0x1f8, 0, "no boot sector"},
        {FAKE_BOOT + 511, 0, "no boot sector"},
        {FAKE_IMAGE + 2, 'x', "no ldlinux.sys"},
        {FAKE_PATCH, 0, "no ldlinux.sys"},
        {FAKE_C32, 0, "no ldlinux.c32"},
        {FAKE_C32 + 18, 62, "no ldlinux.c32"},
        {FAKE_C32 + 34, 0xff, "no ldlinux.c32"},
        {FAKE_PATCH + 23, 0xff, "outside of itself"},
        {FAKE_IMAGE + FAKE_EXTENDED + 1, 0xff, "outside of itself"},
        {FAKE_IMAGE + FAKE_EXTENDED + 13, 0xff, "outside of itself"},
        {FAKE_IMAGE + FAKE_EXTENDED + 12, 1, "no room"},
        {FAKE_IMAGE + FAKE_EXTENDED + 15, 0xff, "no place"},
        {FAKE_IMAGE + FAKE_EXTENDED + 16, 0x1f, "no place"},
        {FAKE_BOOT + FAKE_LOW, 0, "no place"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct syslinux s = {0};
        uint8_t boot[SYSLINUX_SECTOR];
        static uint8_t file[FAKE_SIZE * 2];
        char line[1024];
        fake_syslinux(program);
        program[changes[i].at] = changes[i].byte;
        int rc = syslinux_find(program, FAKE_SIZE, &s, &e);
        if (rc == 0)
            rc = syslinux_install(&s, 1, file, boot, &e);
        if (rc != -ERR_INPUT || strstr(err_line(&e, line, sizeof(line)), changes[i].part) == NULL)
            fail_msg("change %zu: %d %s", i, rc, rc < 0 ? line : "");
    }
}

static void test_twice(void **state)
{
    (void)state;
    struct syslinux s = {0};
    memcpy(program + FAKE_C32 + FAKE_C32_LEN, program + FAKE_BOOT, 512);
    assert_int_equal(syslinux_find(program, FAKE_SIZE, &s, &e), -ERR_INPUT);
    char line[1024];
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "more than one boot sector"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_found, setup),
        cmocka_unit_test_setup(test_installed, setup),
        cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_twice, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
