/* SPDX-License-Identifier: Apache-2.0 */
/* A step's key depends on what reaches its output, and on nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builder/run/key.h"

#include <string.h>

static const char *const zstd_only[] = {"zstd", NULL};

struct fixture {
    struct step_kind kind;
    struct plan plan;
    struct plan_step step;
    struct plan_ref refs[2];
    struct step_value values[2];
};

static json_t *json(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    assert_non_null(value);
    return value;
}

static void make(struct fixture *f)
{
    *f = (struct fixture){0};
    f->kind.name = "encode.test";
    f->kind.libraries = zstd_only;
    f->plan.toolchain_assay = "0.1.0";
    f->plan.toolchain_libraries = json("{\"zstd\":\"1.5.4\",\"zlib\":\"1.2.13\"}");
    f->step.id = "a";
    f->step.kind = &f->kind;
    f->step.in = f->refs;
    f->step.in_count = 2;
    f->step.params = json("{\"b\":1,\"a\":2}");
    for (size_t i = 0; i < 2; i++) {
        f->values[i].kind = VALUE_BLOB;
        f->values[i].digest.alg = DIGEST_SHA256;
        memset(f->values[i].digest.bytes, (int)i + 1, DIGEST_SHA256_SIZE);
    }
}

static struct digest key(struct fixture *f)
{
    struct err e = ERR_INIT;
    struct digest d;
    assert_int_equal(step_key(&f->plan, &f->step, f->values, &d, &e), 0);
    return d;
}

static void drop(struct fixture *f)
{
    json_decref(f->plan.toolchain_libraries);
    json_decref(f->step.params);
}

/* The key of the fixture, after a change, is the same or not. */
#define CHANGED(change, same)                                                                      \
    do {                                                                                           \
        struct fixture f, g;                                                                       \
        make(&f);                                                                                  \
        make(&g);                                                                                  \
        change;                                                                                    \
        struct digest a = key(&f), b = key(&g);                                                    \
        assert_int_equal(digest_equal(&a, &b), same);                                              \
        drop(&f);                                                                                  \
        drop(&g);                                                                                  \
    } while (0)

static void test_what_counts(void **state)
{
    (void)state;
    CHANGED(g.kind.name = "encode.other", false);
    CHANGED(json_object_set_new(g.step.params, "a", json_integer(3)), false);
    CHANGED(json_object_set_new(g.step.params, "c", json_null()), false);
    CHANGED(g.values[1].digest.bytes[31] ^= 1, false);
    CHANGED(g.values[0].kind = VALUE_TREE, false);
    CHANGED((g.values[0] = f.values[1], g.values[1] = f.values[0]), false);
    CHANGED(g.step.in_count = 1, false);
    CHANGED(g.plan.toolchain_assay = "0.1.1", false);
    CHANGED(json_object_set_new(g.plan.toolchain_libraries, "zstd", json_string("1.5.5")), false);
    CHANGED(g.kind.libraries = NULL, false);
}

static void test_what_does_not_count(void **state)
{
    (void)state;
    CHANGED((void)0, true);
    CHANGED(g.step.id = "b", true);
    CHANGED(g.refs[0].index = 7, true);
    CHANGED(g.plan.name = "other", true);
    CHANGED(json_object_set_new(g.plan.toolchain_libraries, "zlib", json_string("9")), true);
    CHANGED((json_object_del(g.step.params, "b"),
             json_object_set_new(g.step.params, "b", json_integer(1))),
            true);
}

/* The form of a key is part of the cache's format: it changes only on purpose. */
static void test_golden(void **state)
{
    (void)state;
    static const char text[] =
        "{\"inputs\":[{\"digest\":\"sha256:"
        "0101010101010101010101010101010101010101010101010101010101010101\",\"kind\":\"blob\"},{"
        "\"digest\":\"sha256:"
        "0202020202020202020202020202020202020202020202020202020202020202\",\"kind\":\"blob\"}],"
        "\"kind\":\"encode.test\",\"params\":{\"a\":2,\"b\":1},\"toolchain\":{\"assay\":\"0.1.0\","
        "\"libraries\":{\"zstd\":\"1.5.4\"}},\"type\":\"" STEP_KEY_TYPE "\"}";
    struct err e = ERR_INIT;
    struct fixture f;
    struct digest want;
    make(&f);
    struct digest got = key(&f);
    assert_int_equal(digest_bytes(DIGEST_SHA256, text, strlen(text), &want, &e), 0);
    assert_true(digest_equal(&got, &want));
    drop(&f);
}

static void test_unlisted_library(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct fixture f;
    struct digest d;
    make(&f);
    json_object_del(f.plan.toolchain_libraries, "zstd");
    assert_int_equal(step_key(&f.plan, &f.step, f.values, &d, &e), -ERR_UNDECIDED);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_counts),
        cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_unlisted_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
