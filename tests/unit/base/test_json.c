/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, json_t **out)
{
    struct err e = ERR_INIT;
    return json_parse(text, strlen(text), "test", NULL, out, &e);
}

static void assert_canonical(const char *text, const char *expected)
{
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT(65536);
    AUTO_JSON json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_int_equal(jcs_format(value, &out, &e), 0);
    assert_string_equal(buf_str(&out), expected);
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "null",
        "true",
        "1",
        "-1",
        "\"x\"",
        "[]",
        "{}",
        " {\"a\":[1,2.5,{}]}\n",
        "9007199254740991",
        "-9007199254740991",
        "1e15",
        "\"\\ud83d\\ude00\"",
        "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
        "\"[[[[{{{{\"",
        "\"\\\\\\\"[\"",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        AUTO_JSON json_t *value = NULL;
        if (parse(good[i], &value) != 0)
            fail_msg("refused: %s", good[i]);
        assert_non_null(value);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'x'",
        "01",
        "+1",
        "1.",
        ".5",
        "0x1",
        "NaN",
        "Infinity",
        "1 2",
        "{} {}",
        "[] x",
        "// c\n1",
        "\xef\xbb\xbf{}",
        /* Duplicates, at any depth and spelt in any way. */
        "{\"a\":1,\"a\":1}",
        "[{\"a\":{\"b\":1,\"b\":2}}]",
        "{\"a\":1,\"\\u0061\":2}",
        /* NUL, invalid UTF-8, lone surrogates, raw control characters. */
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\n\"",
        "\"\\x\"",
        /* Numbers that a double cannot hold. */
        "9007199254740992",
        "-9007199254740992",
        "[{\"a\":9007199254740993}]",
        "99999999999999999999",
        "1e400",
        "1e20",
        "9007199254740993.0",
        "[-1e16]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_JSON json_t *value = NULL;
        if (parse(bad[i], &value) != -ERR_INPUT)
            fail_msg("not refused: %s", bad[i]);
        assert_null(value);
    }
    struct err e = ERR_INIT;
    json_t *value = NULL;
    assert_int_equal(json_parse(NULL, 0, "test", NULL, &value, &e), -ERR_INPUT);
    assert_int_equal(json_parse("1\0", 2, "test", NULL, &value, &e), -ERR_INPUT);
    assert_int_equal(json_parse("[1\0]", 4, "test", NULL, &value, &e), -ERR_INPUT);
    assert_null(value);
}

static void test_limits(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    json_t *value = NULL;
    const struct json_limits limits = {.bytes = 10, .depth = 3};
    const struct json_limits deep = {.depth = 100000};
    assert_int_equal(json_parse("[[[1]]]", 7, "t", &limits, &value, &e), 0);
    json_decref(value);
    value = NULL;
    assert_int_equal(json_parse("[[[[1]]]]", 9, "t", &limits, &value, &e), -ERR_INPUT);
    assert_int_equal(json_parse("[1,2,3,4,5]", 11, "t", &limits, &value, &e), -ERR_INPUT);
    /* Even with no limit of ours the parser's own stack is bounded. */
    AUTO_BUF text = BUF_INIT(200000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_add_str(&text, "[", &e), 0);
    assert_int_equal(json_parse(text.data, text.len, "t", &deep, &value, &e), -ERR_INPUT);
    assert_null(value);
}

/* RFC 8785 sections 3.2.2 and 3.2.3. */
static void test_canonical_samples(void **state)
{
    (void)state;
    assert_canonical("{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, "
                     "0.000000000000000000000000001],\n"
                     "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                     "\"literals\": [null, true, false]}",
                     "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,"
                     "0.002,1e-27],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    /* Members sort by UTF-16 code units: the emoji (a surrogate pair) before U+FB33. */
    assert_canonical(
        "{\"\\u20ac\": 5, \"\\r\": 1, \"\\ufb33\": 7, \"1\": 2, \"\\ud83d\\ude00\": 6, "
        "\"\\u0080\": 3, \"\\u00f6\": 4}",
        "{\"\\r\":1,\"1\":2,\"\xc2\x80\":3,\"\xc3\xb6\":4,\"\xe2\x82\xac\":5,"
        "\"\xf0\x9f\x98\x80\":6,\"\xef\xac\xb3\":7}");
    assert_canonical("{\"ab\":1,\"a\":2,\"\":3,\"B\":4,\"abc\":5}",
                     "{\"\":3,\"B\":4,\"a\":2,\"ab\":1,\"abc\":5}");
    assert_canonical("\"\\u0001\\b\\t\\n\\f\\r\\u001f\\u007f\\u2028/\"",
                     "\"\\u0001\\b\\t\\n\\f\\r\\u001f\x7f\xe2\x80\xa8/\"");
    assert_canonical("[ ]", "[]");
    assert_canonical("{ }", "{}");
}

/* RFC 8785 appendix B. */
static void test_canonical_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } numbers[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct err e = ERR_INIT;
        double number;
        AUTO_BUF out = BUF_INIT(64);
        memcpy(&number, &numbers[i].bits, sizeof(number));
        AUTO_JSON json_t *value = json_real(number);
        assert_int_equal(jcs_format(value, &out, &e), 0);
        assert_string_equal(buf_str(&out), numbers[i].text);
    }
}

