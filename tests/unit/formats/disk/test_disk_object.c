/* SPDX-License-Identifier: Apache-2.0 */
#include "base/byte_order.h"
#include "formats/disk/disk_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SECTOR = 512, SECTORS = 256 };

/* A disk of our own making: what each test changes in it is what it is about. */
static uint8_t disk[SECTORS * SECTOR];

static void entry(size_t table, size_t nth, uint8_t type, uint32_t start, uint32_t sectors)
{
    uint8_t *p = disk + table * SECTOR + 446 + nth * 16;
    p[4] = type;
    put_le32(p + 8, start);
    put_le32(p + 12, sectors);
    put_le16(disk + table * SECTOR + 510, 0xaa55);
}

static void header(size_t self, size_t other, size_t table)
{
    uint8_t *p = disk + self * SECTOR;
    memcpy(p, "EFI PART", 8);
    put_le64(p + 24, self);
    put_le64(p + 32, other);
    put_le64(p + 72, table);
    put_le32(p + 80, 4);
    put_le32(p + 84, 128);
}

static void partition(size_t table, size_t nth, uint64_t start, uint64_t end)
{
    uint8_t *p = disk + table * SECTOR + nth * 128;
    p[0] = 1;
    put_le64(p + 32, start);
    put_le64(p + 40, end);
}

static int open_disk(const struct object_kind *kind, struct object **out, struct err *e)
{
    static struct budget budget;
    AUTO_BYTES *bytes = NULL;
    uint8_t *copy = malloc(sizeof(disk));
    assert_non_null(copy);
    memcpy(copy, disk, sizeof(disk));
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(bytes_of_memory(copy, sizeof(disk), "disk", &bytes, e), 0);
    assert_true(kind->is(bytes, disk, OBJECT_HEAD_MAX));
    return object_open(kind, bytes, "disk", NULL, &budget, out, e);
}

static const struct member *member_of(const struct object *o, const char *path)
{
    for (size_t i = 0; i < o->member_count; i++)
        if (strcmp(o->members[i].path, path) == 0)
            return &o->members[i];
    return NULL;
}

static void expect(const struct object *o, const char *path, uint64_t start, uint64_t sectors)
{
    const struct member *m = member_of(o, path);
    assert_non_null(m);
    assert_int_equal(m->cookie, start * SECTOR);
    assert_int_equal(m->size, sectors * SECTOR);
}

static void refused(const struct object_kind *kind)
{
    struct err e = ERR_INIT;
    struct object *o = NULL;
    assert_true(open_disk(kind, &o, &e) < 0);
    assert_int_equal(e.code, ERR_INPUT);
}

static int clear(void **state)
{
    (void)state;
    memset(disk, 0, sizeof(disk));
    return 0;
}

static void test_mbr(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    entry(0, 0, 0x83, 2, 10);
    entry(0, 1, 0x05, 20, 100);
    entry(20, 0, 0x83, 2, 10);
    entry(20, 1, 0x05, 30, 20);
    entry(50, 0, 0x82, 1, 5);
    disk[200 * SECTOR] = 1;
    assert_int_equal(open_disk(&object_kind_mbr, &o, &e), 0);
    expect(o, "partition 1", 2, 10);
    expect(o, "partition 5", 22, 10);
    expect(o, "partition 6", 51, 5);
    assert_null(member_of(o, "partition 2"));
    assert_non_null(member_of(o, "(boot code)"));
    assert_int_equal(o->member_count, 5); /* and the byte that belongs to nobody */
}

/* A chain of logical partitions that leads back to its beginning. */
static void test_mbr_loop(void **state)
{
    (void)state;
    entry(0, 1, 0x05, 20, 100);
    entry(20, 0, 0x83, 2, 10);
    entry(20, 1, 0x05, 30, 20);
    entry(50, 0, 0x83, 1, 5);
    entry(50, 1, 0x05, 30, 20);
    refused(&object_kind_mbr);
}

static void make_gpt(void)
{
    entry(0, 0, 0xee, 1, SECTORS - 1);
    header(1, SECTORS - 1, 2);
    header(SECTORS - 1, 1, SECTORS - 2);
    partition(2, 0, 40, 49);
    partition(2, 2, 60, 60);
    partition(SECTORS - 2, 0, 40, 49);
    partition(SECTORS - 2, 2, 60, 60);
}

static void test_gpt(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    make_gpt();
    assert_int_equal(open_disk(&object_kind_gpt, &o, &e), 0);
    expect(o, "partition 1", 40, 10);
    expect(o, "partition 3", 60, 1);
    assert_int_equal(o->member_count, 3);
}

static void test_gpt_damage(void **state)
{
    (void)state;
    make_gpt();
    partition(2, 1, 30, 20);
    refused(&object_kind_gpt);
    clear(NULL);
    make_gpt();
    partition(2, 1, 30, SECTORS);
    refused(&object_kind_gpt);
    clear(NULL);
    make_gpt();
    put_le32(disk + SECTOR + 80, UINT32_MAX); /* entries */
    refused(&object_kind_gpt);
    clear(NULL);
    make_gpt();
    put_le32(disk + SECTOR + 84, 100); /* the size of one */
    refused(&object_kind_gpt);
    clear(NULL);
    make_gpt();
    memset(disk + (SECTORS - 1) * SECTOR, 0, 8); /* no second header */
    refused(&object_kind_gpt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_mbr, clear),
        cmocka_unit_test_setup(test_mbr_loop, clear),
        cmocka_unit_test_setup(test_gpt, clear),
        cmocka_unit_test_setup(test_gpt_damage, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
