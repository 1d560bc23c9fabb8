/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/elf/elf_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct budget budget;

/* This program: what is known of it is what is asked. */
static struct bytes *self(void)
{
    struct err e = ERR_INIT;
    struct bytes *b = NULL;
    assert_int_equal(bytes_open("/proc/self/exe", &b, &e), 0);
    return b;
}

static const struct member *find(const struct object *o, const char *path)
{
    for (size_t i = 0; i < o->member_count; i++)
        if (strcmp(o->members[i].path, path) == 0)
            return &o->members[i];
    return NULL;
}

static void test_sections(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = self();
    AUTO_OBJECT *o = NULL;
    AUTO_BYTES *text = NULL;
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(object_open(&object_kind_elf, bytes, "self", NULL, &budget, &o, &e), 0);
    const struct member *code = find(o, ".text");
    const struct member *empty = find(o, ".bss");
    assert_true(code != NULL && empty != NULL && find(o, "(program headers)") != NULL);
    assert_true(code->has_content && !empty->has_content);
    assert_non_null(field_find(empty->fields, empty->field_count, "size"));
    assert_int_equal(object_content(o, code, &text, &e), 0);
    assert_int_equal(text->size, code->size);
}

static void test_symbols(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = self();
    AUTO_OBJECT *o = NULL;
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(object_open(&object_kind_elf, bytes, "self", NULL, &budget, &o, &e), 0);
    const struct member *code = find(o, ".text");
    bool seen = false;
    for (uint64_t at = 0; at < code->size && !seen; at += 16) {
        AUTO_BUF name = BUF_INIT(65536);
        uint64_t distance = 0;
        assert_int_equal(elf_symbol_at(o, code, at, &name, &distance, &e), 0);
        seen = strcmp(buf_str(&name), "test_symbols") == 0;
    }
    assert_true(seen);
}

/* Cut anywhere it is read or refused; what is behind the end is seen. */
static void test_damaged(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BYTES *bytes = self();
    for (uint64_t size = 17; size < bytes->size; size += bytes->size / 50) {
        AUTO_BYTES *cut = NULL;
        AUTO_OBJECT *o = NULL;
        budget_start(&budget, host_real(), "/tmp");
        assert_int_equal(bytes_slice(bytes, 0, size, "cut", &cut, &e), 0);
        assert_int_equal(object_open(&object_kind_elf, cut, "cut", NULL, &budget, &o, &e),
                         -ERR_INPUT);
    }
    AUTO_FREE uint8_t *longer = malloc((size_t)bytes->size + 1);
    AUTO_BYTES *appended = NULL;
    AUTO_OBJECT *o = NULL;
    assert_non_null(longer);
    assert_int_equal(bytes_read(bytes, 0, longer, (size_t)bytes->size, &e), 0);
    longer[bytes->size] = 1;
    assert_int_equal(bytes_of_memory(longer, (size_t)bytes->size + 1, "longer", &appended, &e), 0);
    longer = NULL;
    assert_int_equal(object_open(&object_kind_elf, appended, "longer", NULL, &budget, &o, &e), 0);
    bool gap = false;
    for (size_t i = 0; i < o->member_count; i++)
        gap = gap || (o->members[i].type == MEMBER_GAP && o->members[i].size == 1);
    assert_true(gap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
