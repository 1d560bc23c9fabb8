/* SPDX-License-Identifier: Apache-2.0 */
/* The strict YAML reader: values, positions, bounds, and everything it refuses. */
#include "base/yaml/yaml.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static int parse(const char *text, struct yaml_doc **doc, struct err *e)
{
    return yaml_doc_parse(text, strlen(text), "t.yml", doc, e);
}

/* The document reads as this JSON. */
static void reads(const char *text, const char *json)
{
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_BUF out = BUF_INIT(1 << 20);
    char line[2048];
    if (parse(text, &doc, &e) < 0)
        fail_msg("%s: %s", text, err_line(&e, line, sizeof(line)));
    assert_int_equal(jcs_format(yaml_doc_root(doc), &out, &e), 0);
    assert_string_equal(buf_str(&out), json);
}

/* It is refused with ERR_INPUT and exactly this line. */
static void refuses(const char *text, const char *message)
{
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    char line[2048];
    assert_int_equal(parse(text, &doc, &e), -ERR_INPUT);
    assert_null(doc);
    assert_string_equal(err_line(&e, line, sizeof(line)), message);
}

static void test_values(void **state)
{
    (void)state;
    reads("a: b", "{\"a\":\"b\"}");
    reads("[1, -2, 0x10, 0o17, 017, +3, 0]", "[1,-2,16,15,15,3,0]");
    reads("[true, False, TRUE, null, ~, NULL]", "[true,false,true,null,null,null]");
    reads("a:", "{\"a\":null}");
    reads("[yes, no, on, off, y, n, Yes, tRUE]",
          "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"Yes\",\"tRUE\"]");
    reads("['1', \"true\", '~', !!str 5, ! 6]", "[\"1\",\"true\",\"~\",\"5\",\"6\"]");
    reads("[!!int '5', !!bool 'true', !!null '']", "[5,true,null]");
    reads("[1.5, .5, 1e3]", "[1.5,0.5,1000]");
    reads("[1.2.3, 6.12-rc1, 0755x, -, +, ., 1-2, a_b, 2024-01-01, 0x]",
          "[\"1.2.3\",\"6.12-rc1\",\"0755x\",\"-\",\"+\",\".\",\"1-2\",\"a_b\",\"2024-01-01\","
          "\"0x\"]");
    reads("a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}");
    reads("{\"json\": [\"works\", {\"too\": 1}]}", "{\"json\":[\"works\",{\"too\":1}]}");
    reads("---\na: 1\n...\n", "{\"a\":1}");
    reads("9007199254740991", "9007199254740991");
    reads("a: \"\\u00fc\"", "{\"a\":\"\xc3\xbc\"}");
}

static void test_anchors(void **state)
{
    (void)state;
    reads("a: &x [1, 2]\nb: *x", "{\"a\":[1,2],\"b\":[1,2]}");
    reads("base: &b {k: 1, l: 2}\nc:\n  <<: *b\n  l: 3",
          "{\"base\":{\"k\":1,\"l\":2},\"c\":{\"k\":1,\"l\":3}}");
    reads("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}",
          "{\"x\":{\"a\":1},\"y\":{\"a\":2,\"b\":2},\"z\":{\"a\":1,\"b\":2}}");
    reads("a: &x 1\nb: &x 2\nc: *x", "{\"a\":1,\"b\":2,\"c\":2}");
    reads("x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y}",
          "{\"x\":{\"a\":1},\"y\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":2}}");
    reads("'<<': 1", "{\"<<\":1}");
    refuses("a: *x", "t.yml:1:4: an alias to an unknown anchor");
    refuses("a: &x [*x]", "t.yml:1:8: an alias inside its own anchor");
    refuses("a: {<<: 1}", "t.yml:1:9: '<<' takes a map or a list of maps");
    refuses("a: {<<: [1]}", "t.yml:1:10: '<<' takes a map or a list of maps");
    refuses("x: &x {}\na: {<<: *x, <<: *x}", "t.yml:2:13: duplicate key '<<'");
}

static void test_refused(void **state)
{
    (void)state;
    refuses("", "t.yml:1:1: the file is empty");
    refuses("# nothing\n", "t.yml:2:1: the file is empty");
    refuses("a: 1\nb: 2\na: 3", "t.yml:3:1: duplicate key 'a'");
    refuses("a: 1\n---\nb: 2", "t.yml:2:1: a second document: a file holds one");
    refuses("1: a", "t.yml:1:1: a key must be a text: put it in quotes");
    refuses("true: a", "t.yml:1:1: a key must be a text: put it in quotes");
    refuses("? [a]\n: b", "t.yml:1:3: a key must be a text");
    refuses("a: !x b", "t.yml:1:4: this tag is not supported here");
    refuses("a: !!binary aGk=", "t.yml:1:4: this tag is not supported here");
    refuses("a: !!seq b", "t.yml:1:4: this tag is not supported here");
    refuses("a: !!int b", "t.yml:1:4: the value does not fit its tag");
    refuses("a: \"\\0\"", "t.yml:1:4: a text with a NUL character");
    static const char *const odd[] = {
        "08",   "1_000", "0b1",   "9007199254740992",    ".inf", "-.INF",
        ".nan", "0x_1",  "1e999", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "a: %s", odd[i]);
        refuses(text, "t.yml:1:4: a number that YAML readers disagree on, or out of range: put it "
                      "in quotes");
    }
}

