/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/version.h"
#include "verifier/policy/policy.h"

#include <string.h>

static char *pem_a;
static char *pem_b;
static struct signing_key *key_a;
static struct signing_key *key_b;

static char *pem_of(const struct signing_key *key)
{
    struct err e = ERR_INIT;
    struct buf pem = BUF_INIT(16384);
    assert_int_equal(public_key_format(signing_key_public(key), &pem, &e), 0);
    return buf_steal(&pem);
}

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_int_equal(signing_key_generate(KEY_P256, &key_a, &e), 0);
    assert_int_equal(signing_key_generate(KEY_ED25519, &key_b, &e), 0);
    pem_a = pem_of(key_a);
    pem_b = pem_of(key_b);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    signing_key_free(key_a);
    signing_key_free(key_b);
    free(pem_a);
    free(pem_b);
    return 0;
}

static json_t *good(void)
{
    json_t *p = json_pack("{s:s, s:[{s:s},{s:s}], s:[{s:s, s:[s]}], s:{s:i, s:[{s:s, s:[s]}]}}",
                          "type", POLICY_TYPE, "artifacts", "name", "hello*", "name", "one.tar",
                          "builders", "id", "https://b.example/1", "keys", pem_a, "rebuilds",
                          "minimum", 1, "verifiers", "id", "https://v.example/1", "keys", pem_b);
    assert_non_null(p);
    return p;
}

static int parse(const json_t *document, struct policy **out, struct err *e)
{
    char *text = json_dumps(document, 0);
    assert_non_null(text);
    int rc = policy_parse(text, strlen(text), "policy", out, e);
    free(text);
    return rc;
}

static void test_good(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *document = good();
    AUTO_POLICY struct policy *p = NULL;
    assert_int_equal(parse(document, &p, &e), 0);
    assert_int_equal(p->builder_count, 1);
    assert_int_equal(p->verifier_count, 1);
    assert_int_equal(p->rebuilds_minimum, 1);
    assert_true(policy_covers(p, "hello.squashfs"));
    assert_true(policy_covers(p, "one.tar"));
    assert_false(policy_covers(p, "two.tar"));
    assert_false(policy_covers(p, "hello/x"));
}

static void test_signers(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *document = good();
    AUTO_POLICY struct policy *p = NULL;
    AUTO_DSSE struct dsse_envelope *by_a = NULL;
    AUTO_DSSE struct dsse_envelope *by_b = NULL;
    AUTO(policy_signers_dispose) struct policy_signers signers = {0};
    /* The same key for a second builder, and another's before it. */
    json_t *builders = json_object_get(document, "builders");
    assert_int_equal(
        json_array_insert_new(
            builders, 0, json_pack("{s:s, s:[s]}", "id", "https://b.example/0", "keys", pem_b)),
        0);
    assert_int_equal(
        json_array_append_new(
            builders, json_pack("{s:s, s:[s]}", "id", "https://b.example/2", "keys", pem_a)),
        0);
    assert_int_equal(parse(document, &p, &e), 0);
    assert_int_equal(dsse_sign(key_a, "t", "x", 1, &by_a, &e), 0);
    assert_int_equal(dsse_sign(key_b, "t", "x", 1, &by_b, &e), 0);
    assert_int_equal(policy_find_signers(p->builders, p->builder_count, by_a, &signers, &e), 0);
    assert_int_equal(signers.count, 2);
    assert_non_null(policy_signer_for(&signers, "https://b.example/1"));
    assert_non_null(policy_signer_for(&signers, "https://b.example/2"));
    assert_null(policy_signer_for(&signers, "https://b.example/0"));
    /* A key is trusted for its own role only. */
    assert_int_equal(policy_find_signers(p->verifiers, p->verifier_count, by_a, &signers, &e), 0);
    assert_int_equal(signers.count, 0);
    assert_int_equal(policy_find_signers(p->builders, p->builder_count, by_b, &signers, &e), 0);
    assert_int_equal(signers.count, 1);
    assert_non_null(policy_signer_for(&signers, "https://b.example/0"));
}

static void refuse(json_t *document, const char *says)
{
    struct err e = ERR_INIT;
    struct policy *p = NULL;
    char line[4096];
    assert_int_equal(parse(document, &p, &e), -ERR_USAGE);
    if (strstr(err_line(&e, line, sizeof(line)), says) == NULL)
        fail_msg("'%s' does not say '%s'", line, says);
    json_decref(document);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const required[] = {"type", "artifacts", "builders", "rebuilds"};
    for (size_t i = 0; i < 4; i++) {
        json_t *p = good();
        json_object_del(p, required[i]);
        refuse(p, required[i]);
    }
    json_t *p = good();
    json_object_set_new(p, "unknown", json_true());
    refuse(p, "unknown key 'unknown'");
    p = good();
    json_object_set_new(json_object_get(p, "rebuilds"), "minimum", json_integer(0));
    refuse(p, "at least 1");
    p = good();
    json_object_set_new(json_object_get(p, "rebuilds"), "minimum", json_string("1"));
    refuse(p, "$.rebuilds.minimum");
    p = good();
    json_object_set_new(p, "builders", json_array());
    refuse(p, "at least one builder");
    p = good();
    json_array_append(json_object_get(p, "builders"),
                      json_array_get(json_object_get(p, "builders"), 0));
    refuse(p, "stands twice");
    p = good();
    json_object_set_new(json_array_get(json_object_get(p, "builders"), 0), "keys", json_array());
    refuse(p, "at least one key");
    p = good();
    json_array_append_new(
        json_object_get(json_array_get(json_object_get(p, "builders"), 0), "keys"),
        json_string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    refuse(p, "$.builders[0].keys[1]");
    p = good();
    json_object_set_new(p, "type", json_string("https://other.example/policy"));
    refuse(p, "expected '" POLICY_TYPE "'");
}

static void test_duplicate_key(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct policy *p = NULL;
    static const char text[] = "{\"type\":\"x\",\"type\":\"x\"}";
    assert_int_equal(policy_parse(text, sizeof(text) - 1, "policy", &p, &e), -ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_duplicate_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
