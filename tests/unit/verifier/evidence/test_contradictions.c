/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/contradictions.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    return v;
}

/* What contradicts, as "a; b", and what was passed over, as "| c". */
static void expect(json_t *wanted_taken, const char *found_text, const char *says)
{
    AUTO_JSON json_t *wanted = wanted_taken;
    AUTO_JSON json_t *found = parse(found_text);
    AUTO(contradictions_dispose) struct contradictions c = {0};
    AUTO_BUF all = BUF_INIT(65536);
    struct err e = ERR_INIT;
    assert_int_equal(contradictions_find(wanted, found, "x", &c, &e), 0);
    assert_int_equal(c.count, json_array_size(c.list));
    for (size_t i = 0; i < json_array_size(c.list); i++)
        assert_int_equal(buf_addf(&all, &e, "%s%s", i > 0 ? "; " : "",
                                  json_string_value(json_array_get(c.list, i))),
                         0);
    for (size_t i = 0; i < json_array_size(c.passed); i++)
        assert_int_equal(buf_addf(&all, &e, "| %s", json_string_value(json_array_get(c.passed, i))),
                         0);
    assert_string_equal(buf_str(&all), says);
}

static void test_members(void **state)
{
    (void)state;
    expect(parse("{\"name\":\"a\"}"), "{\"name\":\"a\"}", "");
    expect(parse("{\"name\":\"a\"}"), "{\"name\":\"b\"}", "x.name is 'b', it should be 'a'");
    expect(parse("{\"name\":\"a\"}"), "{}", "x.name is nothing, it should be 'a'");
    expect(parse("{}"), "{\"name\":\"a\"}", "x.name is 'a', it should be nothing");
    expect(parse("{\"name\":\"a\"}"), "[]", "x is '[]', it should be '{\"name\":\"a\"}'");
    expect(parse("[1,2]"), "[1,3]", "x[1] is '3', it should be '2'");
    expect(parse("[{}]"), "[{},{\"name\":\"a\"},{}]",
           "x[1] is '{\"name\":\"a\"}', it should be nothing");
    expect(parse("[{\"uri\":\"a\"},{\"uri\":\"b\"}]"), "[{\"uri\":\"c\"}]",
           "x[0].uri is 'c', it should be 'a'; x[1] is nothing, it should be '{\"uri\":\"b\"}'");
}

/* Null, empty and absent are one. */
static void test_empty(void **state)
{
    (void)state;
    expect(parse("{}"), "{\"name\":null,\"uri\":\"\",\"digest\":{},\"byproducts\":[]}", "");
    expect(parse("{\"byproducts\":[],\"annotations\":{}}"), "{\"byproducts\":null}", "");
    expect(parse("{}"), "{\"byproducts\":[0]}", "x.byproducts is '[0]', it should be nothing");
    expect(parse("{}"), "{\"id\":false}", "x.id is 'false', it should be nothing");
}

/* What nobody defined means nothing, but where all that stands there counts. */
static void test_strangers(void **state)
{
    (void)state;
    expect(parse("{}"), "{\"vendor_x\":1,\"metadata\":{\"startedOn\":\"t\"}}",
           "| x.vendor_x| x.metadata");
    expect(parse("{\"digest\":{}}"), "{\"digest\":{\"vendor_x\":\"1\"}}",
           "x.digest.vendor_x is '1', it should be nothing");
    expect(parse("{\"digest\":{\"a\":\"1\"}}"), "{\"digest\":{\"a\":\"1\",\"vendor_x\":\"1\"}}",
           "x.digest.vendor_x is '1', it should be nothing");
    expect(parse("{\"externalParameters\":{\"recipe\":{\"a\":1}}}"),
           "{\"externalParameters\":{\"recipe\":{\"a\":1,\"b\":2}}}",
           "x.externalParameters.recipe.b is '2', it should be nothing");
}

static void test_any(void **state)
{
    (void)state;
    static const char hex[] =
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"";
    expect(contradictions_any(ANY_SHA256), hex, "");
    expect(contradictions_any(ANY_HEX), hex, "");
    expect(contradictions_any(ANY_HEX), "\"00\"", "");
    expect(contradictions_any(ANY_TEXT), "\"anything\"", "");
    expect(contradictions_any(ANY_TEXT), "null", "");
    expect(contradictions_any(ANY_SHA256), "\"00\"", "x is '00', it should be a SHA-256");
    expect(contradictions_any(ANY_SHA256), "null", "x is 'null', it should be a SHA-256");
    expect(contradictions_any(ANY_HEX), "\"0\"", "x is '0', it should be hex digits");
    expect(contradictions_any(ANY_HEX), "\"0G\"", "x is '0G', it should be hex digits");
    expect(contradictions_any(ANY_HEX), "\"AB\"", "x is 'AB', it should be hex digits");
    expect(contradictions_any(ANY_TEXT), "5", "x is '5', it should be any text");
    expect(json_pack("[{s:o}]", "digest", contradictions_any(ANY_HEX)), "[]",
           "x[0] is nothing, it should be what a build gives");
}

/* A hostile statement has as many as it likes: they are counted, and the first are kept. */
static void test_many(void **state)
{
    (void)state;
    AUTO_JSON json_t *wanted = json_array();
    AUTO_JSON json_t *found = json_array();
    AUTO(contradictions_dispose) struct contradictions c = {0};
    struct err e = ERR_INIT;
    char clause[200];
    char euros[1200];
    for (size_t i = 0; i + 3 < sizeof(euros); i += 3)
        memcpy(euros + i, "\xe2\x82\xac", 4);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(json_array_append_new(found, json_string(euros)), 0);
    assert_int_equal(contradictions_find(wanted, found, "subject", &c, &e), 0);
    assert_int_equal(c.count, 1000);
    assert_int_equal(json_array_size(c.list), CONTRADICTIONS_LISTED);
    contradictions_clause(&c, clause, sizeof(clause));
    assert_non_null(strstr(clause, "subject[0] is '"));
    AUTO_JSON json_t *as_text = json_string(clause);
    assert_non_null(as_text); /* cut between characters */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),   cmocka_unit_test(test_empty),
        cmocka_unit_test(test_strangers), cmocka_unit_test(test_any),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
