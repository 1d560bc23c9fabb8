/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/statement.h"
#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SUBJECT "{\"name\":\"n\",\"digest\":{\"sha256\":\"" HEX_A "\"}}"
#define HEAD "{\"_type\":\"" STATEMENT_TYPE "\",\"subject\":["
#define TAIL "],\"predicateType\":\"p\",\"predicate\":{\"k\":1}}"

static int parse(const char *text, struct statement **out)
{
    struct err e = ERR_INIT;
    return statement_parse(text, strlen(text), "test", out, &e);
}

static struct digest digest_of(char digit)
{
    struct err e = ERR_INIT;
    struct digest digest;
    char text[] = "sha256:" HEX_A;
    memset(text + 7, digit, 64);
    assert_int_equal(digest_parse(text, &digest, &e), 0);
    return digest;
}

static void test_read(void **state)
{
    (void)state;
    struct digest a = digest_of('a');
    struct digest b = digest_of('b');
    struct digest c = digest_of('c');
    AUTO_STATEMENT struct statement *s = NULL;
    assert_int_equal(parse(HEAD SUBJECT
                           ",{\"digest\":{\"sha512\":\"xyz\"}},{\"digest\":{\"sha256\":"
                           "\"" HEX_B "\",\"sha1\":\"00\"},\"later\":1}" TAIL,
                           &s),
                     0);
    assert_string_equal(s->predicate_type, "p");
    assert_int_equal(json_integer_value(json_object_get(s->predicate, "k")), 1);
    assert_int_equal(s->subject_count, 2);
    assert_string_equal(s->subjects[0].name, "n");
    assert_string_equal(s->subjects[1].name, "");
    assert_ptr_equal(statement_find(s, &a), &s->subjects[0]);
    assert_ptr_equal(statement_find(s, &b), &s->subjects[1]);
    assert_null(statement_find(s, &c));
    /* The same bytes under another algorithm are another digest. */
    a.alg = DIGEST_SHA512;
    assert_null(statement_find(s, &a));
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        HEAD SUBJECT TAIL,
        "{\"_type\":\"" STATEMENT_TYPE_V01 "\",\"subject\":[" SUBJECT TAIL,
        HEAD SUBJECT "],\"predicateType\":\"p\"}",
        HEAD SUBJECT "],\"predicateType\":\"p\",\"predicate\":null}",
        HEAD SUBJECT "],\"predicateType\":\"p\",\"predicate\":{},\"unknown\":[1.5,\"\\u00e4\"]}",
        HEAD "{\"digest\":{\"gitCommit\":\"00\"}}" TAIL,
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        AUTO_STATEMENT struct statement *s = NULL;
        if (parse(good[i], &s) != 0)
            fail_msg("refused: %s", good[i]);
        assert_true(json_is_object(s->predicate));
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        HEAD SUBJECT TAIL "{}",
        "{\"subject\":[" SUBJECT TAIL,
        "{\"_type\":\"https://in-toto.io/Statement/v2\",\"subject\":[" SUBJECT TAIL,
        "{\"_type\":1,\"subject\":[" SUBJECT TAIL,
        "{\"_type\":\"" STATEMENT_TYPE "\",\"predicateType\":\"p\",\"predicate\":{}}",
        "{\"_type\":\"" STATEMENT_TYPE "\",\"subject\":{},\"predicateType\":\"p\"}",
        HEAD TAIL,
        HEAD "1" TAIL,
        HEAD "{\"name\":\"n\"}" TAIL,
        HEAD "{\"digest\":{}}" TAIL,
        HEAD "{\"digest\":[]}" TAIL,
        HEAD "{\"digest\":{\"sha256\":1}}" TAIL,
        HEAD "{\"digest\":{\"sha256\":\"aa\"}}" TAIL,
        HEAD "{\"digest\":{\"sha256\":\"" HEX_A "a\"}}" TAIL,
        HEAD "{\"digest\":{\"sha256\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
             "AAAAAAAA\"}}" TAIL,
        HEAD "{\"name\":1,\"digest\":{\"sha256\":\"" HEX_A "\"}}" TAIL,
        HEAD "{\"digest\":{\"sha256\":\"" HEX_A "\",\"sha256\":\"" HEX_B "\"}}" TAIL,
        HEAD SUBJECT "],\"predicate\":{}}",
        HEAD SUBJECT "],\"predicateType\":\"\",\"predicate\":{}}",
        HEAD SUBJECT "],\"predicateType\":\"p\",\"predicate\":[]}",
        HEAD SUBJECT "],\"predicateType\":\"p\",\"predicate\":{\"a\":1,\"a\":1}}",
        HEAD SUBJECT "],\"predicateType\":\"p\",\"predicate\":{\"a\":9007199254740993}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_STATEMENT struct statement *s = NULL;
        if (parse(bad[i], &s) != -ERR_INPUT)
            fail_msg("not refused as malformed: %s", bad[i]);
        assert_null(s);
    }
}