static void test_bad_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {"a: \xff", "a: \xc3", "a: \x01", "\xff\xfe\x61", "a: [",
                                        "a: }",    "\tb: 1",  "a: b: c", "a: \"x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_YAML struct yaml_doc *doc = NULL;
        char line[2048];
        assert_int_equal(parse(texts[i], &doc, &e), -ERR_INPUT);
        assert_true(strncmp(err_line(&e, line, sizeof(line)), "t.yml:", 6) == 0);
    }
}

static void fill(struct buf *text, const char *piece, size_t count)
{
    struct err e = ERR_INIT;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_add_str(text, piece, &e), 0);
}

static void test_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char line[2048];
    AUTO_BUF deep = BUF_INIT(1 << 21);
    fill(&deep, "[", 32);
    fill(&deep, "]", 32);
    AUTO_YAML struct yaml_doc *ok = NULL;
    assert_int_equal(parse(buf_str(&deep), &ok, &e), 0);
    AUTO_BUF deeper = BUF_INIT(1 << 21);
    fill(&deeper, "[", 33);
    fill(&deeper, "]", 33);
    refuses(buf_str(&deeper), "t.yml:1:33: nested deeper than 32 levels");
    /* Deeper than the parser's own stack would like, and never closed. */
    AUTO_BUF endless = BUF_INIT(1 << 21);
    fill(&endless, "[", 100000);
    refuses(buf_str(&endless), "t.yml:1:33: nested deeper than 32 levels");
    AUTO_BUF many = BUF_INIT(1 << 21);
    fill(&many, "- 1\n", 65536);
    AUTO_YAML struct yaml_doc *none = NULL;
    assert_int_equal(parse(buf_str(&many), &none, &e), -ERR_INPUT);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "more than 65536 values"));
    AUTO_BUF big = BUF_INIT(1 << 22);
    fill(&big, "# 34567890123456\n", (1 << 20) / 17 + 1);
    assert_int_equal(parse(buf_str(&big), &none, &e), -ERR_INPUT);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "longer than 1 MiB"));
}

/* Ten lines that stand for a billion values; the same through merges of empty maps, and of texts.
 */
static void test_bombs(void **state)
{
    (void)state;
    static const char *const first[] = {"a0: &a0 [x]\n", "a0: &a0 {}\n"};
    static const char *const second[] = {"", "<<: "};
    for (size_t r = 0; r < 2; r++) {
        struct err e = ERR_INIT;
        AUTO_YAML struct yaml_doc *doc = NULL;
        AUTO_BUF text = BUF_INIT(65536);
        char line[2048];
        fill(&text, first[r], 1);
        for (int i = 1; i <= 12; i++) {
            char alias[16];
            (void)snprintf(alias, sizeof(alias), "*a%d,", i - 1);
            assert_int_equal(
                buf_addf(&text, &e, "a%d: &a%d %s%s[", i, i, r == 0 ? "" : "{", second[r]), 0);
            fill(&text, alias, 10);
            fill(&text, r == 0 ? "]\n" : "]}\n", 1);
        }
        assert_int_equal(parse(buf_str(&text), &doc, &e), -ERR_INPUT);
        assert_non_null(strstr(err_line(&e, line, sizeof(line)), "more than 65536 values"));
    }
}

static void test_text_bomb(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_BUF text = BUF_INIT(1 << 21);
    char line[2048];
    fill(&text, "a: &a ", 1);
    fill(&text, "0123456789abcdef", 32768);
    fill(&text, "\nb: [", 1);
    fill(&text, "*a,", 100);
    fill(&text, "]\n", 1);
    assert_int_equal(parse(buf_str(&text), &doc, &e), -ERR_INPUT);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "more than 4 MiB of text"));
}

static void test_positions(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    struct yaml_mark value;
    struct yaml_mark key;
    assert_int_equal(parse("# c\na: &x\n  - b: 1\n  - \xc3\xbc: [2, 3]\nz: *x\n", &doc, &e), 0);
    json_t *root = yaml_doc_root(doc);
    json_t *list = json_object_get(root, "a");
    assert_true(yaml_doc_find(doc, root, "a", 0, &value, &key));
    assert_int_equal(key.line, 2);
    assert_int_equal(key.column, 1);
    assert_int_equal(value.line, 2);
    assert_int_equal(value.column, 4); /* at its anchor */
    json_t *second = json_array_get(list, 1);
    assert_true(yaml_doc_find(doc, second, "\xc3\xbc", 0, &value, &key));
    assert_int_equal(key.line, 4);
    assert_int_equal(key.column, 5);
    assert_true(yaml_doc_find(doc, json_object_get(second, "\xc3\xbc"), NULL, 1, &value, NULL));
    assert_int_equal(value.column, 12);
    assert_false(yaml_doc_find(doc, root, "nope", 0, &value, &key));
    /* What an alias stands for is a value of its own, with the anchor's positions. */
    assert_ptr_not_equal(json_object_get(root, "z"), list);
    assert_true(yaml_doc_find(doc, json_object_get(root, "z"), NULL, 0, &value, NULL));
    assert_int_equal(value.line, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_anchors),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_bounds),    cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_text_bomb), cmocka_unit_test(test_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
