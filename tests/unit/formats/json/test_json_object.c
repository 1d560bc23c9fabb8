/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/json/json_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct budget budget;

static struct bytes *text_bytes(const char *text)
{
    struct err e = ERR_INIT;
    struct bytes *b = NULL;
    assert_int_equal(bytes_of_memory(strdup(text), strlen(text), "t", &b, &e), 0);
    return b;
}

static bool is_json(const char *text)
{
    AUTO_BYTES *b = text_bytes(text);
    return object_kind_json.is(b, (const uint8_t *)text, strlen(text));
}

static void test_what_it_is(void **state)
{
    (void)state;
    assert_true(is_json(" {\"a\": [1, {\"b\": null}]}\n"));
    assert_true(is_json("[]"));
    assert_false(is_json("{\"a\": 1"));
    assert_false(is_json("{\"a\": 1, \"a\": 2}"));
    assert_false(is_json("{} trailing"));
    assert_false(is_json("plain"));
    assert_false(is_json(""));
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum field_class class;
        const char *text;
    } rows[] = {{"(order of keys)", FIELD_ORDER,
                 "size\na\nb[0]\nb[1].c\ncreated\nd.digest\nd.size\nempty\n"},
                {"a", FIELD_MEANING, "x"},
                {"b[0]", FIELD_MEANING, "1"},
                {"b[1].c", FIELD_MEANING, "null"},
                {"created", FIELD_TIME_MADE, "2026-11-29T10:00:00.5Z"},
                {"d.digest", FIELD_CHECKSUM, "sha256:" HEX},
                {"d.size", FIELD_CHECKSUM, "7"},
                {"empty", FIELD_MEANING, "{}"},
                {"size", FIELD_MEANING, "8"}};
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    AUTO_BYTES *b = text_bytes(
        "{\"size\":8,\"a\":\"x\",\"b\":[1,{\"c\":null}],\"created\":\"2026-11-29T10:00:00.5Z\","
        "\"d\":{\"digest\":\"sha256:" HEX "\",\"size\":7},\"empty\":{}}");
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(object_open(&object_kind_json, b, "t", NULL, &budget, &o, &e), 0);
    assert_int_equal(o->field_count, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < o->field_count; i++) {
        assert_string_equal(o->fields[i].name, rows[i].path);
        assert_int_equal(o->fields[i].class, rows[i].class);
        assert_memory_equal(o->fields[i].data, rows[i].text, o->fields[i].len);
        assert_int_equal(o->fields[i].len, strlen(rows[i].text));
    }
}

/* Two values under one path cannot be told apart: it is no object. */
static void test_same_path(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_OBJECT *o = NULL;
    AUTO_BYTES *b = text_bytes("{\"a.b\":1,\"a\":{\"b\":2}}");
    budget_start(&budget, host_real(), "/tmp");
    assert_int_equal(object_open(&object_kind_json, b, "t", NULL, &budget, &o, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_is),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_same_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