static void test_depth(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    for (int extra = 0; extra <= 1; extra++) {
        AUTO_STATEMENT struct statement *s = NULL;
        AUTO_BUF text = BUF_INIT(4096);
        int inner = STATEMENT_DEPTH_MAX - 2 + extra;
        assert_int_equal(
            buf_add_str(&text, HEAD SUBJECT "],\"predicateType\":\"p\",\"predicate\":{\"a\":", &e),
            0);
        for (int i = 0; i < inner; i++)
            assert_int_equal(buf_add_str(&text, "[", &e), 0);
        for (int i = 0; i < inner; i++)
            assert_int_equal(buf_add_str(&text, "]", &e), 0);
        assert_int_equal(buf_add_str(&text, "}}", &e), 0);
        assert_int_equal(parse(buf_str(&text), &s), extra == 0 ? 0 : -ERR_INPUT);
    }
}

static json_t *subjects_of(char digit)
{
    struct err e = ERR_INIT;
    struct digest digest = digest_of(digit);
    json_t *subject = NULL;
    json_t *subjects = json_array();
    assert_int_equal(resource_descriptor("out.img", NULL, &digest, NULL, &subject, &e), 0);
    assert_int_equal(json_push(subjects, subject, &e), 0);
    return subjects;
}

static void assert_canonical(const json_t *value, const char *expected)
{
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(16384);
    assert_int_equal(jcs_format(value, &text, &e), 0);
    assert_string_equal(buf_str(&text), expected);
}

static void test_descriptor(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest digest = digest_of('b');
    AUTO_JSON json_t *all = NULL;
    AUTO_JSON json_t *least = NULL;
    assert_int_equal(resource_descriptor("n", "pkg:x", &digest, "a/b", &all, &e), 0);
    assert_canonical(all, "{\"digest\":{\"sha256\":\"" HEX_B "\"},\"mediaType\":\"a/b\","
                          "\"name\":\"n\",\"uri\":\"pkg:x\"}");
    assert_int_equal(resource_descriptor(NULL, NULL, &digest, NULL, &least, &e), 0);
    assert_canonical(least, "{\"digest\":{\"sha256\":\"" HEX_B "\"}}");
}

static void test_provenance(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *external = json_pack("{s:{s:s}}", "recipe", "name", "hello");
    AUTO_JSON json_t *internal = json_pack("{s:s}", "planDigest", "sha256:" HEX_A);
    AUTO_JSON json_t *dependencies = subjects_of('c');
    AUTO_JSON json_t *version = json_pack("{s:s}", "assay", "0.1.0");
    AUTO_JSON json_t *statement = NULL;
    struct provenance p = {
        .build_type = "https://example/build",
        .external_parameters = external,
        .internal_parameters = internal,
        .resolved_dependencies = dependencies,
        .builder_id = "https://example/builder",
        .builder_version = version,
    };
    json_t *predicate = NULL;
    assert_int_equal(provenance_predicate(&p, &predicate, &e), 0);
    assert_int_equal(statement_new(subjects_of('a'), PROVENANCE_TYPE, predicate, &statement, &e),
                     0);
    assert_canonical(
        statement,
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"buildDefinition\":{"
        "\"buildType\":\"https://example/build\",\"externalParameters\":{\"recipe\":{\"name\":"
        "\"hello\"}},\"internalParameters\":{\"planDigest\":\"sha256:" HEX_A "\"},"
        "\"resolvedDependencies\":[{\"digest\":{\"sha256\":"
        "\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\"},\"name\":"
        "\"out.img\"}]},\"runDetails\":{\"builder\":{\"id\":\"https://example/builder\","
        "\"version\":{\"assay\":\"0.1.0\"}}}},\"predicateType\":"
        "\"https://slsa.dev/provenance/v1\",\"subject\":[{\"digest\":{\"sha256\":\"" HEX_A
        "\"},\"name\":\"out.img\"}]}");
    /* What is written can be read. */
    AUTO_BUF text = BUF_INIT(16384);
    AUTO_STATEMENT struct statement *s = NULL;
    assert_int_equal(jcs_format(statement, &text, &e), 0);
    assert_int_equal(parse(buf_str(&text), &s), 0);
    assert_int_equal(s->subject_count, 1);

    p.external_parameters = NULL;
    assert_int_equal(provenance_predicate(&p, &predicate, &e), -ERR_INPUT);
}

