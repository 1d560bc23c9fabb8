/* SPDX-License-Identifier: Apache-2.0 */
/* Each width in both orders, at addresses that are not aligned; neighbours are left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/byte_order.h"

static const uint8_t bytes[] = {0xee, 1, 2, 3, 4, 5, 6, 7, 8};

static void test_get(void **state)
{
    const uint8_t *p = bytes + 1;

    (void)state;
    assert_int_equal(get_le16(p), 0x0201);
    assert_int_equal(get_be16(p), 0x0102);
    assert_int_equal(get_le32(p), 0x04030201);
    assert_int_equal(get_be32(p), 0x01020304);
    assert_true(get_le64(p) == UINT64_C(0x0807060504030201));
    assert_true(get_be64(p) == UINT64_C(0x0102030405060708));
}

/* What a put leaves in ten bytes of 0xee, from the second on. */
#define EXPECT(call, ...)                                                                          \
    do {                                                                                           \
        static const uint8_t wanted[] = {0xee, __VA_ARGS__, 0xee};                                 \
        uint8_t p[10];                                                                             \
        memset(p, 0xee, sizeof(p));                                                                \
        call;                                                                                      \
        assert_memory_equal(p, wanted, sizeof(wanted));                                            \
    } while (0)

static void test_put(void **state)
{
    (void)state;
    EXPECT(put_le16(p + 1, 0x0201), 1, 2);
    EXPECT(put_be16(p + 1, 0x0102), 1, 2);
    EXPECT(put_le32(p + 1, 0x04030201), 1, 2, 3, 4);
    EXPECT(put_be32(p + 1, 0x01020304), 1, 2, 3, 4);
    EXPECT(put_le64(p + 1, UINT64_C(0x0807060504030201)), 1, 2, 3, 4, 5, 6, 7, 8);
    EXPECT(put_be64(p + 1, UINT64_C(0x0102030405060708)), 1, 2, 3, 4, 5, 6, 7, 8);
    EXPECT(put_le(p + 1, 0x030201, 3), 1, 2, 3);
    EXPECT(put_be(p + 1, 0x010203, 3), 1, 2, 3);
    EXPECT(put_le16(p + 1, 0xabcd0201), 1, 2); /* the rest is cut off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_get), cmocka_unit_test(test_put)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
