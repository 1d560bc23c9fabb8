/* SPDX-License-Identifier: Apache-2.0 */
/* LinuxKit documents written back (docs/formats/linuxkit-compat.md), judged by what Go's own
 * libraries write (tests/data/linuxkit-go), and how plain scalars read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml/yaml_go_scalar.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/render.h"

#include <string.h>

#define DATA "tests/data/linuxkit-go/"

static void compare(const char *name, enum linuxkit_form form, const char *ending)
{
    struct err e = ERR_INIT;
    char line[1024];
    char path[256];
    char wanted[256];
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_JSON json_t *merged = linuxkit_merge_new();
    AUTO_BUF text = BUF_INIT((size_t)1 << 24);
    AUTO_BUF expected = BUF_INIT((size_t)1 << 24);
    size_t visible = 0;
    (void)snprintf(path, sizeof(path), DATA "%s.yml", name);
    (void)snprintf(wanted, sizeof(wanted), DATA "%s.%s", name, ending);
    if (yaml_doc_read_go(path, &doc, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    const struct ycur root = ycur_root(doc);
    if (linuxkit_merge_add(merged, &root, &visible, &e) < 0 ||
        linuxkit_render(merged, form, &text, &e) < 0 || file_read(wanted, &expected, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    if (strcmp(buf_str(&text), buf_str(&expected)) == 0)
        return;
    const char *a = buf_str(&text);
    const char *b = buf_str(&expected);
    while (*a == *b) {
        a++;
        b++;
    }
    fail_msg("%s differs: '%.60s' instead of '%.60s'", wanted, a, b);
}

static void test_yaml2(void **state)
{
    (void)state;
    compare("texts", LINUXKIT_FORM_YAML2, "yaml2");
    compare("keys", LINUXKIT_FORM_YAML2, "yaml2");
}

static void test_yaml3(void **state)
{
    (void)state;
    compare("texts", LINUXKIT_FORM_YAML3, "yaml3");
    compare("keys", LINUXKIT_FORM_YAML3, "yaml3");
}

static void test_json(void **state)
{
    (void)state;
    compare("texts", LINUXKIT_FORM_JSON, "json");
    compare("keys", LINUXKIT_FORM_JSON, "json");
}

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yaml_go_scalar kind;
        int64_t integer;
    } cases[] = {
        {"010", YAML_GO_SCALAR_INT, 8},
        {"0o10", YAML_GO_SCALAR_INT, 8},
        {"0x1F", YAML_GO_SCALAR_INT, 31},
        {"0b101", YAML_GO_SCALAR_INT, 5},
        {"-0b101", YAML_GO_SCALAR_INT, -5},
        {"1_000", YAML_GO_SCALAR_INT, 1000},
        {"+7", YAML_GO_SCALAR_INT, 7},
        {"9223372036854775807", YAML_GO_SCALAR_INT, INT64_MAX},
        {"-9223372036854775808", YAML_GO_SCALAR_INT, INT64_MIN},
        {"9223372036854775808", YAML_GO_SCALAR_UINT, 0},
        {"18446744073709551616", YAML_GO_SCALAR_FLOAT, 0},
        {"08", YAML_GO_SCALAR_FLOAT, 0},
        {"1e3", YAML_GO_SCALAR_FLOAT, 0},
        {".5", YAML_GO_SCALAR_FLOAT, 0},
        {"-.inf", YAML_GO_SCALAR_FLOAT, 0},
        {"1e999", YAML_GO_SCALAR_TEXT, 0},
        {"1.2.3", YAML_GO_SCALAR_TEXT, 0},
        {"0x", YAML_GO_SCALAR_TEXT, 0},
        {"-", YAML_GO_SCALAR_TEXT, 0},
        {"yes", YAML_GO_SCALAR_TEXT, 0},
        {"<<", YAML_GO_SCALAR_TEXT, 0},
        {"TRUE", YAML_GO_SCALAR_BOOL, 0},
        {"tRUE", YAML_GO_SCALAR_TEXT, 0},
        {"~", YAML_GO_SCALAR_NULL, 0},
        {"", YAML_GO_SCALAR_NULL, 0},
        {"2001-2-29", YAML_GO_SCALAR_TEXT, 0},
        {"2000-2-29", YAML_GO_SCALAR_TIME, 0},
        {"2001-01-02T03:04:05Z", YAML_GO_SCALAR_TIME, 0},
        {"2001-01-02T03:04:05", YAML_GO_SCALAR_TEXT, 0},
        {"2001-01-02 03:04:05.25", YAML_GO_SCALAR_TIME, 0},
        {"2001-13-02", YAML_GO_SCALAR_TEXT, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yaml_go_scalar_value value;
        enum yaml_go_scalar kind = yaml_go_scalar_read(cases[i].text, &value);
        if (kind != cases[i].kind ||
            (kind == YAML_GO_SCALAR_INT && value.integer != cases[i].integer))
            fail_msg("'%s' reads as %d, %lld", cases[i].text, (int)kind, (long long)value.integer);
    }
    assert_true(yaml_go_scalar_is_sexagesimal("-12:30:45.5"));
    assert_false(yaml_go_scalar_is_sexagesimal("12:75"));
    assert_true(yaml_go_scalar_is_old_bool("Off"));
    assert_false(yaml_go_scalar_is_old_bool("oN"));
}

/* Reads `text` as a LinuxKit document; the error's first line, "" when it is accepted. */
static const char *verdict(const char *text, char line[1024])
{
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_JSON json_t *merged = linuxkit_merge_new();
    size_t visible = 0;
    line[0] = '\0';
    if (yaml_doc_parse_go(text, strlen(text), "t.yml", &doc, &e) < 0)
        return err_line(&e, line, 1024);
    const struct ycur root = ycur_root(doc);
    if (linuxkit_merge_add(merged, &root, &visible, &e) < 0)
        return err_line(&e, line, 1024);
    return line;
}

static void test_numbers(void **state)
{
    (void)state;
#define ONE "services:\n  - {name: a, image: b, "
    static const char *const good[] = {
        ONE "oomScoreAdj: 5.0}\n",
        ONE "uid: 0x7f}\n---\nanything: [\n",
        ONE "resources: {cpu: {shares: 9223372036854775807}}}\n",
        ONE "uidMappings: [{hostID: 99999999999, containerID: -1, size: 4294967295}]}\n",
        ONE "command: [2001-01-01, yes, .x]}\n",
    };
    static const char *const bad[][2] = {
        {ONE "oomScoreAdj: 1.5}\n", "t.yml:2:"},
        {ONE "uid: 1.0}\n", "t.yml:2:"},
        {ONE "uidMappings: [{size: 4294967296}]}\n", "t.yml:2:"},
        {ONE "resources: {cpu: {shares: -1}}}\n", "t.yml:2:"},
        {ONE "resources: {blockio: {weight: 65536}}}\n", "t.yml:2:"},
        {ONE "resources: {memory: {useHierarchy: true}}}\n", "t.yml:2:"},
        {ONE "resources: {memory: {swap: 9223372036854775808}}}\n", "t.yml:2:"},
        {ONE "command: [1]}\n", "t.yml:2:"},
        {"files:\n  - {path: a, mode: 0644}\n", "t.yml:2:"},
    };
    char line[1024];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_string_equal(verdict(good[i], line), "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (strstr(verdict(bad[i][0], line), bad[i][1]) == NULL)
            fail_msg("%s gives '%s'", bad[i][0], line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml2),   cmocka_unit_test(test_yaml3),   cmocka_unit_test(test_json),
        cmocka_unit_test(test_scalars), cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
