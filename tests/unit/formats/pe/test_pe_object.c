/* SPDX-License-Identifier: Apache-2.0 */
#include "base/byte_order.h"
#include "formats/pe/pe_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct budget budget;

enum {
    HEADER = 64,
    OPTIONAL = HEADER + 24,
    OPTIONAL_LEN = 240,
    TABLE = OPTIONAL + OPTIONAL_LEN,
    TEXT = 512,
    DEBUG = 600,
    CERTIFICATES = 1024,
    LENGTH = 1040
};

/* A PE32+ file of one section, with a debug entry in it and a certificate at the end. */
static void make(uint8_t *p)
{
    memset(p, 0, LENGTH);
    memcpy(p, "MZ", 2);
    put_le32(p + 60, HEADER);
    memcpy(p + HEADER, "PE\0\0", 4);
    put_le16(p + HEADER + 4, 0x8664);
    put_le16(p + HEADER + 6, 1);
    put_le32(p + HEADER + 8, 1000);
    put_le16(p + HEADER + 20, OPTIONAL_LEN);
    put_le16(p + OPTIONAL, 0x20b);
    put_le32(p + OPTIONAL + 108, 16);
    put_le32(p + OPTIONAL + 112 + 4 * 8, CERTIFICATES);
    put_le32(p + OPTIONAL + 112 + 4 * 8 + 4, 16);
    put_le32(p + OPTIONAL + 112 + 6 * 8, 0x1000 + DEBUG - TEXT);
    put_le32(p + OPTIONAL + 112 + 6 * 8 + 4, 28);
    memcpy(p + TABLE, ".text", 5);
    put_le32(p + TABLE + 12, 0x1000);
    put_le32(p + TABLE + 16, 512);
    put_le32(p + TABLE + 20, TEXT);
    put_le32(p + TABLE + 36, 0x20);
    memset(p + TEXT, 'c', 512);
    memset(p + DEBUG, 0, 28);
    put_le32(p + DEBUG + 4, 2000);
    put_le32(p + DEBUG + 12, 2);
    put_le32(p + DEBUG + 16, 24 + 4);
    put_le32(p + DEBUG + 24, DEBUG + 40);
    memcpy(p + DEBUG + 40, "RSDS0123456789abcdef\1\0\0\0pdb", 28);
    memset(p + CERTIFICATES, 's', 16);
}

static struct object *open_pe(const uint8_t *p, size_t len, int *rc)
{
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = NULL;
    struct object *o = NULL;
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, p, len);
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(bytes_of_memory(copy, len, "t", &bytes, &e), 0);
    *rc = object_open(&object_kind_pe, bytes, "t", NULL, &budget, &o, &e);
    return o;
}

static const struct member *find(const struct object *o, const char *path)
{
    for (size_t i = 0; i < o->member_count; i++)
        if (strcmp(o->members[i].path, path) == 0)
            return &o->members[i];
    fail_msg("no %s", path);
    return NULL;
}

static void test_members(void **state)
{
    uint8_t file[LENGTH];
    uint8_t text[512];
    struct err e = ERR_INIT;
    int rc = 0;
    (void)state;
    make(file);
    AUTO_OBJECT *o = open_pe(file, LENGTH, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(o->member_count, 4);
    assert_int_equal(field_find(o->fields, o->field_count, "time")->number, 1000);
    assert_int_equal(field_find(o->fields, o->field_count, "directory.4")->class, FIELD_SIGNATURE);
    assert_true(find(o, "(certificates)")->signature);
    assert_true(find(o, ".text")->code);
    const struct member *debug = find(o, "(debug 0)");
    assert_int_equal(field_find(debug->fields, debug->field_count, "time")->number, 2000);
    assert_int_equal(field_find(debug->fields, debug->field_count, "path")->len, 3);
    /* What the fields of the debug directory say is zeros in the section. */
    AUTO_BYTES *content = NULL;
    assert_int_equal(object_content(o, find(o, ".text"), &content, &e), 0);
    assert_int_equal(bytes_read(content, 0, text, 512, &e), 0);
    for (size_t i = 0; i < 512; i++) {
        size_t at = TEXT + i;
        bool told = (at >= DEBUG && at < DEBUG + 28) || (at >= DEBUG + 40 && at < DEBUG + 40 + 27);
        assert_int_equal(text[i], told ? 0 : file[at]);
    }
}

/* Fewer data directories than there is room for: what stands behind them is told. */
static void test_rest(void **state)
{
    uint8_t file[LENGTH];
    int rc = 0;
    (void)state;
    make(file);
    put_le32(file + OPTIONAL + 108, 15);
    AUTO_OBJECT *o = open_pe(file, LENGTH, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(field_find(o->fields, o->field_count, "rest")->len, 8);
}

static void test_damaged(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } lies[] = {{TABLE + 20, 4000},
                {TABLE + 16, 4000},
                {OPTIONAL + 108, 1000},
                {OPTIONAL + 112 + 4 * 8, 4000},
                {OPTIONAL + 112 + 6 * 8 + 4, 5000},
                {HEADER + 6, 200},
                {OPTIONAL, 7}};
    uint8_t file[LENGTH];
    int rc = 0;
    (void)state;
    make(file);
    for (size_t len = 0; len < LENGTH; len++) {
        AUTO_OBJECT *o = open_pe(file, len, &rc);
        assert_null(o);
        assert_int_equal(rc, -ERR_INPUT);
    }
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        make(file);
        put_le32(file + lies[i].at, lies[i].value);
        AUTO_OBJECT *o = open_pe(file, LENGTH, &rc);
        assert_null(o);
        assert_int_equal(rc, -ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