static void test_statement_new_refuses(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    json_t *out = NULL;
    assert_int_equal(statement_new(json_array(), "p", json_object(), &out, &e), -ERR_INPUT);
    assert_int_equal(statement_new(json_object(), "p", json_object(), &out, &e), -ERR_INPUT);
    assert_int_equal(statement_new(NULL, "p", json_object(), &out, &e), -ERR_INPUT);
    assert_int_equal(statement_new(json_pack("[{s:s}]", "name", "x"), "p", json_object(), &out, &e),
                     -ERR_INPUT);
    assert_int_equal(statement_new(subjects_of('a'), "p", json_array(), &out, &e), -ERR_INPUT);
    assert_int_equal(statement_new(subjects_of('a'), "p", NULL, &out, &e), -ERR_INPUT);
    assert_null(out);
}

static void test_vsa(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *levels = json_pack("[s]", "SLSA_BUILD_LEVEL_1");
    AUTO_JSON json_t *inputs = subjects_of('a');
    AUTO_JSON json_t *extensions = json_pack("{s:s}", "assay_verdict", "reproduced");
    AUTO_JSON json_t *wrong = json_pack("{s:s}", "verificationResult", "PASSED");
    AUTO_JSON json_t *predicate = NULL;
    struct vsa v = {
        .verifier_id = "https://example/verifier",
        .time_verified = "2026-11-22T00:00:00Z",
        .resource_uri = "urn:x",
        .policy_uri = "urn:policy",
        .policy_digest = digest_of('b'),
        .input_attestations = inputs,
        .passed = true,
        .verified_levels = levels,
        .extensions = extensions,
    };
    assert_int_equal(vsa_predicate(&v, &predicate, &e), 0);
    assert_canonical(
        predicate,
        "{\"assay_verdict\":\"reproduced\",\"inputAttestations\":[{\"digest\":{\"sha256\":\"" HEX_A
        "\"},\"name\":\"out.img\"}],\"policy\":{\"digest\":{\"sha256\":\"" HEX_B
        "\"},\"uri\":\"urn:policy\"},\"resourceUri\":\"urn:x\",\"slsaVersion\":\"1.2\","
        "\"timeVerified\":\"2026-11-22T00:00:00Z\",\"verificationResult\":\"PASSED\","
        "\"verifiedLevels\":[\"SLSA_BUILD_LEVEL_1\"],\"verifier\":{\"id\":"
        "\"https://example/verifier\"}}");
    json_t *none = NULL;
    v.extensions = wrong;
    assert_int_equal(vsa_predicate(&v, &none, &e), -ERR_HOST);
    v.extensions = NULL;
    v.time_verified = "yesterday";
    assert_int_equal(vsa_predicate(&v, &none, &e), -ERR_HOST);
    v.time_verified = "2026-11-22T00:00:00Z";
    v.verified_levels = NULL;
    assert_int_equal(vsa_predicate(&v, &none, &e), -ERR_HOST);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),       cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_depth),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_provenance),
        cmocka_unit_test(test_vsa),        cmocka_unit_test(test_statement_new_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
