/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts have the same names, and compressors the same levels, in the table, the schema and the
 * documentation. */
#include "tests/unit/read_table.h"

#include "base/json.h"
#include "builder/linuxkit/compat_plan.h"
#include "builder/recipe/artifact.h"
#include "formats/squashfs/squashfs_compressors.h"

#define SCHEMA "schemas/recipe.schema.json"
#define REFERENCE "docs/reference/recipe.md"
#define GUIDE "docs/guides/linuxkit.md"

static size_t kind_count(void)
{
    size_t n = 0;
    while (artifact_kinds[n] != NULL)
        n++;
    return n;
}

static bool is_kind(const char *name)
{
    for (size_t i = 0; artifact_kinds[i] != NULL; i++)
        if (strcmp(artifact_kinds[i]->name, name) == 0)
            return true;
    return false;
}

/* LinuxKit's own format, as compat mode knows it. */
static bool is_linuxkits(const char *name)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *list = NULL;
    return compat_plan_formats(&name, 1, &list, &e) != -ERR_USAGE;
}

static void read_schema(json_t **out)
{
    struct err e = ERR_INIT;
    char line[1024];
    if (json_read_file(SCHEMA, NULL, out, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
}

static json_t *schema_part(json_t *schema, const char *name)
{
    json_t *part = json_object_get(json_object_get(schema, "$defs"), name);
    assert_non_null(part);
    return part;
}

static void test_schema_names(void **state)
{
    AUTO_JSON json_t *schema = NULL;
    const char *name;
    json_t *value;
    size_t i;
    (void)state;
    read_schema(&schema);
    json_t *forms = json_object_get(schema_part(schema, "artifact"), "oneOf");
    json_t *names = json_object_get(json_array_get(forms, 0), "enum");
    json_t *maps = json_object_get(json_array_get(forms, 1), "properties");
    assert_int_equal(json_array_size(names), kind_count());
    assert_int_equal(json_object_size(maps), kind_count());
    json_array_foreach(names, i, value) assert_true(is_kind(json_string_value(value)));
    json_object_foreach(maps, name, value) assert_true(is_kind(name));
}

/* Each of `wanted` kinds stands in one row of the table, at which `look` may look. */
static void check_table(const char *path, const char *head, size_t wanted,
                        void (*look)(const char *name, const char *row, size_t len))
{
    AUTO_BUF page = BUF_INIT(1 << 20);
    char names[TABLE_NAMES][TABLE_NAME];
    size_t seen = 0;
    size_t len = 0;
    read_page(path, &page);
    for (const char *row = table_find(buf_str(&page), head, &len); row != NULL;
         row = table_row(row + len, &len)) {
        size_t count = table_names(row, names);
        for (size_t i = 0; i < count; i++) {
            if (!is_kind(names[i]))
                fail_msg("%s: '%s' is no artifact", path, names[i]);
            if (look != NULL)
                look(names[i], row, len);
        }
        seen += count;
    }
    assert_int_equal(seen, wanted);
}

static void test_reference_names(void **state)
{
    (void)state;
    check_table(REFERENCE, "| artifact | outputs | options and defaults |", kind_count(), NULL);
}

static void look_at_guide(const char *name, const char *row, size_t len)
{
    (void)row;
    (void)len;
    if (!is_linuxkits(name))
        fail_msg("%s: '%s' is none of LinuxKit's", GUIDE, name);
}

/* The guide has LinuxKit's formats, all of them and no others. */
static void test_guide_names(void **state)
{
    size_t count = 0;
    (void)state;
    for (size_t i = 0; artifact_kinds[i] != NULL; i++)
        count += is_linuxkits(artifact_kinds[i]->name);
    check_table(GUIDE, "| format | files | boots on |", count, look_at_guide);
}

/* ---- compressors ---- */

static void test_schema_compressors(void **state)
{
    static const struct {
        const char *definition;
        const struct compressor *const *list;
        const struct compressor *normal;
    } rows[] = {{"squashfs", squashfs_compressors, &compressor_zstd},
                {"initrd", compressors_gzip_or_none, &compressor_gzip},
                {"oci", compressors_gzip_or_none, &compressor_gzip}};
    AUTO_JSON json_t *schema = NULL;
    (void)state;
    read_schema(&schema);
    json_t *artifact = json_object_get(schema_part(schema, "artifact"), "oneOf");
    json_t *maps = json_object_get(json_array_get(artifact, 1), "properties");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *part = json_object_get(maps, rows[i].definition);
        if (part == NULL || json_object_get(part, "$ref") != NULL)
            part = schema_part(schema, rows[i].definition);
        json_t *options = json_object_get(part, "properties");
        json_t *compressor = json_object_get(options, "compressor");
        json_t *names = json_object_get(compressor, "enum");
        json_t *level = json_object_get(options, "level");
        int max = 0;
        size_t n = 0;
        for (; rows[i].list[n] != NULL; n++) {
            assert_string_equal(json_string_value(json_array_get(names, n)), rows[i].list[n]->name);
            max = rows[i].list[n]->level_max > max ? rows[i].list[n]->level_max : max;
        }
        assert_int_equal(json_array_size(names), n);
        assert_string_equal(json_string_value(json_object_get(compressor, "default")),
                            rows[i].normal->name);
        assert_int_equal(json_integer_value(json_object_get(level, "minimum")), 0);
        assert_int_equal(json_integer_value(json_object_get(level, "maximum")), max);
    }
}

/* What a reader is told of a list of compressors: "gzip 1 to 9, default 9; …". */
static void say_levels(const struct compressor *const *list, struct buf *out)
{
    struct err e = ERR_INIT;
    for (size_t i = 0; list[i] != NULL; i++) {
        const struct compressor *z = list[i];
        if (z->level_max == 0)
            continue;
        assert_int_equal(buf_addf(out, &e, "%s%s %d %s %d, default %d", i > 0 ? "; " : "", z->name,
                                  z->level_min, z->ends_only ? "or" : "to", z->level_max,
                                  z->level_normal),
                         0);
    }
}

static void look_at_reference(const char *name, const char *row, size_t len)
{
    AUTO_BUF levels = BUF_INIT(1024);
    AUTO_BUF wanted = BUF_INIT(1024);
    struct err e = ERR_INIT;
    const struct compressor *z = &compressor_gzip;
    if (strcmp(name, "squashfs") == 0) {
        say_levels(squashfs_compressors, &levels);
        assert_int_equal(buf_addf(&wanted, &e,
                                  "`compressor: %s` (gzip, zstd, xz, lz4, none), "
                                  "`level` (%s)",
                                  compressor_zstd.name, buf_str(&levels)),
                         0);
    } else if (strcmp(name, "kernel+initrd") == 0 || strcmp(name, "oci") == 0) {
        assert_int_equal(buf_addf(&wanted, &e,
                                  "`compressor: %s` (gzip, none), `level` (%d to %d, default %d)",
                                  z->name, z->level_min, z->level_max, z->level_normal),
                         0);
    }
    if (memmem(row, len, buf_str(&wanted), wanted.len) == NULL)
        fail_msg("%s: '%s' has not: %s", REFERENCE, name, buf_str(&wanted));
}

static void test_reference_compressors(void **state)
{
    (void)state;
    check_table(REFERENCE, "| artifact | outputs | options and defaults |", kind_count(),
                look_at_reference);
}

/* docs/formats/: "`gzip` 1–9, `zstd` 1–22, …, `lz4` 0 (fast) or 12 (high compression), `none` 0".
 */
static void test_format_pages(void **state)
{
    static const char *const pages[] = {"docs/formats/squashfs.md", "docs/formats/oci.md"};
    const struct compressor *const *lists[] = {squashfs_compressors, compressors_gzip_or_none};
    struct err e = ERR_INIT;
    (void)state;
    for (size_t p = 0; p < 2; p++) {
        AUTO_BUF page = BUF_INIT(1 << 20);
        read_page(pages[p], &page);
        for (size_t i = 0; lists[p][i] != NULL; i++) {
            const struct compressor *z = lists[p][i];
            AUTO_BUF text = BUF_INIT(256);
            int rc = z->level_max == 0 ? buf_addf(&text, &e, "`%s` 0", z->name)
                     : z->ends_only
                         ? buf_addf(&text, &e, "`%s` %d (fast) or %d (high compression)", z->name,
                                    z->level_min, z->level_max)
                         : buf_addf(&text, &e, "`%s` %d–%d", z->name, z->level_min, z->level_max);
            assert_int_equal(rc, 0);
            if (strstr(buf_str(&page), buf_str(&text)) == NULL)
                fail_msg("%s has not: %s", pages[p], buf_str(&text));
        }
    }
}

static void test_levels(void **state)
{
    (void)state;
    assert_true(compressor_has_level(&compressor_lz4, 0));
    assert_true(compressor_has_level(&compressor_lz4, 12));
    assert_false(compressor_has_level(&compressor_lz4, 3));
    assert_true(compressor_has_level(&compressor_zstd, 22));
    assert_false(compressor_has_level(&compressor_zstd, 23));
    assert_false(compressor_has_level(&compressor_gzip, 0));
    assert_true(compressor_has_level(&compressor_none, 0));
    assert_false(compressor_has_level(&compressor_none, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_names),
        cmocka_unit_test(test_reference_names),
        cmocka_unit_test(test_guide_names),
        cmocka_unit_test(test_schema_compressors),
        cmocka_unit_test(test_reference_compressors),
        cmocka_unit_test(test_format_pages),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
