/* SPDX-License-Identifier: Apache-2.0 */
/* The pages name the kinds of steps that there are, with their parameters: docs/formats/plan.md,
 * and docs/formats/disk.md the containers of disks. */
#include "tests/unit/read_table.h"

#include "builder/steps/step.h"

static void want(const char *page, const char *row, size_t len, const char *kind, const char *key)
{
    AUTO_BUF plain = BUF_INIT(128);
    AUTO_BUF optional = BUF_INIT(128);
    struct err e = ERR_INIT;
    assert_int_equal(buf_addf(&plain, &e, "`%s`", key), 0);
    assert_int_equal(buf_addf(&optional, &e, "`%s?`", key), 0);
    if (memmem(row, len, buf_str(&plain), plain.len) == NULL &&
        memmem(row, len, buf_str(&optional), optional.len) == NULL)
        fail_msg("%s: %s has a parameter '%s'", page, kind, key);
}

static size_t check_page(const char *path)
{
    AUTO_BUF page = BUF_INIT(1 << 20);
    char names[TABLE_NAMES][TABLE_NAME];
    size_t len = 0;
    size_t seen = 0;
    read_page(path, &page);
    for (const char *row = table_find(buf_str(&page), "| kind | takes → gives | params |", &len);
         row != NULL; row = table_row(row + len, &len)) {
        assert_int_equal(table_names(row, names), 1);
        const struct step_kind *kind = step_kind_find(&builder_steps, names[0]);
        if (kind == NULL)
            fail_msg("%s: there is no kind '%s'", path, names[0]);
        for (size_t i = 0; kind != NULL && i < kind->params->row_count; i++) {
            const struct param *p = &kind->params->rows[i];
            if (p->key != NULL)
                want(path, row, len, kind->name, p->key);
            if (p->type == PARAM_TYPE_COMPRESSOR)
                want(path, row, len, kind->name, "level");
        }
        seen++;
    }
    return seen;
}

static void test_kinds(void **state)
{
    (void)state;
    size_t seen = check_page("docs/formats/plan.md");
    assert_int_equal(seen + check_page("docs/formats/disk.md"), builder_steps.kind_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