/* A place in a document is named in every error about it. */
static void assert_fails_at(int rc, const struct err *e, const char *words)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(rc, -ERR_INPUT);
    if (strstr(err_line(e, line, sizeof(line)), words) == NULL)
        fail_msg("'%s' is not in '%s'", words, line);
}

static void test_cursor(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char *const keys[] = {"a", "b", NULL};
    static const char *const choices[] = {"x", "y", NULL};
    AUTO_JSON json_t *value = NULL;
    struct jcur a;
    struct jcur b;
    size_t n;
    const char *text;
    uint64_t number;
    bool flag;
    assert_int_equal(parse("{\"a\":[\"y\",7,-1,true,1.0],\"b\":{\"c\":null}}", &value), 0);
    struct jcur root = jcur_root(value, "doc");
    assert_int_equal(jcur_object(&root, keys, &e), 0);
    assert_fails_at(jcur_object(&root, keys + 1, &e), &e, "doc: at $: unknown key 'a'");
    assert_int_equal(jcur_get(&root, "a", &a, &e), 0);
    assert_int_equal(jcur_array(&a, 5, &n, &e), 0);
    assert_int_equal(n, 5);
    assert_fails_at(jcur_array(&a, 4, &n, &e), &e, "$.a: 5 items");
    struct jcur item = jcur_item(&a, 0);
    assert_int_equal(jcur_string(&item, 1, &text, &e), 0);
    assert_string_equal(text, "y");
    assert_fails_at(jcur_string(&item, 0, &text, &e), &e, "$.a[0]");
    assert_int_equal(jcur_choice(&item, choices, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_fails_at(jcur_choice(&item, keys, &n, &e), &e, "'y' is not one of a, b");
    assert_fails_at(jcur_u64(&item, 9, &number, &e), &e, "expected an integer, not a string");
    item = jcur_item(&a, 1);
    assert_int_equal(jcur_u64(&item, 7, &number, &e), 0);
    assert_int_equal(number, 7);
    assert_fails_at(jcur_u64(&item, 6, &number, &e), &e, "$.a[1]: 7 is not between 0 and 6");
    assert_fails_at(jcur_string(&item, 9, &text, &e), &e, "expected a string, not an integer");
    item = jcur_item(&a, 2);
    assert_fails_at(jcur_u64(&item, UINT64_MAX, &number, &e), &e, "-1 is not between");
    item = jcur_item(&a, 3);
    assert_int_equal(jcur_bool(&item, &flag, &e), 0);
    assert_true(flag);
    item = jcur_item(&a, 4);
    assert_fails_at(jcur_u64(&item, 9, &number, &e), &e, "not a fraction");
    assert_int_equal(jcur_get(&root, "b", &b, &e), 0);
    assert_fails_at(jcur_get(&b, "d", &a, &e), &e, "$.b: missing key 'd'");
    assert_fails_at(jcur_get(&item, "d", &a, &e), &e, "expected an object");
    assert_true(jcur_opt(&b, "c", &a)); /* null is a value here, not an absence */
    assert_false(jcur_opt(&b, "d", &a));
    assert_fails_at(jcur_open_object(&a, &e), &e, "$.b.c: expected an object, not null");
}

static void test_cursor_digest(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest digest;
    AUTO_JSON json_t *value = NULL;
    assert_int_equal(
        parse(
            "{\"good\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
            "\"upper\":\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
            "\"short\":\"sha256:aa\",\"bare\":\"aa\"}",
            &value),
        0);
    struct jcur root = jcur_root(value, "doc");
    assert_int_equal(jcur_get_digest(&root, "good", &digest, &e), 0);
    assert_fails_at(jcur_get_digest(&root, "upper", &digest, &e), &e, "$.upper");
    assert_fails_at(jcur_get_digest(&root, "short", &digest, &e), &e, "$.short");
    assert_fails_at(jcur_get_digest(&root, "bare", &digest, &e), &e, "$.bare");
    assert_fails_at(jcur_get_digest(&root, "none", &digest, &e), &e, "missing key 'none'");
}

static void test_building(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *object = json_object();
    AUTO_BUF out = BUF_INIT(256);
    assert_int_equal(json_put_string(object, "s", "x", &e), 0);
    assert_int_equal(json_put_u64(object, "n", ((uint64_t)1 << 53) - 1, &e), 0);
    assert_int_equal(json_put_u64(object, "m", (uint64_t)1 << 53, &e), -ERR_HOST);
    assert_int_equal(json_put_string(object, "bad", "\xff", &e), -ERR_HOST);
    assert_int_equal(json_put(object, "none", NULL, &e), -ERR_HOST);
    assert_int_equal(jcs_format(object, &out, &e), 0);
    assert_string_equal(buf_str(&out), "{\"n\":9007199254740991,\"s\":\"x\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_canonical_samples),
        cmocka_unit_test(test_canonical_numbers),
        cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_cursor_digest),
        cmocka_unit_test(test_building),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
