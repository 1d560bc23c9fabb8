/* SPDX-License-Identifier: Apache-2.0 */
/* schemas/plan.schema.json says of steps' parameters what the kinds' tables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/plan/step_schema.h"
#include "builder/steps/step.h"

#include <string.h>

#define SCHEMA "schemas/plan.schema.json"

static json_t *read_schema(void)
{
    struct err e = ERR_INIT;
    json_t *schema = NULL;
    assert_int_equal(json_read_file(SCHEMA, NULL, &schema, &e), 0);
    return schema;
}

static void update(json_t *schema)
{
    struct err e = ERR_INIT;
    char line[1024];
    if (step_schema_update(schema, &builder_steps, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
}

/* When it fails: `make schemas`, and look at the difference. */
static void test_committed(void **state)
{
    struct err e = ERR_INIT;
    AUTO_BUF file = BUF_INIT(1 << 20);
    AUTO_BUF text = BUF_INIT(1 << 20);
    AUTO_JSON json_t *schema = read_schema();
    (void)state;
    update(schema);
    assert_int_equal(file_read(SCHEMA, &file, &e), 0);
    assert_int_equal(json_pretty(schema, &text, &e), 0);
    if (strcmp(buf_str(&file), buf_str(&text)) != 0)
        fail_msg("%s is not what the tables of step kinds say: make schemas", SCHEMA);
}

/* Every kind is one that steps may have, and no other is. */
static void test_kinds(void **state)
{
    AUTO_JSON json_t *schema = read_schema();
    json_t *step = json_object_get(json_object_get(schema, "$defs"), "step");
    json_t *names =
        json_object_get(json_object_get(json_object_get(step, "properties"), "kind"), "enum");
    json_t *all = json_object_get(step, "allOf");
    (void)state;
    assert_int_equal(json_array_size(names), builder_steps.kind_count);
    assert_int_equal(json_array_size(all), builder_steps.kind_count);
    for (size_t i = 0; i < builder_steps.kind_count; i++) {
        const char *name = builder_steps.kinds[i]->name;
        size_t named = 0;
        size_t referred = 0;
        for (size_t k = 0; k < builder_steps.kind_count; k++) {
            const char *reference =
                json_string_value(json_object_get(json_array_get(all, k), "$ref"));
            named += strcmp(json_string_value(json_array_get(names, k)), name) == 0;
            referred += strcmp(reference + strlen("#/$defs/"), name) == 0;
        }
        if (named != 1 || referred != 1)
            fail_msg("'%s' is %zu times among the kinds, and %zu times referred to", name, named,
                     referred);
    }
}

/* The value at a path such as "encode.ext4 then properties". */
static json_t *at(json_t *schema, const char *path)
{
    json_t *value = json_object_get(schema, "$defs");
    char word[64];
    for (const char *p = path; *p != '\0';) {
        size_t len = strcspn(p, " ");
        (void)snprintf(word, sizeof(word), "%.*s", (int)len, p);
        value = json_is_array(value) ? json_array_get(value, (size_t)(word[0] - '0'))
                                     : json_object_get(value, word);
        assert_non_null(value);
        p += len + (p[len] == ' ');
    }
    return value;
}

#define PARAMS " then properties params"

