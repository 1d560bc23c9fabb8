/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/compressed/compressed_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { SIZE = 3 * 1024 * 1024 };
static struct budget budget;

static int start(void **state)
{
    (void)state;
    budget_start(&budget, host_real(), "/tmp");
    return 0;
}

/* `count` gzip members of half of the bytes each, made at `level`. */
static size_t make_gzip(uint8_t *out, size_t room, const uint8_t *data, size_t size, int level)
{
    z_stream z = {0};
    gz_header header = {.time = 77, .os = 3, .name = (Bytef *)(uintptr_t) "n"};
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflateSetHeader(&z, &header), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t len = room - z.avail_out;
    (void)deflateEnd(&z);
    return len;
}

static struct object *open_kind(const struct object_kind *kind, const uint8_t *data, size_t len,
                                int wanted)
{
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = NULL;
    struct object *o = NULL;
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    assert_int_equal(bytes_of_memory(copy, len, "t", &bytes, &e), 0);
    assert_true(kind->is(bytes, data, len));
    assert_int_equal(object_open(kind, bytes, "t", NULL, &budget, &o, &e), wanted);
    return o;
}

static uint64_t number(const struct object *o, const char *name)
{
    const struct field *f = field_find(o->fields, o->field_count, name);
    assert_non_null(f);
    return f->number;
}

static void test_gzip(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE uint8_t *data = calloc(1, SIZE);
    AUTO_FREE uint8_t *packed = malloc(2 * SIZE);
    AUTO_BYTES *content = NULL;
    uint8_t last = 1;
    assert_true(data != NULL && packed != NULL);
    data[SIZE - 1] = 9;
    size_t len = make_gzip(packed, SIZE, data, SIZE / 2, 1);
    len += make_gzip(packed + len, SIZE, data + SIZE / 2, SIZE / 2, 9);
    memcpy(packed + len, "tail", 4);
    AUTO_OBJECT *o = open_kind(&object_kind_gzip, packed, len + 4, 0);
    assert_int_equal(number(o, "mtime"), 77);
    assert_int_equal(number(o, "os"), 3);
    assert_int_equal(number(o, "streams"), 2);
    assert_int_equal(o->member_count, 2);
    assert_int_equal(o->members[0].size, SIZE);
    assert_int_equal(object_content(o, &o->members[0], &content, &e), 0);
    assert_int_equal(bytes_read(content, SIZE - 1, &last, 1, &e), 0);
    assert_int_equal(last, 9);
    assert_int_equal(o->members[1].type, MEMBER_GAP);
    assert_int_equal(o->members[1].size, 4);
}

/* Cut anywhere, or with any byte of its end changed: refused, never more than the budget. */
static void test_damaged(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const uint8_t text[] = "hello hello hello hello";
    uint8_t packed[256];
    size_t len = make_gzip(packed, sizeof(packed), text, sizeof(text), 9);
    for (size_t cut = 3; cut < len; cut++)
        assert_null(open_kind(&object_kind_gzip, packed, cut, -ERR_INPUT));
    for (size_t i = len - 8; i < len; i++) {
        packed[i] ^= 1;
        assert_null(open_kind(&object_kind_gzip, packed, len, -ERR_INPUT));
        packed[i] ^= 1;
    }
    (void)e;
    AUTO_FREE uint8_t *zeros = calloc(1, SIZE);
    assert_non_null(zeros);
    uint8_t small[8192];
    len = make_gzip(small, sizeof(small), zeros, SIZE, 9);
    budget.decoded = SIZE - 1;
    assert_null(open_kind(&object_kind_gzip, small, len, -ERR_UNDECIDED));
}

static void test_zstd(void **state)
{
    (void)state;
    static const uint8_t text[] = "hello";
    uint8_t packed[256];
    size_t len = ZSTD_compress(packed, sizeof(packed), text, 5, 3);
    assert_false(ZSTD_isError(len));
    AUTO_OBJECT *o = open_kind(&object_kind_zstd, packed, len, 0);
    assert_int_equal(o->members[0].size, 5);
    assert_null(open_kind(&object_kind_zstd, packed, len - 1, -ERR_INPUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_gzip, start),
        cmocka_unit_test_setup(test_damaged, start),
        cmocka_unit_test_setup(test_zstd, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
