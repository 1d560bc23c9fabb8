/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/rebuild/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct path_pair pairs[] = {
    {"/store", "/home/x/my store"}, {"/materials", NULL}, {"/out", "/var/tmp/r"}};

static void test_translate(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"", ""},
        {"cannot open '/store/blobs/a'", "cannot open '/home/x/my store/blobs/a'"},
        {"/store", "/home/x/my store"},
        {"/store: no space", "/home/x/my store: no space"},
        {"in (/out/work), /out", "in (/var/tmp/r/work), /var/tmp/r"},
        /* What is only like one, or a part of another path, stays. */
        {"/stores /store.json a/store/b", "/stores /store.json a/store/b"},
        {"'/usr/out/x'", "'/usr/out/x'"},
        {"--store=/store/x", "--store=/home/x/my store/x"},
        {"'/materials' stays", "'/materials' stays"},
        {"caf\xc3\xa9 /out", "caf\xc3\xa9 /var/tmp/r"},
        {"\xff/out \xff", "\xff/out \xff"},
    };
    char out[256];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        paths_translate(pairs, 3, rows[i].text, out, sizeof(out));
        assert_string_equal(out, rows[i].says);
    }
}

/* Whatever the room is, the text is cut between characters and terminated. */
static void test_room(void **state)
{
    static const char text[] = "\xc3\xa9 '/store/\xc3\xa9' \xc3\xa9";
    static const char whole[] = "\xc3\xa9 '/home/x/my store/\xc3\xa9' \xc3\xa9";
    (void)state;
    for (size_t size = 1; size <= sizeof(whole); size++) {
        char out[sizeof(whole) + 1];
        memset(out, '#', sizeof(out));
        paths_translate(pairs, 3, text, out, size);
        size_t len = strlen(out);
        assert_true(len < size);
        assert_memory_equal(out, whole, len);
        assert_true(len == 0 || ((unsigned char)whole[len] & 0xc0) != 0x80);
        assert_int_equal(out[size], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_translate),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