/* What somebody wrote there is what the tables say again, and nothing else is another. */
static void test_mends(void **state)
{
    static const struct {
        const char *path;
        const char *member;
        const char *value; /* JSON; NULL: it is taken away */
    } changes[] = {
        {"encode.ext4" PARAMS " properties size", "multipleOf", "512"},
        {"encode.ext4" PARAMS " properties size", "maximum", NULL},
        {"encode.ext4" PARAMS " properties label", "maxLength", "17"},
        {"encode.ext4" PARAMS " properties label", "pattern", "\"^.*$\""},
        {"encode.ext4" PARAMS " properties", "xattrs", NULL},
        {"encode.ext4" PARAMS " properties", "more", "{\"type\":\"boolean\"}"},
        {"encode.ext4" PARAMS " properties xattrs", "type", "\"integer\""},
        {"encode.ext4" PARAMS, "required", "[\"size\"]"},
        {"encode.ext4" PARAMS, "additionalProperties", "true"},
        {"encode.squashfs" PARAMS " properties compressor", "enum", "[\"gzip\",\"lzo\"]"},
        {"encode.squashfs" PARAMS " properties blockSize", "minimum", "0"},
        {"encode.vhd" PARAMS " properties type", "enum", "[\"fixed\"]"},
        {"encode.vhd" PARAMS " properties time", "$ref", "\"#/$defs/id\""},
        {"join.parts" PARAMS " properties offsets", "uniqueItems", "false"},
        {"join.parts" PARAMS " properties offsets items", "maximum", NULL},
        {"tree.layers" PARAMS " properties layers items oneOf 0 properties form", "const",
         "\"deb\""},
        {"join.parts" PARAMS " properties offsets", "minItems", NULL},
        {"tree.debian" PARAMS " properties users items properties groups", "maxItems", "65"},
        {"encode.disk" PARAMS " properties partitions items oneOf 1 properties name", "maxLength",
         "72"},
        {"encode.uimage then properties in", "maxItems", "2"},
        {"uuid", "pattern", "\"^derived$\""},
        {"slaves", "maxItems", "1"},
        {"absolutePath", "maxLength", NULL},
        {"globs items", "maxLength", "1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        AUTO_JSON json_t *schema = read_schema();
        json_t *place = at(schema, changes[i].path);
        json_t *before = json_deep_copy(json_object_get(place, changes[i].member));
        if (changes[i].value == NULL)
            assert_int_equal(json_object_del(place, changes[i].member), 0);
        else
            assert_int_equal(
                json_object_set_new(place, changes[i].member,
                                    json_loads(changes[i].value, JSON_DECODE_ANY, NULL)),
                0);
        update(schema);
        const json_t *after = json_object_get(at(schema, changes[i].path), changes[i].member);
        /* "required" is a set. */
        bool set = strcmp(changes[i].member, "required") == 0;
        if (set ? json_array_size(before) != json_array_size(after)
                : (before == NULL) != (after == NULL) ||
                      (before != NULL && !json_equal(before, after)))
            fail_msg("not mended: %s of %s", changes[i].member, changes[i].path);
        json_decref(before);
    }
}

/* Another order is no other schema, and what the tables leave open stays. */
static void test_leaves(void **state)
{
    AUTO_JSON json_t *schema = read_schema();
    (void)state;
    json_t *files = at(schema, "encode.fat" PARAMS " properties files");
    assert_int_equal(json_object_set_new(files, "maxItems", json_integer(7)), 0);
    assert_int_equal(json_object_set_new(at(schema, "encode.vhd" PARAMS), "required",
                                         json_pack("[s,s,s]", "time", "size", "type")),
                     0);
    AUTO_JSON json_t *before = json_deep_copy(schema);
    update(schema);
    assert_true(json_equal(before, schema));
}

struct params {
    uint64_t size;
};
static const struct param rows[] = {{PARAM_U64("size", struct params, size), .max = 9}};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};
static const struct step_kind new_kind = {
    .name = "encode.new", .min_inputs = 1, .max_inputs = 2, .params = &takes};
static const struct step_kind *const new_kinds[] = {&new_kind};

static void test_adds(void **state)
{
    static const struct step_table table = {.kinds = new_kinds, .kind_count = 1};
    struct err e = ERR_INIT;
    AUTO_JSON json_t *schema = read_schema();
    AUTO_JSON json_t *nothing = json_object();
    AUTO_JSON json_t *wanted = json_loads(
        "{\"if\":{\"properties\":{\"kind\":{\"const\":\"encode.new\"}}},"
        "\"then\":{\"properties\":{\"params\":{\"additionalProperties\":false,"
        "\"required\":[\"size\"],\"properties\":{\"size\":{\"type\":\"integer\",\"minimum\":0,"
        "\"maximum\":9}}},\"in\":{\"minItems\":1,\"maxItems\":2}}}}",
        0, NULL);
    (void)state;
    size_t before = json_array_size(at(schema, "step allOf"));
    assert_int_equal(step_schema_update(schema, &table, &e), 0);
    assert_int_equal(step_schema_update(schema, &table, &e), 0);
    assert_true(json_equal(at(schema, "encode.new"), wanted));
    assert_int_equal(json_array_size(at(schema, "step allOf")), before + 1);
    assert_int_equal(json_array_size(at(schema, "step properties kind enum")), before + 1);
    assert_int_equal(step_schema_update(nothing, &table, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_committed), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_mends),     cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_adds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
