/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/needs.h"

#include "base/json.h"
#include "verifier/evidence/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Two artifacts of one root, one of them with a hash tree and its root hash, and a third apart. */
static const char plan_text[] =
    "{\"steps\": ["
    "{\"id\": \"root\", \"in\": [\"layer\"]}, {\"id\": \"tar\", \"in\": [\"root\"]},"
    "{\"id\": \"image\", \"in\": [\"root\", \"extra\"]},"
    "{\"id\": \"verity\", \"in\": [\"image\"]}, {\"id\": \"hash\", \"in\": [\"verity\"]},"
    "{\"id\": \"other\", \"in\": [\"layer\"]}],"
    "\"outputs\": [{\"name\": \"a.tar\", \"from\": \"tar\"},"
    "{\"name\": \"a.squashfs\", \"from\": \"image\", \"digests\": {\"verity\": \"hash\"}},"
    "{\"name\": \"b\", \"from\": \"other\"}]}";

static json_t *needs_of(const char *text, const char *output)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *plan = json_loads(text, 0, NULL);
    json_t *needs = json_object();
    assert_non_null(plan);
    assert_int_equal(needs_add(plan, output, needs, &e), 0);
    return needs;
}

/* Of the plan's steps, those that are needed: "root image". */
static void expect(const char *output, const char *says)
{
    static const char *const ids[] = {"root", "tar", "image", "verity", "hash", "other"};
    AUTO_JSON json_t *needs = needs_of(plan_text, output);
    AUTO_BUF all = BUF_INIT(1024);
    struct err e = ERR_INIT;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        AUTO_FREE char *name = NULL;
        assert_int_equal(str_format(&name, &e, "step/%s", ids[i]), 0);
        if (json_object_get(needs, name) != NULL)
            assert_int_equal(buf_addf(&all, &e, "%s%s", all.len > 0 ? " " : "", ids[i]), 0);
    }
    assert_string_equal(buf_str(&all), says);
}

static void test_closure(void **state)
{
    (void)state;
    expect("a.tar", "root tar");
    expect("a.squashfs", "root image verity hash");
    expect("b", "other");
    expect("c", "");
}

/* Whoever wrote the plan may have written anything: what is no step is nobody's. */
static void test_odd_plans(void **state)
{
    static const char *const texts[] = {
        "{}", "{\"steps\": 1, \"outputs\": 2}",
        "{\"steps\": [1, {\"id\": 2}, {}], \"outputs\": [{\"name\": \"a\", \"from\": 3}]}",
        "{\"steps\": [{\"id\": \"x\", \"in\": [\"x\", 4, \"y\"]}], \"outputs\": [1]}",
        "{\"outputs\": [{\"name\": \"a\", \"from\": \"x\", \"digests\": {\"d\": 1}}]}"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_decref(needs_of(texts[i], "a"));
}

static json_t *byproducts(const char *digits, const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            json_array_append_new(list, json_pack("{s: s, s: {s: s%}}", "name", names[i], "digest",
                                                  "sha256", &digits[i], (size_t)1)),
            0);
    return list;
}

static void expect_step(const char *theirs, const char *ours, const char *output, const char *says)
{
    static const char *const all[] = {"step/root",   "step/tar",  "step/image",
                                      "step/verity", "step/hash", "step/other"};
    static const char *const some[] = {"step/root", "step/image", "step/verity", "step/hash"};
    bool partial = strlen(ours) == 4;
    AUTO_JSON json_t *a = byproducts(theirs, all, 6);
    AUTO_JSON json_t *b = byproducts(ours, partial ? some : all, strlen(ours));
    AUTO_JSON json_t *needs = needs_of(plan_text, output);
    const char *step = NULL;
    claims_first_divergence(a, b, needs, &step);
    if (says == NULL)
        assert_null(step);
    else
        assert_string_equal(step, says);
}

static void test_divergence(void **state)
{
    (void)state;
    expect_step("000000", "000000", "a.tar", NULL);
    expect_step("010000", "000000", "a.tar", "step/tar");
    expect_step("010000", "000000", "a.squashfs", NULL);
    expect_step("010010", "000000", "a.squashfs", "step/hash");
    expect_step("111111", "000000", "a.squashfs", "step/root");
    expect_step("111111", "000000", "b", "step/other");
    expect_step("010001", "0000", "a.squashfs", NULL);
    expect_step("001000", "0000", "a.squashfs", "step/image");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closure),
        cmocka_unit_test(test_odd_plans),
        cmocka_unit_test(test_divergence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
