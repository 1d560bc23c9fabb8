/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/summary.h"
#include "base/file.h"
#include "base/media_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD                                                                                       \
    "{\"_type\":\"" STATEMENT_TYPE "\",\"subject\":[{\"name\":\"n\",\"digest\":{\"sha256\":"       \
    "\"" HEX_A "\"}}],\"predicateType\":"

static json_t *make(const char *text)
{
    struct err e = ERR_INIT;
    json_t *summary = NULL;
    assert_int_equal(summary_make(text, strlen(text), "test", &summary, &e), 0);
    return summary;
}

static void explain(const json_t *summary, struct buf *words)
{
    struct err e = ERR_INIT;
    words->len = 0;
    assert_int_equal(summary_explain(summary, words, &e), 0);
    assert_true(words->len > 0 && words->data[words->len - 1] == '\n');
}

static void assert_says(const struct buf *words, const char *part)
{
    if (strstr(buf_str(words), part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, buf_str(words));
}

static void test_provenance(void **state)
{
    (void)state;
    AUTO_BUF words = BUF_INIT(65536);
    AUTO_JSON json_t *summary =
        make(HEAD "\"" PROVENANCE_TYPE "\",\"predicate\":{\"buildDefinition\":{\"buildType\":"
                  "\"type\",\"externalParameters\":{\"recipe\":1},\"internalParameters\":{"
                  "\"planDigest\":\"sha256:1\"},\"resolvedDependencies\":[{\"name\":\"in\","
                  "\"digest\":{\"sha512\":\"5\",\"sha1\":\"1\"},\"uri\":\"pkg:x\"},{\"uri\":"
                  "\"pkg:y\"}]},\"runDetails\":{\"builder\":{\"id\":\"me\"}}}}");
    const json_t *p = json_object_get(json_object_get(summary, "statement"), "provenance");
    const json_t *inputs = json_object_get(p, "inputs");
    assert_string_equal(json_string_value(json_object_get(summary, "form")), "statement");
    assert_string_equal(json_string_value(json_object_get(p, "builder")), "me");
    assert_string_equal(json_string_value(json_object_get(p, "plan")), "sha256:1");
    assert_int_equal(json_array_size(inputs), 2);
    /* Without SHA-256 the first algorithm by name, so that the summary does not depend on order. */
    assert_string_equal(json_string_value(json_object_get(json_array_get(inputs, 0), "digest")),
                        "sha1:1");
    explain(summary, &words);
    assert_says(&words, "Unsigned statement");
    assert_says(&words, "  builder      me\n");
    assert_says(&words, "  2 inputs:\n    in  sha1:1  pkg:x\n");
    assert_says(&words, "(no digest)  pkg:y\n");
    assert_says(&words, "  1 subject, the file that it speaks of:\n    n  sha256:" HEX_A "\n");
}

static void test_verification(void **state)
{
    (void)state;
    AUTO_BUF words = BUF_INIT(65536);
    AUTO_JSON json_t *summary = make(
        HEAD "\"" VSA_TYPE "\",\"predicate\":{\"verificationResult\":\"FAILED\","
             "\"verifiedLevels\":[\"FAILED\"],\"verifier\":{\"id\":\"v\"},\"policy\":{\"uri\":"
             "\"urn:p\",\"digest\":{\"sha256\":\"2\"}},\"assay_verdict\":\"differs\","
             "\"assay_checks\":[{\"id\":\"subject\",\"passed\":true,\"text\":\"good\"},{\"id\":"
             "\"comparison\",\"passed\":false,\"text\":\"byte 5\"}],\"other\":1}}");
    const json_t *v = json_object_get(json_object_get(summary, "statement"), "verification");
    assert_string_equal(json_string_value(json_object_get(v, "assay_verdict")), "differs");
    assert_null(json_object_get(v, "other"));
    explain(summary, &words);
    assert_says(&words, "it FAILED.\n");
    assert_says(&words, "  verdict      differs\n");
    assert_says(&words, "  checks       ok    subject      good\n");
    assert_says(&words, "               FAIL  comparison   byte 5\n");
    assert_says(&words, "urn:p\n");
}

/* A foreign predicate's members may have any type: they are left out, never an error. */
static void test_odd_types(void **state)
{
    (void)state;
    static const char *const odd[] = {
        HEAD "\"" PROVENANCE_TYPE "\",\"predicate\":{}}",
        HEAD "\"" PROVENANCE_TYPE "\",\"predicate\":{\"buildDefinition\":1,\"runDetails\":[]}}",
        HEAD "\"" PROVENANCE_TYPE "\",\"predicate\":{\"buildDefinition\":{\"buildType\":{},"
             "\"externalParameters\":[],\"internalParameters\":\"x\",\"resolvedDependencies\":[1,"
             "null,{},{\"digest\":1},{\"digest\":{\"a\":1}}]},\"runDetails\":{\"builder\":\"me\","
             "\"metadata\":1,\"byproducts\":{}}}}",
        HEAD "\"" VSA_TYPE "\",\"predicate\":{}}",
        HEAD "\"" VSA_TYPE "\",\"predicate\":{\"verifier\":1,\"policy\":\"p\",\"verifiedLevels\":"
             "{},\"inputAttestations\":7,\"verificationResult\":false,\"assay_x\":[{\"a\":null}]}}",
        HEAD "\"https://example/unknown\"}",
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        AUTO_BUF words = BUF_INIT(65536);
        AUTO_JSON json_t *summary = make(odd[i]);
        explain(summary, &words);
    }
}

static void test_hostile_text(void **state)
{
    (void)state;
    AUTO_BUF words = BUF_INIT(65536);
    AUTO_JSON json_t *summary =
        make(HEAD "\"a\\u001b[2J\\n\\u0085\\u202e\\u2066\\u200f\\ufeff\\u007f\\u00e4\\ud83d\\ude00"
                  "\"}");
    explain(summary, &words);
    assert_says(&words, "  predicate    a?[2J???????\xc3\xa4\xf0\x9f\x98\x80\n");
}

static void test_envelope(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF words = BUF_INIT(65536);
    AUTO_BUF file = BUF_INIT(65536);
    assert_int_equal(file_read("tests/data/attest/gke-gce-pre.bcid-vsa.jsonl", &file, &e), 0);
    AUTO_JSON json_t *summary = make(buf_str(&file));
    assert_string_equal(json_string_value(json_object_get(summary, "form")), "envelope");
    assert_int_equal(json_array_size(json_object_get(summary, "signatures")), 1);
    explain(summary, &words);
    assert_says(&words, "keystore://76574:prod:vsa_signing_public_key  (a hint");
    assert_says(&words, "it passed.\n");
    assert_says(&words, "gce_image_id:8970095005306000053");

    AUTO_JSON json_t *other =
        make("{\"payload\":\"aGk=\",\"payloadType\":\"text/plain\",\"signatures\":[]}");
    assert_null(json_object_get(other, "statement"));
    explain(other, &words);
    assert_says(&words, "nobody");
    assert_says(&words, "no in-toto statement");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "[]",
        "{}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\"}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"" MEDIA_INTOTO "\",\"signatures\":[]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_INIT;
        json_t *summary = NULL;
        assert_int_equal(summary_make(bad[i], strlen(bad[i]), "test", &summary, &e), -ERR_INPUT);
        assert_null(summary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_provenance), cmocka_unit_test(test_verification),
        cmocka_unit_test(test_odd_types),  cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_envelope),   cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
