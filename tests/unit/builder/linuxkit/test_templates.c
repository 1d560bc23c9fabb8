/* SPDX-License-Identifier: Apache-2.0 */
/* What LinuxKit does to a file's texts before it decodes them (docs/formats/linuxkit.md, section
 * 2), judged by what its library does (tests/data/linuxkit-go/again.jsonl). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "builder/linuxkit/templates.h"

#include <string.h>

enum { CASES_LEAST = 300, CHANGED_LEAST = 200 };

/* A document as it comes out; NULL: it is refused, with the error's line. Caller owns it. */
static json_t *read_text(const char *text, bool packages, json_t *warnings, char line[1024])
{
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    struct linuxkit_templates t = {.warnings = warnings, .packages = packages};
    line[0] = '\0';
    if (linuxkit_templates_parse(text, strlen(text), "t.yml", &t, &doc, &e) < 0) {
        (void)err_line(&e, line, 1024);
        return NULL;
    }
    return json_deep_copy(yaml_doc_root(doc));
}

/* A line of the file: {"yaml", "value"}, or without a value where LinuxKit fails. Whether it
 * changed. */
static bool judge(const json_t *item)
{
    char line[1024];
    AUTO_JSON json_t *warnings = json_array();
    const char *text = json_string_value(json_object_get(item, "yaml"));
    const json_t *wanted = json_object_get(item, "value");
    assert_non_null(text);
    AUTO_JSON json_t *value = read_text(text, true, warnings, line);
    if ((value == NULL) != (wanted == NULL) || (value != NULL && !json_equal(value, wanted))) {
        char *shown = json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("'%s' becomes %s %s", text, shown != NULL ? shown : "nothing", line);
    }
    if (value == NULL && strstr(line, "cannot read it again") == NULL &&
        strstr(line, "duplicate key ''") == NULL) /* of two templates */
        fail_msg("'%s' is refused with %s", text, line);
    return json_array_size(warnings) > 0;
}

static void test_as_the_library(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT((size_t)1 << 24);
    size_t cases = 0;
    size_t changed = 0;
    assert_int_equal(file_read("tests/data/linuxkit-go/again.jsonl", &text, &e), 0);
    for (const char *at = buf_str(&text); *at != '\0'; cases++) {
        size_t len = strcspn(at, "\n");
        AUTO_JSON json_t *item = json_loadb(at, len, 0, NULL);
        assert_non_null(item);
        changed += judge(item);
        at += len + (at[len] == '\n');
    }
    assert_true(cases >= CASES_LEAST);
    assert_true(changed >= CHANGED_LEAST);
}

static void test_warnings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *value;
        const char *warning; /* the first; NULL: none */
    } cases[] = {
        {"a: '@reboot /bin/x'", "{\"a\":\"\"}",
         "t.yml:1:4: LinuxKit takes what starts with '@' for a template: '@reboot /bin/x' becomes "
         "empty; strict mode keeps it"},
        {"'@k': [b, ' @c']", "{\"\":[\"b\",\" @c\"]}", "t.yml:1:1: LinuxKit takes"},
        {"a: |\n  @daily\n", "{\"a\":\"\"}", "t.yml:1:4: LinuxKit takes"},
        {"a: &x '@y'\nb: *x\n", "{\"a\":\"\",\"b\":\"\"}", "t.yml:1:4: LinuxKit takes"},
        {"a: >+\n  b\n\n", "{\"a\":\"b\\n\\n\\n\"}",
         "t.yml:1:4: LinuxKit writes its files out and reads them again, and this text changes on "
         "the way; in double quotes it does not"},
        {"a: >\n  b\n  c\n", "{\"a\":\"b c\\n\"}", NULL},
        {"a: |+\n  b\n\n\n# c\n", "{\"a\":\"b\\n\\n\\n\\n\"}", "t.yml:1:4: LinuxKit writes"},
        {"a: |\n\n  b\n", "{\"a\":\"b\\n\"}", "t.yml:1:4: LinuxKit writes"},
        {"a: | # c\n\n  b\n", "{\"a\":\"\\nb\\n\"}", NULL},
        {"a: # c\n  |\n\n  b\n", "{\"a\":\"\\nb\\n\"}", NULL},
        {"a: \"\\n b\\n\"\n", "{\"a\":\"\\n b\\n\"}", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[1024];
        AUTO_JSON json_t *warnings = json_array();
        AUTO_JSON json_t *value = read_text(cases[i].text, false, warnings, line);
        AUTO_JSON json_t *wanted = json_loads(cases[i].value, 0, NULL);
        const char *warning = json_string_value(json_array_get(warnings, 0));
        if (value == NULL || !json_equal(value, wanted))
            fail_msg("'%s' does not become %s %s", cases[i].text, cases[i].value, line);
        if (cases[i].warning == NULL ? warning != NULL
                                     : warning == NULL || !str_starts(warning, cases[i].warning))
            fail_msg("'%s' is warned of by '%s'", cases[i].text, warning != NULL ? warning : "");
    }
}

static void test_refused(void **state)
{
    (void)state;
    char line[1024];
    AUTO_JSON json_t *warnings = json_array();
    AUTO_JSON json_t *none = read_text("a: '@pkg:./x'", false, warnings, line);
    assert_null(none);
    assert_string_equal(line, "t.yml:1:4: '@pkg:' needs LinuxKit's package tree: write the "
                              "image's name");
    AUTO_JSON json_t *twice = read_text("a: {'@x': 1, '@y': 2}", true, warnings, line);
    assert_null(twice);
    assert_non_null(strstr(line, "t.yml:1:14: duplicate key ''"));
    AUTO_JSON json_t *shown = read_text("a: '@pkg:./x'", true, warnings, line);
    assert_non_null(shown);
    AUTO_JSON json_t *lost = read_text("- a: |2\n\n    b\n- c\n", true, warnings, line);
    assert_null(lost);
    assert_string_equal(line,
                        "t.yml:1:6: LinuxKit writes this text so that it cannot read it again: "
                        "give it in double quotes, or without a first line that is empty or "
                        "starts with a space");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_library),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
