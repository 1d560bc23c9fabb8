/* SPDX-License-Identifier: Apache-2.0 */
#include "base/byte_order.h"
#include "formats/zip/zip_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct budget budget;

/* One stored entry "a" of "hi", with `front` bytes before it. */
struct archive {
    uint8_t bytes[256];
    size_t len;
    size_t local;
    size_t entry;
    size_t end;
};

static void make(struct archive *z, size_t front)
{
    *z = (struct archive){.local = front};
    memset(z->bytes, 'x', front);
    uint8_t *p = z->bytes + front;
    put_le32(p, 0x04034b50);
    put_le16(p + 4, 20);
    put_le32(p + 18, 2);
    put_le32(p + 22, 2);
    put_le16(p + 26, 1);
    memcpy(p + 30, "ahi", 3);
    z->entry = front + 33;
    p = z->bytes + z->entry;
    put_le32(p, 0x02014b50);
    put_le16(p + 4, 3 << 8 | 20);
    put_le16(p + 6, 20);
    put_le32(p + 20, 2);
    put_le32(p + 24, 2);
    put_le16(p + 28, 1);
    put_le32(p + 38, 0100640U << 16);
    put_le32(p + 42, (uint32_t)front);
    p[46] = 'a';
    z->end = z->entry + 47;
    p = z->bytes + z->end;
    put_le32(p, 0x06054b50);
    put_le16(p + 8, 1);
    put_le16(p + 10, 1);
    put_le32(p + 12, 47);
    put_le32(p + 16, (uint32_t)z->entry);
    z->len = z->end + 22;
}

static struct object *open_zip(const struct archive *z, size_t len, int *rc)
{
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = NULL;
    struct object *o = NULL;
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, z->bytes, len);
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(bytes_of_memory(copy, len, "t", &bytes, &e), 0);
    *rc = object_open(&object_kind_zip, bytes, "t", NULL, &budget, &o, &e);
    return o;
}

static void test_entry(void **state)
{
    struct archive z;
    struct err e = ERR_INIT;
    int rc = 0;
    char text[2];
    (void)state;
    make(&z, 0);
    AUTO_OBJECT *o = open_zip(&z, z.len, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(o->member_count, 1);
    const struct member *m = &o->members[0];
    assert_string_equal(m->path, "a");
    assert_int_equal(field_find(m->fields, m->field_count, "mode")->number, 0640);
    assert_null(field_find(m->fields, m->field_count, "local"));
    AUTO_BYTES *content = NULL;
    assert_int_equal(object_content(o, m, &content, &e), 0);
    assert_int_equal(content->size, 2);
    assert_int_equal(bytes_read(content, 0, text, 2, &e), 0);
    assert_memory_equal(text, "hi", 2);
}

/* What stands in front is a gap; a local header that says otherwise is told. */
static void test_hidden(void **state)
{
    struct archive z;
    int rc = 0;
    (void)state;
    make(&z, 5);
    put_le32(z.bytes, 0x04034b50);
    AUTO_OBJECT *front = open_zip(&z, z.len, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(front->member_count, 2);
    assert_int_equal(front->members[0].type, MEMBER_GAP);
    make(&z, 0);
    z.bytes[30] = 'b';
    AUTO_OBJECT *local = open_zip(&z, z.len, &rc);
    assert_int_equal(rc, 0);
    assert_non_null(field_find(local->members[0].fields, local->members[0].field_count, "local"));
}

/* Cut anywhere, and with numbers that lie, it is refused. */
static void test_damaged(void **state)
{
    static const struct {
        size_t at; /* from the start of the record */
        uint32_t value;
    } lies[] = {{16, 0xfffffff0}, {12, 0x7fffffff}};
    struct archive z;
    int rc = 0;
    (void)state;
    make(&z, 0);
    for (size_t len = 22; len < z.len; len++) {
        AUTO_OBJECT *o = open_zip(&z, len, &rc);
        assert_null(o);
        assert_int_equal(rc, -ERR_INPUT);
    }
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        make(&z, 0);
        put_le32(z.bytes + z.end + lies[i].at, lies[i].value);
        AUTO_OBJECT *o = open_zip(&z, z.len, &rc);
        assert_null(o);
        assert_int_equal(rc, -ERR_INPUT);
    }
    make(&z, 0);
    put_le32(z.bytes + z.entry + 42, 1000); /* where the local header is */
    AUTO_OBJECT *away = open_zip(&z, z.len, &rc);
    assert_null(away);
    assert_int_equal(rc, -ERR_INPUT);
    make(&z, 0);
    put_le32(z.bytes + z.entry + 20, 1000); /* its packed size */
    AUTO_OBJECT *large = open_zip(&z, z.len, &rc);
    assert_null(large);
    assert_int_equal(rc, -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
